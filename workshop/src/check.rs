//! `cargo workshop check`: drives the learner's running program and judges it.

use std::process::ExitCode;

/// Build and start your program, drive it, and judge what it exposes
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not written yet")
}
