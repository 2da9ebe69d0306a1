//! One check of one section: build, run, judge.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};

use crate::check::catalog::{BUILDS, JudgeFn};
use crate::check::program::context::Context;
use crate::check::program::experiment::Launch;
use crate::check::program::experiments::{Runs, Wanted};
use crate::check::program::source::Source;
use crate::check::report::{Report, StepReport};
use crate::check::verdict::{Finding, Judgement, Outcome, Verdict};
use crate::check::{catalog, stack};
use crate::course::{Course, Section};
use crate::http::fetch::http_url;
use crate::http::probe::Address;
use crate::learner::workspace::Workspace;
use crate::process::{Build, Built};

/// What `--attach` takes.
const EXAMPLE: &str = "http://localhost:8001";

/// Said of what would be the stack's.
const BY_OWN: &str = " (the check's own Prometheus)";

/// Lines of the learner's output that are relayed.
const RELAYED: usize = 20;
/// Lines that are relayed of an output without end: enough to know it by.
const RELAYED_OF_FLOOD: usize = 3;

/// Which program is judged.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    /// The learner's.
    Learner,
    /// The finished one.
    Solution,
    /// One that was built already, with its source if that is known.
    Executable(PathBuf, Option<PathBuf>),
    /// One that runs already, at this URL.
    Running(String),
}

/// What checks of this call have in common.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    /// The learner's copy of the workshop.
    pub workspace: &'a Workspace,
    /// The sections.
    pub course: &'a Course,
    /// Which program is judged.
    pub subject: Subject,
    /// Where the stack of section 3 is.
    pub stack: stack::Options,
    /// The screen is cleared after the build.
    pub watch: bool,
}

impl Session<'_> {
    /// Checks a section.
    ///
    /// # Errors
    /// When nothing could be judged at all.
    pub(crate) fn check(&self, section: &Section) -> anyhow::Result<Report> {
        if section.slug == catalog::STACK {
            return self.check_stack(section);
        }
        let address = match &self.subject {
            Subject::Running(url) => Some(Address::from(&http_url(url, EXAMPLE)?)),
            _ => None,
        };
        let judges = catalog::judges(&section.slug)
            .with_context(|| format!("{} has no checks of a program", section.slug))?;
        let mut warnings = String::new();
        let (built, launch) = match &self.subject {
            Subject::Running(_) => (None, None),
            Subject::Executable(path, _) => (Some(Ok(())), Some(self.launch(path.clone()))),
            Subject::Learner | Subject::Solution => match self.build(section)? {
                Built::Executable { path, warnings: kept } => {
                    warnings = kept;
                    (Some(Ok(())), Some(self.launch(path)))
                }
                Built::Failed => (Some(not_built()), None),
            },
        };
        let mut judging = Judging { section, ended: false };
        let mut earlier = Vec::new();
        let mut own: Vec<Outcome> = Vec::new();
        // Whether it builds is asked in every section, and shown where it is taught.
        let outcome = judging.take(self.course, BUILDS, || built.clone());
        match section.checks().any(|(.., check)| check.slug == BUILDS) {
            true => own.push(outcome),
            false => earlier.push(outcome),
        }
        let runs = match (&address, launch) {
            (Some(address), _) => Some(Runs::attach(address)),
            (_, Some(launch)) => Some(Runs::launch(&launch, wanted(&section.slug))),
            (_, None) => None,
        };
        let source = self.source(section);
        let cargo_run = self.cargo_run(section);
        let context =
            runs.as_ref().map(|runs| Context { runs, source: &source, cargo_run: &cargo_run });
        let judge = |judge: JudgeFn| context.as_ref().map(judge);
        for (slug, function) in self.foundation(section) {
            earlier.push(judging.take(self.course, slug, || judge(*function)));
        }
        for (slug, function) in judges {
            own.push(judging.take(self.course, slug, || judge(*function)));
        }
        earlier.retain(|outcome| match outcome.verdict {
            Some(Verdict::Pass) | None => false,
            // What an attached program does not show of earlier sections is not asked for.
            Some(Verdict::CouldNotTell) => {
                address.is_none() || PRESENCE.contains(&outcome.check.as_str())
            }
            Some(Verdict::Fail) => true,
        });
        let verdict = Verdict::of(earlier.iter().chain(&own).filter_map(|outcome| outcome.verdict));
        let (output, output_left_out) =
            context.as_ref().map(|context| relayed(context)).unwrap_or_default();
        let asked = context.as_ref().map(Context::asked).unwrap_or_default();
        Ok(Report {
            section: section.slug.clone(),
            title: section.title.clone(),
            verdict,
            earlier,
            notes: Vec::new(),
            unseen: Vec::new(),
            steps: by_step(section, own),
            output,
            asked,
            output_left_out,
            built: runs.is_some(),
            warnings,
        })
    }

    /// Checks a section whose checks look at the running stack.
    fn check_stack(&self, section: &Section) -> anyhow::Result<Report> {
        let mut options = self.stack.clone();
        options.root = self.workspace.root().to_owned();
        options.start_app = true;
        options.solution = matches!(self.subject, Subject::Solution);
        ensure!(
            !matches!(self.subject, Subject::Running(_)),
            "{} looks at a stack, not at one program: say where its Prometheus is, with \
             --prometheus http://localhost:PORT",
            section.slug
        );
        let slugs = section.checks().map(|(.., check)| check.slug.as_str());
        let judged = stack::judge(options, slugs)?;
        let mut judgements = judged.judgements;
        let mut judging = Judging { section, ended: false };
        let own: Vec<Outcome> = section
            .checks()
            .map(|(.., check)| {
                let found = judgements.iter().position(|(slug, _)| *slug == check.slug);
                let judgement = found.map(|index| judgements.swap_remove(index).1);
                judging.take(self.course, &check.slug, || judgement)
            })
            .collect();
        let verdict = Verdict::of(own.iter().filter_map(|outcome| outcome.verdict));
        let mut steps = by_step(section, own);
        if judged.by_own {
            // A learner whose stack does not run should not read that it does.
            let of_stack = |outcome: &Outcome| stack::OF_STACK.contains(&outcome.check.as_str());
            for step in &mut steps {
                if step.checks.iter().all(of_stack) {
                    step.title.push_str(BY_OWN);
                }
                for outcome in step.checks.iter_mut().filter(|outcome| of_stack(outcome)) {
                    outcome.title.push_str(BY_OWN);
                }
            }
        }
        Ok(Report {
            section: section.slug.clone(),
            title: section.title.clone(),
            verdict,
            earlier: Vec::new(),
            notes: judged.notes,
            unseen: judged.unseen.into_iter().map(str::to_owned).collect(),
            steps,
            output: Vec::new(),
            asked: Vec::new(),
            output_left_out: 0,
            built: true,
            warnings: String::new(),
        })
    }

    /// The checks of section 1, which every later section stands on. What else was taught before,
    /// a section's own checks ask for.
    fn foundation(&self, section: &Section) -> &'static [(&'static str, JudgeFn)] {
        match catalog::JUDGES.first() {
            Some((first, judges)) if *first != section.slug => judges,
            _ => &[],
        }
    }

    fn build(&self, section: &Section) -> anyhow::Result<Built> {
        let (package, bin) = match self.subject {
            Subject::Solution => ("solutions", Some(section.slug.as_str())),
            _ => (section.package.as_str(), None),
        };
        Build { root: self.workspace.root(), package, bin, keep: self.watch }.run()
    }

    fn launch(&self, executable: PathBuf) -> Launch {
        Launch { executable, directory: self.workspace.root().to_owned() }
    }

    fn cargo_run(&self, section: &Section) -> String {
        match self.subject {
            Subject::Solution => format!("cargo run -p solutions --bin {}", section.slug),
            _ => format!("cargo run -p {}", section.package),
        }
    }

    /// The file that clues are looked for in. Without it there are none.
    fn source(&self, section: &Section) -> Source {
        let name = match (&self.subject, section.files.first()) {
            (Subject::Solution, Some(file)) => file.solution.clone(),
            (Subject::Learner, Some(file)) => Workspace::relative(section, file),
            (Subject::Executable(_, Some(path)), Some(file)) => {
                let text = std::fs::read_to_string(path).unwrap_or_default();
                return Source { name: Workspace::relative(section, file), text };
            }
            _ => return Source::default(),
        };
        let text = std::fs::read_to_string(self.workspace.root().join(&name)).unwrap_or_default();
        Source { name, text }
    }
}

