//! The progress file: written by checks, read by all, never fatal.

use std::fs;

use workshop::course::Section;
use workshop::learner::progress;
use workshop::learner::progress::Progress;

use crate::tree::{Tree, course, of_section1};

const FILE: &str = ".workshop/progress.txt";

fn section(slug: &str) -> &'static Section {
    course().section(slug).unwrap()
}

fn all_checks(section: &Section) -> Vec<&str> {
    section.checks().map(|(.., check)| check.slug.as_str()).collect()
}

#[test]
fn what_is_recorded_is_read_again() {
    let tree = Tree::new();
    let (workspace, one, two) = (tree.workspace(), section("section1"), section("section2"));
    progress::record(&workspace, one, [&all_checks(one), &[]], None).unwrap();
    progress::record(&workspace, two, [&["requests-counter"], &[]], Some("labels")).unwrap();

    let progress = Progress::load(&workspace);
    assert!(progress.done(one));
    assert!(!progress.done(two));
    assert_eq!(progress.failed(two), Some("labels"));
    assert_eq!(progress.current(course()).unwrap().slug, "section2");
    let text = tree.read(FILE);
    assert!(text.starts_with("cargo workshop progress, format 1."), "{text}");
    assert!(text.contains("\nsection2 failed labels\n"), "{text}");
}

#[test]
fn a_check_that_fails_again_takes_its_pass_back() {
    let one = section("section1");
    let mut progress = Progress::default();
    progress.note(one, &all_checks(one), None);
    assert!(progress.done(one));
    progress.note(one, &["builds"], Some("serves-trees"));
    assert!(!progress.done(one));
    progress.note(one, &["serves-trees"], None);
    assert!(progress.done(one));
}

#[test]
fn an_earlier_sections_check_that_fails_leaves_a_section_undone() {
    let two = section("section2");
    let mut progress = Progress::default();
    progress.note(two, &all_checks(two), Some("metrics-status"));
    assert!(!progress.done(two));
}

/// Whoever takes a reset back is where they were.
#[test]
fn an_undo_of_a_reset_leads_back_to_the_section_that_was_worked_on() {
    let tree = Tree::new();
    for (slug, failed) in [("section2", "labels"), ("section3", "promql-up")] {
        progress::record(&tree.workspace(), section(slug), [&[], &[]], Some(failed)).unwrap();
    }
    tree.run("").expect(0, &["Next:   cargo workshop check section3"]);
    tree.write("section2-counter/src/main.rs", "fn main() {}\n");
    tree.run("reset section2 --yes").expect(0, &[]);
    tree.run("").expect(0, &["Next:   cargo workshop check section2"]);
    tree.run("undo --yes").expect(0, &[]);
    tree.run("").expect(0, &["Next:   cargo workshop check section3"]);
}

/// Each compile error is another one.
#[test]
fn hints_for_an_earlier_sections_check_begin_again_once_it_passes() {
    let tree = Tree::new();
    let (workspace, two) = (tree.workspace(), section("section2"));
    let (.., builds) = course().check("builds").unwrap();
    let fails = |check| progress::record(&workspace, two, [&[], &[]], Some(check)).unwrap();
    let given = || Progress::load(&workspace).hints(two, builds, "a-mistake");
    fails("builds");
    tree.write(FILE, &format!("{}section2 hints builds 3\n", tree.read(FILE)));
    fails("builds");
    assert_eq!(given(), 3);
    fails("labels");
    assert_eq!(given(), 0);
}

