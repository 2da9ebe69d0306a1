//! The answers and rule files that section 3 is to be judged by, as data: each is complete, is
//! there once, and is what it says of itself. How they are judged stands in
//! `judged`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod judged;
#[path = "../prometheus/mod.rs"]
mod prometheus;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{HashMap, HashSet};
use std::process::Command;

use prometheus::{Kit, missing, read};
use serde::Deserialize;
use workshop::course::Course;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RightAnswer {
    question: String,
    query: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrongAnswer {
    question: String,
    query: String,
    says: Vec<String>,
    #[serde(default)]
    never: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    right: Vec<RuleFile>,
    wrong: Vec<RuleFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    name: String,
    #[serde(rename = "mistake", alias = "how")]
    about: String,
    valid: Option<bool>,
    #[serde(default)]
    says: Vec<String>,
    #[serde(default)]
    line: Vec<usize>,
    yaml: Option<String>,
    expr: Option<String>,
    summary: Option<String>,
    #[serde(default)]
    change: Vec<Change>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    old: String,
    new: String,
}

impl RuleFile {
    /// The whole file: the entry's own, or the finished one with its changes.
    fn text(&self) -> String {
        let finished = read("solutions/section3/alerts.yml").replace("\r\n", "\n");
        if let Some(yaml) = &self.yaml {
            let alone = self.change.is_empty() && self.expr.is_none() && self.summary.is_none();
            assert!(alone, "{}: a whole file, and changes", self.name);
            return yaml.clone();
        }
        let mut text = finished.clone();
        if let Some(expr) = &self.expr {
            let query = between(&finished, "        expr: ", "        for: ");
            text = self.changed(&text, query, &format!("        expr: {expr}\n"));
        }
        if let Some(summary) = &self.summary {
            let line = between(&finished, "          summary: ", "          description: ");
            text = self.changed(&text, line, &format!("          summary: {summary}\n"));
        }
        for Change { old, new } in &self.change {
            text = self.changed(&text, old, new);
        }
        text
    }

    fn changed(&self, text: &str, old: &str, new: &str) -> String {
        assert_eq!(text.matches(old).count(), 1, "{}: {old:?} stands there once", self.name);
        text.replacen(old, new, 1)
    }
}

/// From where the first words stand to where the other ones do.
fn between<'a>(text: &'a str, first: &str, other: &str) -> &'a str {
    &text[text.find(first).unwrap()..text.find(other).unwrap()]
}

fn right_answers() -> Vec<RightAnswer> {
    let text = include_str!("../promql/answers-right.toml");
    toml::from_str::<HashMap<String, _>>(text).unwrap().remove("right").unwrap()
}

fn wrong_answers() -> Vec<WrongAnswer> {
    let text = include_str!("../promql/answers-wrong.toml");
    toml::from_str::<HashMap<String, _>>(text).unwrap().remove("wrong").unwrap()
}

fn rules() -> Rules {
    toml::from_str(include_str!("../promql/rules.toml")).unwrap()
}

/// What the lesson asks for in PromQL.
fn questions() -> Vec<&'static str> {
    let section = Course::embedded().unwrap().section("section3").unwrap();
    let checks = section.checks().map(|(.., check)| check.slug.as_str());
    checks.filter(|check| check.starts_with("promql-")).collect()
}

/// The words that one of `says` leaves the choice of.
fn parts(says: &str) -> impl Iterator<Item = &str> {
    says.split(" | ")
}

fn assert_words(entry: &str, says: &[String], never: &[String]) {
    assert!(!says.is_empty(), "{entry}: `says` is empty");
    for part in says.iter().flat_map(|says| parts(says)) {
        assert!(!part.is_empty() && part == part.trim(), "{entry}: {part:?} in `says`");
        assert!(
            never.iter().all(|never| !part.contains(never.as_str())),
            "{entry}: {part:?} is wanted and forbidden"
        );
    }
    assert!(never.iter().all(|never| !never.trim().is_empty()), "{entry}: `never` is blank");
}

