//! `cargo workshop solution`: the difference from the learner's files to the solution.

use std::process::ExitCode;

use anstyle::Style;
use anyhow::bail;
use similar::{ChangeTag, TextDiff};

use crate::course::{Check, Course, LearnerFile, Section};
use crate::learner::progress::Progress;
use crate::learner::workspace::Workspace;
use crate::learner::{embedded, files, starter};
use crate::terminal;
use crate::terminal::style::{BAD, FRAME, GOOD, TYPE, paint, plural};

/// How many unchanged lines stand around a change.
const CONTEXT: usize = 3;

/// Show the difference from your file to the solution
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The section, such as section2 [default: the one you are in]
    section: Option<String>,

    /// Show all answers, where there are several questions
    #[arg(long)]
    all: bool,

    /// Show what one step of the lesson changes, and nothing else
    #[arg(long, value_name = "N", conflicts_with = "all")]
    step: Option<usize>,
}

/// How much of a file of answers is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// The answer to the question that failed, else the first that differs.
    Next,
    All,
}

/// Runs the command.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (course, workspace) = (Course::embedded()?, Workspace::find()?);
    let progress = Progress::load(&workspace);
    let section = progress.pick(course, &workspace, args.section.as_deref())?;
    if let Some(number) = args.step {
        print!("{}", of_step(course, section, number)?);
        return Ok(ExitCode::SUCCESS);
    }
    let which = if args.all { Which::All } else { Which::Next };
    print!("{}", differences(&workspace, section, &progress, which)?);
    let run = format!("cargo run -p solutions --bin {}", section.slug);
    say!("Run the solution: {}", paint(TYPE, run));
    Ok(ExitCode::SUCCESS)
}

/// What one step changes in the section's program, or the answers that it asks for.
fn of_step(course: &Course, section: &Section, number: usize) -> anyhow::Result<String> {
    let slug = &section.slug;
    let index = number.checked_sub(1).filter(|index| *index < section.steps.len());
    let Some(index) = index else {
        bail!("{slug} has the steps 1 to {}, and no step {number}", section.steps.len());
    };
    let step = &section.steps[index];
    let title = paint(TYPE, format!("{slug}, step {number}: {}", step.title));
    let heading = format!("{}\n\n", terminal::flow(&title));
    let mut text = heading.clone();
    if let Some(end) = &step.end {
        let earlier = section.steps[..index].iter().rev().find_map(|step| step.end.as_ref());
        // A file beside the program begins as its own starter.
        let beside = section.files.iter().skip(1).find(|file| file.solution == *end);
        let before = match (beside, earlier) {
            (Some(file), _) => starter::of_file(course, section, file),
            (None, Some(path)) => embedded::text(path),
            (None, None) => starter::before(course, section),
        }?;
        let (before, after) = (starter::body(&before).to_owned(), embedded::text(end)?);
        let after = starter::body(&after);
        if !same_but_for_blank_lines(&before, after) {
            return Ok(text + &difference(&before, after));
        }
    }
    for file in &section.files {
        let solution = starter::solution(file)?;
        let answers = AnswerFiles { yours: Vec::new(), finished: parts(&solution, section) };
        let asked = |check: &&Check| answers.finished.iter().any(|(name, _)| *name == check.slug);
        for check in step.checks.iter().filter(asked) {
            text += &answers.difference(&check.slug);
        }
    }
    if text == heading {
        let all = paint(TYPE, format!("cargo workshop solution {slug} --all"));
        let none = format!("This step adds no line of code. All that the section adds: {all}");
        text += &format!("{}\n", terminal::flow(&none));
    }
    Ok(text)
}

/// The difference of each of a section's files. Where one answer of several is shown, the other
/// files wait with the other answers.
pub(crate) fn differences(
    workspace: &Workspace,
    section: &Section,
    progress: &Progress,
    which: Which,
) -> anyhow::Result<String> {
    let mut text = String::new();
    for file in &section.files {
        let path = Workspace::relative(section, file);
        let (yours, solution) = both(workspace, file, &path)?;
        if same_but_for_blank_lines(&yours, &solution) {
            text += &format!("{path} is the solution.\n\n");
            continue;
        }
        let header = [
            paint(BAD, format!("--- {path} (yours)")),
            paint(GOOD, format!("+++ {}", file.solution)),
        ];
        text += &format!("{}\n", header.join("\n"));
        let answers =
            AnswerFiles { yours: parts(&yours, section), finished: parts(&solution, section) };
        let open = answers.open();
        let wanted = open.iter().find(|name| progress.failed(section) == Some(**name));
        match wanted.or(open.first()) {
            Some(name) if which == Which::Next => {
                text += &answers.difference(name);
                if open.len() > 1 {
                    let more = plural(open.len() - 1, "more answer");
                    let all = format!("cargo workshop solution {} --all", section.slug);
                    let words = format!("For {more}: {}", paint(TYPE, all));
                    text += &format!("{}\n", terminal::flow(&words));
                    return Ok(text);
                }
            }
            _ => text += &difference(&yours, &solution),
        }
    }
    Ok(text)
}

