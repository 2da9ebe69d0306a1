//! `cargo workshop puzzle`: the learner's file makes room, and comes back.

use crate::tree::{Tree, course};
use workshop::learner::progress;

const TWO: &str = "section2-counter/src/main.rs";

#[test]
fn a_puzzle_takes_the_files_place_and_undo_brings_it_back() {
    let tree = Tree::new();
    tree.write(TWO, "// mine\n");
    let given = tree.run("puzzle section2 --yes");
    given.expect(0, &["A colleague says:", "cargo workshop check section2", "Backup:"]);
    let broken = tree.read(TWO);
    assert!(broken.contains("struct App") && !broken.contains("// mine"), "{broken}");
    // The same one, while it is open.
    let again = tree.run("puzzle section2 --yes");
    again.expect(0, &["This one is open still"]);
    assert_eq!(tree.read(TWO), broken);
    tree.run("puzzle --give-up").expect(0, &["Your own file again:  cargo workshop undo"]);
    tree.run("undo --yes").expect(0, &[]);
    assert_eq!(tree.read(TWO), "// mine\n");
    tree.run("puzzle --give-up").expect(2, &["no puzzle is open"]);
}

#[test]
fn an_undo_closes_the_puzzle() {
    let tree = Tree::new();
    tree.run("puzzle section1 --yes").expect(0, &[]);
    tree.run("undo --yes").expect(0, &[]);
    tree.run("puzzle --give-up").expect(2, &["no puzzle is open"]);
}

#[test]
fn without_a_name_it_is_the_last_section_that_is_done() {
    let tree = Tree::new();
    tree.run("puzzle --yes").expect(2, &["no section is done yet", "puzzle section1"]);
    let one = course().section("section1").unwrap();
    let all: Vec<&str> = one.checks().map(|(.., check)| check.slug.as_str()).collect();
    progress::record(&tree.workspace(), one, [&all, &[]], None).unwrap();
    tree.run("puzzle --yes").expect(0, &["cargo workshop check section1"]);
    tree.run("puzzle section3").expect(0, &["This one is open still, in section1"]);
    tree.run("undo --yes").expect(0, &[]);
    tree.run("puzzle section3").expect(2, &["there is no puzzle for section3"]);
}
