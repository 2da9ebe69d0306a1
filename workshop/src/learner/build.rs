//! Has cargo build a program, and learns from it where the executable is.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use serde::Deserialize;

/// What a build came to.
#[derive(Debug)]
pub enum Built {
    /// The executable.
    Executable(PathBuf),
    /// It did not compile, and cargo has said why.
    Failed,
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    executable: Option<PathBuf>,
}

/// Builds a program of the workspace at `root`. What cargo says goes to the terminal as it is.
///
/// # Errors
/// When cargo cannot be run, or does not say where the executable is.
pub fn build(root: &Path, package: &str, bin: Option<&str>) -> anyhow::Result<Built> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    command
        .args(["build", "--message-format=json-render-diagnostics", "--package", package])
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    if let Some(bin) = bin {
        command.args(["--bin", bin]);
    }
    let mut child = command.spawn().with_context(|| format!("cannot run {}", cargo.display()))?;
    let mut executable = None;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            // Lines that are not cargo's are a build script's or a compiler's own.
            let Ok(message) = serde_json::from_str::<Message>(&line?) else { continue };
            if message.reason == "compiler-artifact" && message.executable.is_some() {
                executable = message.executable;
            }
        }
    }
    if !child.wait()?.success() {
        return Ok(Built::Failed);
    }
    executable
        .map(Built::Executable)
        .with_context(|| format!("cargo built {package}, but named no executable"))
}
