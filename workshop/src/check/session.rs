//! One check of one section: build, run, judge.

use std::path::PathBuf;

use anyhow::ensure;

use crate::check::catalog::{Entry, Method};
use crate::check::program::context::Context;
use crate::check::program::experiment::Launch;
use crate::check::program::experiments::Runs;
use crate::check::program::faults::Faults;
use crate::check::program::source::Source;
use crate::check::report::Report;
use crate::check::stack::Judge;
use crate::check::verdict::{Finding, Judgement, Outcome, Quote, Verdict};
use crate::check::{catalog, compile_errors, stack};
use crate::course::{Course, LearnerFile, Section};
use crate::http::fetch::http_url;
use crate::http::probe::Address;
use crate::learner::workspace::Workspace;
use crate::learner::{files, starter};
use crate::process::{Build, Built, CompileError};

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
        if matches!(self.subject, Subject::Learner) {
            // What is no file, such as a pipe, would be waited on for ever by cargo.
            for file in &section.files {
                files::read(&self.workspace.root().join(Workspace::relative(section, file)))?;
            }
        }
        match catalog::of_section(section).any(|(_, entry)| entry.method.wants_stack()) {
            true => self.check_stack(section),
            false => self.check_program(section),
        }
    }

    /// Checks a section whose checks look at the learner's program.
    fn check_program(&self, section: &Section) -> anyhow::Result<Report> {
        let address = match &self.subject {
            Subject::Running(url) => Some(Address::from(&http_url(url, EXAMPLE)?)),
            _ => None,
        };
        let (built, launch, warnings) = self.launch(section)?;
        let runs = match (&address, &launch) {
            (Some(address), _) => Some(Runs::attach(address)),
            (_, Some(launch)) => Some(Runs::launch(launch, &self.faults(section))),
            (_, None) => None,
        };
        let (source, cargo_run) = (self.source(section), self.cargo_run(section));
        let context =
            runs.as_ref().map(|runs| Context { runs, source: &source, cargo_run: &cargo_run });
        let judge = |entry: Entry| match (entry.method, &context) {
            (Method::Build, _) => built.clone(),
            (Method::Program(function, _), Some(context)) => {
                Some(blamed(function(context), context))
            }
            (Method::Again(slug), Some(context)) => {
                Some(blamed(self.again(slug, context), context))
            }
            _ => None,
        };
        let mut judging = Judging { section, course: self.course, ended: false };
        let mut earlier = Vec::new();
        for (slug, entry) in self.foundation(section) {
            earlier.push(judging.take(slug, entry, || judge(entry)));
        }
        let own = catalog::of_section(section)
            .map(|(slug, entry)| judging.take(slug, entry, || judge(entry)))
            .collect();
        earlier.retain(|outcome| match outcome.verdict {
            Some(Verdict::Pass | Verdict::LeftOut) | None => false,
            // What an attached program does not show of earlier sections is not asked for.
            Some(Verdict::CouldNotTell) => {
                address.is_none() || catalog::find(&outcome.check).is_some_and(|entry| entry.first)
            }
            Some(Verdict::Fail) => true,
        });
        let (output, output_left_out) = context.as_ref().map(relayed).unwrap_or_default();
        Ok(Report {
            output,
            output_left_out,
            asked: context.as_ref().map(Context::asked).unwrap_or_default(),
            built: runs.is_some(),
            warnings,
            ..Report::new(section, earlier, own)
        })
    }

    /// Checks a section whose checks look at the running stack.
    fn check_stack(&self, section: &Section) -> anyhow::Result<Report> {
        ensure!(
            !matches!(self.subject, Subject::Running(_)),
            "{} looks at a stack, not at one program: say where its Prometheus is, with \
             --prometheus http://localhost:PORT",
            section.slug
        );
        let mut judge = Judge::new(stack::Options {
            root: self.workspace.root().to_owned(),
            start_app: true,
            solution: matches!(self.subject, Subject::Solution),
            ..self.stack.clone()
        })?;
        let mut judging = Judging { section, course: self.course, ended: false };
        let mut own: Vec<Outcome> = Vec::new();
        for (slug, entry) in catalog::of_section(section) {
            let mut outcome = judging.take(slug, entry, || entry.method.judge_stack(&mut judge));
            if said_before(&own, &outcome) {
                outcome = Outcome::open(slug, &outcome.title);
            }
            // A learner whose stack does not run should not read that it does.
            if judge.is_own() && matches!(entry.method, Method::Stack(_)) {
                outcome.title.push_str(BY_OWN);
            }
            own.push(outcome);
        }
        let mut report =
            Report { notes: judge.notes().to_vec(), ..Report::new(section, Vec::new(), own) };
        for step in &mut report.steps {
            if step.checks.iter().all(|outcome| outcome.title.ends_with(BY_OWN)) {
                step.title.push_str(BY_OWN);
            }
        }
        Ok(report)
    }

    /// Whether it builds, and the checks of the first section, which every later one stands on. What
    /// else was taught before, a section's own checks ask for.
    fn foundation(&self, section: &Section) -> Vec<(&str, Entry)> {
        match self.course.sections.first() {
            Some(first) if first.slug != section.slug => catalog::of_section(first).collect(),
            _ => Vec::new(),
        }
    }

    /// The faults that the checks of a section look at.
    fn faults(&self, section: &Section) -> Vec<Faults> {
        let foundation = self.foundation(section).into_iter().map(|(_, entry)| entry);
        let own = catalog::of_section(section).flat_map(|(_, entry)| match entry.method {
            Method::Again(slug) => self.entries(slug),
            _ => vec![entry],
        });
        let mut wanted: Vec<Faults> = Vec::new();
        for entry in foundation.chain(own) {
            let Method::Program(_, faults) = entry.method else { continue };
            for faults in faults {
                if !wanted.contains(faults) {
                    wanted.push(*faults);
                }
            }
        }
        wanted
    }

    fn entries(&self, slug: &str) -> Vec<Entry> {
        let section = self.course.section(slug);
        section
            .map(|section| catalog::of_section(section).map(|(_, entry)| entry).collect())
            .unwrap_or_default()
    }

    /// What was taught in another section still holds.
    fn again(&self, slug: &str, context: &Context<'_>) -> Judgement {
        self.entries(slug).into_iter().try_for_each(|entry| match entry.method {
            Method::Program(function, _) => function(context),
            _ => Ok(()),
        })
    }

    /// Whether the program builds, how it is started if so, and the compiler's warnings.
    fn launch(
        &self,
        section: &Section,
    ) -> anyhow::Result<(Option<Judgement>, Option<Launch>, String)> {
        let directory = self.workspace.root().to_owned();
        Ok(match &self.subject {
            Subject::Running(_) => (None, None, String::new()),
            Subject::Executable(path, _) => {
                (Some(Ok(())), Some(Launch { executable: path.clone(), directory }), String::new())
            }
            Subject::Learner | Subject::Solution => match self.build(section)? {
                Built::Executable { path, warnings } => {
                    (Some(Ok(())), Some(Launch { executable: path, directory }), warnings)
                }
                Built::Failed(errors) => {
                    (Some(self.not_built(section, &errors)), None, String::new())
                }
            },
        })
    }

    /// The compiler has said what is wrong, and better. What is added is where in the lesson this is.
    fn not_built(&self, section: &Section, errors: &[CompileError]) -> Judgement {
        let Some(error) = errors.first() else {
            return Finding::new("a program that compiles", "").fail();
        };
        let source = self.source(section);
        let instead = compile_errors::instead(section, &source.text, error);
        let step = compile_errors::step(section, &instead, error);
        let cause = step.map(|(number, step)| {
            format!("This line belongs to step {number}, \"{}\".", step.title)
        });
        let found = match error.code.as_str() {
            "" => error.message.clone(),
            code => format!("{code}: {}", error.message),
        };
        let quote = Quote { of: source.name.clone(), line: error.line, text: error.text.clone() };
        Finding { cause, ..Finding::new("a program that compiles", found).quoting(quote) }.fail()
    }

    fn build(&self, section: &Section) -> anyhow::Result<Built> {
        let (package, bin) = match self.subject {
            Subject::Solution => ("solutions", Some(section.slug.as_str())),
            _ => (section.package.as_str(), None),
        };
        Build { root: self.workspace.root(), package, bin, keep: self.watch, quiet: false }.run()
    }

    fn cargo_run(&self, section: &Section) -> String {
        match self.subject {
            Subject::Solution => format!("cargo run -p solutions --bin {}", section.slug),
            _ => format!("cargo run -p {}", section.package),
        }
    }

    /// The file that clues are looked for in. Without it there are none.
    fn source(&self, section: &Section) -> Source {
        let (name, file) = match (&self.subject, section.files.first()) {
            (Subject::Solution, Some(file)) => (file.solution.clone(), file),
            (Subject::Learner, Some(file)) => (Workspace::relative(section, file), file),
            (Subject::Executable(_, Some(path)), Some(file)) => {
                let text = std::fs::read_to_string(path).unwrap_or_default();
                let name = Workspace::relative(section, file);
                return Source { name, text, solution: finished(file) };
            }
            _ => return Source::default(),
        };
        let text = std::fs::read_to_string(self.workspace.root().join(&name)).unwrap_or_default();
        Source { name, text, solution: finished(file) }
    }
}

