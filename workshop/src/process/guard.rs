//! A second process that outlives this one by a moment: when this one is killed in a way that it
//! cannot notice, the guard kills the programs that it has started and removes the folders that it
//! has made.
//!
//! It is told of each through a pipe. The pipe's end is this process's end, however that
//! came about.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::process::leftovers;

/// The hidden command that runs the guard.
const COMMAND: &str = "guard";

// What the lines begin with that it is told.
const STARTING: &str = "starting";
const ALONE: &str = "alone";
const GROUP: &str = "group";
const STOPPED: &str = "stopped";
const MAKING: &str = "making";
const REMOVED: &str = "removed";

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
    tell(&format!("{STARTING} {mark}\n"));
}

/// Tells the guard the number of its process, which may be that of its group.
pub(crate) fn started(id: u32, mark: &str, reach: Reach) {
    let word = if reach == Reach::Group { GROUP } else { ALONE };
    tell(&format!("{word} {mark} {id}\n"));
}

/// Tells the guard that it has been stopped.
pub(crate) fn stopped(mark: &str) {
    tell(&format!("{STOPPED} {mark}\n"));
}

/// Tells the guard that a folder is about to be made.
pub(crate) fn making(folder: &Path) {
    tell_of_folder(MAKING, folder);
}

/// Tells the guard that it has been removed.
pub(crate) fn removed(folder: &Path) {
    tell_of_folder(REMOVED, folder);
}

/// A path that has no place on a line is not guarded.
fn tell_of_folder(word: &str, folder: &Path) {
    if let Some(path) = folder.to_str().filter(|path| !path.contains(['\n', '\r'])) {
        tell(&format!("{word} {path}\n"));
    }
}

fn tell(line: &str) {
    let mut guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pipe) = guard.as_mut().and_then(|guard| guard.stdin.as_mut()) {
        // A guard that is gone guards nothing; the check goes on.
        let _ = pipe.write_all(line.as_bytes());
    }
}

/// Whether a child is stopped with what it has started, and whether it gets the terminal's Ctrl-C.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// In this process's group: for what may use the terminal, and ends by itself.
    Alone,
    /// A process group of its own, or a Job object on Windows, that ends with it.
    Group,
}

/// What is there at a moment, as the guard was told.
#[derive(Debug, Default, PartialEq)]
struct Inventory {
    /// The programs by their marks, with the number of the process once there is one.
    programs: BTreeMap<String, Option<(u32, Reach)>>,
    folders: BTreeSet<String>,
}

impl Inventory {
    fn take(&mut self, line: &str) {
        let Some((word, rest)) = line.split_once(' ') else { return };
        let program = |reach| {
            let (mark, id) = rest.split_once(' ')?;
            Some((mark.to_owned(), Some((id.parse().ok()?, reach))))
        };
        match word {
            STARTING => _ = self.programs.insert(rest.to_owned(), None),
            ALONE => self.programs.extend(program(Reach::Alone)),
            GROUP => self.programs.extend(program(Reach::Group)),
            STOPPED => _ = self.programs.remove(rest),
            MAKING => _ = self.folders.insert(rest.to_owned()),
            REMOVED => _ = self.folders.remove(rest),
            _ => {}
        }
    }
}

/// The guard itself: listens to the end, then kills what was not stopped, and removes what is left.
pub(crate) fn run() {
    let mut told = Inventory::default();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        told.take(&line);
    }
    for (mark, program) in &told.programs {
        if let Some((id, reach)) = program {
            kill(*id, *reach);
        }
        leftovers::kill_marked(mark);
    }
    // One that was being started may only now have become itself.
    if told.programs.values().any(Option::is_none) {
        std::thread::sleep(LAST_LOOK);
        told.programs.keys().for_each(|mark| leftovers::kill_marked(mark));
    }
    for folder in &told.folders {
        leftovers::remove(Path::new(folder));
    }
}

#[cfg(unix)]
fn kill(id: u32, reach: Reach) {
    use nix::sys::signal::{Signal, kill, killpg};
    use nix::unistd::Pid;

    let Ok(id) = i32::try_from(id) else { return };
    // It may have ended by itself.
    let _ = match reach {
        Reach::Group => killpg(Pid::from_raw(id), Signal::SIGKILL),
        // Its number may be somebody else's by now: where there are marks, they are surer.
        Reach::Alone if cfg!(target_os = "linux") => Ok(()),
        Reach::Alone => kill(Pid::from_raw(id), Signal::SIGKILL),
    };
}

#[cfg(windows)]
fn kill(id: u32, _reach: Reach) {
    let mut taskkill = Command::new("taskkill");
    taskkill
        .args(["/F", "/T", "/PID", &id.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let _ = taskkill.status();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_is_there_from_what_it_was_told() {
        let mut told = Inventory::default();
        for line in [
            "starting 1-0",
            "starting 1-1",
            "group 1-0 77",
            "making /tmp/a b",
            "making /tmp/c",
            "?",
        ] {
            told.take(line);
        }
        let programs = [("1-0".to_owned(), Some((77, Reach::Group))), ("1-1".to_owned(), None)];
        let folders = ["/tmp/a b".to_owned(), "/tmp/c".to_owned()];
        assert_eq!(told, Inventory { programs: programs.into(), folders: folders.into() });
        for line in
            ["alone 1-1 78", "stopped 1-1", "stopped 1-0", "removed /tmp/a b", "removed /tmp/c"]
        {
            told.take(line);
        }
        assert_eq!(told, Inventory::default());
    }
}
