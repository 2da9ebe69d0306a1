//! Watch mode: checks after every save, and shows one clean frame. On a terminal the frame fits the
//! screen, and keys do what the commands do; elsewhere one frame follows the other.
//!
//! The files are looked at again and again: some file systems tell nobody of a save (network
//! mounts, WSL).

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use crossterm::event::KeyCode;

use crate::check::page::Page;
use crate::check::report::Report;
use crate::check::session::Session;
use crate::check::verdict::Verdict;
use crate::check::{glance, pick, remember, render};
use crate::commands::{hint, solution};
use crate::course::Section;
use crate::learner::progress::Progress;
use crate::terminal;
use crate::terminal::live::{Input, Live};
use crate::terminal::style::{FRAME, paint};
use crate::terminal::text::columns;
use crate::terminal::{live, output};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// A save is over when nothing has changed for this long: `git checkout` writes many files.
const QUIET: Duration = Duration::from_millis(60);
/// Some editors write again and again.
const PATIENCE: Duration = Duration::from_millis(400);

/// Home, and clear what is on the screen. What was scrolled off it stays.
const CLEAR: &str = "\x1b[H\x1b[J";

/// The keys, and what stands beside them at the foot of a frame.
const KEYS: [&str; 5] = ["h hint", "n next section", "s solution", "r run again", "q quit"];
const SHORT_KEYS: &str = "h hint n next s solution r again q quit";
/// Under what stands in the place of the report.
const BACK: &str = "r, or a save: the report again";

/// What ends the waiting.
enum Next {
    /// Files of the learner have changed.
    Saved(Vec<PathBuf>),
    Again,
    Section,
    End,
}

/// Checks now and after every save, until somebody ends it.
pub(crate) fn run(session: &Session<'_>, name: Option<&str>) -> anyhow::Result<ExitCode> {
    let mut section = pick(session, name)?;
    let mut follows = name.is_none();
    let watch = Watch::new(session);
    watch.make_room();
    loop {
        let seen = state(&watch.directories);
        watch.clear();
        println!("{}", paint(FRAME, format!("Checking {} ...", section.slug)));
        let report = watch.check(section, follows);
        match watch.wait(section, report.as_ref(), &seen)? {
            Next::End => return Ok(ExitCode::SUCCESS),
            Next::Again => {}
            Next::Section => {
                section = session.course.after(section).unwrap_or(section);
                // Whoever chooses a section stays in it until another's file is edited.
                follows = true;
            }
            // With a section named, the others may change as they like.
            Next::Saved(changed) if follows => {
                let edited = changed
                    .iter()
                    .find_map(|path| session.course.section_at(session.workspace.root(), path));
                section = match edited {
                    Some(edited) => edited,
                    None => pick(session, None)?,
                };
            }
            Next::Saved(_) => {}
        }
    }
}

struct Watch<'a> {
    session: &'a Session<'a>,
    /// What is watched.
    directories: Vec<PathBuf>,
    /// There is a screen, and somebody who may press keys.
    screen: bool,
}

impl<'a> Watch<'a> {
    fn new(session: &'a Session<'a>) -> Self {
        let sections = session.course.sections.iter();
        let directories =
            sections.map(|section| session.workspace.root().join(&section.package)).collect();
        Self { session, directories, screen: live::is_possible() }
    }

    /// Scrolls what is on the screen out of the way: it is the learner's, and stays readable there.
    fn make_room(&self) {
        if self.screen {
            print!("{}", "\n".repeat(terminal::size().1));
        }
    }

    /// Clears a terminal; a pipe gets one frame after the other.
    fn clear(&self) {
        if self.screen {
            print!("{CLEAR}");
            // What goes to standard error comes after it.
            let _ = std::io::stdout().flush();
        }
    }

    /// One frame.
    fn check(&self, section: &Section, follows: bool) -> Option<Report> {
        let report = match self.session.check(section) {
            Ok(report) => report,
            Err(error) => {
                eprintln!("error: {error:#}");
                return None;
            }
        };
        self.show(section, &report);
        remember(self.session, section, &report);
        if !self.screen {
            let next = match report.verdict {
                Verdict::Pass if follows => "Edit the next section's file, and that is checked.",
                _ => "Save the file, and it is checked again.",
            };
            println!("\n{}", paint(FRAME, format!("{next} Ctrl-C ends.")));
        }
        Some(report)
    }

