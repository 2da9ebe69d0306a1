//! A running program: started, found at its port, and stopped.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::process::announcement;
use crate::process::guard::Reach;
use crate::process::output::Output;
use crate::process::registry::{self, Child, GLANCE};

/// How long a program has between being asked to stop and being killed.
const GRACE: Duration = Duration::from_millis(300);
/// How long the last words of a dead program may take to arrive.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// The settings of the learner's program start with this; the learner's own must not get in.
const SETTINGS: &str = "TREECOUNTER_";

/// A program that was started, with all that it starts.
#[derive(Debug)]
pub(crate) struct Program {
    process: Child,
    /// What it has written so far.
    pub output: Output,
}

/// Why a program does not listen.
#[derive(Debug, Clone)]
pub(crate) enum NoStart {
    /// The system would not run it.
    NotRun(String),
    /// It ended first.
    Died(ExitStatus),
    /// It runs, and has named no address within this time.
    Silent(Duration),
    /// It prints without end.
    Floods,
}

impl Program {
    /// Starts an executable that is to listen on a free port, with these settings and no others.
    pub(crate) fn start(
        executable: &Path,
        directory: &Path,
        settings: &BTreeMap<&str, String>,
    ) -> Result<Self, NoStart> {
        let mut command = Command::new(executable);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with(SETTINGS) {
                command.env_remove(name);
            }
        }
        command
            .envs(settings)
            .env("TREECOUNTER_ADDR", "127.0.0.1:0")
            // A panic's first two lines say it; a backtrace would push them off the screen.
            .env("RUST_BACKTRACE", "0")
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let process = registry::spawn(command, Reach::Group)
            .map_err(|error| NoStart::NotRun(error.to_string()))?;
        let output = Output::default();
        if let Some(stdout) = process.stdout() {
            output.follow(stdout);
        }
        if let Some(stderr) = process.stderr() {
            output.follow(stderr);
        }
        Ok(Self { process, output })
    }

    /// Waits until it has said where it listens.
    pub(crate) fn wait_until_listening(&self, limit: Duration) -> Result<SocketAddr, NoStart> {
        let end = Instant::now() + limit;
        loop {
            let glance = (Instant::now() + GLANCE).min(end);
            if let Some(addr) = self.output.wait_for(glance, announcement::listening_at) {
                return Ok(addr);
            }
            if let Some(status) = self.died() {
                return Err(NoStart::Died(status));
            }
            if self.output.floods() {
                return Err(NoStart::Floods);
            }
            if Instant::now() >= end {
                return Err(NoStart::Silent(limit));
            }
        }
    }

    /// How it ended, if it has, with all its last words read.
    pub(crate) fn died(&self) -> Option<ExitStatus> {
        let status = self.process.ended().ok().flatten()?;
        self.output.drain(LAST_WORDS);
        Some(status)
    }

    /// The same, if it ends within this time.
    pub(crate) fn died_within(&self, limit: Duration) -> Option<ExitStatus> {
        let end = Instant::now() + limit;
        while matches!(self.process.ended(), Ok(None)) && Instant::now() < end {
            std::thread::sleep(GLANCE);
        }
        self.died()
    }

    /// Asks it to stop, and kills what is left a moment later; at once what cannot be asked.
    pub(crate) fn stop(&self) {
        let asked = self.process.ask_to_stop();
        let end = Instant::now() + GRACE;
        while asked && matches!(self.process.ended(), Ok(None)) && Instant::now() < end {
            std::thread::sleep(GLANCE);
        }
        self.kill();
        self.output.drain(LAST_WORDS);
    }

    /// Kills it at once, with all that it started.
    pub(crate) fn kill(&self) {
        self.process.kill();
    }
}
