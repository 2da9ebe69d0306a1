//! `cargo workshop solution`: the difference from the learner's files to the solution.

use std::process::ExitCode;

use anstream::println;
use similar::{ChangeTag, TextDiff};

use crate::course::{Course, LearnerFile, Section};
use crate::learner::progress::Progress;
use crate::learner::workspace::Workspace;
use crate::learner::{starter, workspace};
use crate::terminal::style::{BAD, FRAME, GOOD, TYPE, paint};

/// How many unchanged lines stand around a change.
const CONTEXT: usize = 3;

/// Show the difference from your file to the solution
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The section, such as section2 [default: the one you are in]
    section: Option<String>,
}

/// Runs the command.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (course, workspace) = (Course::embedded()?, Workspace::find()?);
    let progress = Progress::load(&workspace);
    let section = progress.pick(course, &workspace, args.section.as_deref())?;
    for file in &section.files {
        show(&workspace, section, file)?;
    }
    let run = format!("cargo run -p solutions --bin {}", section.slug);
    println!("Run the solution: {}", paint(TYPE, run));
    Ok(ExitCode::SUCCESS)
}

fn show(workspace: &Workspace, section: &Section, file: &LearnerFile) -> anyhow::Result<()> {
    let path = Workspace::relative(section, file);
    let found = workspace::read(&workspace.root().join(&path))?;
    let yours = String::from_utf8_lossy(found.as_deref().unwrap_or_default()).replace("\r\n", "\n");
    let solution = under_header_of(&yours, &starter::solution(file)?);
    if same_but_for_blank_lines(&yours, &solution) {
        println!("{path} is the solution.\n");
        return Ok(());
    }
    println!("{}", paint(BAD, format!("--- {path} (yours)")));
    println!("{}", paint(GOOD, format!("+++ {}", file.solution)));
    let diff = TextDiff::from_lines(&yours, &solution);
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        println!("{}", paint(FRAME, hunk.header()));
        for change in hunk.iter_changes() {
            let line = change.value().trim_end_matches('\n');
            match change.tag() {
                ChangeTag::Equal => println!(" {line}"),
                ChangeTag::Delete => println!("{}", paint(BAD, format!("-{line}"))),
                ChangeTag::Insert => println!("{}", paint(GOOD, format!("+{line}"))),
            }
        }
    }
    println!();
    Ok(())
}

fn same_but_for_blank_lines(yours: &str, solution: &str) -> bool {
    let lines = |text| str::lines(text).map(str::trim_end).filter(|line| !line.is_empty());
    lines(yours).eq(lines(solution))
}

/// The `//!` lines at the top say where a file belongs; that is no difference to learn from.
fn under_header_of(yours: &str, solution: &str) -> String {
    let body = starter::body(yours);
    if body.len() == yours.len() || !yours.starts_with("//!") {
        return solution.to_owned();
    }
    format!("{}{}", &yours[..yours.len() - body.len()], starter::body(solution))
}
