//! What is left of what was started: processes that left their group, found by a mark in their
//! environment, and folders.

use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

/// The variable that carries the mark; every process that the program starts inherits it.
pub(crate) const VARIABLE: &str = "CARGO_WORKSHOP_CHECK";

/// How long a folder may still be written to by what was just killed.
const GRACE: Duration = Duration::from_secs(2);

/// How often the processes are gone through at most.
#[cfg(target_os = "linux")]
const ROUNDS: usize = 5;

/// Kills every process that carries this mark. Only Linux shows the environment of others; Windows
/// needs no mark, since nothing leaves its Job object.
#[cfg(target_os = "linux")]
pub(crate) fn kill_marked(mark: &str) {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    let wanted = format!("{VARIABLE}={mark}");
    // Again while some are found: one of them may just have started another.
    for _ in 0..ROUNDS {
        let mut found = false;
        let Ok(processes) = std::fs::read_dir("/proc") else { return };
        for process in processes.flatten() {
            let name = process.file_name();
            let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            let environment = std::fs::read(process.path().join("environ")).unwrap_or_default();
            if environment.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes()) {
                found |= kill(Pid::from_raw(id), Signal::SIGKILL).is_ok();
            }
        }
        if !found {
            return;
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn kill_marked(_mark: &str) {}

/// Removes a folder, also while the last file of a process that was killed is being written there.
/// Left behind, it would only take room among other such things.
pub(crate) fn remove(folder: &Path) {
    let end = Instant::now() + GRACE;
    while std::fs::remove_dir_all(folder).is_err_and(|error| error.kind() != ErrorKind::NotFound)
        && Instant::now() < end
    {
        std::thread::sleep(Duration::from_millis(5));
    }
}
