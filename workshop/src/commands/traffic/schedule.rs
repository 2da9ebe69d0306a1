//! When each request is due. An open loop: what is due does not depend on what was answered, so a
//! slow app cannot slow the load down and hide its own slowness.

use std::f64::consts::TAU;
use std::time::Duration;

/// How long a wave takes. Longer than the windows that the lesson rates over, or the wave would
/// be averaged away.
const WAVE: f64 = 240.0;
/// How far the wave goes up and down, as a share of the rate.
const WAVE_HEIGHT: f64 = 0.5;
/// A burst multiplies the rate by this ...
const BURST: f64 = 10.0;
/// ... for so many seconds.
const BURST_LENGTH: f64 = 5.0;

/// What the load looks like over time.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// Requests a second.
    pub(crate) rate: f64,
    /// Whether the rate swings around its mean.
    pub(crate) wave: bool,
    /// Time from the start of a burst to the start of the next, when bursts come by themselves.
    pub(crate) burst_every: Option<Duration>,
    /// When to stop; `None` goes on until stopped.
    pub(crate) length: Option<Duration>,
}

/// Gives the time of each request, counted from the start.
pub(crate) struct Schedule {
    shape: Shape,
    due: f64,
    burst_until: f64,
}

impl Schedule {
    pub(crate) fn new(shape: Shape) -> Self {
        Self { shape, due: 0.0, burst_until: 0.0 }
    }

    /// The next request's time, or nothing when the load is over.
    pub(crate) fn peek(&self) -> Option<Duration> {
        // A sum of many steps may miss the end by a hair, which must not add a request.
        let over = self.shape.length.is_some_and(|length| self.due >= length.as_secs_f64() - 1e-6);
        (!over).then(|| Duration::from_secs_f64(self.due))
    }

    /// Goes to the request after this one.
    pub(crate) fn advance(&mut self) {
        self.due += 1.0 / self.rate_at(self.due);
    }

    /// Starts a burst now. The next request may have been far away, at a low rate.
    pub(crate) fn burst(&mut self, now: Duration) {
        let now = now.as_secs_f64();
        self.burst_until = now + BURST_LENGTH;
        self.due = self.due.min(now + 1.0 / self.rate_at(now));
    }

    /// Leaves out what was due before `now`: this process was asleep.
    pub(crate) fn skip_to(&mut self, now: Duration) {
        self.due = self.due.max(now.as_secs_f64());
    }

    fn rate_at(&self, seconds: f64) -> f64 {
        let wave =
            if self.shape.wave { 1.0 + WAVE_HEIGHT * (TAU * seconds / WAVE).sin() } else { 1.0 };
        // The first burst comes one interval after the start: there is a calm to compare it with.
        let repeated = self.shape.burst_every.is_some_and(|every| {
            let every = every.as_secs_f64();
            seconds >= every && seconds % every < BURST_LENGTH
        });
        let burst = if repeated || seconds < self.burst_until { BURST } else { 1.0 };
        self.shape.rate * wave * burst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(rate: f64, seconds: u64) -> Shape {
        Shape { rate, wave: false, burst_every: None, length: Some(Duration::from_secs(seconds)) }
    }

    fn times(mut schedule: Schedule) -> Vec<f64> {
        let mut times = Vec::new();
        while let Some(due) = schedule.peek() {
            times.push(due.as_secs_f64());
            schedule.advance();
        }
        times
    }

    fn between(times: &[f64], from: f64, to: f64) -> usize {
        times.iter().filter(|time| (from..to).contains(*time)).count()
    }

    #[test]
    fn a_steady_load_sends_exactly_rate_times_length_evenly() {
        for (rate, seconds, requests) in
            [(10.0, 60, 600), (3.0, 7, 21), (5000.0, 2, 10_000), (0.5, 4, 2)]
        {
            let times = times(Schedule::new(shape(rate, seconds)));
            assert_eq!(times.len(), requests, "{rate}/s for {seconds} s");
            for pair in times.windows(2) {
                assert!((pair[1] - pair[0] - 1.0 / rate).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn a_wave_moves_the_rate_and_keeps_its_mean() {
        let times = times(Schedule::new(Shape { wave: true, ..shape(10.0, 240) }));
        let (high, low) = (between(&times, 50.0, 70.0), between(&times, 170.0, 190.0));
        assert!((290..=300).contains(&high), "{high} requests at the crest, of 300");
        assert!((95..=110).contains(&low), "{low} requests in the trough, of 100");
        assert!((2380..=2420).contains(&times.len()), "{} requests in a whole wave", times.len());
    }

    #[test]
    fn bursts_come_back_and_end() {
        let times = times(Schedule::new(Shape {
            burst_every: Some(Duration::from_secs(20)),
            ..shape(10.0, 60)
        }));
        let seconds: Vec<usize> =
            [0.0, 20.0, 25.0, 40.0, 45.0].map(|at| between(&times, at, at + 1.0)).into();
        assert!(
            (99..=101).contains(&seconds[1]) && (99..=101).contains(&seconds[3]),
            "{seconds:?}"
        );
        assert!(seconds[0] <= 10 && seconds[2] <= 11 && seconds[4] <= 11, "{seconds:?}");
    }

    #[test]
    fn a_burst_on_demand_does_not_wait_for_a_slow_schedule() {
        let mut schedule = Schedule::new(Shape { length: None, ..shape(0.1, 0) });
        schedule.advance();
        assert_eq!(schedule.peek(), Some(Duration::from_secs(10)));
        schedule.burst(Duration::from_secs(2));
        assert_eq!(schedule.peek(), Some(Duration::from_secs(3)));
    }

    #[test]
    fn time_asleep_is_left_out() {
        let mut schedule = Schedule::new(shape(10.0, 60));
        schedule.skip_to(Duration::from_secs(59));
        assert_eq!(times(schedule).len(), 10);
    }
}
