//! The latency and the failures that make the app worth observing.

use std::time::{Duration, Instant};

use crate::Settings;
use crate::settings::{Latency, Outage};

#[derive(Debug)]
pub(super) struct Faults {
    failure_rate: f64,
    latency: Latency,
    outage: Option<Outage>,
    started: Instant,
}

impl Faults {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            failure_rate: settings.failure_rate,
            latency: settings.latency,
            outage: settings.outage,
            started: Instant::now(),
        }
    }

    /// How long this visit takes.
    pub(super) fn latency(&self) -> Duration {
        let Latency { min, max } = self.latency;
        min + (max - min).mul_f64(fastrand::f64())
    }

    /// Why this visit fails, if it does.
    pub(super) fn failure(&self) -> Option<&'static str> {
        if self.outage.is_some_and(|outage| in_outage(outage, self.started.elapsed())) {
            return Some("The source of the count is out, as it is from time to time.");
        }
        (fastrand::f64() < self.failure_rate)
            .then_some("The source of the count failed, as it does now and then.")
    }
}

/// Whether an outage is on at this time since the start.
fn in_outage(outage: Outage, elapsed: Duration) -> bool {
    let into_period = elapsed.as_secs_f64() % outage.every.as_secs_f64();
    into_period >= (outage.every - outage.lasts).as_secs_f64() && !outage.lasts.is_zero()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_the_end_of_every_period() {
        let outage = Outage { every: Duration::from_secs(100), lasts: Duration::from_secs(30) };
        for (elapsed, expected) in
            [(0.0, false), (69.9, false), (70.0, true), (99.9, true), (100.0, false), (170.0, true)]
        {
            assert_eq!(
                in_outage(outage, Duration::from_secs_f64(elapsed)),
                expected,
                "{elapsed} s after the start"
            );
        }
    }

    #[test]
    fn an_outage_may_fill_its_period_or_none_of_it() {
        let second = Duration::from_secs(1);
        assert!(in_outage(Outage { every: second, lasts: second }, Duration::ZERO));
        let none = Outage { every: second, lasts: Duration::ZERO };
        assert!(!in_outage(none, Duration::from_millis(999)));
    }

    #[test]
    fn latency_stays_within_its_bounds() {
        let (min, max) = (Duration::from_millis(20), Duration::from_millis(30));
        let settings = Settings { latency: Latency { min, max }, ..Settings::default() };
        let faults = Faults::new(&settings);
        let latencies: Vec<_> = (0..1000).map(|_| faults.latency()).collect();
        assert!(latencies.iter().all(|latency| (min..=max).contains(latency)));
        assert!(latencies.iter().any(|latency| *latency < Duration::from_millis(23)));
        assert!(latencies.iter().any(|latency| *latency > Duration::from_millis(27)));
    }

    #[test]
    fn the_failure_rate_is_the_share_of_failures() {
        let share = |failure_rate| {
            let faults = Faults::new(&Settings { failure_rate, ..Settings::default() });
            (0..20_000).filter(|_| faults.failure().is_some()).count() as f64 / 20_000.0
        };
        assert_eq!(share(0.0), 0.0);
        assert_eq!(share(1.0), 1.0);
        // Ten standard deviations, so that chance never fails it.
        assert!((share(0.15) - 0.15).abs() < 0.026);
    }
}
