//! Rust itself, the crates, and the learner's files.

use std::time::Duration;

use crate::commands::doctor::diagnosis::Diagnosis;
use crate::course::Course;
use crate::learner::workspace::Workspace;
use crate::process::command;
use crate::process::command::Fault;

/// The oldest Rust that builds the workshop.
const OLDEST: &str = env!("CARGO_PKG_RUST_VERSION");

/// Longer than cargo takes to read the metadata of all crates on a slow disk.
const LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn look(workspace: &Workspace) -> Vec<Diagnosis> {
    vec![compiler(workspace), crates(workspace), files(workspace)]
}

fn compiler(workspace: &Workspace) -> Diagnosis {
    const SUBJECT: &str = "Rust";
    let said = match command::ask(workspace.root(), LIMIT, &["rustc", "--version"]) {
        Ok(said) => said,
        Err(fault) => {
            return Diagnosis::bad(SUBJECT, format!("rustc {fault}"))
                .fix("install it from https://rustup.rs, then open a new terminal");
        }
    };
    let version = said.stdout.split_whitespace().nth(1).unwrap_or("unknown");
    match (numbers(version), numbers(OLDEST)) {
        (Some(found), Some(oldest)) if found >= oldest => {
            Diagnosis::good(SUBJECT, format!("{version} ({OLDEST} or newer is needed)"))
        }
        (Some(_), _) => Diagnosis::bad(SUBJECT, format!("{version}, and {OLDEST} is needed")).fix(
            "`rustup update stable`. If it is no rustup's: remove it, and install from \
             https://rustup.rs",
        ),
        (None, _) => Diagnosis::bad(SUBJECT, format!("rustc --version: {}", said.complaint()))
            .fix("`rustup default stable`"),
    }
}

/// `1.88` and `1.95.0-nightly` as numbers that can be compared.
pub(crate) fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Asks cargo, offline, for the tree of what this machine builds: it fails if a crate is missing.
fn crates(workspace: &Workspace) -> Diagnosis {
    const SUBJECT: &str = "crates";
    let line = ["cargo", "tree", "--offline", "--locked", "--workspace", "--quiet"];
    match command::ask(workspace.root(), LIMIT, &line) {
        Ok(said) if said.success => Diagnosis::good(SUBJECT, "all fetched: no network is needed"),
        Ok(said) if said.stderr.contains("--locked") && !said.stderr.contains("--offline") => {
            Diagnosis::warning(
                SUBJECT,
                "Cargo.lock does not fit Cargo.toml: one of them was edited",
            )
            .fix("undo the edit. Nothing in the lessons needs another crate")
        }
        Ok(said) if said.stderr.contains("offline") || said.stderr.contains("download") => {
            Diagnosis::warning(SUBJECT, "not all fetched: the first build needs the network")
                .fix("while there is a network, `cargo workshop prefetch`")
        }
        Ok(said) => {
            Diagnosis::bad(SUBJECT, format!("cargo cannot read them: {}", said.complaint()))
                .fix("see what `cargo tree` says")
        }
        Err(Fault::Slow) => Diagnosis::warning(SUBJECT, "cargo does not answer: is it building?")
            .fix("wait until the other cargo, or the editor's, is done"),
        Err(fault) => Diagnosis::bad(SUBJECT, format!("cargo {fault}"))
            .fix("install it from https://rustup.rs, then open a new terminal"),
    }
}

fn files(workspace: &Workspace) -> Diagnosis {
    const SUBJECT: &str = "your files";
    let course = match Course::embedded() {
        Ok(course) => course,
        Err(error) => return Diagnosis::bad(SUBJECT, format!("{error:#}")),
    };
    for section in &course.sections {
        for file in &section.files {
            let path = Workspace::relative(section, file);
            if !workspace.root().join(&path).is_file() {
                return Diagnosis::bad(SUBJECT, format!("{path} is missing"))
                    .fix(format!("`cargo workshop reset {}`", section.slug));
            }
        }
    }
    Diagnosis::good(SUBJECT, "all there")
}

#[cfg(test)]
mod tests {
    use crate::commands::doctor::rust::numbers;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(numbers("1.100.0") > numbers("1.88"));
        assert!(numbers("1.9.0") < numbers("1.88"));
        assert_eq!(numbers("1.95.0-nightly"), Some((1, 95)));
        assert_eq!(numbers("unknown"), None);
    }
}
