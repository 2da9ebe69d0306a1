//! What a check of a section came to, for people and for programs.

use serde::Serialize;

use crate::check::verdict::{Outcome, Verdict};
use crate::course::Section;

/// All outcomes of one check of one section.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The section's slug.
    pub section: String,
    /// The section's title.
    pub title: String,
    /// The verdict of all checks together.
    pub verdict: Verdict,
    /// Checks of earlier sections, when they did not pass.
    pub earlier: Vec<Outcome>,
    /// What is said before the steps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The one step that was judged, when it was not all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alone: Option<usize>,
    /// The hints for what failed, as `cargo workshop hint` gives them one by one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
    /// The section's steps.
    pub steps: Vec<StepReport>,
    /// The first lines that the learner's program wrote.
    pub output: Vec<String>,
    /// What was asked of the program, run by run.
    pub asked: Vec<Asked>,
    /// How many lines it wrote beyond those.
    pub output_left_out: u64,
    /// Whether the program was built, and could be looked at.
    #[serde(skip)]
    pub built: bool,
    /// The compiler's warnings, if they have to be shown again.
    #[serde(skip)]
    pub warnings: String,
}

/// The requests of one run, as commands to paste.
#[derive(Debug, Serialize)]
pub(crate) struct Asked {
    /// The command that starts the program as it was started; empty if somebody else did.
    pub start: String,
    /// The requests, in order.
    pub requests: Vec<String>,
}

/// The outcomes of one step.
#[derive(Debug, Serialize)]
pub(crate) struct StepReport {
    /// Its number in the section's README.
    pub step: usize,
    /// Its title.
    pub title: String,
    /// Its checks.
    pub checks: Vec<Outcome>,
}

impl Report {
    /// The report of a section's outcomes; what was seen of a program besides is added to it.
    pub(crate) fn new(section: &Section, earlier: Vec<Outcome>, own: Vec<Outcome>) -> Self {
        let verdicts = earlier.iter().chain(&own).filter_map(|outcome| outcome.verdict);
        Self {
            section: section.slug.clone(),
            title: section.title.clone(),
            verdict: Verdict::of(verdicts),
            earlier,
            notes: Vec::new(),
            alone: None,
            hints: Vec::new(),
            steps: by_step(section, own),
            output: Vec::new(),
            asked: Vec::new(),
            output_left_out: 0,
            built: true,
            warnings: String::new(),
        }
    }

    /// The outcomes of the section's own checks.
    pub(crate) fn own(&self) -> impl Iterator<Item = &Outcome> {
        self.steps.iter().flat_map(|step| &step.checks)
    }

    /// What failed, if something did. After a failure nothing is judged any more.
    pub(crate) fn failed(&self) -> Option<&Outcome> {
        let all = self.earlier.iter().chain(self.own());
        all.into_iter().find(|outcome| outcome.verdict == Some(Verdict::Fail))
    }

    /// The program did not compile, and cargo has said why.
    pub(crate) fn is_unbuilt(&self) -> bool {
        !self.built && self.failed().is_some()
    }

    /// The section's own checks with this verdict.
    pub(crate) fn with(&self, verdict: Verdict) -> impl Iterator<Item = &Outcome> {
        self.own().filter(move |outcome| outcome.verdict == Some(verdict))
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
