//! Which puzzle is open, and which were given before: a plain text file, safe to delete.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;

use crate::learner::files;
use crate::learner::workspace::Workspace;

const TITLE: &str = "cargo workshop puzzles. Safe to delete: then they begin again.";

/// The puzzles so far.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Puzzles {
    /// The names of those that were given.
    pub(crate) given: Vec<String>,
    /// The section and the name of the one that lies in the learner's file.
    pub(crate) open: Option<(String, String)>,
}

impl Puzzles {
    /// Reads the file. Without one, or with one that cannot be read, none was given.
    pub(crate) fn load(workspace: &Workspace) -> Self {
        let bytes = files::read(&path(workspace)).ok().flatten().unwrap_or_default();
        let mut puzzles = Self::default();
        for line in String::from_utf8_lossy(&bytes).lines() {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["given", name] => puzzles.given.push(name.to_owned()),
                ["open", section, name] => {
                    puzzles.open = Some((section.to_owned(), name.to_owned()));
                }
                _ => {}
            }
        }
        puzzles
    }

    /// Writes the file.
    pub(crate) fn save(&self, workspace: &Workspace) -> anyhow::Result<()> {
        let mut text = format!("{TITLE}\n");
        text.extend(self.given.iter().map(|name| format!("given {name}\n")));
        if let Some((section, name)) = &self.open {
            text.push_str(&format!("open {section} {name}\n"));
        }
        files::replace(&path(workspace), text.as_bytes()).context("cannot keep the puzzles")
    }
}

/// The learner's files are put to another use: no puzzle lies in them any more.
pub(crate) fn close(workspace: &Workspace) -> anyhow::Result<()> {
    let mut puzzles = Puzzles::load(workspace);
    match puzzles.open.take() {
        Some(_) => puzzles.save(workspace),
        None => Ok(()),
    }
}

/// The name of the puzzle that lies in a section's file.
pub(crate) fn open_in(workspace: &Workspace, section: &str) -> Option<String> {
    // Without the file, nothing has to be read.
    fs::metadata(path(workspace)).ok()?;
    let (of, name) = Puzzles::load(workspace).open?;
    (of == section).then_some(name)
}

fn path(workspace: &Workspace) -> PathBuf {
    workspace.state().join("puzzles.txt")
}