#[test]
fn every_answer_is_to_a_question_of_the_lesson_and_is_listed_once() {
    let (right, wrong) = (right_answers(), wrong_answers());
    assert!(
        right.len() >= 80 && wrong.len() >= 200,
        "{} right, {} wrong",
        right.len(),
        wrong.len()
    );
    let questions = questions();
    let mut seen = HashMap::new();
    let pairs = right
        .iter()
        .map(|answer| (&answer.question, &answer.query, "right"))
        .chain(wrong.iter().map(|answer| (&answer.question, &answer.query, "wrong")));
    for (question, query, kind) in pairs {
        assert!(questions.contains(&question.as_str()), "no question {question}");
        assert!(!query.trim().is_empty(), "{question}: an empty query");
        if let Some(other) =
            seen.insert((question, query.split_whitespace().collect::<String>()), kind)
        {
            panic!("{question}: {query}\n  is listed as {kind}, and before as {other}");
        }
    }
    for WrongAnswer { query, says, never, .. } in &wrong {
        assert_words(query, says, never);
    }
    for question in questions {
        assert!(right.iter().any(|answer| answer.question == question), "{question}: none right");
        assert!(wrong.iter().any(|answer| answer.question == question), "{question}: none wrong");
    }
}

#[test]
fn every_rule_file_can_be_made_is_another_one_and_names_a_line_of_its_own() {
    let Rules { right, wrong } = rules();
    assert!(right.len() >= 20 && wrong.len() >= 70, "{} right, {} wrong", right.len(), wrong.len());
    let (mut names, mut files) = (HashSet::new(), HashMap::new());
    for rules in right.iter().chain(&wrong) {
        let name = &rules.name;
        assert!(names.insert(name), "{name} stands there twice");
        assert!(!rules.about.trim().is_empty(), "{name}: not a word on it");
        let lines = rules.text().lines().count();
        let line = &rules.line;
        assert!(line.iter().all(|line| (1..=lines).contains(line)), "{name}: {line:?} of {lines}");
        if let Some(other) = files.insert(rules.text(), name) {
            panic!("{name} is the same file as {other}");
        }
    }
    for RuleFile { name, valid, says, line, .. } in &right {
        let bare = valid.is_none() && says.is_empty() && line.is_empty();
        assert!(bare, "{name} is right: there is nothing to say");
    }
    for RuleFile { name, valid, says, line, .. } in &wrong {
        assert_words(name, says, &[]);
        let valid = valid.unwrap_or_else(|| panic!("{name}: is it `valid`?"));
        assert!(valid || !line.is_empty(), "{name} is refused: because of which line?");
    }
}

#[test]
fn promtool_takes_the_rule_files_that_are_valid_and_no_other() {
    if missing() {
        return;
    }
    let Rules { right, wrong } = rules();
    let kit = Kit::new();
    let mut valid = HashMap::new();
    for rules in right.iter().chain(&wrong) {
        let file = format!("{}.yml", rules.name);
        kit.write(&file, &rules.text());
        let path = kit.root.join(file).display().to_string();
        valid.insert(path, rules.valid.unwrap_or(true));
    }
    let output =
        Command::new("promtool").args(["check", "rules"]).args(valid.keys()).output().unwrap();
    // A line "Checking …" for each file, and after it, when it is taken, one with SUCCESS.
    let text = String::from_utf8_lossy(&output.stdout);
    let taken: HashMap<String, bool> = text
        .split("Checking ")
        .skip(1)
        .map(|about| {
            let (path, result) = about.split_once('\n').unwrap();
            (path.trim().to_owned(), result.contains("SUCCESS"))
        })
        .collect();
    assert_eq!(taken.len(), valid.len(), "{text}");
    for (path, valid) in &valid {
        assert_eq!(taken.get(path), Some(valid), "{path}");
    }
}
