//! A copy of the workshop in which nothing is at stake, and the program run in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use workshop::course::Course;
use workshop::learner::starter;
use workshop::learner::workspace::Workspace;

/// A workshop at its beginning, in a directory that is removed with it.
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Tree {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("tree-{}-{number}", std::process::id());
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let tree = Self { root };
        tree.write("workshop/sections.toml", "");
        for section in &course().sections {
            for file in &section.files {
                let starter = starter::of_file(course(), section, file).unwrap();
                tree.write(&Workspace::relative(section, file), &starter);
            }
        }
        tree
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    pub(crate) fn workspace(&self) -> Workspace {
        Workspace::around(&self.root).unwrap()
    }

    /// Every file, but for what the workshop keeps for itself.
    pub(crate) fn learners_files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = self.all_files();
        files.retain(|path, _| !path.starts_with(".workshop"));
        files
    }

    pub(crate) fn all_files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut open = vec![self.root.clone()];
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let inside = path.strip_prefix(&self.root).unwrap().to_owned();
                    files.insert(inside, fs::read(&path).unwrap());
                }
            }
        }
        files
    }

    pub(crate) fn run(&self, line: &str) -> Ended {
        self.run_in("", line)
    }

    pub(crate) fn run_in(&self, directory: &str, line: &str) -> Ended {
        let mut command = self.command();
        command.current_dir(self.root.join(directory)).args(line.split_whitespace());
        end(&mut command)
    }

    /// The program, without arguments, and without what the tests' own cargo has set.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_workshop"));
        command.current_dir(&self.root).stdin(Stdio::null());
        command.env_remove("CARGO_MANIFEST_DIR").env_remove("CLICOLOR_FORCE");
        command
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

pub(crate) fn end(command: &mut Command) -> Ended {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap().replace("\r\n", "\n");
    Ended { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

impl Ended {
    /// Ended with this exit code, and said this.
    #[track_caller]
    pub(crate) fn expect(&self, code: i32, said: &[&str]) -> &Self {
        assert_eq!(self.code, code, "{self:#?}");
        let all = format!("{}{}", self.out, self.err);
        for text in said {
            assert!(all.contains(text), "{text:?} is not in\n{all}");
        }
        assert!(!all.contains('\x1b'), "no colours in a pipe:\n{all}");
        self
    }
}

/// What the status says when so many checks of section 1 have passed.
pub(crate) fn of_section1(passed: usize) -> String {
    let checks = course().section("section1").unwrap().checks().count();
    format!("{passed} of {checks} checks")
}

pub(crate) fn course() -> &'static Course {
    Course::embedded().unwrap()
}
