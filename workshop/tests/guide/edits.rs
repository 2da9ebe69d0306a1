//! Saves and kills at every moment of reset, goto and undo: what a learner wrote last is in its
//! place or in a backup.

use std::collections::BTreeMap;
use std::fs;
use std::iter;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::share;
use crate::tree::Tree;
#[cfg(target_os = "linux")]
use crate::tree::end;

const ONE: &str = "section1-expose/src/main.rs";
const TWO: &str = "section2-counter/src/main.rs";

/// How many moments of a command are tried.
const MOMENTS: u32 = 20;

fn start(tree: &Tree, line: &str) -> Child {
    let mut command = tree.command();
    command.args(line.split_whitespace()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Whether a text is in a learner's file, or in a backup of it.
fn is_somewhere(tree: &Tree, path: &str, text: &str) -> bool {
    let has =
        |(file, bytes): (&PathBuf, &Vec<u8>)| file.ends_with(path) && bytes == text.as_bytes();
    tree.all_files().iter().any(has)
}

/// What was left where nothing should be.
fn left_over(tree: &Tree) -> Vec<PathBuf> {
    let all: BTreeMap<PathBuf, Vec<u8>> = tree.all_files();
    all.into_keys().filter(|path| path.to_string_lossy().contains(".new")).collect()
}

/// Windows does not tell which process is gone: what was left goes when it is an hour old.
#[cfg(windows)]
fn let_an_hour_pass(tree: &Tree) {
    use std::os::windows::fs::OpenOptionsExt;

    // So that a folder can be opened, too.
    const WRITE_ATTRIBUTES: u32 = 0x100;
    const BACKUP_SEMANTICS: u32 = 0x0200_0000;
    let past = std::time::SystemTime::now() - Duration::from_secs(2 * 3600);
    for left in left_over(tree) {
        let left = left.ancestors().filter(|path| path.extension().is_some_and(|it| it == "new"));
        for path in left {
            let mut options = fs::OpenOptions::new();
            options.access_mode(WRITE_ATTRIBUTES).custom_flags(BACKUP_SEMANTICS);
            options.open(tree.root.join(path)).unwrap().set_modified(past).unwrap();
        }
    }
}

#[cfg(not(windows))]
fn let_an_hour_pass(_tree: &Tree) {}

/// Does something at moments that are spread over the whole of a command; it gives the text that
/// must not be lost.
fn at_every_moment(command: &str, act: impl Fn(&Tree, &mut Child, String) -> String) {
    let tree = Tree::new();
    let mut took = Duration::ZERO;
    let write_both = |text: &str| [ONE, TWO].map(|path| tree.write(path, text));
    // The first one runs to its end, to see how long that takes.
    for moment in iter::once(0).chain(share((1..=MOMENTS).collect(), 4)) {
        if command.starts_with("undo") {
            write_both("// as it was\n");
            tree.run("goto section2 --yes").expect(0, &[]);
        }
        let mine = format!("// work number {moment}\n");
        write_both(&mine);
        let started = Instant::now();
        let mut child = start(&tree, command);
        if took.is_zero() {
            assert!(child.wait().unwrap().success(), "{command}");
            took = started.elapsed();
        }
        thread::sleep((took * moment / MOMENTS).saturating_sub(started.elapsed()));
        let text = act(&tree, &mut child, mine);
        child.wait().unwrap();
        for path in [ONE, TWO] {
            assert!(
                is_somewhere(&tree, path, &text),
                "{command}, moment {moment} of {took:?}: {path} is lost"
            );
        }
    }
    let_an_hour_pass(&tree);
    tree.run("undo --list").expect(0, &["Z-"]);
    assert_eq!(left_over(&tree), [] as [PathBuf; 0], "{command}");
}

/// Windows refuses while another puts a file in this one's place; editors then try again.
fn save(write: impl Fn() -> std::io::Result<()>) {
    let mut tries = 0;
    while let Err(error) = write() {
        tries += 1;
        assert!(cfg!(windows) && tries < 100, "{error}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_save_at_any_moment_is_kept() {
    for command in ["goto section2 --yes", "undo --yes"] {
        at_every_moment(command, |tree, _, mine| {
            let saved = mine.replace("work", "more work");
            // Some editors write into the file, and some put another one in its place.
            save(|| fs::write(tree.path(ONE), &saved));
            let other = tree.path("section2-counter/src/main.rs~");
            save(|| fs::write(&other, &saved));
            save(|| fs::rename(&other, tree.path(TWO)));
            saved
        });
    }
}

#[test]
fn a_kill_at_any_moment_loses_nothing_and_leaves_nothing_for_good() {
    for command in ["reset section2 --yes", "goto section2 --yes", "undo --yes"] {
        at_every_moment(command, |_, child, mine| {
            // It may have ended before.
            let _ = child.kill();
            mine
        });
    }
}

/// What a killed command has left may be the only copy of what was saved while it ran.
#[cfg(unix)]
#[test]
fn what_a_killed_command_left_is_rescued_when_nothing_else_has_it() {
    let tree = Tree::new();
    // A number that no process has, and one that has to be.
    let (gone, alive) = (i32::MAX, std::os::unix::process::parent_id());
    let left = |process: &str| format!("section2-counter/src/.main.rs.{process}-0.new");
    let (mine, theirs) = (left(&gone.to_string()), left(&alive.to_string()));
    tree.write(&mine, "// only here\n");
    tree.write(&theirs, "// being written\n");
    let ended = tree.run("reset section2");
    ended.expect(0, &["What you saved then:", "-rescue\n", "nothing to change"]);
    assert!(!tree.path(&mine).exists() && tree.path(&theirs).exists());
    let kept = ended.err.lines().find_map(|line| line.trim().strip_prefix("cargo workshop "));
    tree.run(&format!("{} --yes", kept.unwrap())).expect(0, &[TWO]);
    assert_eq!(tree.read(TWO), "// only here\n");
}

#[test]
fn undo_goes_one_step_further_back_each_time() {
    let tree = Tree::new();
    for text in ["// first\n", "// second\n"] {
        tree.write(TWO, text);
        tree.run("reset section2 --yes").expect(0, &[]);
    }
    for text in ["// second\n", "// first\n"] {
        tree.run("undo --yes").expect(0, &[TWO]);
        assert_eq!(tree.read(TWO), text);
    }
    let ended = tree.run("undo --yes");
    ended.expect(2, &["there is nothing more to undo", "comes again with: cargo workshop undo 2"]);
    let redo = ended.err.trim().rsplit_once("cargo workshop ").unwrap().1.to_owned();
    tree.run(&format!("{redo} --yes")).expect(0, &["does again what the undo took back"]);
    assert_eq!(tree.read(TWO), "// second\n");
    // That undo was taken back, so that its step can be undone again.
    tree.run("undo --yes").expect(0, &[TWO]);
    assert_eq!(tree.read(TWO), "// first\n");
}

#[test]
fn a_clock_that_was_set_back_changes_nothing_about_the_order() {
    let tree = Tree::new();
    for text in ["// first\n", "// second\n"] {
        tree.write(TWO, text);
        tree.run("reset section2 --yes").expect(0, &[]);
    }
    let list = tree.run("undo --list").out;
    let backups = tree.path(".workshop/backups");
    let set_back = "2001-01-01T000000.000Z-reset-section2";
    fs::rename(backups.join(list.lines().last().unwrap()), backups.join(set_back)).unwrap();
    tree.run("undo --yes").expect(0, &[TWO]);
    assert_eq!(tree.read(TWO), "// second\n");
    assert_eq!(tree.run("undo --list").out.lines().nth(1), Some(set_back));
}

/// A pipe without a writer is waited on for ever by whoever opens it. (macOS has no `timeout`.)
#[cfg(target_os = "linux")]
#[test]
fn a_pipe_in_the_place_of_a_file_is_not_waited_on() {
    use nix::sys::stat::Mode;
    const PROGRESS: &str = ".workshop/progress.txt";
    for (path, lines) in [
        (TWO, &["reset section2 --yes", "goto section3 --yes", "solution section2"][..]),
        (PROGRESS, &["", "hint section1", "reset section1 --yes"][..]),
    ] {
        let tree = Tree::new();
        fs::create_dir_all(tree.path(".workshop")).unwrap();
        let _ = fs::remove_file(tree.path(path));
        nix::unistd::mkfifo(&tree.path(path), Mode::S_IRWXU).unwrap();
        for line in lines {
            let mut command = tree.command();
            command.args(line.split_whitespace());
            let mut timed = std::process::Command::new("timeout");
            timed.arg("20").arg(command.get_program()).args(command.get_args());
            let ended = end(timed.current_dir(&tree.root).env_remove("CARGO_MANIFEST_DIR"));
            assert!(ended.err.contains("it is a pipe"), "{line}: {ended:?}");
            assert_eq!(ended.code, if path == TWO { 2 } else { ended.code.min(2) }, "{line}");
        }
    }
}
