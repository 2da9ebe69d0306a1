//! `cargo workshop traffic`: an open-loop load.

use std::process::ExitCode;

/// Send requests at a steady rate
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not written yet")
}
