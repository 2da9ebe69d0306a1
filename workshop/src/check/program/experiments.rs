//! All the runs that a section's checks look at, made side by side.

use std::thread;

use crate::check::program::experiment::{Experiment, Launch};
use crate::check::program::faults::Faults;
use crate::check::program::run::Run;
use crate::check::verdict::{Finding, Judgement};
use crate::http::addresses::Settings;
use crate::http::probe::Address;

/// What was seen of the learner's program.
#[derive(Debug)]
pub(crate) struct Runs {
    /// Every visit succeeds at once. The program that is attached to, if one is.
    pub calm: Run,
    /// The runs with faults.
    others: Vec<Run>,
    /// The program was started by somebody else, who chose its faults.
    pub attached: bool,
    /// Where a printed command finds the program.
    pub host: String,
}

impl Runs {
    /// Starts the program once calmly and once with each of the faults, all at the same time.
    pub(crate) fn launch(launch: &Launch, faults: &[Faults]) -> Self {
        thread::scope(|scope| {
            let start = |faults: &Faults| {
                let (faults, experiment) = (*faults, experiment(*faults));
                scope.spawn(move || Run::launch(launch, faults, experiment))
            };
            let others: Vec<_> = faults.iter().map(start).collect();
            let calm = Run::launch(launch, Faults::NONE, Experiment::Everything);
            Self {
                calm,
                others: others.into_iter().filter_map(|run| run.join().ok()).collect(),
                attached: false,
                // The program of a check is gone; the learner's listens where the terminal says.
                host: Settings::of_terminal().app_url().replacen("http://", "", 1),
            }
        })
    }

    /// Looks at a program that runs already.
    pub(crate) fn attach(address: &Address) -> Self {
        let calm = Run::attach(address);
        Self { calm, others: Vec::new(), attached: true, host: address.host().to_owned() }
    }

    /// The run in which every visit fails.
    pub(crate) fn failing(&self) -> Judgement<&Run> {
        self.with(Faults::FAILING)
    }

    /// The run in which every visit takes a known time.
    pub(crate) fn slow(&self) -> Judgement<&Run> {
        self.with(Faults::SLOW)
    }

    /// The run in which every visit takes longer than the last bound.
    pub(crate) fn long(&self) -> Judgement<&Run> {
        self.with(Faults::LONG)
    }

    /// The run in which no visit ends before the check does.
    pub(crate) fn stuck(&self) -> Judgement<&Run> {
        self.with(Faults::STUCK)
    }

    /// Every run that was made.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Run> {
        std::iter::once(&self.calm).chain(&self.others)
    }

    fn with(&self, faults: Faults) -> Judgement<&Run> {
        let Some(run) = self.others.iter().find(|run| run.faults == faults) else {
            let wanted = match (faults.failing, faults.latency.as_secs_f64()) {
                (true, _) => "a program whose every visit fails".to_owned(),
                (false, seconds) => format!("a program whose every visit takes {seconds} s"),
            };
            let found = match self.attached {
                true => "a program that somebody else has started, with faults of its own",
                false => "a run that broke off",
            };
            let finding = Finding::new(wanted, found);
            return finding
                .because("Without --attach, the check starts the program with the faults it needs.")
                .could_not_tell();
        };
        Ok(run)
    }
}

/// A visit that does not end can only be scraped beside.
fn experiment(faults: Faults) -> Experiment {
    match faults {
        Faults::STUCK => Experiment::ScrapeMeanwhile,
        _ => Experiment::Visits,
    }
}
