//! `cargo workshop undo`: the files as they were before a reset, a goto or an undo.

use std::process::ExitCode;

use anyhow::Context;

use crate::learner::backup;
use crate::learner::backup::Backup;
use crate::learner::plan::{Plan, PlanOutcome};
use crate::learner::progress::Progress;
use crate::learner::workspace::Workspace;
use crate::terminal::style::{TYPE, paint};

/// Take back a reset or goto: restore the files from a backup
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The backup's name [default: the newest]
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
    let workspace = Workspace::find()?;
    let names = backup::list(&workspace)?;
    if args.list {
        for name in &names {
            println!("{name}");
        }
        if names.is_empty() {
            println!("There are no backups yet: reset and goto make them.");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let newest = || names.last().cloned().context("there is nothing to undo: no backup was made");
    let name = args.backup.map_or_else(newest, Ok)?;
    let backup = Backup::open(&workspace, &name)?;
    let mut plan = Plan::new(&workspace, format!("undo {name}"));
    for (path, contents) in backup.files {
        let becomes = match contents {
            Some(_) => format!("as before `{}`", backup.command),
            None => format!("gone, as before `{}`", backup.command),
        };
        plan.set_path(path, contents, becomes)?;
    }
    for section in &backup.sections {
        plan.about(section);
    }
    let outcome = plan.carry_out(args.yes, Progress::load(&workspace), |progress| {
        for section in &backup.sections {
            progress.copy_from(&backup.progress, section);
        }
    })?;
    match outcome {
        PlanOutcome::Declined => return Ok(ExitCode::FAILURE),
        PlanOutcome::Unneeded => println!("Your files are as in the backup: nothing to change."),
        PlanOutcome::Done => {}
    }
    println!("Next: {}", paint(TYPE, "cargo workshop"));
    Ok(ExitCode::SUCCESS)
}
