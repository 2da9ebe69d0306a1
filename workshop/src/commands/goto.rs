//! `cargo workshop goto`: all that comes before a section finished, and the section at its start.

use std::process::ExitCode;

use crate::course::{Course, Section};
use crate::learner::plan::{Plan, PlanOutcome};
use crate::learner::progress::Progress;
use crate::learner::workspace::Workspace;
use crate::learner::{stale, starter};
use crate::terminal::style::{TYPE, paint};

/// Catch up: finish all that comes before a section, and start it
///
/// Sections that you have finished yourself stay as they are, unless their files are back at the
/// starter.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The section to start, such as section3
    section: String,
    /// Do it without a question
    #[arg(long, short)]
    yes: bool,
}

/// Runs the command.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (course, workspace) = (Course::embedded()?, Workspace::find()?);
    stale::clear(course, &workspace);
    let progress = Progress::load(&workspace);
    let target = course.section(&args.section)?;
    let mut plan = Plan::new(&workspace, format!("goto {}", target.slug));
    let mut caught_up = Vec::new();
    for section in course.sections.iter().take_while(|section| section.slug != target.slug) {
        if progress.done(section) && !is_at_its_start(course, &workspace, section)? {
            continue;
        }
        for file in &section.files {
            plan.set(section, file, starter::finished(section, file)?, "becomes the solution")?;
        }
        plan.about(&section.slug);
        caught_up.push(section);
    }
    plan.about(&target.slug);
    for file in &target.files {
        let starter = starter::of_file(course, target, file)?;
        plan.set(target, file, starter, "back to the starter")?;
    }
    let outcome = plan.carry_out(args.yes, |progress| {
        for section in caught_up {
            progress.note_caught_up(section);
        }
        progress.forget(target);
    })?;
    match outcome {
        PlanOutcome::Declined => return Ok(ExitCode::FAILURE),
        PlanOutcome::Unneeded => say!("You are there: nothing to change."),
        PlanOutcome::Done => {}
    }
    let next = format!("cargo workshop check {}", target.slug);
    say!("Next: read {}/README.md, then {}", target.package, paint(TYPE, next));
    Ok(ExitCode::SUCCESS)
}

/// Whether nothing of a section's work is there, as after a `git checkout`.
fn is_at_its_start(
    course: &Course,
    workspace: &Workspace,
    section: &Section,
) -> anyhow::Result<bool> {
    let mut back = Plan::new(workspace, String::new());
    for file in &section.files {
        back.set(section, file, starter::of_file(course, section, file)?, "")?;
    }
    Ok(back.is_empty())
}
