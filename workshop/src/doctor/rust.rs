//! Rust itself, the crates, and the learner's files.

use std::time::Duration;

use super::finding::Finding;
use crate::sections::Course;
use crate::tool::{self, Fault};
use crate::workspace::Workspace;

/// The oldest Rust that builds the workshop.
const OLDEST: &str = env!("CARGO_PKG_RUST_VERSION");

/// Longer than cargo takes to read the metadata of all crates on a slow disk.
const LIMIT: Duration = Duration::from_secs(20);

pub(super) fn look(workspace: &Workspace) -> Vec<Finding> {
    vec![compiler(workspace), crates(workspace), files(workspace)]
}

fn compiler(workspace: &Workspace) -> Finding {
    const SUBJECT: &str = "Rust";
    let said = match tool::ask(workspace.root(), LIMIT, &["rustc", "--version"]) {
        Ok(said) => said,
        Err(fault) => {
            return Finding::bad(SUBJECT, format!("rustc {fault}"))
                .fix("install it from https://rustup.rs, then open a new terminal");
        }
    };
    let version = said.stdout.split_whitespace().nth(1).unwrap_or("unknown");
    match (numbers(version), numbers(OLDEST)) {
        (Some(found), Some(oldest)) if found >= oldest => {
            Finding::good(SUBJECT, format!("{version} ({OLDEST} or newer is needed)"))
        }
        (Some(_), _) => Finding::bad(SUBJECT, format!("{version}, and {OLDEST} is needed")).fix(
            "`rustup update stable`. If it is no rustup's: remove it, and install from \
             https://rustup.rs",
        ),
        (None, _) => Finding::bad(SUBJECT, format!("rustc --version: {}", said.complaint()))
            .fix("`rustup default stable`"),
    }
}

/// `1.88` and `1.95.0-nightly` as numbers that can be compared.
pub(super) fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Asks cargo, offline, for the tree of what this machine builds: it fails when a crate is not here.
fn crates(workspace: &Workspace) -> Finding {
    const SUBJECT: &str = "crates";
    let line = ["cargo", "tree", "--offline", "--locked", "--workspace", "--quiet"];
    match tool::ask(workspace.root(), LIMIT, &line) {
        Ok(said) if said.success => Finding::good(SUBJECT, "all fetched: no network is needed"),
        Ok(said) if said.stderr.contains("--locked") && !said.stderr.contains("--offline") => {
            Finding::warning(SUBJECT, "Cargo.lock does not fit Cargo.toml: one of them was edited")
                .fix("undo the edit. Nothing in the lessons needs another crate")
        }
        Ok(said) if said.stderr.contains("offline") || said.stderr.contains("download") => {
            Finding::warning(SUBJECT, "not all fetched: the first build needs the network")
                .fix("while there is a network, `cargo workshop prefetch`")
        }
        Ok(said) => Finding::bad(SUBJECT, format!("cargo cannot read them: {}", said.complaint()))
            .fix("see what `cargo tree` says"),
        Err(Fault::Slow) => Finding::warning(SUBJECT, "cargo does not answer: is it building?")
            .fix("wait until the other cargo, or the editor's, is done"),
        Err(fault) => Finding::bad(SUBJECT, format!("cargo {fault}"))
            .fix("install it from https://rustup.rs, then open a new terminal"),
    }
}

fn files(workspace: &Workspace) -> Finding {
    const SUBJECT: &str = "your files";
    let course = match Course::embedded() {
        Ok(course) => course,
        Err(error) => return Finding::bad(SUBJECT, format!("{error:#}")),
    };
    for section in &course.sections {
        for file in &section.files {
            let path = Workspace::relative(section, file);
            if !workspace.root().join(&path).is_file() {
                return Finding::bad(SUBJECT, format!("{path} is missing"))
                    .fix(format!("`cargo workshop reset {}`", section.slug));
            }
        }
    }
    Finding::good(SUBJECT, "all there")
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(numbers("1.100.0") > numbers("1.88"));
        assert!(numbers("1.9.0") < numbers("1.88"));
        assert_eq!(numbers("1.95.0-nightly"), Some((1, 95)));
        assert_eq!(numbers("unknown"), None);
    }
}
