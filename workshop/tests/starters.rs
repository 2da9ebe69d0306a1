//! Starters and solutions cannot drift: a starter is the solution before it, plus TODO comments.
//!
//! `SNAPSHOTS=overwrite cargo test -p workshop --test starters` writes the starters into the tree.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

#[path = "support/recorded.rs"]
mod recorded;

use std::path::{Path, PathBuf};

use workshop::course::{Course, Section};
use workshop::learner::{embedded, starter};

/// A starter is read on a projector, without scrolling.
const LINES_OF_A_SCREEN: usize = 80;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn course() -> &'static Course {
    Course::embedded().unwrap()
}

fn previous(section: &Section) -> String {
    let path = match course().before(section) {
        Some(before) => &before.files[0].solution,
        None => "workshop/starters/section1.rs",
    };
    embedded::text(path).unwrap()
}

#[test]
fn a_starter_is_the_solution_before_it_plus_todo_comments() {
    for section in &course().sections {
        let starter = starter::generate(course(), section).unwrap();
        let mut comments = todo_lines(section).into_iter().peekable();
        let without: Vec<&str> = starter::body(&starter)
            .lines()
            .filter(|line| comments.next_if(|comment| comment == line.trim()).is_none())
            .collect();
        let previous = previous(section);
        let expected: Vec<&str> = starter::body(&previous).lines().collect();
        assert_eq!(without, expected, "{}", section.slug);
    }
}

#[test]
fn every_todo_is_in_the_starter() {
    for section in &course().sections {
        let starter = starter::generate(course(), section).unwrap();
        let lines = todo_lines(section);
        // In section 3 the program stays as it is.
        let has_work = section.files.len() == 1;
        assert_eq!(has_work, !lines.is_empty(), "{}: {lines:?}", section.slug);
        for line in lines {
            let times = starter.lines().filter(|other| other.trim() == line).count();
            assert_eq!(times, 1, "{}: {line}", section.slug);
        }
    }
}

#[test]
fn a_starter_begins_with_its_own_header() {
    for section in &course().sections {
        let starter = starter::generate(course(), section).unwrap();
        let header: Vec<&str> = starter
            .lines()
            .take_while(|line| line.starts_with("//!"))
            .map(|line| line.trim_start_matches("//!").trim())
            .collect();
        assert_eq!(header, section.header, "{}", section.slug);
        assert!(!starter::body(&starter).contains("//!"), "{}", section.slug);
    }
}

#[test]
fn a_starter_fits_on_one_screen() {
    for section in &course().sections {
        let starter = starter::generate(course(), section).unwrap();
        let lines = starter.lines().count();
        assert!(lines <= LINES_OF_A_SCREEN, "{}: {lines} lines", section.slug);
        let widest = starter.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= 100, "{}: a line of {widest} columns", section.slug);
    }
}

/// All that reset and goto restore is built in.
#[test]
fn every_file_has_a_starter_and_a_solution() {
    for section in &course().sections {
        for file in &section.files {
            let starter = starter::of_file(course(), section, file).unwrap();
            let solution = starter::solution(file).unwrap();
            assert!(!starter.is_empty() && !solution.is_empty(), "{}", file.path);
        }
    }
}

/// A learner has edited these files, and that is what they are for; in CI nobody has.
#[test]
fn the_starters_in_the_tree_are_the_generated_ones() {
    let mut edited = Vec::new();
    for section in &course().sections {
        for file in &section.files {
            let path = root().join(&section.package).join(&file.path);
            let generated = starter::of_file(course(), section, file).unwrap();
            if recorded::differs(&path, &generated).is_some() {
                edited.push(format!("{}/{}", section.package, file.path));
            }
        }
    }
    if !edited.is_empty() {
        let note = format!("differs from its starter: {}", edited.join(", "));
        assert!(std::env::var_os("CI").is_none(), "{note}");
        println!("note: {note}");
    }
}

/// The comment lines of a section's steps, in the order in which they stand in its starter.
fn todo_lines(section: &Section) -> Vec<String> {
    let starter = starter::generate(course(), section).unwrap();
    let mut blocks: Vec<(usize, Vec<String>)> = Vec::new();
    for (index, step) in section.steps.iter().enumerate() {
        let Some(todo) = &step.todo else { continue };
        let mut lines = vec![format!("// TODO step {}: {}", index + 1, todo[0])];
        lines.extend(todo[1..].iter().map(|line| format!("// {line}")));
        let place = starter.lines().position(|line| line.trim() == lines[0]);
        blocks.push((place.unwrap_or_else(|| panic!("{}: no {}", section.slug, lines[0])), lines));
    }
    blocks.sort();
    blocks.into_iter().flat_map(|(_, lines)| lines).collect()
}