/// Cargo has said it already, and better.
fn not_built() -> Judgement {
    Finding::new("a program that compiles", "").fail()
}

fn wanted(section: &str) -> Wanted {
    Wanted { failing: section != "section1", slow: section == "bonus" }
}

/// The checks that there is a program to look at.
const PRESENCE: [&str; 2] = ["starts", "serves-trees"];

/// Goes through the checks until one fails; those after it stay open.
struct Judging<'a> {
    section: &'a Section,
    ended: bool,
}

impl Judging<'_> {
    fn take(
        &mut self,
        course: &Course,
        slug: &str,
        judge: impl FnOnce() -> Option<Judgement>,
    ) -> Outcome {
        let own = self.section.checks().find(|(.., check)| check.slug == slug);
        let check = own.map(|(.., check)| check).or(course.check(slug).map(|(.., check)| check));
        let title = check.map_or(slug, |check| check.title.as_str());
        let judgement = if self.ended { None } else { judge() };
        match judgement {
            None => Outcome::open(slug, title),
            Some(judgement) => {
                let outcome = Outcome::new(slug, title, judgement);
                self.ended |= match outcome.verdict {
                    Some(Verdict::Fail) => true,
                    // Without a program there is nothing to look at.
                    Some(Verdict::CouldNotTell) => PRESENCE.contains(&slug),
                    _ => false,
                };
                outcome
            }
        }
    }
}

fn by_step(section: &Section, mut outcomes: Vec<Outcome>) -> Vec<StepReport> {
    let steps = section.steps.iter().enumerate().map(|(index, step)| {
        let checks = step.checks.iter().filter_map(|check| {
            let at = outcomes.iter().position(|outcome| outcome.check == check.slug)?;
            Some(outcomes.remove(at))
        });
        StepReport { step: index + 1, title: step.title.clone(), checks: checks.collect() }
    });
    steps.collect()
}

/// What the program wrote in the calm run, without what every program of the workshop writes, and
/// how many lines more there were.
fn relayed(context: &Context<'_>) -> (Vec<String>, u64) {
    let output = &context.runs.calm.output;
    let (mut lines, more) = output.first(usize::MAX);
    lines.retain(|line| !crate::check::program::section1::is_routine(line));
    let most = if output.floods() { RELAYED_OF_FLOOD } else { RELAYED };
    let left_out = lines.len().saturating_sub(most) as u64 + more;
    lines.truncate(most);
    (lines, left_out)
}
