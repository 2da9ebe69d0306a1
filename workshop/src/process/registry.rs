//! One registry of what this process has started and made: every child, with all that it starts in
//! turn, and every folder. What is in it is gone when this process ends, however it ends: the guard
//! is told of each before it is there.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, ChildStdout, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use process_wrap::std::{ChildWrapper, CommandWrap};

use crate::process::guard::Reach;
use crate::process::{guard, leftovers};
use crate::terminal::live;

/// How often a process is asked whether it has ended.
pub(crate) const GLANCE: Duration = Duration::from_millis(4);

static REGISTRY: Mutex<Registry> =
    Mutex::new(Registry { children: Vec::new(), folders: Vec::new() });
static COUNT: AtomicU32 = AtomicU32::new(0);

struct Registry {
    children: Vec<Arc<Entry>>,
    folders: Vec<PathBuf>,
}

/// A process that was started. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Child(Arc<Entry>);

#[derive(Debug)]
struct Entry {
    child: Mutex<Box<dyn ChildWrapper>>,
    mark: String,
    reach: Reach,
    /// Set once: afterwards the numbers of its processes may be somebody else's.
    over: AtomicBool,
}

/// A folder that nobody else uses. Dropped, it is removed.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

/// Starts a process.
pub(crate) fn spawn(mut command: Command, reach: Reach) -> io::Result<Child> {
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mark = format!("{}-{count}", std::process::id());
    command.env(leftovers::VARIABLE, &mark);
    let mut wrap = CommandWrap::from(command);
    if reach == Reach::Group {
        #[cfg(unix)]
        wrap.wrap(process_wrap::std::ProcessGroup::leader());
        #[cfg(windows)]
        wrap.wrap(process_wrap::std::JobObject);
    }
    // Held while it starts, so that `stop_all` finds it or comes before it.
    let mut registry = lock(&REGISTRY);
    guard::starting(&mark);
    let child = match wrap.spawn() {
        Ok(child) => child,
        Err(error) => {
            guard::stopped(&mark);
            return Err(error);
        }
    };
    guard::started(child.id(), &mark, reach);
    let entry = Entry { child: Mutex::new(child), mark, reach, over: AtomicBool::new(false) };
    let entry = Arc::new(entry);
    registry.children.push(Arc::clone(&entry));
    Ok(Child(entry))
}

/// Kills all that was started, at once, and removes what was made.
pub(crate) fn stop_all() {
    // Held on: nothing can be started any more, since this is the end.
    let registry = lock(&REGISTRY);
    for child in &registry.children {
        child.kill();
    }
    for folder in &registry.folders {
        leftovers::remove(folder);
    }
    std::mem::forget(registry);
}

/// On Ctrl-C, stops all and ends this process with an exit code.
pub(crate) fn stop_on_ctrl_c(code: i32) -> anyhow::Result<()> {
    ctrlc::set_handler(move || {
        stop_all();
        live::restore();
        eprintln!();
        std::process::exit(code);
    })
    .context("cannot listen for Ctrl-C")
}

impl Child {
    pub(crate) fn stdout(&self) -> Option<ChildStdout> {
        lock(&self.0.child).stdout().take()
    }

    pub(crate) fn stderr(&self) -> Option<ChildStderr> {
        lock(&self.0.child).stderr().take()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&self) -> io::Result<Option<ExitStatus>> {
        lock(&self.0.child).try_wait()
    }

    /// Waits for its end, however long that takes; `stop_all` is not kept waiting.
    pub(crate) fn wait(&self) -> io::Result<ExitStatus> {
        loop {
            match self.ended()? {
                Some(status) => return Ok(status),
                None => std::thread::sleep(GLANCE),
            }
        }
    }

    /// Asks it to stop; tells whether it could be asked.
    #[cfg(unix)]
    pub(crate) fn ask_to_stop(&self) -> bool {
        lock(&self.0.child).signal(nix::sys::signal::Signal::SIGTERM as i32).is_ok()
    }

    /// On Windows only a console can be asked, and that is everybody's.
    #[cfg(not(unix))]
    pub(crate) fn ask_to_stop(&self) -> bool {
        false
    }

    /// Kills it at once, with all that it started.
    pub(crate) fn kill(&self) {
        self.0.kill();
        lock(&REGISTRY).children.retain(|other| other.mark != self.0.mark);
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Entry {
    fn kill(&self) {
        // Held to the end: whoever comes second must not go on before everything is dead.
        let mut child = lock(&self.child);
        if self.over.swap(true, Ordering::SeqCst) {
            return;
        }
        // Of a group whose leader has ended, others may be left. What ended alone may have started
        // something for everybody, as cargo does with a compiler cache.
        if self.reach == Reach::Group || !matches!(child.try_wait(), Ok(Some(_))) {
            // An error means that nobody is left.
            let _ = child.start_kill();
            let _ = child.wait();
            leftovers::kill_marked(&self.mark);
        }
        guard::stopped(&self.mark);
    }
}

impl Folder {
    /// Makes one whose name begins so.
    pub(crate) fn new(name: &str) -> anyhow::Result<Self> {
        let mut registry = lock(&REGISTRY);
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("{name}-{}-{count}", std::process::id()));
            guard::making(&path);
            match fs::create_dir(&path) {
                Ok(()) => {
                    registry.folders.push(path.clone());
                    return Ok(Self(path));
                }
                // Left by an earlier process of the same number; the guard may well remove it.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(error).with_context(|| format!("cannot make {}", path.display()));
                }
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Lets a program make what it needs for a moment in here: killed, it would leave that behind.
    pub(crate) fn take_temporaries_of(&self, command: &mut Command) {
        command.env("TMPDIR", &self.0).env("TMP", &self.0);
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        leftovers::remove(&self.0);
        guard::removed(&self.0);
        lock(&REGISTRY).folders.retain(|other| *other != self.0);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
