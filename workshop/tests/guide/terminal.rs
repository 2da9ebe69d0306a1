//! What happens on a terminal only: the question, and colours. `script` lends one.

#![cfg(target_os = "linux")]

use std::io::Write;
use std::process::{Command, Stdio};

use crate::tree::Tree;

const TWO: &str = "section2-counter/src/main.rs";
const MINE: &str = "// my own work\n";

/// What a command shows on a terminal on which this is typed; nothing where there is no `script`.
fn typed(tree: &Tree, line: &str, keys: &str) -> Option<String> {
    let command = format!("{} {line}", env!("CARGO_BIN_EXE_workshop"));
    let child = Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .current_dir(&tree.root)
        .env_remove("CARGO_MANIFEST_DIR")
        .env_remove("NO_COLOR")
        .env("TERM", "xterm-256color")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        assert!(std::env::var_os("CI").is_none(), "there is no `script`");
        println!("skipped: there is no `script`");
        return None;
    };
    child.stdin.take().unwrap().write_all(keys.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_no_changes_nothing_and_a_yes_goes_on() {
    let tree = Tree::new();
    tree.write(TWO, MINE);
    for keys in ["n\n", "\n", "what?\n"] {
        let Some(screen) = typed(&tree, "reset section2", keys) else { return };
        assert!(screen.contains("Go on? [y/N]") && screen.contains("Nothing was changed."));
        assert_eq!(tree.read(TWO), MINE, "{keys:?}");
    }
    let screen = typed(&tree, "reset section2", "y\n").unwrap();
    assert!(screen.contains("To undo it: "), "{screen}");
    assert_ne!(tree.read(TWO), MINE);
    typed(&tree, "undo", "yes\n").unwrap();
    assert_eq!(tree.read(TWO), MINE);
}

#[test]
fn colours_are_for_terminals() {
    let tree = Tree::new();
    let Some(screen) = typed(&tree, "solution section2", "") else { return };
    assert!(screen.contains("\x1b[32m+    requests: IntCounterVec,"), "{screen}");
    assert!(!tree.run("solution section2").out.contains('\x1b'));
}
