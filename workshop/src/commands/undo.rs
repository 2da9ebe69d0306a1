//! `cargo workshop undo`: the files as they were before a reset, a goto or an undo.

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::bail;

use crate::course::Course;
use crate::learner::backup::{self, Backup, BackupEntry, UNDO};
use crate::learner::plan::{Plan, PlanOutcome};
use crate::learner::stale;
use crate::learner::workspace::Workspace;
use crate::terminal::style::{TYPE, paint};

/// Take back a reset or goto: restore the files from a backup
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The backup's name [default: one step further back each time]
    backup: Option<String>,
    /// List the backups, oldest first
    #[arg(long, short, conflicts_with_all = ["backup", "yes"])]
    list: bool,
    /// Do it without a question
    #[arg(long, short)]
    yes: bool,
}

/// Runs the command.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (course, workspace) = (Course::embedded()?, Workspace::find()?);
    stale::clear(course, &workspace);
    let backups = backup::list(&workspace)?;
    if args.list {
        for listed in &backups {
            println!("{}", listed.name);
        }
        if backups.is_empty() {
            say!("There are no backups yet: reset and goto make them.");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let name = args.backup.map_or_else(|| next_step(&workspace, &backups), Ok)?;
    let backup = Backup::open(&workspace, &name)?;
    if backup.command.starts_with(UNDO) {
        println!("That is a backup of an undo: this does again what the undo took back.\n");
    }
    let outcome = plan(&workspace, &name, &backup)?.carry_out(args.yes, |progress| {
        for section in &backup.sections {
            progress.copy_from(&backup.progress, section);
        }
    })?;
    match outcome {
        PlanOutcome::Declined => return Ok(ExitCode::FAILURE),
        PlanOutcome::Unneeded => say!("Your files are as in the backup: nothing to change."),
        PlanOutcome::Done => {}
    }
    say!("Next: {}", paint(TYPE, "cargo workshop"));
    Ok(ExitCode::SUCCESS)
}

/// What is to be done to have the files as they are in a backup.
fn plan<'a>(workspace: &'a Workspace, name: &str, backup: &Backup) -> anyhow::Result<Plan<'a>> {
    let mut plan = Plan::new(workspace, format!("{UNDO}{name}"));
    for (path, contents) in &backup.files {
        let becomes = match contents {
            Some(_) => format!("as before `{}`", backup.command),
            None => format!("gone, as before `{}`", backup.command),
        };
        plan.set_path(path.clone(), contents.clone(), becomes)?;
    }
    for section in &backup.sections {
        plan.about(section);
    }
    Ok(plan)
}

/// The backup of the last step that still stands. One that would change nothing is passed over.
fn next_step(workspace: &Workspace, backups: &[BackupEntry]) -> anyhow::Result<String> {
    let steps = standing(backups);
    for &name in &steps {
        if !plan(workspace, name, &Backup::open(workspace, name)?)?.is_empty() {
            return Ok(name.to_owned());
        }
    }
    let undo = backups.iter().rev().find(|listed| listed.undone().is_some());
    match (steps.first(), undo) {
        (Some(newest), _) => Ok((*newest).to_owned()),
        (None, Some(undo)) => bail!(
            "there is nothing more to undo. What the last undo took back comes again with: \
             cargo workshop undo {}",
            undo.name
        ),
        (None, None) => bail!("there is nothing to undo: no backup was made"),
    }
}

/// The resets and gotos that no undo has taken back, or whose undo was taken back in turn; the
/// newest first.
fn standing(backups: &[BackupEntry]) -> Vec<&str> {
    let mut taken_back = BTreeSet::new();
    let mut standing = Vec::new();
    for listed in backups.iter().rev() {
        let stands = !taken_back.contains(listed.name.as_str());
        match listed.undone() {
            Some(undone) if stands => _ = taken_back.insert(undone),
            None if stands && listed.command != stale::RESCUE => {
                standing.push(listed.name.as_str());
            }
            _ => {}
        }
    }
    standing
}
