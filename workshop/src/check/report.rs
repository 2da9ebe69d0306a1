//! What a check of a section came to, for people and for programs.

use serde::Serialize;

use crate::check::verdict::{Outcome, Verdict};

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
    /// The checks that passed because there was nothing to look at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<String>,
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
    /// The outcomes of the section's own checks.
    pub(crate) fn own(&self) -> impl Iterator<Item = &Outcome> {
        self.steps.iter().flat_map(|step| &step.checks)
    }

    /// What failed, if something did. After a failure nothing is judged any more.
    pub(crate) fn failed(&self) -> Option<&Outcome> {
        let all = self.earlier.iter().chain(self.own());
        all.into_iter().find(|outcome| outcome.verdict == Some(Verdict::Fail))
    }

    /// How many questions of the bonus have no answer, and are not missed.
    pub(crate) fn waiting(&self) -> usize {
        self.unseen.iter().filter(|check| check.starts_with("promql-")).count()
    }

    /// The slugs of the section's own checks that passed.
    pub(crate) fn passed(&self) -> Vec<&str> {
        let passed = self.own().filter(|outcome| outcome.verdict == Some(Verdict::Pass));
        passed.map(|outcome| outcome.check.as_str()).collect()
    }
}
