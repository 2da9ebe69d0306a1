//! reset, goto and undo: nothing that a learner wrote is ever lost.

use std::fs;

use workshop::learner::progress;
use workshop::learner::progress::Progress;

use crate::tree::{Tree, course};

const ONE: &str = "section1-expose/src/main.rs";
const TWO: &str = "section2-counter/src/main.rs";
const THREE: &str = "section3-compose/src/main.rs";
const MINE: &str = "// my own work, and not even Rust yet: }{\n";

fn finished(slug: &str) -> String {
    let section = course().section(slug).unwrap();
    workshop::learner::starter::finished(section, &section.files[0]).unwrap()
}

fn starter(slug: &str) -> String {
    workshop::learner::starter::generate(course(), course().section(slug).unwrap()).unwrap()
}

/// The command that a reset, goto or undo prints as its way back.
fn way_back(out: &str) -> &str {
    let line = out.lines().find_map(|line| line.strip_prefix("To undo it: cargo workshop "));
    line.unwrap_or_else(|| panic!("no way back in\n{out}"))
}

#[test]
fn reset_restores_the_starter_and_its_way_back_restores_the_work() {
    let tree = Tree::new();
    tree.write(TWO, MINE);
    let before = tree.learners_files();

    let reset = tree.run("reset section2 --yes");
    reset.expect(0, &["This changes 1 file", TWO, "back to the starter, +", " -1 lines"]);
    reset.expect(0, &["Next: read section2-counter/README.md"]);
    assert_eq!(tree.read(TWO), starter("section2"));
    assert_ne!(tree.learners_files(), before);

    let undo = tree.run(&format!("{} --yes", way_back(&reset.out)));
    undo.expect(0, &[TWO, "as before `reset section2`", "Z-undo\n"]);
    assert!(undo.out.lines().chain(reset.out.lines()).all(|line| line.len() <= 80));
    assert_eq!(tree.learners_files(), before);

    // And forth again: an undo is undone like anything else.
    tree.run(&format!("{} --yes", way_back(&undo.out))).expect(0, &[]);
    assert_eq!(tree.read(TWO), starter("section2"));
}

#[test]
fn goto_finishes_what_comes_before_and_its_way_back_takes_it_back() {
    let tree = Tree::new();
    tree.write(ONE, MINE);
    tree.write(THREE, MINE);
    let before = tree.learners_files();

    let goto = tree.run("goto section3 --yes");
    goto.expect(0, &["This changes 3 files", "becomes the solution", "back to the starter"]);
    assert_eq!(tree.read(ONE), finished("section1"));
    assert_eq!(tree.read(TWO), finished("section2"));
    assert_eq!(tree.read(THREE), starter("section3"));
    assert!(tree.read(ONE).starts_with("//! Section 1: "), "it keeps its own header");
    tree.run("").expect(0, &["section2  Count the requests", "by goto", "check section3"]);

    tree.run(&format!("{} --yes", way_back(&goto.out))).expect(0, &["3 files"]);
    assert_eq!(tree.learners_files(), before);
    assert!(Progress::load(&tree.workspace()).is_empty(), "nothing is caught up any more");
}

#[test]
fn goto_leaves_alone_what_the_learner_has_finished() {
    let tree = Tree::new();
    tree.write(ONE, MINE);
    let one = course().section("section1").unwrap();
    let all: Vec<&str> = one.checks().map(|(.., check)| check.slug.as_str()).collect();
    progress::record(&tree.workspace(), one, [&all, &[]], None).unwrap();
    tree.run("goto section3 --yes").expect(0, &["This changes 1 file:"]);
    assert_eq!(tree.read(ONE), MINE);
    assert_eq!(tree.read(TWO), finished("section2"));
}

#[test]
fn goto_finishes_what_is_done_and_back_at_its_starter() {
    let tree = Tree::new();
    tree.write(ONE, &starter("section1"));
    let one = course().section("section1").unwrap();
    let all: Vec<&str> = one.checks().map(|(.., check)| check.slug.as_str()).collect();
    progress::record(&tree.workspace(), one, [&all, &[]], None).unwrap();
    tree.run("goto section2 --yes").expect(0, &[ONE, "becomes the solution"]);
    assert_eq!(tree.read(ONE), finished("section1"));
}

#[test]
fn reset_forgets_the_progress_and_undo_remembers_it() {
    let tree = Tree::new();
    tree.write(ONE, MINE);
    let one = course().section("section1").unwrap();
    progress::record(&tree.workspace(), one, [&["builds"], &[]], Some("serves-trees")).unwrap();
    let before = Progress::load(&tree.workspace());

    let reset = tree.run("reset section1 --yes");
    assert!(Progress::load(&tree.workspace()).is_empty());
    tree.run(&format!("{} --yes", way_back(&reset.out))).expect(0, &[]);
    assert_eq!(Progress::load(&tree.workspace()), before);
}

#[test]
fn without_a_terminal_nothing_is_changed_unless_yes_is_said() {
    let tree = Tree::new();
    tree.write(TWO, MINE);
    let before = tree.all_files();
    for line in ["reset section2", "goto section3"] {
        let ended = tree.run(line);
        ended.expect(2, &["This changes", TWO, "there is no terminal to ask on; add --yes"]);
        assert_eq!(tree.all_files(), before, "{line}");
    }
}

