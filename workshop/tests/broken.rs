//! Learner programs with one mistake each: every one fails the named check, with a message that
//! leads to the cure. What is on the screen is recorded beside them.
//!
//! Record the transcripts again with: `SNAPSHOTS=overwrite cargo test -p workshop --test broken`

#![allow(clippy::unwrap_used)] // A test may end at any mistake.

mod support;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Deserialize;
use support::{Broken, check_executable, each_in_parallel, recorded, repository, steady};
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
    let wrong: Corpus<Wrong> = toml::from_str(include_str!("broken/wrong.toml")).unwrap();
    let right: Corpus<Right> = toml::from_str(include_str!("broken/right.toml")).unwrap();
    let of_wrong =
        wrong.program.iter().map(|it| (it.name.clone(), source(&it.name, &it.section, &it.change)));
    let of_right =
        right.program.iter().map(|it| (it.name.clone(), source(&it.name, &it.section, &it.change)));
    let broken = Broken::build("corpus", of_wrong.chain(of_right));
    let run = |name: &str, section: &str| {
        let mut check = check_executable(section, broken.executable());
        let check = check.arg("--source").arg(broken.source(name)).env("BROKEN", name);
        let output = check.output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let refused = each_in_parallel(&right.program, |program| {
        let (code, screen) = run(&program.name, &program.section);
        (code != Some(0)).then(|| format!("{}: {code:?}\n{screen}", program.name))
    });
    let refused: Vec<String> = refused.into_iter().flatten().collect();
    assert!(refused.is_empty(), "refused, and right:\n{}", refused.join("\n\n"));
    let judged = each_in_parallel(&wrong.program, |program| {
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

/// A copy of the learner's packages, built with what was built already.
fn learners_workspace() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("compile-errors");
    let _ = std::fs::remove_dir_all(root.join(".workshop"));
    let write = |path: &str, text: &str| {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let read = |path: &str| std::fs::read_to_string(repository().join(path)).unwrap();
    let sections = &Course::embedded().unwrap().sections;
    let members: Vec<String> =
        sections.iter().map(|section| format!("{:?}", section.package)).collect();
    let manifest = read("Cargo.toml");
    let start = manifest.find("members = [").unwrap();
    let end = start + manifest[start..].find(']').unwrap();
    let core = repository().join("treecounter-core").display().to_string();
    let manifest =
        format!("{}members = [{}{}", &manifest[..start], members.join(", "), &manifest[end..]);
    write(
        "Cargo.toml",
        &manifest.replace("path = \"treecounter-core\"", &format!("path = {core:?}")),
    );
    write("Cargo.lock", &read("Cargo.lock"));
    write("workshop/sections.toml", "");
    for section in sections {
        let manifest = format!("{}/Cargo.toml", section.package);
        write(&manifest, &read(&manifest));
        write(&format!("{}/src/main.rs", section.package), "fn main() {}\n");
    }
    root
}

/// Programs whose hints lead elsewhere: the compiler points at another line first.
const MISLEADING: [&str; 3] = [
    "status-does-not-live-long-enough",
    "question-mark-of-the-counter-missing",
    "counter-of-another-type",
];

/// The first program of each of the compiler's codes: each takes some builds.
#[test]
fn a_compile_error_is_named_with_its_step_and_hinted_at() {
    let mut codes = BTreeSet::new();
    each_compile_error(|program| codes.insert(program.code.clone()));
}

#[test]
#[ignore = "takes minutes"]
fn every_compile_error_is_named_with_its_step_and_hinted_at() {
    each_compile_error(|_| true);
}

/// Builds programs as a learner's: the screen names the error and where to go on, and the hints lead to
/// what stands there in the finished program.
fn each_compile_error(mut wanted: impl FnMut(&Uncompiled) -> bool) {
    let all: Corpus<Uncompiled> = toml::from_str(include_str!("broken/compile.toml")).unwrap();
    let course = Course::embedded().unwrap();
    let root = learners_workspace();
    let run = |arguments: &[&str]| {
        let mut command = support::workshop(arguments);
        command.current_dir(&root).env_remove("CARGO_MANIFEST_DIR");
        let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("compile-target");
        let output = command.env("CARGO_TARGET_DIR", target).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (mut judged, mut placed, mut complaints) = (0, 0, Vec::new());
    for program in all.program.iter().filter(|program| wanted(program)) {
        let Uncompiled { name, section, code, step, hint, change, .. } = program;
        let package = &course.section(section).unwrap().package;
        let file = root.join(package).join("src/main.rs");
        std::fs::write(&file, source(name, section, change)).unwrap();
        let (exit, screen, rustc) = run(&["check", section]);
        let hints: String = (0..3).map(|_| run(&["hint", section]).1).collect();
        let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        judged += 1;
        placed += usize::from(words.contains(&format!("\"{step}\"")));
        let named = exit == Some(1) && rustc.contains("error") && rustc.contains(code.as_str());
        let led = screen.contains(&format!("cargo workshop hint {section}"));
        let fits = hints.contains(hint.as_str()) || MISLEADING.contains(&name.as_str());
        if !named || !led || !fits {
            complaints.push(format!("{name}: {exit:?}, {hint:?}\n{screen}{hints}{rustc}"));
        }
    }
    println!("{judged} programs, {placed} of them placed in their step");
    assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
    assert!(placed * 4 >= judged * 3, "only {placed} of {judged} are placed in their step");
}
