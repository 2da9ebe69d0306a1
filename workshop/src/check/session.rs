//! One check of one section: build, run, judge.

use anyhow::ensure;

use crate::check::catalog::{Entry, Method};
use crate::check::judging::{Judging, said_before};
use crate::check::program::buckets;
use crate::check::program::context::Context;
use crate::check::program::experiments::Runs;
use crate::check::program::faults::Faults;
use crate::check::program::last_words::is_routine;
use crate::check::report::Report;
use crate::check::stack::Judge;
use crate::check::subject::Subject;
use crate::check::verdict::{Judgement, Outcome, Verdict};
use crate::check::{catalog, hints, stack};
use crate::course::{Course, Section};
use crate::http::fetch::http_url;
use crate::http::probe::Address;
use crate::learner::files;
use crate::learner::workspace::Workspace;

/// What `--attach` takes.
const EXAMPLE: &str = "http://localhost:8001";

/// Said of what would be the stack's.
const BY_OWN: &str = " (the check's own Prometheus)";

/// Lines of the learner's output that are relayed.
const RELAYED: usize = 20;
/// Lines that are relayed of an output without end: enough to know it by.
const RELAYED_OF_FLOOD: usize = 3;

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
    /// Of a section that looks at the stack: the one step that is judged.
    pub step: Option<usize>,
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
        if catalog::of_section(section).any(|(_, entry)| entry.method.wants_stack()) {
            return self.check_stack(section);
        }
        ensure!(self.step.is_none(), "--step is for section3: {} is one program", section.slug);
        self.check_program(section)
    }

    /// Checks a section whose checks look at the learner's program.
    fn check_program(&self, section: &Section) -> anyhow::Result<Report> {
        let address = match &self.subject {
            Subject::Running(url) => Some(Address::from(&http_url(url, EXAMPLE)?)),
            _ => None,
        };
        let (built, launch, warnings) = self.subject.launch(self.workspace, section, self.watch)?;
        let runs = match (&address, &launch) {
            (Some(address), _) => Some(Runs::attach(address)),
            (_, Some(launch)) => Some(Runs::launch(launch, &self.faults(section))),
            (_, None) => None,
        };
        let (source, cargo_run) =
            (self.subject.source(self.workspace, section), self.subject.cargo_run(section));
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
        let report = Report::new(section, earlier, own);
        let hints = self.hints(section, &report, &source.text).unwrap_or_default();
        Ok(Report {
            output,
            output_left_out,
            asked: context.as_ref().map(Context::asked).unwrap_or_default(),
            hints,
            notes: context
                .as_ref()
                .and_then(|context| remark(&report, context))
                .into_iter()
                .collect(),
            built: runs.is_some(),
            warnings,
            ..report
        })
    }

    /// The hints for what failed in a program.
    fn hints(&self, section: &Section, report: &Report, text: &str) -> Option<Vec<String>> {
        let failed = report.failed().filter(|_| !report.is_unbuilt())?;
        let (.., check) = self.course.check(&failed.check)?;
        Some(hints::of(section, check, failed.finding.as_ref()?, text))
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
        let wanted = self.wanted(section)?;
        for (slug, entry) in catalog::of_section(section) {
            if !entry.first && wanted.as_ref().is_some_and(|wanted| !wanted.contains(&slug)) {
                continue;
            }
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
        let mut report = Report {
            notes: judge.notes().to_vec(),
            alone: self.step,
            ..Report::new(section, Vec::new(), own)
        };
        report.steps.retain(|step| !step.checks.is_empty());
        for step in &mut report.steps {
            if step.checks.iter().all(|outcome| outcome.title.ends_with(BY_OWN)) {
                step.title.push_str(BY_OWN);
            }
        }
        Ok(report)
    }

    /// The checks of the one step that is judged; nothing when all are.
    fn wanted<'a>(&self, section: &'a Section) -> anyhow::Result<Option<Vec<&'a str>>> {
        let Some(step) = self.step else { return Ok(None) };
        let of_step = section.checks().filter(|(number, ..)| *number == step);
        let wanted: Vec<&str> = of_step.map(|(.., check)| check.slug.as_str()).collect();
        ensure!(!wanted.is_empty(), "step {step} of {} has no checks", section.slug);
        Ok(Some(wanted))
    }

    /// Whether it builds, and the checks of the first section, which every later one stands on.
    /// What else was taught before, a section's own checks ask for.
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
}

/// A failure that points at no line yet points at what is not the finished program's.
fn blamed(judgement: Judgement, context: &Context<'_>) -> Judgement {
    judgement.map_err(|mut trouble| {
        if trouble.verdict == Verdict::Fail && trouble.finding.source.is_none() {
            trouble.finding.source = context.source.prime_suspects(&trouble.finding);
        }
        trouble
    })
}

/// What is said of a program that passes.
fn remark(report: &Report, context: &Context<'_>) -> Option<String> {
    let passes = |outcome: &Outcome| {
        outcome.check == catalog::BUCKETS && outcome.verdict == Some(Verdict::Pass)
    };
    let all = report.verdict == Verdict::Pass;
    (all && report.own().any(passes)).then(|| buckets::remark(context))?
}

/// What the program wrote in the calm run, without what every program of the workshop writes, and
/// how many lines more there were.
fn relayed(context: &Context<'_>) -> (Vec<String>, u64) {
    let output = &context.runs.calm.output;
    let (mut lines, more) = output.first(usize::MAX);
    lines.retain(|line| !is_routine(line));
    let most = if output.floods() { RELAYED_OF_FLOOD } else { RELAYED };
    let left_out = lines.len().saturating_sub(most) as u64 + more;
    lines.truncate(most);
    (lines, left_out)
}
