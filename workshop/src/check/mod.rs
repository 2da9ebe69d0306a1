//! `cargo workshop check`: drives the learner's running program and judges it.
//!
//! What is done to a running program, and how that is judged: `program`. The running stack:
//! `stack`.

pub(crate) mod catalog;
pub(crate) mod compile_errors;
mod glance;
pub(crate) mod hints;
mod judging;
mod own_names;
mod page;
mod program;
mod render;
mod report;
mod session;
pub mod stack;
mod subject;
pub mod verdict;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::check::page::Page;
use crate::check::report::Report;
use crate::check::session::Session;
use crate::check::subject::Subject;
use crate::check::verdict::Verdict;
use crate::commands::puzzle;
use crate::course::{Course, Section};
use crate::learner::progress;
use crate::learner::progress::Progress;
use crate::learner::workspace::Workspace;
use crate::process::{guard, registry};

/// Build and start your program, drive it, and judge what it exposes
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The section; without one, the one whose directory you are in, or the first not done
    section: Option<String>,

    /// Check again after every save, until Ctrl-C
    #[arg(long, conflicts_with_all = ["attach", "json"])]
    watch: bool,

    /// Judge a program that runs already, such as http://localhost:8001
    #[arg(long, value_name = "URL")]
    attach: Option<String>,

    /// Section 3: where Prometheus is, if not on this machine at PROMETHEUS_PORT
    #[arg(long, value_name = "URL")]
    prometheus: Option<String>,

    /// Section 3: where Grafana is, if not on this machine at GRAFANA_PORT
    #[arg(long, value_name = "URL")]
    grafana: Option<String>,

    /// Section 3: judge this step alone, whatever the earlier ones are
    #[arg(long, value_name = "NUMBER", conflicts_with = "watch")]
    step: Option<usize>,

    /// Print every request of the check as a curl command
    #[arg(long, short, conflicts_with = "watch")]
    verbose: bool,

    /// Print the report as JSON, for tools
    #[arg(long)]
    json: bool,

    /// Judge the solution instead of your file
    #[arg(long, conflicts_with = "attach")]
    solution: bool,

    /// Judge this executable
    #[arg(long, hide = true, conflicts_with_all = ["attach", "solution"])]
    exe: Option<PathBuf>,

    /// The source of that executable, for clues
    #[arg(long, hide = true, requires = "exe")]
    source: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let course = Course::embedded()?;
    let workspace = Workspace::find()?;
    // A watch is meant to be ended by Ctrl-C; a check is not.
    registry::stop_on_ctrl_c(if args.watch { 0 } else { 130 })?;
    guard::start();
    let subject = match (&args.attach, args.solution, args.exe) {
        (Some(url), ..) => Subject::Running(url.clone()),
        (None, true, _) => Subject::Solution,
        (None, false, Some(path)) => Subject::Executable(path, args.source),
        (None, false, None) => Subject::Learner,
    };
    let stack = stack::Options {
        prometheus: args.prometheus,
        grafana: args.grafana,
        ..stack::Options::default()
    };
    let (step, watch) = (args.step, args.watch);
    let session = Session { workspace: &workspace, course, subject, stack, step, watch };
    if args.watch {
        return watch::run(&session, args.section.as_deref());
    }
    let section = pick(&session, args.section.as_deref())?;
    let report = session.check(section)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", render::frame(&report, course, section, Page::here()));
        if args.verbose {
            print!("{}", render::asked(&report, Page::here()));
        }
    }
    remember(&session, section, &report);
    Ok(report.verdict.exit_code())
}

fn pick<'a>(session: &Session<'a>, name: Option<&str>) -> anyhow::Result<&'a Section> {
    let progress = Progress::load(session.workspace);
    progress.pick(session.course, session.workspace, name)
}

/// Keeps what the learner's own program has passed. A check is worth its verdict even when that
/// cannot be written down.
fn remember(session: &Session<'_>, section: &Section, report: &Report) {
    // One step is not the section: nothing is kept of it.
    if !matches!(session.subject, Subject::Learner) || session.step.is_some() {
        return;
    }
    match puzzle::judged(session.workspace, &section.slug, report.verdict == Verdict::Pass) {
        Ok(false) => {}
        Ok(true) => return,
        Err(error) => eprintln!("note: {error:#}"),
    }
    let failed = report.failed().map(|outcome| outcome.check.as_str());
    let with = |verdict| report.with(verdict).map(|outcome| outcome.check.as_str()).collect();
    let [passed, left_out]: [Vec<&str>; 2] = [Verdict::Pass, Verdict::LeftOut].map(with);
    let kept = progress::record(session.workspace, section, [&passed, &left_out], failed);
    let found = report.failed().map(|failed| hints::keep(session.workspace, section, failed));
    if let Err(error) = kept.and(found.unwrap_or(Ok(()))) {
        eprintln!("note: your progress was not kept: {error:#}");
    }
}
