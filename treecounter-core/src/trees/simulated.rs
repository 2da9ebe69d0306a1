//! A count of trees that is made up: plausible, offline, and never falling.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A count and the moment it belongs to (2024-01-01 00:00 UTC). The order of magnitude is right;
/// the figure is not a statement about the real count.
const TREES_THEN: u64 = 200_000_000;
const THEN: Duration = Duration::from_secs(1_704_067_200);

/// A little less than one tree a second.
const SECONDS_PER_TREE: f64 = 1.3;

#[derive(Debug, Default)]
pub(super) struct SimulatedCount {
    /// The most that was ever answered: a clock that is set back must not fell trees.
    highest: AtomicU64,
}

impl SimulatedCount {
    pub(super) fn at(&self, now: SystemTime) -> u64 {
        let since = now.duration_since(UNIX_EPOCH + THEN).unwrap_or_default();
        let count = TREES_THEN + (since.as_secs_f64() / SECONDS_PER_TREE) as u64;
        self.highest.fetch_max(count, Ordering::Relaxed).max(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_follows_the_clock() {
        let start = UNIX_EPOCH + THEN;
        let count = SimulatedCount::default();
        assert_eq!(count.at(start), 200_000_000);
        assert_eq!(count.at(start + Duration::from_secs(13)), 200_000_010);
    }

    #[test]
    fn the_count_never_falls() {
        let start = UNIX_EPOCH + THEN;
        let count = SimulatedCount::default();
        let high = count.at(start + Duration::from_secs(1_300));
        assert_eq!(count.at(start), high);
        assert_eq!(count.at(UNIX_EPOCH), high);
    }
}
