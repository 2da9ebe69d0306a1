//! Programs that the compiler refuses: what the kit adds to its words.

use std::collections::BTreeSet;
use std::path::PathBuf;

use workshop::course::Course;

use crate::corpus::{Uncompiled, source, uncompiled};
use crate::support::{self, repository, share};

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

/// The first program of each of the compiler's codes, and those of which more is known: each takes
/// some builds.
#[test]
fn a_compile_error_is_named_with_its_step_and_hinted_at() {
    let mut codes = BTreeSet::new();
    let mut programs = uncompiled();
    programs.retain(|program| codes.insert(program.code.clone()) || program.shows.is_some());
    each_compile_error(&share(programs, 8));
}

#[test]
#[ignore = "takes minutes"]
fn every_compile_error_is_named_with_its_step_and_hinted_at() {
    each_compile_error(&uncompiled());
}

/// Builds programs as a learner's: the screen names the error and where to go on, and the hints
/// lead to what stands there in the finished program.
fn each_compile_error(programs: &[Uncompiled]) {
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
    let (mut judged, mut placed, mut before, mut complaints) = (0, 0, None, Vec::new());
    for program in programs {
        let Uncompiled { name, section, code, step, hint, shows, change, .. } = program;
        let (package, steps) =
            course.section(section).map(|section| (&section.package, &section.steps)).unwrap();
        let file = root.join(package).join("src/main.rs");
        std::fs::write(&file, source(name, section, change)).unwrap();
        let (exit, screen, rustc) = run(&["check", section]);
        let hints: Vec<String> = (0..3).map(|_| run(&["hint", section]).1).collect();
        let anew = hints[0].contains("Hint 1 of 3") && !hints[0].contains("Hint 2 of 3");
        let hints = hints.concat();
        let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        judged += 1;
        let is_placed = words.contains(&format!("\"{step}\""));
        placed += usize::from(is_placed);
        let number = steps.iter().position(|known| known.title == *step).unwrap() + 1;
        let head = format!("{section}, step {number}: {step}\nCheck: the program builds\n");
        let own = !screen.contains("earlier section") && hints.contains(&head) == is_placed;
        // Where the compiler says the same of two, the second one's hints go on.
        let found =
            screen.lines().find(|line| line.trim().starts_with("found ")).map(str::to_owned);
        let anew = anew || found == before;
        before = found;
        let shown = shows.as_ref().is_none_or(|line| is_placed && words.contains(line.as_str()));
        let named = exit == Some(1) && rustc.contains("error") && rustc.contains(code.as_str());
        let led = screen.contains(&format!("cargo workshop hint {section}"));
        let fits = hints.contains(hint.as_str()) || MISLEADING.contains(&name.as_str());
        if ![named, led, fits, own, anew, shown].iter().all(|holds| *holds) {
            let holds = [named, led, fits, own, anew, shown];
            complaints.push(format!("{name}: {exit:?}, {holds:?}\n{screen}{hints}{rustc}"));
        }
    }
    println!("{judged} programs, {placed} of them placed in their step");
    assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
    let unplaced = judged - placed;
    assert!(unplaced <= (judged / 4).max(3), "only {placed} of {judged} are placed in their step");
}
