//! `cargo workshop` alone: where the learner is, and the next thing to type.

use std::process::ExitCode;

use crate::check::catalog;
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
    println!("\n{}", advice(course, &progress, current, width));
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
fn advice(course: &Course, progress: &Progress, current: Option<&Section>, width: usize) -> String {
    let Some(section) = current else {
        return ending(course, progress, width);
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
    let is_first = course.sections.first().is_some_and(|first| first.slug == *slug);
    if is_first && progress.is_empty() && !progress.examined() {
        let doctor = paint(TYPE, "cargo workshop doctor");
        return format!("First:  {doctor}\n{next}");
    }
    next
}

/// After the last section: what the learner can do now, and has from where; what was hard; and what
/// to do with it.
fn ending(course: &Course, progress: &Progress, width: usize) -> String {
    let learnt = course.sections.iter();
    let learnt = learnt.map(|section| item(&section.slug, LABEL, &section.learnt, width));
    let learnt: Vec<String> = learnt.collect();
    let next = (1..).zip(NEXT).map(|(number, what)| item(&format!("{number}."), 2, what, width));
    let next: Vec<String> = next.collect();
    let mystery = paint(TYPE, "cargo workshop mystery");
    let parts = [
        Some("All of it is done. You can now:".to_owned()),
        Some(learnt.join("\n")),
        hardest(course, progress, width),
        Some(reflow("What to do next, in a project of your own, in this order:", width)),
        Some(next.join("\n")),
        Some(
            reflow("And once more here: an incident of which nobody says what it is.", width)
                + &format!("\n  {mystery}"),
        ),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n\n")
}

/// The checks that took the most tries: those that failed, and the last one, that passed. Nothing
/// where nothing is known: a reset forgets.
fn hardest(course: &Course, progress: &Progress, width: usize) -> Option<String> {
    let mut tries: Vec<(&str, usize)> = progress.tries().into_iter().collect();
    tries.sort_by_key(|(_, failed)| std::cmp::Reverse(*failed));
    let known = tries.iter().filter_map(|(slug, failed)| {
        let (section, .., check) = course.check(slug)?;
        // Every section's program is built.
        let what = match *slug == catalog::BUILDS {
            true => check.title.clone(),
            false => format!("{} ({})", check.title, section.slug),
        };
        Some(item(&(failed + 1).to_string(), 3, &what, width))
    });
    let lines: Vec<String> = known.take(HARDEST).collect();
    if lines.is_empty() {
        return None;
    }
    let title = "What took you the most tries, the last one included:";
    Some(format!("{}\n\n{}", reflow(title, width), lines.join("\n")))
}

/// A line of a list, or several: a label, and the text beside it.
fn item(label: &str, columns: usize, text: &str, width: usize) -> String {
    let margin = 2 + columns + 1;
    let text = indent(&reflow(text, width - margin), margin);
    format!("  {label:<columns$} {}", text.trim_start())
}

/// How many checks are named as the hardest.
const HARDEST: usize = 3;

/// The columns of a section's slug.
const LABEL: usize = 9;

/// What to do with it, first things first.
const NEXT: [&str; 3] = [
    "Serve /metrics with the base metrics, let a Prometheus scrape it, and alert on `up` and \
     `absent`. From then on you know whether it runs.",
    "Count the requests by status and route, and time them, in one place that all of them pass. \
     Put a bucket on each promise. Draw rate, errors and duration.",
    "Write one alert on what a user feels. Test it with `promtool test rules`, and let it ring \
     once, on purpose, on a quiet afternoon.",
];
