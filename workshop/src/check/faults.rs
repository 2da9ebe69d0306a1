//! What the learner's program is told to do to its visitors, so that nothing depends on chance.

use std::collections::BTreeMap;
use std::time::Duration;

/// The failures and the latency of one run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Faults {
    /// Whether every visit to /treecounter fails, or none does.
    pub failing: bool,
    /// How long every visit takes.
    pub latency: Duration,
}

impl Faults {
    /// Every visit succeeds at once.
    pub(super) const NONE: Faults = Faults { failing: false, latency: Duration::ZERO };
    /// Every visit fails at once.
    pub(super) const FAILING: Faults = Faults { failing: true, latency: Duration::ZERO };
    /// Every visit takes a time between 0.1 and 0.5 s.
    pub(super) const SLOW: Faults = Faults { failing: false, latency: Duration::from_millis(300) };
    /// Every visit takes longer than anything else in a check.
    pub(super) const STUCK: Faults = Faults { failing: false, latency: Duration::from_secs(2) };

    /// The variables that say so.
    pub(super) fn settings(&self) -> BTreeMap<&'static str, String> {
        let latency = self.latency.as_secs_f64().to_string();
        let failure_rate = if self.failing { "1" } else { "0" };
        BTreeMap::from([
            ("TREECOUNTER_FAILURE_RATE", failure_rate.to_owned()),
            ("TREECOUNTER_LATENCY_MIN_SECONDS", latency.clone()),
            ("TREECOUNTER_LATENCY_MAX_SECONDS", latency),
        ])
    }

    /// The command that starts a program with these faults, as one types it on this system. A
    /// setting that does not matter to what is looked at is left out.
    pub(super) fn command(&self, cargo_run: &str) -> String {
        let mut settings = self.settings();
        if self.latency.is_zero() {
            settings.retain(|name, _| name.ends_with("RATE"));
        } else {
            settings.retain(|name, _| !name.ends_with("RATE"));
        }
        let settings = settings.iter().map(|(name, value)| match cfg!(windows) {
            true => format!("$env:{name} = {value}; "),
            false => format!("{name}={value} "),
        });
        format!("{}{cargo_run}", settings.collect::<String>())
    }
}
