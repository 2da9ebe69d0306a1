//! Where the workshop lies on this machine, and how its files are written.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, bail};

use crate::course::{LearnerFile, Section};

/// What only the workshop's root has.
const MARK: &str = "workshop/sections.toml";

/// The learner's copy of the workshop.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The workspace around the current directory, or the one that cargo runs this program from.
    pub fn find() -> anyhow::Result<Self> {
        let here = std::env::current_dir().context("cannot tell the current directory")?;
        let cargo = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        [Some(here), cargo].into_iter().flatten().find_map(|start| Self::around(&start)).context(
            "this is not a directory of the workshop: change to the one that has its \
                 README.md and Cargo.toml",
        )
    }

    /// The workspace that a directory is in.
    #[must_use]
    pub fn around(start: &Path) -> Option<Self> {
        // Not canonical: on Windows that is a form of path that many programs do not take.
        let start = std::path::absolute(start).ok()?;
        let root = start.ancestors().find(|directory| directory.join(MARK).is_file())?;
        Some(Self { root: root.to_owned() })
    }

    /// Its root directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the learner's progress and backups are kept.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.root.join(".workshop")
    }

    /// The path of a learner's file from the root, with `/` on every system.
    #[must_use]
    pub fn relative(section: &Section, file: &LearnerFile) -> String {
        format!("{}/{}", section.package, file.path)
    }
}

/// A file that is complete on the disk, and not yet in its place.
#[derive(Debug)]
pub struct Staged {
    temporary: PathBuf,
    place: PathBuf,
}

impl Staged {
    /// Writes what a file shall hold beside it. The file itself is not touched: a full disk is
    /// noticed here, before anything is lost.
    pub fn new(place: &Path, contents: &[u8]) -> anyhow::Result<Self> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        // A link stays a link: what it points to is what is replaced.
        let place = if place.is_symlink() { place.canonicalize() } else { Ok(place.to_owned()) }
            .with_context(|| format!("cannot follow the link {}", place.display()))?;
        let (Some(directory), Some(name)) = (place.parent(), place.file_name()) else {
            bail!("{} is not the path of a file", place.display());
        };
        let permissions = match fs::metadata(&place) {
            Ok(metadata) if !metadata.is_file() => bail!("{} is not a file", place.display()),
            Ok(metadata) if metadata.permissions().readonly() => {
                bail!("{} is read-only", place.display())
            }
            Ok(metadata) => Some(metadata.permissions()),
            Err(_) => None,
        };
        fs::create_dir_all(directory)
            .with_context(|| format!("cannot make the directory {}", directory.display()))?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        // One name each, for two processes and for two threads of one.
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        hidden.push(format!(".{}-{number}.new", std::process::id()));
        // From here on the temporary file is removed with `staged`, whatever fails.
        let staged = Self { temporary: directory.join(hidden), place: place.clone() };
        write_through(&staged.temporary, contents)
            .with_context(|| format!("cannot write {}", place.display()))?;
        if let Some(permissions) = permissions {
            fs::set_permissions(&staged.temporary, permissions)
                .with_context(|| format!("cannot write {}", place.display()))?;
        }
        Ok(staged)
    }

    /// Puts it in its place, in one step: a reader sees the old file or the new one.
    pub fn commit(self) -> anyhow::Result<()> {
        fs::rename(&self.temporary, &self.place)
            .with_context(|| format!("cannot replace {}", self.place.display()))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After a commit there is nothing left to remove.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Replaces a file as a whole, or leaves it as it was.
pub fn replace(path: &Path, contents: &[u8]) -> anyhow::Result<()> {
    Staged::new(path, contents)?.commit()
}

/// What a file holds, or `None` when there is none.
pub fn read(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(contents) => Ok(Some(contents)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn write_through(path: &Path, contents: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(contents)?;
    file.sync_all()
}
