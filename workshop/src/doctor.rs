//! `cargo workshop doctor`: finds what this machine lacks.

use std::process::ExitCode;

/// Look for what this machine lacks, and say how to mend it
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not written yet")
}
