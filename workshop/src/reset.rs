//! `cargo workshop reset`: a section's file back to its starter.

use std::process::ExitCode;

/// Restore a section's starter, and keep a backup of your file
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not written yet")
}
