//! All the runs that a section's checks look at, made side by side.

use std::thread;

use crate::check::program::experiment::{Experiment, Launch, Run};
use crate::check::program::faults::Faults;
use crate::check::verdict::{Finding, Trouble};
use crate::http::probe::Address;

/// What was seen of the learner's program.
#[derive(Debug)]
pub(crate) struct Runs {
    /// Every visit succeeds at once. The program that is attached to, if one is.
    pub calm: Run,
    failing: Option<Run>,
    slow: Option<Run>,
    stuck: Option<Run>,
    /// The program was started by somebody else, who chose its faults.
    pub attached: bool,
    /// Where a printed command finds the program.
    pub host: String,
}

/// Which runs are wanted, besides the calm one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted {
    /// Every visit fails.
    pub failing: bool,
    /// Every visit takes a known time.
    pub slow: bool,
}

type Seen<'a> = Result<&'a Run, Box<Trouble>>;

impl Runs {
    /// Starts the program once for each run, all at the same time.
    pub(crate) fn launch(launch: &Launch, wanted: Wanted) -> Self {
        thread::scope(|scope| {
            let start =
                |faults, experiment| scope.spawn(move || Run::launch(launch, faults, experiment));
            let stuck = start(Faults::STUCK, Experiment::ScrapeMeanwhile);
            let failing = wanted.failing.then(|| start(Faults::FAILING, Experiment::Visits));
            let slow = wanted.slow.then(|| start(Faults::SLOW, Experiment::Visits));
            let calm = Run::launch(launch, Faults::NONE, Experiment::Everything);
            Self {
                calm,
                failing: failing.and_then(|run| run.join().ok()),
                slow: slow.and_then(|run| run.join().ok()),
                stuck: stuck.join().ok(),
                attached: false,
                // The program of a check is gone; the learner's own listens here.
                host: "localhost:8001".to_owned(),
            }
        })
    }

    /// Looks at a program that runs already.
    pub(crate) fn attach(address: &Address) -> Self {
        let calm = Run::attach(address);
        Self {
            calm,
            failing: None,
            slow: None,
            stuck: None,
            attached: true,
            host: address.host().to_owned(),
        }
    }

    /// The run in which every visit fails.
    pub(crate) fn failing(&self) -> Seen<'_> {
        self.made(self.failing.as_ref(), Faults::FAILING)
    }

    /// The run in which every visit takes a known time.
    pub(crate) fn slow(&self) -> Seen<'_> {
        self.made(self.slow.as_ref(), Faults::SLOW)
    }

    /// The run in which no visit ends before the check does.
    pub(crate) fn stuck(&self) -> Seen<'_> {
        self.made(self.stuck.as_ref(), Faults::STUCK)
    }

    /// Every run that was made.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Run> {
        let others = [&self.failing, &self.slow, &self.stuck];
        std::iter::once(&self.calm).chain(others.into_iter().flatten())
    }

    fn made<'a>(&self, run: Option<&'a Run>, faults: Faults) -> Seen<'a> {
        let Some(run) = run else {
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
