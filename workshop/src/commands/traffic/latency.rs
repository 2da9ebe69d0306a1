//! A histogram of latencies whose quantiles are right to one percent, from a microsecond to days,
//! in a few kilobytes however many requests there are.

use std::time::Duration;

/// Each power of two is cut into this many equal buckets (as a power of two itself).
const CUTS: u32 = 7;
const PER_POWER: usize = 1 << CUTS;
const BUCKETS: usize = (64 - CUTS as usize) * PER_POWER + PER_POWER;

/// Counts latencies in microseconds.
pub(crate) struct Latencies {
    counts: Vec<u64>,
    total: u64,
    longest: Duration,
}

impl Latencies {
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0, longest: Duration::ZERO }
    }

    pub(crate) fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.counts[bucket_of(micros)] += 1;
        self.total += 1;
        self.longest = self.longest.max(latency);
    }

    /// The latency that the share `q` (0 to 1) of the requests did not exceed; nothing before the
    /// first request.
    pub(crate) fn quantile(&self, q: f64) -> Option<Duration> {
        if self.total == 0 {
            return None;
        }
        // The rank of the request asked for, from 1: p50 of two requests is the first of them.
        let rank = ((q * self.total as f64).ceil() as u64).clamp(1, self.total);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Some(middle_of(bucket).min(self.longest));
            }
        }
        Some(self.longest)
    }

    pub(crate) fn longest(&self) -> Duration {
        self.longest
    }
}

fn bucket_of(micros: u64) -> usize {
    let power = 63u32.saturating_sub(micros.leading_zeros());
    if power <= CUTS {
        return micros as usize;
    }
    let shift = power - CUTS;
    shift as usize * PER_POWER + (micros >> shift) as usize
}

/// The middle of a bucket, which is where a value in it is expected.
fn middle_of(bucket: usize) -> Duration {
    if bucket < 2 * PER_POWER {
        return Duration::from_micros(bucket as u64);
    }
    let shift = bucket / PER_POWER - 1;
    let low = ((bucket - shift * PER_POWER) as u64) << shift;
    Duration::from_micros(low.saturating_add(1 << (shift - 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_falls_into_a_bucket_within_one_percent_of_it() {
        let mut micros = 1u64;
        while micros < 1 << 50 {
            for value in [micros, micros + 1, micros * 2 - 1] {
                let middle = middle_of(bucket_of(value)).as_micros() as f64;
                let error = (middle - value as f64).abs() / value as f64;
                assert!(error < 0.01, "{value} µs came back as {middle} µs");
            }
            micros *= 2;
        }
        assert!(bucket_of(u64::MAX) < BUCKETS);
    }

    #[test]
    fn buckets_follow_each_other_without_gap_or_overlap() {
        let mut last = 0;
        for micros in 0..100_000u64 {
            let bucket = bucket_of(micros);
            assert!(
                bucket == last || bucket == last + 1,
                "{micros} µs jumps from {last} to {bucket}"
            );
            last = bucket;
        }
    }

    #[test]
    fn quantiles_of_a_thousand_even_latencies() {
        let mut latencies = Latencies::new();
        for millis in (1..=1000).rev() {
            latencies.record(Duration::from_millis(millis));
        }
        for (q, millis) in [(0.5, 500.0), (0.9, 900.0), (0.99, 990.0), (1.0, 1000.0)] {
            let found = latencies.quantile(q).unwrap().as_secs_f64() * 1000.0;
            assert!((found - millis).abs() <= millis * 0.01, "p{q}: {found} ms");
        }
        assert_eq!(latencies.longest(), Duration::from_secs(1));
    }

    #[test]
    fn one_request_is_every_quantile_and_none_has_no_quantile() {
        let mut latencies = Latencies::new();
        assert_eq!(latencies.quantile(0.5), None);
        latencies.record(Duration::from_micros(42));
        for q in [0.0, 0.5, 1.0] {
            assert_eq!(latencies.quantile(q), Some(Duration::from_micros(42)));
        }
    }
}
