//! A server under test: started on a free port, measured through `/proc`, and ended with the value.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

pub(crate) struct Server {
    child: Child,
    pub(crate) addr: SocketAddr,
    /// Held open: a program that cannot print any more may end.
    _output: BufReader<ChildStdout>,
}

impl Server {
    /// Starts a program that prints its address in the first line. `environment` is what this
    /// server is to have besides the settings that take the workshop's faults away.
    pub(crate) fn start(program: &Path, environment: &[(&str, String)]) -> Result<Self> {
        let mut child = Command::new(program)
            .env("TREECOUNTER_ADDR", "127.0.0.1:0")
            .env("TREECOUNTER_FAILURE_RATE", "0")
            .env("TREECOUNTER_LATENCY_MIN_SECONDS", "0")
            .env("TREECOUNTER_LATENCY_MAX_SECONDS", "0")
            .env_remove("TREECOUNTER_OUTAGE_EVERY_SECONDS")
            .env_remove("TREECOUNTER_OUTAGE_FOR_SECONDS")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().context("the server's output")?);
        output.read_line(&mut line)?;
        // http://127.0.0.1:PORT, or http://localhost:PORT/treecounter
        let port = line.rsplit(':').next().and_then(|rest| rest.split('/').next());
        let port = port.and_then(|port| port.trim().parse().ok());
        let Some(port) = port else {
            let _ = child.kill();
            anyhow::bail!("{} printed no address but {line:?}", program.display());
        };
        Ok(Self { child, addr: SocketAddr::from(([127, 0, 0, 1], port)), _output: output })
    }

    /// User and system time of all threads, in nanoseconds' resolution.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let mut nanoseconds = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = fs::read_to_string(task?.path().join("schedstat"))?;
            let first = text.split_whitespace().next().context("an empty schedstat")?;
            nanoseconds += first.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Resident memory, in MiB.
    pub(crate) fn memory(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()).context("no VmRSS")?;
        Ok(kib.parse::<f64>()? / 1024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
