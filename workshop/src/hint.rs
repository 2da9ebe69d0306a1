//! `cargo workshop hint`: the next hint for the step that failed.

use std::process::ExitCode;

/// Give the next hint for the step that failed
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not written yet")
}
