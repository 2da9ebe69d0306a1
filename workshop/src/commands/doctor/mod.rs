//! `cargo workshop doctor`: finds what this machine lacks, and says how to fix it.

mod containers;
mod diagnosis;
mod holder;
mod platform;
mod ports;
mod rust;

use std::process::ExitCode;
use std::thread::{self, ScopedJoinHandle};

use crate::commands::doctor::diagnosis::{Diagnosis, Level};
use crate::learner::progress::Progress;
use crate::learner::workspace::Workspace;
use crate::terminal;
use crate::terminal::style::{BAD, GOOD, TYPE, paint, plural};

/// Look for what this machine lacks, and say how to fix it
///
/// Exits 1 only when section 1 cannot run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Runs the command.
pub(crate) fn run(_args: Args) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::find()?;
    let groups: [fn(&Workspace) -> Vec<Diagnosis>; 4] =
        [rust::look, ports::look, containers::look, platform::look];
    let here = &workspace;
    // Each group waits for other programs; together they wait as long as the slowest.
    let looks: Vec<_> = thread::scope(|scope| {
        let looks = groups.map(|look| scope.spawn(move || look(here)));
        looks.into_iter().map(ScopedJoinHandle::join).collect()
    });
    let mut diagnoses = Vec::new();
    for look in looks {
        diagnoses.extend(look.map_err(|_| anyhow::anyhow!("doctor itself has failed"))?);
    }
    for diagnosis in &diagnoses {
        println!("{}", diagnosis.lines(terminal::width()));
    }
    if diagnoses.iter().all(|diagnosis| diagnosis.level != Level::Bad) {
        note(here);
    }
    Ok(conclude(&diagnoses))
}

/// What has been looked for need not be the first thing to do any more. Where that cannot be
/// written down, it is said again.
fn note(workspace: &Workspace) {
    let mut progress = Progress::load(workspace);
    if !progress.examined() {
        progress.note_examined();
        let _ = progress.save(workspace);
    }
}

fn conclude(diagnoses: &[Diagnosis]) -> ExitCode {
    let count = |level| diagnoses.iter().filter(|diagnosis| diagnosis.level == level).count();
    let (bad, warnings) = (count(Level::Bad), count(Level::Warning));
    if bad > 0 {
        let what = format!("Section 1 cannot run yet: {} to fix.", plural(bad, "thing"));
        say!("\n{}", paint(BAD, what));
        return ExitCode::FAILURE;
    }
    println!("\n{}", paint(GOOD, "Section 1 can run."));
    if warnings > 0 {
        say!("{} marked [!!] will be in the way later.", plural(warnings, "thing"));
    }
    println!("Next: {}", paint(TYPE, "cargo run -p section1-expose"));
    ExitCode::SUCCESS
}
