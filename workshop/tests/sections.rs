//! sections.toml is rejected as a whole, at the place where it is wrong; it fits the lessons.
#![allow(clippy::unwrap_used)] // A test may end at any mistake.

#[path = "support/recorded.rs"]
mod recorded;

use std::fs;
use std::path::Path;

use workshop::course::{Course, LearnerFile, Section};
use workshop::learner::starter;

const GOOD: &str = r#"
format = 1
[[section]]
slug = "one"
package = "one-first"
title = "The first"
learnt = "begin."
header = ["The first."]
[[section.file]]
path = "src/main.rs"
solution = "solutions/src/bin/one.rs"
[[section.step]]
title = "Begin"
todo = ["begin here."]
before = "fn main"
[[section.step.check]]
slug = "begins"
title = "it begins"
minutes = 2
hints = ["Does it?", "Look there.", "begin()"]
"#;

fn error(text: &str) -> String {
    format!("{:#}", Course::parse(text).expect_err("this course is wrong"))
}

#[track_caller]
fn rejects(from: &str, to: &str, place: &str, reason: &str) {
    let text = GOOD.replacen(from, to, 1);
    assert_ne!(text, GOOD, "nothing was replaced");
    let error = error(&text);
    assert!(error.contains(place) && error.contains(reason), "{error}");
}

#[test]
fn a_good_course_is_read() {
    let course = Course::parse(GOOD).unwrap();
    assert_eq!(course.minutes(), 2);
    let (section, number, step, check) = course.check("begins").unwrap();
    assert_eq!((section.slug.as_str(), number), ("one", 1));
    assert_eq!((step.title.as_str(), check.minutes), ("Begin", 2));
}

#[test]
fn a_mistake_is_named_with_its_place() {
    rejects("format = 1", "format = 2", "format is 2", "reads format 1");
    rejects("minutes = 2", "minute = 2", "line 19", "unknown field `minute`");
    rejects("minutes = 2", "", "minutes", "missing field");
    rejects("minutes = 2", "minutes = 0", "step 1 (Begin): check `begins`", "minutes is 0");
    rejects("minutes = 2", "minutes = \"2\"", "line 19", "invalid type");
    rejects("\"begin()\"]", "\"begin()\", \"4th\"]", "check `begins`", "4 hints");
    rejects("\"begin()\"", "\" \"", "check `begins`", "hint 3 is empty");
    rejects("before = \"fn main\"", "", "step 1 (Begin)", "todo says nothing");
    rejects("todo = [\"begin here.\"]", "", "step 1 (Begin)", "before is there");
    rejects("\"begin here.\"", "\"a\", \"b\", \"c\"", "step 1 (Begin)", "3 lines");
    rejects("slug = \"begins\"", "slug = \"It begins\"", "check `It begins`", "lowercase");
    rejects("path = ", "starter = \"s.rs\"\npath = ", "section `one`", "generated starter");
    rejects(
        "\"Begin\"",
        "\"Begin with the beginning of all beginnings of beginnings\"",
        "title",
        "longer than 42",
    );
    let long = format!("\"{}\"", "x".repeat(90));
    rejects("\"Does it?\"", &long, "check `begins`", "longer than 78 columns");
}

#[test]
fn a_step_without_a_check_is_rejected() {
    let (without, _) = GOOD.split_once("[[section.step.check]]").unwrap();
    assert!(error(without).contains("missing field `check`"), "{}", error(without));
    let empty = without.to_owned() + "check = []\n";
    assert!(error(&empty).contains("step 1 (Begin): there is no check"), "{}", error(&empty));
}

#[test]
fn slugs_are_unique() {
    let section = GOOD.split_once("[[section]]").unwrap().1;
    let twice = format!("{GOOD}[[section]]{section}");
    assert!(error(&twice).contains("section `one`: another section has this slug"));
    let other = twice.replacen("slug = \"one\"", "slug = \"two\"", 1);
    assert!(error(&other).contains("check `begins`: another check has this slug"));
}

#[test]
fn the_embedded_course_is_valid() {
    let course = Course::embedded().unwrap();
    // What has been published keeps its name: progress is kept under it.
    for slug in ["section1", "section2", "section3", "bonus"] {
        assert_eq!(course.section(slug).unwrap().slug, slug);
    }
}

#[test]
fn a_section_is_found_by_slug_package_and_completed_path() {
    let course = Course::embedded().unwrap();
    for name in ["bonus", "bonus-histogram", "bonus-histogram/"] {
        assert_eq!(course.section(name).unwrap().slug, "bonus");
    }
    for name in ["2", "s2", "S2", "Section2", "section2-counter"] {
        assert_eq!(course.section(name).unwrap().slug, "section2");
    }
}

#[test]
fn an_unknown_section_is_answered_with_the_nearest_and_the_list() {
    let course = Course::embedded().unwrap();
    let near = course.section("setcion2").unwrap_err().to_string();
    assert!(near.contains("no section `setcion2`; did you mean `section2`?"), "{near}");
    let far = course.section("gardening").unwrap_err().to_string();
    assert!(!far.contains("did you mean"), "{far}");
    for section in &course.sections {
        assert!(far.contains(&section.slug) && far.contains(&section.title), "{far}");
    }
}

/// The numbers and titles on the screen are those that the learner finds in the lesson.
#[test]
fn steps_are_the_headings_of_the_lesson() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for section in &Course::embedded().unwrap().sections {
        let path = root.join(&section.package).join("README.md");
        let lesson = fs::read_to_string(&path).unwrap();
        let found: Vec<&str> = lesson.lines().filter(|line| line.starts_with("## Step ")).collect();
        let expected: Vec<String> = (1..)
            .zip(&section.steps)
            .map(|(number, step)| format!("## Step {number}: {}", step.title))
            .collect();
        assert_eq!(found, expected, "{}", path.display());
    }
}