#[test]
fn a_file_at_its_starter_needs_no_change_and_no_backup() {
    let tree = Tree::new();
    tree.run("reset section2").expect(0, &["section2 is at its starter: nothing to change"]);
    // An editor or git on Windows has changed the ends of the lines, and nothing else.
    tree.write(TWO, &starter("section2").replace('\n', "\r\n"));
    tree.run("reset section2").expect(0, &["nothing to change"]);
    tree.run("undo --list").expect(0, &["There are no backups yet"]);
    tree.run("undo").expect(2, &["there is nothing to undo"]);
}

#[test]
fn a_file_that_was_deleted_is_restored_and_undo_deletes_it_again() {
    let tree = Tree::new();
    fs::remove_dir_all(tree.path("section2-counter")).unwrap();
    let reset = tree.run("reset section2 --yes");
    reset.expect(0, &[TWO]);
    assert_eq!(tree.read(TWO), starter("section2"));
    tree.run(&format!("{} --yes", way_back(&reset.out))).expect(0, &["gone, as before"]);
    assert!(!tree.path(TWO).exists());
}

#[test]
fn a_file_that_is_not_text_is_kept_byte_by_byte() {
    let tree = Tree::new();
    let bytes = b"\xff\xfe\x00 not text \r\n";
    fs::write(tree.path(TWO), bytes).unwrap();
    let reset = tree.run("reset section2 --yes");
    tree.run(&format!("{} --yes", way_back(&reset.out))).expect(0, &[]);
    assert_eq!(fs::read(tree.path(TWO)).unwrap(), bytes);
}

#[test]
fn backups_are_listed_and_the_newest_is_the_default() {
    let tree = Tree::new();
    for (file, section) in [(THREE, "section3"), (ONE, "section1"), (TWO, "section2")] {
        tree.write(file, MINE);
        tree.run(&format!("reset {section} --yes")).expect(0, &[]);
    }
    let list = tree.run("undo --list");
    let kinds: Vec<&str> = list.out.lines().map(|name| name.split_once("Z-").unwrap().1).collect();
    assert_eq!(kinds, ["reset-section3", "reset-section1", "reset-section2"]);
    tree.run("undo --yes").expect(0, &[TWO]);
    assert_eq!(tree.read(TWO), MINE);
    tree.run("undo 2020-01-01 --yes").expect(2, &["there is no backup `2020-01-01`", "--list"]);
}

#[test]
fn a_backup_that_was_tampered_with_writes_nowhere() {
    let tree = Tree::new();
    tree.write(TWO, MINE);
    tree.run("reset section2 --yes").expect(0, &[]);
    let name = tree.run("undo --list").out.trim().to_owned();
    let list = format!(".workshop/backups/{name}/backup.txt");
    tree.write(&list, &tree.read(&list).replace(TWO, "../../outside.rs"));
    tree.run("undo --yes").expect(2, &["cannot use the backup", "not in the workshop"]);
    tree.write(&list, "hello");
    tree.run("undo --yes").expect(2, &["does not say what it is"]);
}

#[test]
fn where_no_backup_can_be_kept_nothing_is_changed() {
    let tree = Tree::new();
    tree.write(TWO, MINE);
    tree.write(".workshop/backups", "a file where the directory should be");
    let before = tree.all_files();
    tree.run("reset section2 --yes")
        .expect(2, &["nothing was changed", "cannot make the directory"]);
    assert_eq!(tree.all_files(), before);
}

#[test]
fn a_read_only_file_stays_as_it_is() {
    let tree = Tree::new();
    tree.write(TWO, MINE);
    let mut permissions = fs::metadata(tree.path(TWO)).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(tree.path(TWO), permissions).unwrap();
    let before = tree.all_files();
    tree.run("reset section2 --yes").expect(2, &["nothing was changed", "is read-only"]);
    assert_eq!(tree.all_files(), before);
}

/// A write that fails half-way, as on a full disk: the shell limits how large a file may become.
#[cfg(unix)]
#[test]
fn a_write_that_fails_half_way_leaves_everything_as_it_was() {
    let tree = Tree::new();
    tree.write(ONE, MINE);
    tree.write(TWO, MINE);
    let before = tree.all_files();
    for line in ["reset section2 --yes", "goto section3 --yes"] {
        let script = format!("trap '' XFSZ; ulimit -f 1; exec \"$0\" {line}");
        let program = tree.command();
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &script]).arg(program.get_program()).current_dir(&tree.root);
        let ended = crate::tree::end(shell.env_remove("CARGO_MANIFEST_DIR"));
        ended.expect(2, &["nothing was changed", "cannot write", "main.rs"]);
        assert_eq!(tree.all_files(), before, "{line}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link() {
    let tree = Tree::new();
    let elsewhere = tree.path("elsewhere.rs");
    fs::write(&elsewhere, MINE).unwrap();
    fs::remove_file(tree.path(TWO)).unwrap();
    std::os::unix::fs::symlink(&elsewhere, tree.path(TWO)).unwrap();
    tree.run("reset section2 --yes").expect(0, &[]);
    assert!(fs::symlink_metadata(tree.path(TWO)).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(elsewhere).unwrap(), starter("section2"));
}

#[test]
fn an_unknown_section_is_answered_with_the_nearest() {
    let tree = Tree::new();
    for command in ["reset", "goto", "hint", "solution"] {
        let ended = tree.run(&format!("{command} sektion2"));
        ended.expect(2, &["no section `sektion2`; did you mean `section2`?", "bonus"]);
    }
}

#[test]
fn outside_of_the_workshop_the_way_in_is_said() {
    let tree = Tree::new();
    let mut command = tree.command();
    let ended = crate::tree::end(command.current_dir(std::env::temp_dir()).arg("reset"));
    ended.expect(2, &["this is not a directory of the workshop"]);
}
