//! What the learner's program is told to do to its visitors, so that nothing depends on chance.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::terminal::shell::Shell;

const MIN: &str = "TREECOUNTER_LATENCY_MIN_SECONDS";
const MAX: &str = "TREECOUNTER_LATENCY_MAX_SECONDS";

/// How much longer a visit may take than another, where it takes time at all: what is measured is
/// then no setting.
const SPREAD: Duration = Duration::from_millis(50);
/// What is set where no visit fails: as good as never, but not 0, which could be asked for.
const NEVER: &str = "0.000000001";

/// The failures and the latency of one run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Faults {
    /// Whether every visit to /treecounter fails, or none does.
    pub failing: bool,
    /// How long every visit takes at least; see [`SPREAD`].
    pub latency: Duration,
}

impl Faults {
    /// Every visit succeeds at once.
    pub(crate) const NONE: Faults = Faults { failing: false, latency: Duration::ZERO };
    /// Every visit fails, after a moment: who asks again until it is good takes longer.
    pub(crate) const FAILING: Faults =
        Faults { failing: true, latency: Duration::from_millis(200) };
    /// Every visit takes a time between 0.1 and 0.5 s.
    pub(crate) const SLOW: Faults = Faults { failing: false, latency: Duration::from_millis(200) };
    /// Every visit takes longer than the last bound that the lesson gives, 2.5 s.
    pub(crate) const LONG: Faults = Faults { failing: false, latency: Duration::from_millis(2600) };
    /// Every visit takes longer than the scrapes that are made beside it.
    pub(crate) const STUCK: Faults = Faults { failing: false, latency: Duration::from_secs(2) };

    /// The variables that say so.
    pub(crate) fn settings(&self) -> BTreeMap<&'static str, String> {
        let (name, rate) = self.failure_rate();
        let rate = if self.failing { rate } else { NEVER.to_owned() };
        BTreeMap::from([(name, rate), self.least(), self.most()])
    }

    /// The command that starts a program with these faults, as one types it on this system. A
    /// setting that does not matter to what is looked at is left out.
    pub(crate) fn command(&self, cargo_run: &str) -> String {
        match self.failing || self.latency.is_zero() {
            true => with(&[self.failure_rate()], cargo_run),
            false => self.timed_command(cargo_run),
        }
    }

    /// The same, where it matters how long visits take.
    pub(crate) fn timed_command(&self, cargo_run: &str) -> String {
        let rate = self.failing.then(|| self.failure_rate());
        let settings: Vec<_> = rate.into_iter().chain([self.least(), self.most()]).collect();
        with(&settings, cargo_run)
    }

    fn failure_rate(&self) -> (&'static str, String) {
        let rate = if self.failing { "1" } else { "0" };
        ("TREECOUNTER_FAILURE_RATE", rate.to_owned())
    }

    fn least(&self) -> (&'static str, String) {
        (MIN, self.latency.as_secs_f64().to_string())
    }

    fn most(&self) -> (&'static str, String) {
        let spread = if self.latency.is_zero() { Duration::ZERO } else { SPREAD };
        (MAX, (self.latency + spread).as_secs_f64().to_string())
    }
}

fn with(settings: &[(&str, String)], cargo_run: &str) -> String {
    let settings: Vec<(&str, &str)> =
        settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Shell::HERE.with(&settings, cargo_run)
}
