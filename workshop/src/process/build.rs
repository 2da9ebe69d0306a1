//! Has cargo build a program, and learns from it where the executable is.

use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};

use anyhow::Context;
use serde::Deserialize;

/// What a build came to.
#[derive(Debug)]
pub(crate) enum Built {
    /// It compiled.
    Executable {
        /// The executable.
        path: PathBuf,
        /// What the compiler warns of, when it is to be kept.
        warnings: String,
    },
    /// It did not compile, and cargo has said why.
    Failed,
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    executable: Option<PathBuf>,
}

/// What cargo is to build, and how it is to speak.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Build<'a> {
    /// The root of the workspace.
    pub root: &'a Path,
    /// The package.
    pub package: &'a str,
    /// The binary, when the package has several.
    pub bin: Option<&'a str>,
    /// Keep what cargo says, for a screen that is cleared afterwards.
    pub keep: bool,
}

impl Build<'_> {
    /// Builds the program. What cargo says goes to the terminal as it is.
    ///
    /// # Errors
    /// When cargo cannot be run, or does not say where the executable is.
    pub(crate) fn run(&self) -> anyhow::Result<Built> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(&cargo);
        command
            .args(["build", "--message-format=json-render-diagnostics"])
            .args(["--package", self.package])
            .current_dir(self.root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        if let Some(bin) = self.bin {
            command.args(["--bin", bin]);
        }
        if self.keep {
            let color = if std::io::stderr().is_terminal() { "always" } else { "never" };
            command.arg(format!("--color={color}")).stderr(Stdio::piped());
        }
        let mut child =
            command.spawn().with_context(|| format!("cannot run {}", cargo.display()))?;
        let said = child.stderr.take().map(|stderr| std::thread::spawn(|| relay(stderr)));
        let executable = executable(child.stdout.take())?;
        let status = child.wait()?;
        let said = said.and_then(|thread| thread.join().ok()).unwrap_or_default();
        if !status.success() {
            #[cfg(windows)]
            self.explain_a_running_program();
            return Ok(Built::Failed);
        }
        let path = executable
            .with_context(|| format!("cargo built {}, but named no executable", self.package))?;
        Ok(Built::Executable { path, warnings: warnings(&said) })
    }

    /// Windows does not replace the file of a program that runs, and cargo only says "access is
    /// denied".
    #[cfg(windows)]
    fn explain_a_running_program(&self) {
        let name = self.bin.unwrap_or(self.package);
        let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        let target = target.unwrap_or_else(|| self.root.join("target"));
        let file = target.join("debug").join(name).with_extension("exe");
        let opened = std::fs::OpenOptions::new().write(true).open(file);
        if opened.is_err_and(|error| error.kind() != std::io::ErrorKind::NotFound) {
            anstream::eprintln!(
                "note: {name} runs in another terminal. Stop it there with Ctrl-C."
            );
        }
    }
}

/// The last executable that cargo names.
fn executable(stdout: Option<ChildStdout>) -> anyhow::Result<Option<PathBuf>> {
    let mut executable = None;
    for line in stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).split(b'\n')) {
        // Lines that are not cargo's are a build script's or a compiler's own.
        let Ok(message) = serde_json::from_slice::<Message>(&line?) else { continue };
        if message.reason == "compiler-artifact" && message.executable.is_some() {
            executable = message.executable;
        }
    }
    Ok(executable)
}

/// Shows what cargo says as it comes, and keeps it.
fn relay(mut stderr: impl Read) -> String {
    let mut said = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = stderr.read(&mut buffer) {
        // A terminal that is gone is noticed elsewhere.
        let _ = std::io::stderr().write_all(&buffer[..read]);
        said.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8_lossy(&said).into_owned()
}

/// The warnings in what cargo has said, without what it tells of its work.
fn warnings(said: &str) -> String {
    let lines = said.lines().filter(|line| {
        let plain = anstream::adapter::strip_str(line).to_string();
        let word = plain.split_whitespace().next().unwrap_or_default();
        !matches!(word, "Compiling" | "Finished" | "Blocking" | "Fresh")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_warnings_and_nothing_else() {
        let said = "\u{1b}[1m   Compiling\u{1b}[0m a v0.1.0\nwarning: unused\n --> a.rs\n    Finished `dev`\n";
        assert_eq!(warnings(said), "warning: unused\n --> a.rs");
        assert_eq!(warnings("   Compiling a v0.1.0\n    Finished `dev`\n"), "");
    }
}