/// The learner's file, and the solution's.
fn both(workspace: &Workspace, file: &LearnerFile, path: &str) -> anyhow::Result<(String, String)> {
    let found = files::read(&workspace.root().join(path))?;
    let yours = String::from_utf8_lossy(found.as_deref().unwrap_or_default()).replace("\r\n", "\n");
    let solution = under_header_of(&yours, &starter::solution(file)?);
    Ok((yours, solution))
}

fn difference(yours: &str, solution: &str) -> String {
    let mut text = String::new();
    let diff = TextDiff::from_lines(yours, solution);
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        text += &format!("{}\n", paint(FRAME, hunk.header()));
        for change in hunk.iter_changes() {
            text += &signed(change.tag(), change.value());
        }
    }
    text + "\n"
}

/// A line of a difference. The sign tells what it is; a colour only repeats it.
fn signed(tag: ChangeTag, line: &str) -> String {
    let line = line.trim_end_matches('\n');
    let (style, sign) = match tag {
        ChangeTag::Equal => (Style::new(), " "),
        ChangeTag::Delete => (BAD, "-"),
        ChangeTag::Insert => (GOOD, "+"),
    };
    format!("{}{line}\n", paint(style, sign))
}

/// The parts of a file that a section's checks name, in order.
type Parts<'a> = Vec<(&'a str, Vec<&'a str>)>;

/// A file in which a comment such as `# 3. [promql-rate] How many ...` begins each answer, by the
/// names of the checks. In any other file there are none.
fn parts<'a>(text: &'a str, section: &'a Section) -> Parts<'a> {
    let mut parts = Parts::new();
    for line in text.lines() {
        let name = line.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
        let name = name.filter(|_| line.starts_with('#')).and_then(|(name, _)| {
            section.checks().map(|(.., check)| check.slug.as_str()).find(|slug| *slug == name)
        });
        match (name, parts.last_mut()) {
            (Some(name), _) => parts.push((name, vec![line])),
            (None, Some((_, lines))) => lines.push(line),
            (None, None) => {}
        }
    }
    parts
}

struct AnswerFiles<'a> {
    yours: Parts<'a>,
    finished: Parts<'a>,
}

impl<'a> AnswerFiles<'a> {
    /// The names of those that differ.
    fn open(&self) -> Vec<&'a str> {
        let differs = |(name, finished): &&(&'a str, Vec<&str>)| {
            !written(self.yours_of(name)).eq(written(finished))
        };
        self.finished.iter().filter(differs).map(|(name, _)| *name).collect()
    }

    fn yours_of(&self, name: &str) -> &[&'a str] {
        let found = self.yours.iter().find(|(other, _)| *other == name);
        found.map(|(_, lines)| lines.as_slice()).unwrap_or_default()
    }

    fn difference(&self, name: &str) -> String {
        let finished = self.finished.iter().find(|(other, _)| *other == name);
        let finished = finished.map(|(_, lines)| lines.as_slice()).unwrap_or_default();
        let text = |lines| written(lines).fold(String::new(), |text, line| text + line + "\n");
        let (yours, finished) = (text(self.yours_of(name)), text(finished));
        let diff = TextDiff::from_lines(&yours, &finished);
        let lines = diff.iter_all_changes().map(|change| signed(change.tag(), change.value()));
        lines.collect::<String>() + "\n"
    }
}

/// The lines that are not empty.
fn written<'a>(lines: &[&'a str]) -> impl Iterator<Item = &'a str> {
    lines.iter().map(|line| line.trim_end()).filter(|line| !line.is_empty())
}

fn same_but_for_blank_lines(yours: &str, solution: &str) -> bool {
    let [yours, solution] = [yours, solution].map(|text| text.lines().collect::<Vec<_>>());
    written(&yours).eq(written(&solution))
}

/// The `//!` lines at the top say where a file belongs; that is no difference to learn from.
fn under_header_of(yours: &str, solution: &str) -> String {
    let body = starter::body(yours);
    if body.len() == yours.len() || !yours.starts_with("//!") {
        return solution.to_owned();
    }
    format!("{}{}", &yours[..yours.len() - body.len()], starter::body(solution))
}
