//! A second process that outlives this one by a moment: when this one is killed in a way that it
//! cannot notice, the guard kills the programs that it has started.
//!
//! It is told of each program through a pipe. The pipe's end is this process's end, however that
//! came about.

use std::io::{BufRead, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::process::leftovers;

/// The hidden command that runs the guard.
const COMMAND: &str = "guard";

/// How long a start that was under way may take.
const LAST_LOOK: Duration = Duration::from_millis(200);

static GUARD: Mutex<Option<Child>> = Mutex::new(None);

/// Starts the guard. Without one, a check works as well.
pub(crate) fn start() {
    let Ok(executable) = std::env::current_exe() else { return };
    let mut command = Command::new(executable);
    command.arg(COMMAND).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // Ctrl-C is for this process, which then ends in order.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    *GUARD.lock().unwrap_or_else(PoisonError::into_inner) = command.spawn().ok();
}

/// Tells the guard that a program with this mark is about to be started.
pub(crate) fn starting(mark: &str) {
    tell(&format!("? 0 {mark}\n"));
}

/// Tells the guard the number of its process, and so of its group.
pub(crate) fn started(id: u32, mark: &str) {
    tell(&format!("+ {id} {mark}\n"));
}

/// Tells the guard that it has been stopped.
pub(crate) fn stopped(mark: &str) {
    tell(&format!("- 0 {mark}\n"));
}

fn tell(line: &str) {
    let mut guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pipe) = guard.as_mut().and_then(|guard| guard.stdin.as_mut()) {
        // A guard that is gone guards nothing; the check goes on.
        let _ = pipe.write_all(line.as_bytes());
    }
}

/// The guard itself: listens to the end, then kills what was not stopped.
pub(crate) fn run() {
    let mut running: Vec<(u32, String)> = Vec::new();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let mut words = line.split(' ');
        let (Some(verb), Some(id), Some(mark)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let Ok(id) = id.parse() else { continue };
        running.retain(|(_, other)| other != mark);
        if verb != "-" {
            running.push((id, mark.to_owned()));
        }
    }
    for (id, mark) in &running {
        if *id != 0 {
            kill(*id);
        }
        leftovers::kill_marked(mark);
    }
    // One that was being started may only now have become itself.
    if running.iter().any(|(id, _)| *id == 0) {
        std::thread::sleep(LAST_LOOK);
        running.iter().for_each(|(_, mark)| leftovers::kill_marked(mark));
    }
}

#[cfg(unix)]
fn kill(id: u32) {
    use nix::sys::signal::{Signal, killpg};
    use nix::unistd::Pid;

    if let Ok(id) = i32::try_from(id) {
        // It may have ended by itself.
        let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
    }
}

#[cfg(windows)]
fn kill(id: u32) {
    let mut taskkill = Command::new("taskkill");
    taskkill
        .args(["/F", "/T", "/PID", &id.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let _ = taskkill.status();
}
