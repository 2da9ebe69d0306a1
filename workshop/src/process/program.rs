//! A running program: started, found at its port, and stopped.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use process_wrap::std::{ChildWrapper, CommandWrap};

use crate::process::output::Output;
use crate::process::{guard, leftovers};

/// How long a program has between being asked to stop and being killed.
const GRACE: Duration = Duration::from_millis(300);
/// How often a process is asked whether it has ended.
const GLANCE: Duration = Duration::from_millis(4);
/// How long the last words of a dead program may take to arrive.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// The settings of the learner's program start with this; the learner's own must not get in.
const SETTINGS: &str = "TREECOUNTER_";

/// A program that was started, with all that it starts.
#[derive(Debug)]
pub(crate) struct Program {
    process: Process,
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

/// A process group, or a Job object on Windows. A clone is the same one.
#[derive(Debug, Clone)]
struct Process {
    child: Arc<Mutex<Box<dyn ChildWrapper>>>,
    mark: Arc<str>,
    /// Set once: afterwards the numbers of its processes may be somebody else's.
    killed: Arc<AtomicBool>,
}

/// Every process of this check that may still run: what Ctrl-C has to stop.
static RUNNING: Mutex<Vec<Process>> = Mutex::new(Vec::new());

/// Kills all that was started, at once.
pub(crate) fn stop_all() {
    // Held on: nothing can be started any more, since this is the end.
    let running = lock(&RUNNING);
    for process in running.iter() {
        process.kill();
    }
    std::mem::forget(running);
}

impl Program {
    /// Starts an executable that is to listen on a free port, with these settings and no others.
    pub(crate) fn start(
        executable: &Path,
        directory: &Path,
        settings: &BTreeMap<&str, String>,
    ) -> Result<Self, NoStart> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let mark: Arc<str> = format!("{}-{count}", std::process::id()).into();
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
            .env(leftovers::VARIABLE, &*mark)
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut wrap = CommandWrap::from(command);
        #[cfg(unix)]
        wrap.wrap(process_wrap::std::ProcessGroup::leader());
        #[cfg(windows)]
        wrap.wrap(process_wrap::std::JobObject);
        let mut running = lock(&RUNNING);
        guard::starting(&mark);
        let mut child = wrap.spawn().map_err(|error| NoStart::NotRun(error.to_string()))?;
        let output = Output::default();
        if let Some(stdout) = child.stdout().take() {
            output.follow(stdout);
        }
        if let Some(stderr) = child.stderr().take() {
            output.follow(stderr);
        }
        let child = Arc::new(Mutex::new(child));
        let process = Process { child, mark, killed: Arc::default() };
        guard::started(process.id(), &process.mark);
        running.push(process.clone());
        Ok(Self { process, output })
    }

    /// Waits until it has said where it listens.
    pub(crate) fn wait_until_listening(&self, limit: Duration) -> Result<SocketAddr, NoStart> {
        let end = Instant::now() + limit;
        loop {
            let glance = (Instant::now() + GLANCE).min(end);
            if let Some(addr) = self.output.wait_for(glance, announced) {
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
        let status = self.process.ended()?;
        self.output.drain(LAST_WORDS);
        Some(status)
    }

    /// Asks it to stop, and kills what is left a moment later; at once what cannot be asked.
    pub(crate) fn stop(&self) {
        let asked = self.process.ask_to_stop();
        let end = Instant::now() + GRACE;
        while asked && self.process.ended().is_none() && Instant::now() < end {
            std::thread::sleep(GLANCE);
        }
        self.kill();
        self.output.drain(LAST_WORDS);
    }

    /// Kills it at once, with all that it started.
    pub(crate) fn kill(&self) {
        self.process.kill();
        lock(&RUNNING).retain(|other| other.mark != self.process.mark);
    }
}

/// A program whose check was given up must not go on.
impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Process {
    fn ended(&self) -> Option<ExitStatus> {
        lock(&self.child).try_wait().ok().flatten()
    }

    /// The number of the process, and of its group.
    fn id(&self) -> u32 {
        lock(&self.child).id()
    }

    /// Whether it could be asked.
    #[cfg(unix)]
    fn ask_to_stop(&self) -> bool {
        lock(&self.child).signal(nix::sys::signal::Signal::SIGTERM as i32).is_ok()
    }

    /// On Windows only a console can be asked, and that is everybody's.
    #[cfg(not(unix))]
    fn ask_to_stop(&self) -> bool {
        false
    }

    /// Kills the group even when its leader has ended: others may be left.
    fn kill(&self) {
        // Held to the end: whoever comes second must not go on before everything is dead.
        let mut child = lock(&self.child);
        if self.killed.swap(true, Ordering::SeqCst) {
            return;
        }
        // An error means that nobody is left.
        let _ = child.start_kill();
        let _ = child.wait();
        leftovers::kill_marked(&self.mark);
        guard::stopped(&self.mark);
    }
}

/// Where the first lines say that the program listens. Its own line is believed before others.
fn announced(lines: &[String]) -> Option<SocketAddr> {
    let ours = lines.iter().find(|line| line.starts_with("Tree counter:"));
    ours.and_then(|line| address(line)).or_else(|| lines.iter().find_map(|line| address(line)))
}

/// The address in a line such as `Tree counter: http://localhost:8001/treecounter`.
fn address(line: &str) -> Option<SocketAddr> {
    let (_, url) = line.split_once("http://")?;
    let authority = url.split(['/', ' ']).next()?;
    match authority.strip_prefix("localhost:") {
        Some(port) => Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().ok()?))),
        None => authority.parse().ok(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_address_in_what_is_printed() {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let found = |text: &str| announced(&lines(text)).map(|addr| addr.to_string());
        assert_eq!(found("hello\nsee http://docs.rs/x\n"), None);
        assert_eq!(
            found("Tree counter: http://localhost:4711/treecounter\n").unwrap(),
            "127.0.0.1:4711"
        );
        assert_eq!(found("at http://[::1]:80/ or so").unwrap(), "[::1]:80");
        // A line of the learner's own, with a port from the lesson, comes second.
        assert_eq!(
            found("open http://localhost:8001/\nTree counter: http://localhost:9\n").unwrap(),
            "127.0.0.1:9"
        );
    }
}
