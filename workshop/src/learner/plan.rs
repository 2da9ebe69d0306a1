//! Changes of the learner's files: shown, asked for, and backed up before the first is made.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write, stdin, stdout};
use std::path::PathBuf;

use anyhow::{Context, bail};
use similar::{ChangeTag, TextDiff};

use crate::course::{LearnerFile, Section};
use crate::learner::backup::Backup;
use crate::learner::files::StagedFile;
use crate::learner::progress::Progress;
use crate::learner::workspace::Workspace;
use crate::learner::{backup, files, puzzles};
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
struct FileChange {
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
    changes: Vec<FileChange>,
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
        let now = files::read(&self.workspace.root().join(&path))?;
        if !same(now.as_deref(), next.as_deref()) {
            self.changes.push(FileChange { path, now, next, becomes });
        }
        Ok(())
    }

    /// Shows the plan, asks (unless `yes`), keeps a backup, and carries it out. The progress is
    /// changed by `then`, and saved once the files are in their places.
    pub(crate) fn carry_out(
        mut self,
        yes: bool,
        then: impl FnOnce(&mut Progress),
    ) -> anyhow::Result<PlanOutcome> {
        if self.changes.is_empty() {
            self.save(&Progress::load(self.workspace), then);
            return Ok(PlanOutcome::Unneeded);
        }
        self.show();
        if !yes && !ask()? {
            return Ok(PlanOutcome::Declined);
        }
        // Whoever was asked may have saved a file, or checked a section, before the answer.
        let mut saved = self.look_again().context("nothing was changed")?;
        let progress = Progress::load(self.workspace);
        let kept = self.write(&progress, &mut saved)?;
        self.save(&progress, then);
        puzzles::close(self.workspace)?;
        for path in saved {
            say!("{path} was saved meanwhile: the backup has what you saved last.");
        }
        say!("Done. Backup: {}", paint(FRAME, backup::shown(&kept)));
        say!("To undo it: {}", paint(TYPE, format!("cargo workshop undo {kept}")));
        Ok(PlanOutcome::Done)
    }

    /// Reads the files again, and gives the paths of those that are no longer what was shown.
    fn look_again(&mut self) -> anyhow::Result<BTreeSet<String>> {
        let mut saved = BTreeSet::new();
        for change in &mut self.changes {
            let now = files::read(&self.workspace.root().join(&change.path))?;
            if now != change.now {
                change.now = now;
                saved.insert(change.path.clone());
            }
        }
        Ok(saved)
    }

    fn show(&self) {
        say!("This changes {}:\n", plural(self.changes.len(), "file"));
        let widest = self.changes.iter().map(|change| change.path.len()).max().unwrap_or(0);
        for change in &self.changes {
            let (added, removed) = change.lines();
            say!("  {:<widest$}  {}, +{added} -{removed} lines", change.path, change.becomes);
        }
        say!("\nWhat you have now is kept as a backup.");
    }

    /// Backs up, then writes; returns the backup's name. A file that was saved between the two is
    /// in the backup as well, and in `saved`.
    fn write(&self, progress: &Progress, saved: &mut BTreeSet<String>) -> anyhow::Result<String> {
        let (staged, mut backup) = self.prepare(progress).context("nothing was changed")?;
        let kept = backup.keep(self.workspace).context("nothing was changed")?;
        let way_back = || {
            format!("some files may have changed: `cargo workshop undo {kept}` brings them back")
        };
        for (change, staged) in self.changes.iter().zip(staged) {
            let displaced = match staged {
                Some(staged) => staged.exchange(),
                None => files::take_away(&self.path(change).with_context(way_back)?),
            };
            let Some(displaced) = displaced.with_context(way_back)? else { continue };
            if files::read(&displaced).with_context(way_back)? != change.now {
                saved.insert(change.path.clone());
            }
            // An editor may be about to write into it, even when it is as it was read.
            let taken = backup.take_in(self.workspace, &kept, (&change.path, &displaced));
            taken.with_context(way_back)?;
        }
        Ok(kept)
    }

    /// All that needs room or rights. What is left after it is one rename a file.
    fn prepare(&self, progress: &Progress) -> anyhow::Result<(Vec<Option<StagedFile>>, Backup)> {
        let mut staged = Vec::new();
        for change in &self.changes {
            let path = self.path(change)?;
            let next = change.next.as_ref();
            staged.push(next.map(|next| StagedFile::new(&path, next)).transpose()?);
        }
        let mut backup = Backup::before(&self.command);
        for section in &self.sections {
            backup.progress.copy_from(progress, section);
        }
        backup.sections.clone_from(&self.sections);
        let files = self.changes.iter().map(|change| (change.path.clone(), change.now.clone()));
        backup.files = files.collect();
        Ok((staged, backup))
    }

    fn path(&self, change: &FileChange) -> anyhow::Result<PathBuf> {
        files::followed(&self.workspace.root().join(&change.path))
    }

    /// The files are what matters: progress that cannot be written is a note.
    fn save(&self, before: &Progress, then: impl FnOnce(&mut Progress)) {
        let mut after = before.clone();
        then(&mut after);
        if *before != after
            && let Err(error) = after.save(self.workspace)
        {
            eprintln!("note: {error:#}");
        }
    }
}

impl FileChange {
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
        say!("Nothing was changed.");
    }
    Ok(yes)
}
