//! `cargo workshop prefetch`: fetches all that a room needs before the Wi-Fi fails.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::course::Course;
use crate::learner::workspace::Workspace;
use crate::process::command;
use crate::terminal::style::{BAD, FRAME, GOOD, TYPE, WARN, indent, paint};

/// How long Docker may take to say whether it is there.
const LIMIT: Duration = Duration::from_secs(8);

/// Fetch crates and images, and build, before the network fails
///
/// May be repeated: what is here already is not fetched again.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Leave out the images of section 3, which are the largest part
    #[arg(long)]
    no_images: bool,
}

/// One thing to have on this machine.
struct Part {
    name: &'static str,
    why: &'static str,
    /// The commands that bring it.
    lines: Vec<String>,
    /// What still works without it.
    without: &'static str,
    /// Why it is not to be fetched, if so.
    left_out: fn(&Args, &Workspace) -> Option<String>,
}

/// What became of a part.
enum PartOutcome {
    Here(Duration),
    Skipped(String),
    Failed(String),
}

/// Runs the command.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (course, workspace) = (Course::embedded()?, Workspace::find()?);
    let parts = [crates(&workspace), build(course), images()];
    let mut outcomes = Vec::new();
    for (number, part) in (1..).zip(&parts) {
        let title = format!("{number} of {}: {}, {}", parts.len(), part.name, part.why);
        say!("{}", paint(TYPE, title));
        let outcome = match (part.left_out)(&args, &workspace) {
            Some(reason) => PartOutcome::Skipped(reason),
            None => part.fetch(&workspace),
        };
        println!();
        outcomes.push(outcome);
    }
    let failed = outcomes.iter().any(|outcome| matches!(outcome, PartOutcome::Failed(_)));
    for (part, outcome) in parts.iter().zip(&outcomes) {
        say!("{}", part.summary(outcome));
    }
    if failed {
        say!("\nNext: {}, then this again.", paint(TYPE, "cargo workshop doctor"));
        return Ok(ExitCode::FAILURE);
    }
    say!("\nNext: {}", paint(TYPE, "cargo workshop"));
    Ok(ExitCode::SUCCESS)
}

impl Part {
    /// Runs all the commands, so that one that fails takes as little as possible with it.
    fn fetch(&self, workspace: &Workspace) -> PartOutcome {
        let started = Instant::now();
        let mut failed = Vec::new();
        for line in &self.lines {
            println!("{}", paint(FRAME, format!("$ {line}")));
            let words: Vec<&str> = line.split(' ').collect();
            match command::show(workspace.root(), &words) {
                Ok(true) => {}
                Ok(false) => failed.push(format!("`{line}` failed: see above")),
                Err(fault) => failed.push(format!("{} {fault}", words[0])),
            }
        }
        if failed.is_empty() {
            return PartOutcome::Here(started.elapsed());
        }
        PartOutcome::Failed(failed.join("\n"))
    }

    fn summary(&self, outcome: &PartOutcome) -> String {
        let line =
            |style, mark, text: &str| format!("{} {:<7} {text}", paint(style, mark), self.name);
        match outcome {
            PartOutcome::Here(time) => {
                line(GOOD, "[ok]", &format!("all here, after {:.0} s", time.as_secs_f64()))
            }
            PartOutcome::Skipped(reason) => {
                let first = line(WARN, "[--]", reason);
                format!("{first}\n{}", indent(self.without, 13))
            }
            PartOutcome::Failed(reason) => {
                let first = line(BAD, "[XX]", reason);
                format!("{first}\n{}", indent(self.without, 13))
            }
        }
    }
}

/// Only what this system builds: other systems' crates are a large part of all.
fn crates(workspace: &Workspace) -> Part {
    let target = host(workspace).map(|host| format!(" --target {host}")).unwrap_or_default();
    Part {
        name: "crates",
        why: "the source of all libraries",
        lines: vec![format!("cargo fetch --locked{target}")],
        without: "Without them nothing builds, but for what was built before.",
        left_out: |_, _| None,
    }
}

/// One by one, as a learner will: together they would be built with other features, and then
/// built again. Offline, so that success shows that no network is needed any more.
fn build(course: &Course) -> Part {
    let sections = course.sections.iter().map(|section| section.package.as_str());
    let packages = sections.chain(["solutions"]);
    Part {
        name: "build",
        why: "so that nobody waits for the first one",
        lines: packages.map(|package| format!("cargo build --offline -p {package}")).collect(),
        without: "An error in a file of yours is no matter: all else was built.",
        left_out: |_, _| None,
    }
}

fn images() -> Part {
    Part {
        name: "images",
        why: "what section 3 runs in containers",
        lines: vec![
            "docker compose pull prometheus".to_owned(),
            "docker compose pull alertmanager".to_owned(),
            "docker compose pull grafana".to_owned(),
            "docker compose build".to_owned(),
        ],
        without: "Without them sections 1, 2 and bonus work as ever. Section 3 works without\n\
                  Grafana's, but for its step 8, and without any of them if you have a\n\
                  Prometheus of your own: see section3-compose/README.md.",
        left_out: no_images,
    }
}

/// Why the images are not to be fetched, if so.
fn no_images(args: &Args, workspace: &Workspace) -> Option<String> {
    if args.no_images {
        return Some("left out, as you asked".to_owned());
    }
    let ask = |line: &[&str]| command::ask(workspace.root(), LIMIT, line);
    match ask(&["docker", "info"]) {
        Err(fault) => return Some(format!("left out: docker {fault}")),
        Ok(said) if !said.success => return Some("left out: Docker is not running".to_owned()),
        Ok(_) => {}
    }
    match ask(&["docker", "compose", "version"]) {
        Ok(said) if said.success => None,
        _ => Some("left out: Docker has no Compose".to_owned()),
    }
}

/// The name that Rust has for this system.
fn host(workspace: &Workspace) -> Option<String> {
    let said = command::ask(workspace.root(), LIMIT, &["rustc", "-vV"]).ok()?;
    said.stdout.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned)
}
