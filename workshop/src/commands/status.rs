//! `cargo workshop` alone: where the learner is, and the next thing to type.

use std::process::ExitCode;

use crate::course::{Check, Course, Section, Step};
use crate::learner::progress::Progress;
use crate::learner::workspace::Workspace;
use crate::terminal;
use crate::terminal::style::{GOOD, TYPE, WARN, indent, paint, plural};
use crate::terminal::text::reflow;

/// What is narrower has no room for a title between the other columns.
const ROOMY: usize = 80;
/// Where the title of a step begins on a narrow terminal.
const STEP: usize = 11;

/// Prints the sections, what is done, and the next thing to type.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let (course, workspace) = (Course::embedded()?, Workspace::find()?);
    let progress = Progress::load(&workspace);
    let current = progress.current(course);
    let width = terminal::width();
    let title = format!("The tree counter workshop, {} minutes", course.minutes());
    println!("{}\n", paint(TYPE, title));
    for section in &course.sections {
        let is_current = current.is_some_and(|current| current.slug == section.slug);
        println!("{}", section_line(section, &progress, is_current, width));
        if is_current {
            for (number, step) in (1..).zip(&section.steps) {
                println!("{}", step_line(section, (number, step), &progress, width));
            }
        }
    }
    println!("\n{}", advice(course, &progress, current));
    Ok(ExitCode::SUCCESS)
}

/// A section on one line, or with its title below where there is no room.
fn section_line(section: &Section, progress: &Progress, is_current: bool, width: usize) -> String {
    let checks = section.checks().count();
    let passed = section.checks().filter(|(.., check)| progress.passed(section, check)).count();
    let (mark, note) = match (progress.done(section), progress.caught_up(section)) {
        (true, true) => (paint(WARN, "[~]"), "by goto".to_owned()),
        (true, false) => (paint(GOOD, "[x]"), "done".to_owned()),
        (false, _) if is_current || passed > 0 => {
            let mark = if is_current { paint(TYPE, "[>]") } else { "[ ]".to_owned() };
            let note = match progress.failed(section) {
                Some("builds") => "does not build".to_owned(),
                // It passed before, and then something that all sections need failed.
                Some(_) if passed == checks => "does not run".to_owned(),
                _ => format!("{passed} of {}", plural(checks, "check")),
            };
            (mark, note)
        }
        (false, _) => ("[ ]".to_owned(), String::new()),
    };
    let minutes = format!("{} min", section.minutes());
    let (slug, title) = (&section.slug, &section.title);
    let line = match width {
        ROOMY.. => format!("{mark} {slug:<9} {title:<41} {minutes:>6}   {note}"),
        _ => format!("{mark} {slug:<9} {minutes:>6}   {note}"),
    };
    let below = indent(&reflow(title, width - 4), 4);
    let below = if width < ROOMY { format!("\n{below}") } else { String::new() };
    format!("{}{below}", line.trim_end())
}

fn step_line(
    section: &Section,
    (number, step): (usize, &Step),
    progress: &Progress,
    width: usize,
) -> String {
    let passed = |check: &Check| progress.passed(section, check);
    let settled = |check: &Check| passed(check) || progress.left_out(section, check);
    let mark = match (step.checks.iter().all(settled), step.checks.iter().any(passed)) {
        (true, true) => paint(GOOD, "x"),
        // Nobody has looked: there was nothing to look at.
        (true, false) => "-".to_owned(),
        (false, _) => " ".to_owned(),
    };
    let minutes = format!("{} min", step.minutes());
    if width >= ROOMY {
        return format!("     [{mark}] {number:>2}  {:<42} {minutes:>6}", step.title);
    }
    let title = reflow(&format!("{}, {minutes}", step.title), width - STEP);
    format!("    [{mark}] {number:>2} {}", indent(&title, STEP).trim_start())
}

/// What to do next: one thing to type, and what to type if it does not go on.
fn advice(course: &Course, progress: &Progress, current: Option<&Section>) -> String {
    let Some(section) = current else {
        return "All of it is done. Show somebody what you have built.".to_owned();
    };
    let (slug, package) = (&section.slug, &section.package);
    let check = paint(TYPE, format!("cargo workshop check {slug}"));
    if progress.failed(section).is_some() {
        let hint = paint(TYPE, format!("cargo workshop hint {slug}"));
        return format!("Next:   {check}\nStuck?  {hint}");
    }
    // Where there is more than the program, the program is not what is worked on.
    let edited = &section.files[usize::from(section.files.len() > 1)..];
    let edited: Vec<String> =
        edited.iter().map(|file| Workspace::relative(section, file)).collect();
    let edited = edited.join("\n        ");
    let read = format!("Read:   {package}/README.md\nEdit:   {edited}");
    let next = format!("{read}\nNext:   {check}");
    if progress.is_empty() && course.sections.first().is_some_and(|first| first.slug == *slug) {
        let doctor = paint(TYPE, "cargo workshop doctor");
        return format!("First:  {doctor}\n{next}");
    }
    next
}
