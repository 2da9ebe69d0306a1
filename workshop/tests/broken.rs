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
struct Corpus<P = Program> {
    program: Vec<P>,
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

/// A program of wrong.toml, whose line and hint are known as well.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrong {
    name: String,
    section: String,
    mistake: String,
    fails: String,
    says: String,
    line: String,
    hint: String,
    change: Vec<Change>,
}

/// A program that no check may refuse.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Right {
    name: String,
    section: String,
    why: String,
    change: Vec<Change>,
}

/// A program that the compiler refuses.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Uncompiled {
    name: String,
    section: String,
    mistake: String,
    code: String,
    step: String,
    hint: String,
    change: Vec<Change>,
}

/// The solution of the section with these changes.
fn source(name: &str, section: &str, changes: &[Change]) -> String {
    let path = repository().join(format!("solutions/src/bin/{section}.rs"));
    let mut source = std::fs::read_to_string(path).unwrap();
    for Change { old, new } in changes {
        let found = source.matches(old.as_str()).count();
        assert_eq!(found, 1, "{name}: {old:?} stands there {found} times");
        source = source.replacen(old.as_str(), new, 1);
    }
    source
}

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

/// Complains of a second program of the same name, and of one that is the solution.
fn is_new(names: &mut BTreeSet<String>, name: &str, section: &str, changes: &[Change]) {
    assert!(names.insert(name.to_owned()), "{name}: there are two");
    assert_ne!(source(name, section, changes), source(name, section, &[]), "{name}: no change");
}

#[test]
fn the_corpus_holds_together() {
    let course = Course::embedded().unwrap();
    let mut names: BTreeSet<String> = corpus().into_iter().map(|program| program.name).collect();
    let old = names.len();
    let wrong: Corpus<Wrong> = toml::from_str(include_str!("broken/wrong.toml")).unwrap();
    for Wrong { name, section, mistake, fails, says, line, hint, change } in &wrong.program {
        is_new(&mut names, name, section, change);
        assert!(course.check(fails).is_some(), "{name}: there is no check {fails}");
        assert!([mistake, says, hint].iter().all(|text| !text.is_empty()), "{name}: empty text");
        let source = source(name, section, change);
        let lines = source.lines().filter(|there| there.contains(line.as_str())).count();
        assert!(line.is_empty() || lines == 1, "{name}: {line:?} stands on {lines} lines");
    }
    let right: Corpus<Right> = toml::from_str(include_str!("broken/right.toml")).unwrap();
    for Right { name, section, why, change } in &right.program {
        is_new(&mut names, name, section, change);
        assert!(!why.is_empty(), "{name}: empty text");
    }
    let uncompiled: Corpus<Uncompiled> =
        toml::from_str(include_str!("broken/compile.toml")).unwrap();
    for Uncompiled { name, section, mistake, code, step, hint, change } in &uncompiled.program {
        is_new(&mut names, name, section, change);
        let section = course.sections.iter().find(|known| known.slug == *section).unwrap();
        let known = section.steps.iter().any(|known| known.title == *step);
        assert!(known, "{name}: {} has no step {step:?}", section.slug);
        assert!([mistake, hint].iter().all(|text| !text.is_empty()), "{name}: empty text");
        let digits = code.strip_prefix('E').unwrap_or("0000");
        assert!(digits.len() == 4 && digits.parse::<u16>().is_ok(), "{name}: code {code:?}");
    }
    assert!(old + wrong.program.len() >= 224, "{} wrong ones", wrong.program.len());
    assert!(right.program.len() >= 60, "{} right ones", right.program.len());
    assert!(uncompiled.program.len() >= 30, "{} uncompiled ones", uncompiled.program.len());
}

#[test]
#[ignore = "prints figures"]
fn figures() {
    let wrong: Corpus<Wrong> = toml::from_str(include_str!("broken/wrong.toml")).unwrap();
    let right: Corpus<Right> = toml::from_str(include_str!("broken/right.toml")).unwrap();
    let sources = wrong
        .program
        .iter()
        .map(|p| (p.name.clone(), source(&p.name, &p.section, &p.change)))
        .chain(
            right.program.iter().map(|p| (p.name.clone(), source(&p.name, &p.section, &p.change))),
        );
    let broken = Broken::build("figures", sources);
    let run = |name: &str, section: &str| {
        let start = std::time::Instant::now();
        let check = check_executable(section, broken.executable())
            .arg("--source")
            .arg(broken.source(name))
            .env("BROKEN", name)
            .output()
            .unwrap();
        let screen = String::from_utf8(check.stdout).unwrap();
        let _ = std::fs::create_dir_all("/tmp/fig");
        let _ = std::fs::write(format!("/tmp/fig/{name}.txt"), &screen);
        (check.status.code(), screen, start.elapsed())
    };
    let course = Course::embedded().unwrap();
    let mut out = each_in_parallel(&wrong.program, |p| {
        let (code, screen, took) = run(&p.name, &p.section);
        let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        let title = &course.check(&p.fails).unwrap().3.title;
        let failed: Vec<&str> =
            screen.lines().filter_map(|l| l.trim().strip_prefix("FAIL ")).collect();
        let slug = course
            .sections
            .iter()
            .flat_map(workshop::course::Section::checks)
            .find(|c| failed.first() == Some(&c.2.title.as_str()))
            .map_or("-", |c| &c.2.slug);
        let _ = title;
        let line = p.line.is_empty() || screen.contains(p.line.trim());
        format!(
            "W {} {} code={:?} fails={} got={} says={} line={} {:.1}s {:?}",
            p.section,
            p.name,
            code,
            p.fails,
            slug,
            words.contains(&p.says),
            line,
            took.as_secs_f64(),
            p.says
        )
    });
    out.extend(each_in_parallel(&right.program, |p| {
        let (code, _, took) = run(&p.name, &p.section);
        format!("R {} {} code={:?} {:.1}s", p.section, p.name, code, took.as_secs_f64())
    }));
    std::fs::write("/tmp/figures.txt", out.join("\n")).unwrap();
}
