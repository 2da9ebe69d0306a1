//! `cargo workshop prefetch`: fetches all that a room needs before the Wi-Fi fails.

use std::process::ExitCode;

/// Fetch crates and images, and build, before the network fails
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not written yet")
}
