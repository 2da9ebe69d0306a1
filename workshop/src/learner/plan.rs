//! Changing the learner's files: shown first, asked for, and backed up before the first one changes.

use std::fs;
use std::io::{IsTerminal, Write, stdin, stdout};

use anyhow::{Context, bail};
use similar::{ChangeTag, TextDiff};

use crate::course::{LearnerFile, Section};
use crate::learner::backup::Backup;
use crate::learner::progress::Progress;
use crate::learner::puzzles;
use crate::learner::workspace::{Staged, Workspace};
use crate::learner::{backup, workspace};
use crate::terminal::style::{FRAME, TYPE, paint, plural};

/// What happened to the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlanOutcome {
    /// The files are as planned.
    Done,
    /// They were so before.
    Unneeded,
    /// The learner said no.
    Declined,
}

/// A file, what it holds, and what it shall hold.
#[derive(Debug)]
struct Change {
    path: String,
    now: Option<Vec<u8>>,
    next: Option<Vec<u8>>,
    /// What it becomes, in a few words.
    becomes: String,
}

/// What a command is about to do.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    workspace: &'a Workspace,
    /// The command, without `cargo workshop`.
    command: String,
    changes: Vec<Change>,
    sections: Vec<String>,
}

impl<'a> Plan<'a> {
    /// A plan that changes nothing yet.
    #[must_use]
    pub(crate) fn new(workspace: &'a Workspace, command: String) -> Self {
        Self { workspace, command, changes: Vec::new(), sections: Vec::new() }
    }

    /// Nothing would change.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The progress in this section changes with the files.
    pub(crate) fn about(&mut self, section: &str) {
        self.sections.push(section.to_owned());
    }

    /// A learner's file shall hold this text.
    pub(crate) fn set(
        &mut self,
        section: &Section,
        file: &LearnerFile,
        text: String,
        becomes: &str,
    ) -> anyhow::Result<()> {
        let path = Workspace::relative(section, file);
        self.set_path(path, Some(text.into_bytes()), becomes.to_owned())
    }

    /// The file of a path shall hold this, or be gone.
    pub(crate) fn set_path(
        &mut self,
        path: String,
        next: Option<Vec<u8>>,
        becomes: String,
    ) -> anyhow::Result<()> {
        let now = workspace::read(&self.workspace.root().join(&path))?;
        if !same(now.as_deref(), next.as_deref()) {
            self.changes.push(Change { path, now, next, becomes });
        }
        Ok(())
    }

    /// Shows the plan, asks (unless `yes`), keeps a backup, and carries it out. `progress` is
    /// changed by `then` and saved once the files are in their places.
    pub(crate) fn carry_out(
        self,
        yes: bool,
        mut progress: Progress,
        then: impl FnOnce(&mut Progress),
    ) -> anyhow::Result<PlanOutcome> {
        let before = progress.clone();
        then(&mut progress);
        if self.changes.is_empty() {
            self.save(&before, &progress);
            return Ok(PlanOutcome::Unneeded);
        }
        self.show();
        if !yes && !ask()? {
            return Ok(PlanOutcome::Declined);
        }
        let kept = self.write(&before)?;
        self.save(&before, &progress);
        puzzles::close(self.workspace)?;
        println!("Done. Backup: {}", paint(FRAME, backup::shown(&kept)));
        println!("To undo it: {}", paint(TYPE, format!("cargo workshop undo {kept}")));
        Ok(PlanOutcome::Done)
    }

    fn show(&self) {
        println!("This changes {}:\n", plural(self.changes.len(), "file"));
        let widest = self.changes.iter().map(|change| change.path.len()).max().unwrap_or(0);
        for change in &self.changes {
            let (added, removed) = change.lines();
            println!("  {:<widest$}  {}, +{added} -{removed} lines", change.path, change.becomes);
        }
        println!("\nWhat you have now is kept as a backup.");
    }

    /// Backs up, then writes; returns the backup's name.
    fn write(&self, progress: &Progress) -> anyhow::Result<String> {
        let (staged, kept) = self.prepare(progress).context("nothing was changed")?;
        let way_back = || {
            format!("some files may have changed: `cargo workshop undo {kept}` brings them back")
        };
        for file in staged {
            file.commit().with_context(way_back)?;
        }
        for change in self.changes.iter().filter(|change| change.next.is_none()) {
            let path = self.workspace.root().join(&change.path);
            fs::remove_file(path).with_context(way_back)?;
        }
        Ok(kept)
    }

    /// All that needs room or rights. What is left after it is one rename a file.
    fn prepare(&self, progress: &Progress) -> anyhow::Result<(Vec<Staged>, String)> {
        let mut staged = Vec::new();
        for change in &self.changes {
            if let Some(next) = &change.next {
                staged.push(Staged::new(&self.workspace.root().join(&change.path), next)?);
            }
        }
        let mut kept = Progress::default();
        for section in &self.sections {
            kept.copy_from(progress, section);
        }
        let files = self.changes.iter().map(|change| (change.path.clone(), change.now.clone()));
        let backup = Backup {
            command: self.command.clone(),
            files: files.collect(),
            sections: self.sections.clone(),
            progress: kept,
        };
        Ok((staged, backup.keep(self.workspace)?))
    }

    /// The files are what matters: progress that cannot be written is a note.
    fn save(&self, before: &Progress, after: &Progress) {
        if before != after
            && let Err(error) = after.save(self.workspace)
        {
            eprintln!("note: {error:#}");
        }
    }
}

impl Change {
    /// How many lines come in and go out.
    fn lines(&self) -> (usize, usize) {
        let text = |contents: &Option<Vec<u8>>| {
            let bytes = contents.as_deref().unwrap_or_default();
            String::from_utf8_lossy(bytes).replace("\r\n", "\n")
        };
        let (now, next) = (text(&self.now), text(&self.next));
        let diff = TextDiff::from_lines(now.as_str(), next.as_str());
        let count = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
        (count(ChangeTag::Insert), count(ChangeTag::Delete))
    }
}

/// Equal but for the ends of lines, which an editor or git may have changed.
fn same(one: Option<&[u8]>, other: Option<&[u8]>) -> bool {
    let plain = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    match (one, other) {
        (Some(one), Some(other)) => one == other || plain(one) == plain(other),
        (one, other) => one == other,
    }
}

fn ask() -> anyhow::Result<bool> {
    if !stdin().is_terminal() || !stdout().is_terminal() {
        bail!("there is no terminal to ask on; add --yes to go on without a question");
    }
    print!("Go on? [y/N] ");
    stdout().flush()?;
    let mut answer = String::new();
    stdin().read_line(&mut answer).context("cannot read the answer")?;
    let yes = matches!(answer.trim().to_lowercase().as_str(), "y" | "yes");
    if !yes {
        println!("Nothing was changed.");
    }
    Ok(yes)
}
