//! Where the workshop lies on this machine.

use std::path::{Path, PathBuf};

use anyhow::Context;

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