/// The minutes of a section stand in its lesson and in the agenda; recording writes them there.
#[test]
fn minutes_are_those_of_the_lessons_and_the_agenda() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for section in &Course::embedded().unwrap().sections {
        let (package, minutes) = (&section.package, section.minutes());
        let lesson = root.join(package).join("README.md");
        says(&lesson, "**It takes** about ", minutes, " minutes.");
        // So does how many checks it has; the lesson of section 3 does not show it.
        let all = format!("\n{}: all ", section.slug);
        if fs::read_to_string(&lesson).unwrap().contains(&all) {
            let checks = u32::try_from(section.checks().count()).unwrap();
            says(&lesson, &all, checks, " checks pass.");
        }
        // The instructor's day has a row for it, if it is taught on the day.
        let day = root.join("docs/instructor.md");
        let row = format!("\n| {} | ", section.slug.replace("section", "section "));
        if fs::read_to_string(&day).unwrap().contains(&row) {
            says(&day, &row, minutes, " | ");
        }
        // The agenda's line is `| [title](package/README.md) | what | minutes |`.
        let agenda = fs::read_to_string(root.join("README.md")).unwrap();
        let link = format!("({package}/README.md) |");
        let line = agenda.lines().find(|line| line.contains(&link)).unwrap();
        let before = line.trim_end_matches(" |").rsplit_once(' ').unwrap().0;
        says(&root.join("README.md"), &format!("{before} "), minutes, " |\n");
    }
}

/// The number between these two stands in the file, or is written into it.
#[track_caller]
fn says(path: &Path, before: &str, number: u32, after: &str) {
    let text = fs::read_to_string(path).unwrap();
    let (head, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before:?}"));
    let (_, tail) = rest.split_once(after).unwrap();
    let right = format!("{head}{before}{number}{after}{tail}");
    if let Some(difference) = recorded::differs(path, &right) {
        panic!("{difference}");
    }
}

/// How many of a hundred lines that a learner writes may stand in the lessons, word for word.
/// Whoever copies all of them has typed, and learnt little. (In hints they may stand.)
const VERBATIM_PERCENT: usize = 45;

/// What a learner writes into a file: the lines of a program or of rules, the queries of answers.
fn written(course: &Course, section: &Section, file: &LearnerFile) -> Vec<String> {
    let starter = starter::of_file(course, section, file).unwrap();
    let solution = starter::solution(file).unwrap();
    let mut there: Vec<&str> = starter.lines().map(str::trim).collect();
    let mut added: Vec<&str> = vec![""];
    for line in solution.lines().map(str::trim) {
        match there.iter().position(|other| *other == line) {
            Some(at) => _ = there.swap_remove(at),
            None if line.starts_with('#') || line.starts_with("//") => {}
            None => added.push(line),
        }
        // A query may go over several lines: a question ends it.
        if file.questions && line.starts_with('#') {
            added.push("");
        }
    }
    let units: Vec<String> = match file.questions {
        true => added.split(|line| line.is_empty()).map(|lines| lines.join(" ")).collect(),
        false => added.into_iter().map(str::to_owned).collect(),
    };
    units.into_iter().filter(|unit| unit.contains(char::is_alphabetic)).collect()
}

#[test]
fn a_learner_writes_more_than_the_lessons_show() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let bare = |text: &str| text.split_whitespace().collect::<String>();
    let course = Course::embedded().unwrap();
    let read =
        |section: &Section| fs::read_to_string(root.join(&section.package).join("README.md"));
    let lessons: String = course.sections.iter().map(|section| read(section).unwrap()).collect();
    let (lines, all): (Vec<_>, _) = (lessons.lines().map(bare).collect(), bare(&lessons));
    // A short one, such as `rules:`, stands somewhere by chance; in the lesson it has a line.
    let stands = |unit: &str| match bare(unit) {
        short if short.len() < 13 => lines.contains(&short),
        long => all.contains(&long),
    };
    let (mut known, mut total) = (0, 0);
    for section in &course.sections {
        for file in &section.files {
            let units = written(course, section, file);
            let verbatim = units.iter().filter(|unit| stands(unit)).count();
            println!("{}/{}: {verbatim} of {}", section.slug, file.path, units.len());
            (known, total) = (known + verbatim, total + units.len());
        }
    }
    println!("together: {known} of {total}, {} %", 100 * known / total);
    assert!(total > 60, "only {total} lines are counted");
    assert!(100 * known <= VERBATIM_PERCENT * total, "{known} of {total}");
}

/// A lesson begins with three questions on the one before, and ends with something to try alone.
#[test]
fn lessons_open_with_questions_and_close_with_a_task() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for (number, section) in (1..).zip(&Course::embedded().unwrap().sections) {
        let lesson = fs::read_to_string(root.join(&section.package).join("README.md")).unwrap();
        let (opening, rest) = lesson.split_once("## Step 1:").unwrap();
        let questions = opening.matches("<summary>").count();
        assert_eq!(questions, if number == 1 { 0 } else { 3 }, "{}", section.slug);
        assert!(opening.contains("**You will be able to** "), "{}", section.slug);
        let (_, closing) = rest.split_once("## What you have learnt").expect(&section.slug);
        assert!(closing.contains("**Try this, without instructions:** "), "{}", section.slug);
        assert_eq!(lesson.matches("<details>").count(), lesson.matches("</details>").count());
    }
}
