//! Learner programs with one mistake each: every one fails the named check, with a message that
//! leads to the cure. What is on the screen is recorded beside them.
//!
//! Record the transcripts again with: `SNAPSHOTS=overwrite cargo test -p workshop --test broken`

#![allow(clippy::unwrap_used)] // A test may end at any mistake.

#[path = "broken/corpus.rs"]
mod corpus;
mod support;
#[path = "broken/uncompiled.rs"]
mod uncompiled;

use std::collections::BTreeSet;
use std::path::PathBuf;

use corpus::{Program, corpus, right, source, wrong};
use support::{Broken, check_executable, each_in_parallel, recorded, repository, steady};
use workshop::course::Course;

impl Program {
    fn source(&self) -> String {
        source(&self.name, &self.section, &self.change)
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
    recorded::differs(&program.transcript(), &steady(&screen))
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
    if recorded::recording() {
        // They are being written.
        recorded.difference(&names).for_each(|name| {
            std::fs::remove_file(transcripts().join(format!("{name}.txt"))).unwrap();
        });
        return;
    }
    assert_eq!(names.len(), corpus().len(), "one name twice");
    assert_eq!(names, recorded);
}

/// Wrong programs that pass: what gives them away takes longer than a check may.
const PASSING: [&str; 5] = [
    "serve-with-a-limit",
    "page-until-it-is-good",
    "counted-for-two-seconds",
    "status-from-the-settings",
    "setting-instead-of-time",
];

/// The large corpus: every wrong program fails, nearly all are told by the line or the words that
/// matter, and no right one is refused.
#[test]
fn wrong_programs_fail_and_right_ones_pass() {
    let (wrong, right) = (wrong(), right());
    let of_wrong =
        wrong.iter().map(|it| (it.name.clone(), source(&it.name, &it.section, &it.change)));
    let of_right =
        right.iter().map(|it| (it.name.clone(), source(&it.name, &it.section, &it.change)));
    let broken = Broken::build("corpus", of_wrong.chain(of_right));
    let run = |name: &str, section: &str| {
        let mut check = check_executable(section, broken.executable());
        let check = check.arg("--source").arg(broken.source(name)).env("BROKEN", name);
        let output = check.output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let refused = each_in_parallel(&right, |program| {
        let (code, screen) = run(&program.name, &program.section);
        (code != Some(0)).then(|| format!("{}: {code:?}\n{screen}", program.name))
    });
    let refused: Vec<String> = refused.into_iter().flatten().collect();
    assert!(refused.is_empty(), "refused, and right:\n{}", refused.join("\n\n"));
    let judged = each_in_parallel(&wrong, |program| {
        let (code, screen) = run(&program.name, &program.section);
        let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        let line = program.line.split_whitespace().collect::<Vec<_>>().join(" ");
        let pointed = !line.is_empty() && words.replace("| ", "").contains(&line);
        (program.name.clone(), code, words.contains(&program.says) || pointed)
    });
    let passed: Vec<&str> = judged
        .iter()
        .filter(|(name, code, _)| *code != Some(1) && !PASSING.contains(&name.as_str()))
        .map(|(name, ..)| name.as_str())
        .collect();
    assert!(passed.is_empty(), "wrong, and not refused: {passed:?}");
    let named = judged.iter().filter(|(.., named)| *named).count();
    println!("{} wrong programs, {named} named or pointed at", judged.len());
    assert!(named * 100 >= judged.len() * 90, "only {named} of {} are named", judged.len());
}
