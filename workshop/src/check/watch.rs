//! Watch mode: checks after every save, and shows one clean frame.
//!
//! Saves are noticed by the system's events and, since some file systems send none (network
//! mounts, WSL), also by looking at the files' times now and then.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant, SystemTime};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use crate::check::session::Session;
use crate::check::verdict::Verdict;
use crate::check::{pick, remember, render};
use crate::course::Section;
use crate::terminal::style::{FRAME, paint};

/// How often the files are looked at when there is no event.
const LOOK: Duration = Duration::from_millis(250);
/// A save is over when nothing has changed for this long: `git checkout` writes many files.
const QUIET: Duration = Duration::from_millis(60);
/// Some editors never come to rest.
const PATIENCE: Duration = Duration::from_millis(400);

/// Home, and clear the screen and what was scrolled off it.
const CLEAR: &str = "\x1b[H\x1b[2J\x1b[3J";

/// Checks now and after every save, until Ctrl-C.
pub(crate) fn run(session: &Session<'_>, name: Option<&str>) -> anyhow::Result<ExitCode> {
    let mut section = pick(session, name)?;
    let directories: Vec<PathBuf> = session
        .course
        .sections
        .iter()
        .map(|section| session.workspace.root().join(&section.package))
        .collect();
    let (_watcher, events) = events(&directories);
    loop {
        let seen = state(&directories);
        clear();
        anstream::println!("{}", paint(FRAME, format!("Checking {} ...", section.slug)));
        show(session, section, name.is_none())?;
        let changed = wait_for_save(&directories, &seen, &events);
        // With a section named, the others may change as they like.
        if name.is_none() {
            let edited = changed
                .iter()
                .find_map(|path| session.course.section_at(session.workspace.root(), path));
            section = match edited {
                Some(edited) => edited,
                None => pick(session, None)?,
            };
        }
    }
}

/// One frame. A build error stays as cargo has shown it.
fn show(session: &Session<'_>, section: &Section, follows: bool) -> anyhow::Result<()> {
    match session.check(section) {
        Ok(report) => {
            if report.built {
                clear();
                if !report.warnings.is_empty() {
                    anstream::eprintln!("{}\n", report.warnings);
                }
            }
            anstream::print!("{}", render::frame(&report, session.course, section));
            remember(session, section, &report);
            let next = match report.verdict {
                Verdict::Pass if follows => "Edit the next section's file, and that is checked.",
                _ => "Save the file, and it is checked again.",
            };
            anstream::println!("\n{}", paint(FRAME, format!("{next} Ctrl-C ends.")));
        }
        Err(error) => anstream::eprintln!("error: {error:#}"),
    }
    std::io::stdout().flush()?;
    Ok(())
}

/// Clears a terminal; a pipe gets one frame after the other.
fn clear() {
    if std::io::stdout().is_terminal() {
        anstream::print!("{CLEAR}");
        // What goes to standard error comes after it.
        let _ = std::io::stdout().flush();
    }
}

/// The system's events, as far as it has any: without them, the files are looked at.
fn events(directories: &[PathBuf]) -> (Option<RecommendedWatcher>, Receiver<()>) {
    let (sender, receiver) = mpsc::channel();
    let forward = move |event: notify::Result<notify::Event>| {
        // To look at the files is an event too: each look would call for the next.
        if !event.is_ok_and(|event| event.kind.is_access()) {
            // The receiver lives as long as the watch.
            let _ = sender.send(());
        }
    };
    let mut watcher = notify::recommended_watcher(forward).ok();
    if let Some(watcher) = &mut watcher {
        for directory in directories {
            let _ = watcher.watch(directory, RecursiveMode::Recursive);
        }
    }
    (watcher, receiver)
}

/// When each file of the learner was written, and how long it is.
type State = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

fn state(directories: &[PathBuf]) -> State {
    let mut state = State::new();
    for directory in directories {
        collect(directory, &mut state);
    }
    state
}

fn collect(directory: &Path, state: &mut State) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            collect(&path, state);
        } else if is_learners(&path) {
            state.insert(path, (metadata.modified().ok(), metadata.len()));
        }
    }
}

/// What a check depends on. Editors write files of their own beside it.
fn is_learners(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("rs" | "toml" | "promql" | "yml" | "yaml"))
}

/// Waits until something differs from `seen`, and then until it is at rest. Returns what differs.
fn wait_for_save(directories: &[PathBuf], seen: &State, events: &Receiver<()>) -> Vec<PathBuf> {
    let mut events_end = false;
    loop {
        if events_end {
            std::thread::sleep(LOOK);
        } else if events.recv_timeout(LOOK) == Err(mpsc::RecvTimeoutError::Disconnected) {
            // There is no watcher, so nobody will ever send.
            events_end = true;
        }
        let mut now = state(directories);
        if now == *seen {
            continue;
        }
        let end = Instant::now() + PATIENCE;
        loop {
            std::thread::sleep(QUIET);
            let next = state(directories);
            if next == now || Instant::now() > end {
                return differences(seen, &next);
            }
            now = next;
        }
    }
}

/// The files that are new, gone or other.
fn differences(before: &State, after: &State) -> Vec<PathBuf> {
    let changed = after.iter().filter(|(path, state)| before.get(*path) != Some(state));
    let gone = before.keys().filter(|path| !after.contains_key(*path));
    changed.map(|(path, _)| path).chain(gone).cloned().collect()
}
