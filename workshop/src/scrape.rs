//! `cargo workshop scrape`: what a scraper sees, live.

use std::process::ExitCode;

/// Show live what a scraper sees at /metrics
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not written yet")
}