/// A clue, and no reason to fail when it is not to be had.
fn finished(file: &LearnerFile) -> String {
    starter::solution(file).unwrap_or_default()
}

/// A failure that points at no line yet points at what is not the finished program's.
fn blamed(judgement: Judgement, context: &Context<'_>) -> Judgement {
    judgement.map_err(|mut trouble| {
        if trouble.verdict == Verdict::Fail && trouble.finding.source.is_none() {
            trouble.finding.source = context.source.prime_suspects();
        }
        trouble
    })
}

/// Goes through the checks until one fails; those after it stay open.
struct Judging<'a> {
    section: &'a Section,
    course: &'a Course,
    ended: bool,
}

impl Judging<'_> {
    fn take(
        &mut self,
        slug: &str,
        entry: Entry,
        judge: impl FnOnce() -> Option<Judgement>,
    ) -> Outcome {
        let own = self.section.checks().find(|(.., check)| check.slug == slug);
        let check = own.map(|(.., check)| check);
        let check = check.or(self.course.check(slug).map(|(.., check)| check));
        let title = check.map_or(slug, |check| check.title.as_str());
        let judgement = if self.ended { None } else { judge() };
        let Some(judgement) = judgement else { return Outcome::open(slug, title) };
        let outcome = Outcome::new(slug, title, judgement);
        self.ended |= match outcome.verdict {
            Some(Verdict::Fail) => true,
            Some(Verdict::CouldNotTell) => entry.first,
            _ => false,
        };
        outcome
    }
}

