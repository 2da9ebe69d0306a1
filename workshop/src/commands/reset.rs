//! `cargo workshop reset`: a section's files back to their starters.

use std::process::ExitCode;

use crate::course::Course;
use crate::learner::plan::{Plan, PlanOutcome};
use crate::learner::progress::Progress;
use crate::learner::workspace::Workspace;
use crate::learner::{stale, starter};
use crate::terminal::style::{TYPE, paint};

/// Restore a section's starter, and keep a backup of your file
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The section, such as section2 [default: the one you are in]
    section: Option<String>,
    /// Do it without a question
    #[arg(long, short)]
    yes: bool,
}

/// Runs the command.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (course, workspace) = (Course::embedded()?, Workspace::find()?);
    stale::clear(course, &workspace);
    let progress = Progress::load(&workspace);
    let section = progress.pick(course, &workspace, args.section.as_deref())?;
    let mut plan = Plan::new(&workspace, format!("reset {}", section.slug));
    plan.about(&section.slug);
    for file in &section.files {
        let starter = starter::of_file(course, section, file)?;
        plan.set(section, file, starter, "back to the starter")?;
    }
    let outcome = plan.carry_out(args.yes, |progress| progress.forget(section))?;
    match outcome {
        PlanOutcome::Declined => return Ok(ExitCode::FAILURE),
        PlanOutcome::Unneeded => say!("{} is at its starter: nothing to change.", section.slug),
        PlanOutcome::Done => {}
    }
    let next = format!("cargo workshop check {}", section.slug);
    say!("Next: read {}/README.md, then {}", section.package, paint(TYPE, next));
    Ok(ExitCode::SUCCESS)
}