    /// The report, on a clean screen; below what cargo says of a program that does not compile.
    fn show(&self, section: &Section, report: &Report) {
        let course = self.session.course;
        let mut above = report.warnings.lines().count();
        if report.is_unbuilt() {
            above = 0;
            println!();
        } else {
            self.clear();
        }
        if above > 0 {
            eprintln!("{}\n", report.warnings);
        }
        if !self.screen {
            print!("{}", render::frame(report, course, section, Page::here()));
            return;
        }
        // An empty line and the keys stand below.
        let room = terminal::size().1.saturating_sub(2);
        // Warnings that leave too little are scrolled away.
        let room = if room > 2 * above { room - above } else { room };
        print!("{}", glance::frame(report, course, section, (terminal::width(), room)));
    }

    /// Waits for a save or a key.
    fn wait(
        &self,
        section: &Section,
        report: Option<&Report>,
        seen: &State,
    ) -> anyhow::Result<Next> {
        // Without keys there are still files.
        let mut keys = match self.screen {
            true => Live::keys().ok(),
            false => None,
        };
        if keys.is_some() {
            self.say(&foot(terminal::width()));
        }
        loop {
            if output::is_lost() {
                return Ok(Next::End);
            }
            match &keys {
                Some(live) => match live.input(LOOK)? {
                    Some(Input::End | Input::Key(KeyCode::Char('q') | KeyCode::Esc)) => {
                        drop(keys.take());
                        println!();
                        return Ok(Next::End);
                    }
                    Some(Input::Key(KeyCode::Char('r'))) => return Ok(Next::Again),
                    Some(Input::Key(KeyCode::Char('n'))) => return Ok(Next::Section),
                    Some(Input::Key(KeyCode::Char(key @ ('h' | 's')))) => {
                        // The terminal is given back meanwhile: this is printed as usual.
                        drop(keys.take());
                        self.instead(key, section);
                        keys = Live::keys().ok();
                    }
                    Some(Input::Redraw) => {
                        drop(keys.take());
                        if let Some(report) = report {
                            self.show(section, report);
                        }
                        self.say(&foot(terminal::width()));
                        keys = Live::keys().ok();
                    }
                    _ => {}
                },
                None => std::thread::sleep(LOOK),
            }
            if let Some(changed) = changes(&self.directories, seen) {
                return Ok(Next::Saved(changed));
            }
        }
    }

    /// A hint or the solution, in the place of the report.
    fn instead(&self, key: char, section: &Section) {
        self.clear();
        let workspace = self.session.workspace;
        let shown = match key {
            'h' => Ok(hint::give(workspace, self.session.course, section).0),
            _ => {
                let progress = Progress::load(workspace);
                solution::differences(workspace, section, &progress, solution::Which::Next)
            }
        };
        match shown {
            Ok(text) => println!("{}", text.trim_end()),
            Err(error) => eprintln!("error: {error:#}"),
        }
        self.say(&format!("{BACK}\n{}", foot(terminal::width())));
    }

    fn say(&self, words: &str) {
        let lines = words.lines().map(|line| paint(FRAME, line));
        print!("\r\n{}", lines.collect::<Vec<_>>().join("\r\n"));
        let _ = std::io::stdout().flush();
    }
}

/// The keys, on one line.
fn foot(width: usize) -> String {
    let keys = KEYS.join("  ");
    if columns(&keys) <= width { keys } else { SHORT_KEYS.to_owned() }
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

/// What differs from `seen`, if anything does, once it is at rest.
fn changes(directories: &[PathBuf], seen: &State) -> Option<Vec<PathBuf>> {
    let mut now = state(directories);
    if now == *seen {
        return None;
    }
    let end = Instant::now() + PATIENCE;
    loop {
        std::thread::sleep(QUIET);
        let next = state(directories);
        if next == now || Instant::now() > end {
            return Some(differences(seen, &next));
        }
        now = next;
    }
}

/// The files that are new, gone or other.
fn differences(before: &State, after: &State) -> Vec<PathBuf> {
    let changed = after.iter().filter(|(path, state)| before.get(*path) != Some(state));
    let gone = before.keys().filter(|path| !after.contains_key(*path));
    changed.map(|(path, _)| path).chain(gone).cloned().collect()
}
