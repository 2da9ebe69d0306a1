//! Running another program: with a time limit, and with words for what went wrong.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::process::guard::Reach;
use crate::process::registry;

/// What a program said before it ended.
#[derive(Debug, Clone)]
pub(crate) struct CommandOutput {
    /// It ended with exit code 0.
    pub success: bool,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Why a program said nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not installed, or not on the PATH.
    Missing,
    /// It did not end in time, and was stopped.
    Slow,
    /// It could not be started.
    Unstartable(String),
}

/// Runs a program in a directory and waits for its end, but no longer than `limit`.
pub(crate) fn ask(
    directory: &Path,
    limit: Duration,
    line: &[&str],
) -> Result<CommandOutput, Fault> {
    run(command(directory, line)?, Stdio::null(), limit)
}

/// The same, and gives it a file to read.
pub(crate) fn ask_with(
    directory: &Path,
    limit: Duration,
    line: &[&str],
    input: File,
) -> Result<CommandOutput, Fault> {
    run(command(directory, line)?, input.into(), limit)
}

/// Runs a command that reads this, and waits for its end, but no longer than `limit`.
pub(crate) fn run(
    mut command: Command,
    input: Stdio,
    limit: Duration,
) -> Result<CommandOutput, Fault> {
    command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = registry::spawn(command, Reach::Alone).map_err(|error| Fault::new(&error))?;
    let (sender, receiver) = mpsc::channel();
    read_to_end(child.stdout(), sender.clone(), |text| (text, String::new()));
    read_to_end(child.stderr(), sender, |text| (String::new(), text));
    let (mut stdout, mut stderr) = (String::new(), String::new());
    let end = Instant::now() + limit;
    for _ in 0..2 {
        let Ok((out, err)) = receiver.recv_timeout(end.saturating_duration_since(Instant::now()))
        else {
            break;
        };
        stdout += &out;
        stderr += &err;
    }
    // A program may close its outputs and live on, or end while a child of its own holds them.
    loop {
        match child.ended() {
            Ok(Some(status)) => {
                return Ok(CommandOutput { success: status.success(), stdout, stderr });
            }
            Ok(None) if Instant::now() < end => thread::sleep(registry::GLANCE),
            _ => return Err(Fault::Slow),
        }
    }
}

/// Runs a program whose output is the learner's to see, however long it takes. Tells whether it
/// ended well.
pub(crate) fn show(directory: &Path, line: &[&str]) -> Result<bool, Fault> {
    let child = registry::spawn(command(directory, line)?, Reach::Alone);
    let status = child.and_then(|child| child.wait());
    status.map(|status| status.success()).map_err(|error| Fault::new(&error))
}

fn command(directory: &Path, line: &[&str]) -> Result<Command, Fault> {
    let (program, arguments) = line.split_first().ok_or(Fault::Missing)?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(directory);
    Ok(command)
}

fn read_to_end(
    stream: Option<impl Read + Send + 'static>,
    sender: mpsc::Sender<(String, String)>,
    pair: impl Fn(String) -> (String, String) + Send + 'static,
) {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            // What was read before an error is all that there is to show.
            let _ = stream.read_to_end(&mut bytes);
        }
        let _ = sender.send(pair(String::from_utf8_lossy(&bytes).into_owned()));
    });
}

impl CommandOutput {
    /// The last line of what it complained about, which is where programs say why.
    #[must_use]
    pub(crate) fn complaint(&self) -> &str {
        let lines = self.stderr.lines().rev().chain(self.stdout.lines().rev());
        lines.map(str::trim).find(|line| !line.is_empty()).unwrap_or("it gave no reason")
    }
}

impl Fault {
    fn new(error: &std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::Missing,
            _ => Self::Unstartable(error.to_string()),
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing => out.write_str("is not installed, or not on the PATH"),
            Self::Slow => out.write_str("does not answer"),
            Self::Unstartable(reason) => write!(out, "cannot be started: {reason}"),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const HERE: &str = ".";

    fn sh(limit: Duration, script: &str) -> Result<CommandOutput, Fault> {
        ask(Path::new(HERE), limit, &["sh", "-c", script])
    }

    #[test]
    fn both_outputs_and_the_end_are_told() {
        let said = sh(Duration::from_secs(30), "echo out; echo why >&2; exit 3").unwrap();
        assert_eq!(
            (said.success, said.stdout.as_str(), said.stderr.as_str()),
            (false, "out\n", "why\n")
        );
        assert_eq!(said.complaint(), "why");
    }

    #[test]
    fn what_is_given_is_read() {
        let file = File::open("Cargo.toml").unwrap();
        let said = ask_with(Path::new(HERE), Duration::from_secs(30), &["cat"], file).unwrap();
        assert_eq!(said.stdout, std::fs::read_to_string("Cargo.toml").unwrap());
    }

    #[test]
    fn what_never_ends_is_stopped() {
        let slow = sh(Duration::from_millis(50), "exec sleep 600");
        assert_eq!(slow.unwrap_err(), Fault::Slow);
    }

    #[test]
    fn what_closes_its_outputs_and_lives_on_is_stopped() {
        let slow = sh(Duration::from_millis(50), "exec sleep 600 >&- 2>&-");
        assert_eq!(slow.unwrap_err(), Fault::Slow);
    }

    #[test]
    fn a_flood_on_both_outputs_does_not_block() {
        let flood = "i=0; while [ $i -lt 20000 ]; do echo 0123456789; echo 0123456789 >&2; \
                     i=$((i+1)); done";
        let said = sh(Duration::from_secs(60), flood).unwrap();
        assert_eq!((said.stdout.len(), said.stderr.len()), (220_000, 220_000));
    }

    #[test]
    fn what_is_not_installed_is_missing() {
        let missing = ask(Path::new(HERE), Duration::from_secs(1), &["no-such-program-anywhere"]);
        assert_eq!(missing.unwrap_err(), Fault::Missing);
    }
}
