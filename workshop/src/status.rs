//! `cargo workshop` alone: where the learner is, and the next thing to type.

use std::process::ExitCode;

/// Prints the sections, what is done, and the next thing to type.
pub fn run() -> anyhow::Result<ExitCode> {
    anyhow::bail!("not written yet")
}