/// The hardest come first, with the try that passed; a file of before has no tries, and is read.
#[test]
fn tries_are_counted_and_told_at_the_end() {
    let tree = Tree::new();
    let (workspace, two) = (tree.workspace(), section("section2"));
    for (failed, times) in [("labels", 3), ("pre-created", 1), ("builds", 2), ("counts-all", 1)] {
        for _ in 0..times {
            progress::record(&workspace, two, [&["requests-counter"], &[]], Some(failed)).unwrap();
        }
    }
    assert!(tree.read(FILE).contains("\nsection2 tries labels 3\n"), "{}", tree.read(FILE));
    for section in &course().sections {
        progress::record(&workspace, section, [&all_checks(section), &[]], None).unwrap();
    }
    let end = tree.run("");
    end.expect(
        0,
        &["  4   its labels are exactly status and endpoint (section2)\n  3   the program"],
    );
    assert!(!end.out.contains("fifty"), "three are enough: {}", end.out);

    let before: String = tree
        .read(FILE)
        .lines()
        .filter(|line| !line.contains(" tries "))
        .collect::<Vec<_>>()
        .join("\n");
    tree.write(FILE, &before);
    let end = tree.run("");
    end.expect(0, &["All of it is done."]);
    assert!(!end.out.contains("most tries"), "{}", end.out);
    tree.write(FILE, &format!("{before}\nsection2 tries labels many\n"));
    assert!(!tree.run("").out.contains("most tries"));
}

#[test]
fn what_is_not_known_is_ignored_and_kept() {
    let tree = Tree::new();
    let text = "cargo workshop progress, format 1. Safe to delete: a check writes it again.\n\
                section1 passed builds\n\
                section1 passed a-check-of-tomorrow\n\
                section1 dreamt of electric sheep\n\
                section9 passed everything\n\
                \n\
                nonsense\n";
    tree.write(FILE, text);
    tree.run("").expect(0, &[&of_section1(1)]);
    let one = section("section1");
    progress::record(&tree.workspace(), one, [&["serves-trees"], &[]], None).unwrap();
    let text = tree.read(FILE);
    for kept in ["a-check-of-tomorrow", "electric sheep", "section9 passed everything"] {
        assert!(text.contains(kept), "{text}");
    }
}

#[test]
fn a_damaged_or_newer_file_is_set_aside_and_said() {
    let newer = "cargo workshop progress, format 2. Whatever that may be.\n";
    let zeros = "cargo workshop progress, format 1.\n\0\0\0\0";
    let cases: [(&[u8], &str); 5] = [
        (b"", "is damaged"),
        (b"\xff\xfe\x00", "is damaged"),
        (b"hello\nsection1 passed builds\n", "is damaged"),
        (zeros.as_bytes(), "is damaged"),
        (newer.as_bytes(), "is from a newer version (format 2"),
    ];
    let tree = Tree::new();
    for (number, (bytes, reason)) in (1..).zip(cases) {
        tree.write(FILE, "");
        fs::write(tree.path(FILE), bytes).unwrap();
        let aside = format!("progress.set-aside-{number}.txt");
        tree.run("").expect(0, &[reason, &aside, "progress starts again", &of_section1(0)]);
        assert_eq!(fs::read(tree.path(&format!(".workshop/{aside}"))).unwrap(), bytes);
        assert!(!tree.path(FILE).exists());
        assert!(tree.run("").expect(0, &[]).err.is_empty(), "said once");
    }
}

#[test]
fn progress_that_cannot_be_read_or_written_stops_nothing() {
    let tree = Tree::new();
    // A directory where the file should be.
    fs::create_dir_all(tree.path(FILE).join("x")).unwrap();
    tree.run("").expect(0, &["cannot read", "progress.txt", "as if nothing was done yet"]);
    tree.run("hint section1").expect(0, &["Hint 1 of 3", "The next hint will be this one again"]);
    let error = progress::record(&tree.workspace(), section("section1"), [&["builds"], &[]], None)
        .unwrap_err();
    assert!(format!("{error:#}").contains("progress.txt is not a file"), "{error:#}");
}

/// Two checks at once: one of them may win, but the file is whole at every moment.
#[test]
fn many_writers_leave_a_whole_file() {
    let tree = Tree::new();
    let workspace = tree.workspace();
    let sections = &course().sections;
    std::thread::scope(|scope| {
        for section in sections {
            let workspace = &workspace;
            scope.spawn(move || {
                for _ in 0..50 {
                    let _ = progress::record(workspace, section, [&all_checks(section), &[]], None);
                    assert!(Progress::read(workspace).note.is_none());
                }
            });
        }
    });
    assert!(Progress::read(&workspace).note.is_none());
    let left = fs::read_dir(tree.path(".workshop")).unwrap().count();
    assert_eq!(left, 1, "only the file itself is left");
}
