//! The starter of a section: the solution of the section before, plus TODO comments.
//!
//! Nothing is written twice, so a starter cannot drift from the solution it continues.

use anyhow::{bail, ensure};

use crate::course::{Course, LearnerFile, Section};
use crate::learner::embedded;

/// What section 1 starts from: the program before anything is measured.
const BEFORE_SECTION_1: &str = "workshop/starters/section1.rs";

/// The starter of a section's program.
pub fn generate(course: &Course, section: &Section) -> anyhow::Result<String> {
    compose(section, &before(course, section)?)
}

/// A section's program before its first step: the solution of the section before.
pub fn before(course: &Course, section: &Section) -> anyhow::Result<String> {
    let before = course.before(section);
    embedded::text(before.map_or(BEFORE_SECTION_1, |before| &before.files[0].solution))
}

/// The first state of any of a section's files.
pub fn of_file(course: &Course, section: &Section, file: &LearnerFile) -> anyhow::Result<String> {
    match &file.starter {
        Some(path) => embedded::text(path),
        None if file.questions => Ok(questions(&solution(file)?)),
        None => generate(course, section),
    }
}

/// The solution of a section's file, as it stands in `solutions`.
pub fn solution(file: &LearnerFile) -> anyhow::Result<String> {
    embedded::text(&file.solution)
}

/// The finished state of a section's file: the solution, under the section's own header.
pub fn finished(section: &Section, file: &LearnerFile) -> anyhow::Result<String> {
    let solution = solution(file)?;
    match file.is_generated() {
        false => Ok(solution),
        true => Ok(format!("{}\n{}", header(section), body(&solution))),
    }
}

/// A file of answers without the answers.
fn questions(solution: &str) -> String {
    let kept = |line: &&str| line.starts_with('#') || line.is_empty();
    solution.lines().filter(kept).map(|line| format!("{line}\n")).collect()
}

/// A source without its `//!` header.
#[must_use]
pub fn body(source: &str) -> &str {
    let mut rest = source;
    while rest.starts_with("//!") || rest.starts_with('\n') {
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
    }
    rest
}

fn compose(section: &Section, previous: &str) -> anyhow::Result<String> {
    let mut lines: Vec<String> = body(previous).lines().map(str::to_owned).collect();
    for (index, step) in section.steps.iter().enumerate() {
        if let (Some(todo), Some(before)) = (&step.todo, &step.before) {
            let place = place_of(&lines, before, section, index + 1)?;
            let line = &lines[place];
            let indent = line[..line.len() - line.trim_start().len()].to_owned();
            let comment = comment(index + 1, todo);
            lines.splice(place..place, comment.map(|text| format!("{indent}{text}")));
        }
    }
    Ok(format!("{}\n{}\n", header(section), lines.join("\n")))
}

/// A section's `//!` lines.
fn header(section: &Section) -> String {
    let lines = section.header.iter();
    lines.map(|line| format!("{}\n", format!("//! {line}").trim_end())).collect()
}

/// The lines of a step's TODO comment. Its first names the step, as the README's heading does.
fn comment(number: usize, todo: &[String]) -> impl Iterator<Item = String> {
    todo.iter().enumerate().map(move |(index, text)| match index {
        0 => format!("// TODO step {number}: {text}"),
        _ => format!("// {text}"),
    })
}

fn place_of(
    lines: &[String],
    before: &str,
    section: &Section,
    number: usize,
) -> anyhow::Result<usize> {
    let places: Vec<usize> =
        (0..lines.len()).filter(|index| lines[*index].trim_start().starts_with(before)).collect();
    ensure!(
        !places.is_empty(),
        "section `{}`, step {number}: no line of the solution before starts with {before:?}",
        section.slug
    );
    if let [place] = places[..] {
        return Ok(place);
    }
    bail!(
        "section `{}`, step {number}: {} lines of the solution before start with {before:?}",
        section.slug,
        places.len()
    )
}
