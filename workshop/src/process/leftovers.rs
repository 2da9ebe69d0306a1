//! Processes that left the learner's process group: found by a mark in their environment.

/// The variable that carries the mark; every process that the program starts inherits it.
pub(crate) const VARIABLE: &str = "CARGO_WORKSHOP_CHECK";

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
