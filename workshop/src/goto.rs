//! `cargo workshop goto`: the finished state of all that comes before a section.

use std::process::ExitCode;

/// Restore a section's start: what comes before it is finished
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not written yet")
}