/// Whether an earlier check was left open for the same reason: in a young stack many questions lack
/// data, and it is said once. A failure is said always.
fn said_before(earlier: &[Outcome], outcome: &Outcome) -> bool {
    let reason = |outcome: &Outcome| {
        let Finding { found, cause, .. } = outcome.finding.as_ref()?;
        let open = outcome.verdict == Some(Verdict::CouldNotTell);
        open.then(|| (found.clone(), cause.clone()))
    };
    let reason_now = reason(outcome);
    reason_now.is_some() && earlier.iter().any(|outcome| reason(outcome) == reason_now)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_open_is_said_once_and_a_failure_always() {
        let finding = |found: &str, cause: &str| Finding::new("something", found).because(cause);
        let outcome = |judgement| Outcome::new("a", "A check", judgement);
        let open = || finding("none so far", "Wait.").could_not_tell();
        let earlier = [outcome(Ok(())), outcome(open())];
        assert!(said_before(&earlier, &outcome(open())));
        for other in [
            Ok(()),
            finding("none so far", "Wait.").fail(),
            finding("none so far", "Add a panel.").could_not_tell(),
            finding("none", "Wait.").could_not_tell(),
        ] {
            assert!(!said_before(&earlier, &outcome(other.clone())), "{other:?}");
        }
    }
}
