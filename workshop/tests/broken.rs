//! Learner programs with one mistake each: every one fails the named check, with a message that
//! leads to the cure. What is on the screen is recorded beside them.
//!
//! Rewrite the transcripts with: `BLESS=1 cargo test -p workshop --test broken`

#![allow(clippy::unwrap_used)] // A test may end at any mistake.

mod support;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Deserialize;
use support::{Broken, check_executable, each_in_parallel, repository, steady};
use workshop::course::Course;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    program: Vec<Program>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Program {
    name: String,
    section: String,
    #[serde(rename = "mistake")]
    _mistake: String,
    fails: String,
    says: String,
    change: Vec<Change>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    old: String,
    new: String,
}

/// The programs, and what turns the solutions into them.
fn corpus() -> Vec<Program> {
    let corpus: Corpus = toml::from_str(include_str!("broken/programs.toml")).unwrap();
    corpus.program
}

impl Program {
    fn source(&self) -> String {
        let path = repository().join(format!("solutions/src/bin/{}.rs", self.section));
        let mut source = std::fs::read_to_string(path).unwrap();
        for Change { old, new } in &self.change {
            let found = source.matches(old.as_str()).count();
            assert_eq!(found, 1, "{}: {old:?} stands there {found} times", self.name);
            source = source.replacen(old.as_str(), new, 1);
        }
        source
    }

    fn transcript(&self) -> PathBuf {
        transcripts().join(format!("{}.txt", self.name))
    }
}

fn transcripts() -> PathBuf {
    repository().join("workshop/tests/broken/transcripts")
}

/// What is wrong with the transcript of one program, if anything.
fn complaint(program: &Program, broken: &Broken) -> Option<String> {
    let check = check_executable(&program.section, broken.executable())
        .arg("--source")
        .arg(broken.source(&program.name))
        .env("BROKEN", &program.name)
        .output()
        .unwrap();
    let screen = String::from_utf8(check.stdout).unwrap();
    let stderr = String::from_utf8(check.stderr).unwrap();
    let name = &program.name;
    if check.status.code() != Some(1) {
        return Some(format!("{name}: exit {:?}\n{screen}{stderr}", check.status.code()));
    }
    let course = Course::embedded().unwrap();
    let (.., wanted) = course.check(&program.fails).unwrap();
    let failed: Vec<&str> =
        screen.lines().filter_map(|line| line.trim().strip_prefix("FAIL ")).collect();
    if failed != [wanted.title.as_str()] {
        return Some(format!("{name}: failed {failed:?}, not {:?}\n{screen}", wanted.title));
    }
    let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    if !words.contains(&program.says) {
        return Some(format!("{name}: does not say {:?}\n{screen}", program.says));
    }
    let wide = screen.lines().find(|line| line.chars().count() > 80 && line.contains(' '));
    if let Some(wide) = wide.filter(|line| !line.contains('|') && !line.contains("localhost")) {
        return Some(format!("{name}: wider than 80 columns: {wide}"));
    }
    let screen = steady(&screen);
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(transcripts()).unwrap();
        std::fs::write(program.transcript(), screen).unwrap();
        return None;
    }
    let recorded = std::fs::read_to_string(program.transcript()).unwrap_or_default();
    (recorded != screen)
        .then(|| format!("{name}: the screen is now\n{screen}\nand was\n{recorded}"))
}

#[test]
fn each_mistake_fails_its_check_with_its_message() {
    let programs = corpus();
    let sources = programs.iter().map(|program| (program.name.clone(), program.source()));
    let broken = Broken::build("broken", sources);
    let complaints: Vec<String> =
        each_in_parallel(&programs, |program| complaint(program, &broken))
            .into_iter()
            .flatten()
            .collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
}

#[test]
fn every_transcript_has_its_program() {
    let names: BTreeSet<String> = corpus().into_iter().map(|program| program.name).collect();
    let recorded: BTreeSet<String> = std::fs::read_dir(transcripts())
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    if std::env::var_os("BLESS").is_some() {
        // They are being written.
        recorded.difference(&names).for_each(|name| {
            std::fs::remove_file(transcripts().join(format!("{name}.txt"))).unwrap();
        });
        return;
    }
    assert_eq!(names.len(), corpus().len(), "one name twice");
    assert_eq!(names, recorded);
}
