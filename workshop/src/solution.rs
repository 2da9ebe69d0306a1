//! `cargo workshop solution`: the difference from the learner's file to the solution.

use std::process::ExitCode;

/// Show the difference from your file to the solution
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not written yet")
}
