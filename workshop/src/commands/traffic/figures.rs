//! What happened to the requests, and how it is told.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::commands::traffic::latency::Latencies;
use crate::http::no_answer::NoAnswer;

/// Counts of one run, or of a part of it.
pub(crate) struct Figures {
    answers: BTreeMap<(String, u16), u64>,
    failures: BTreeMap<NoAnswer, u64>,
    latencies: Latencies,
    /// Requests that found all connections taken and had to wait for one.
    pub(crate) waited: u64,
}

impl Figures {
    pub(crate) fn new() -> Self {
        Self {
            answers: BTreeMap::new(),
            failures: BTreeMap::new(),
            latencies: Latencies::new(),
            waited: 0,
        }
    }

    /// Takes in one request. `latency` counts from the moment the request was due.
    pub(crate) fn record(&mut self, path: &str, outcome: Result<u16, NoAnswer>, latency: Duration) {
        match outcome {
            Ok(status) => {
                self.latencies.record(latency);
                // Looked up before it is inserted: this runs thousands of times a second.
                match self
                    .answers
                    .iter_mut()
                    .find(|((known, code), _)| known == path && *code == status)
                {
                    Some((_, count)) => *count += 1,
                    None => {
                        self.answers.insert((path.to_owned(), status), 1);
                    }
                }
            }
            Err(failure) => *self.failures.entry(failure).or_insert(0) += 1,
        }
    }

    pub(crate) fn answered(&self) -> u64 {
        self.answers.values().sum()
    }

    pub(crate) fn unanswered(&self) -> u64 {
        self.failures.values().sum()
    }

    pub(crate) fn total(&self) -> u64 {
        self.answered() + self.unanswered()
    }

    /// The commonest reason for a missing answer.
    pub(crate) fn main_failure(&self) -> Option<&NoAnswer> {
        self.failures.iter().max_by_key(|(_, count)| **count).map(|(failure, _)| failure)
    }

    /// One short line: requests, shares of the statuses, failures, a latency.
    pub(crate) fn line(&self) -> String {
        let total = self.total();
        let mut line = format!("{total} sent");
        let mut by_status = BTreeMap::new();
        for ((_, status), count) in &self.answers {
            *by_status.entry(status).or_insert(0) += count;
        }
        for (status, count) in by_status {
            let _ = write!(line, "  {status}: {}", share(count, total));
        }
        if self.unanswered() > 0 {
            let _ = write!(line, "  no answer: {}", share(self.unanswered(), total));
        }
        if let Some(p95) = self.latencies.quantile(0.95) {
            let _ = write!(line, "  p95 {}", time(p95));
        }
        line
    }

    /// All there is to say at the end.
    pub(crate) fn summary(&self, target: &str, took: Duration) -> String {
        let total = self.total();
        let mut text = format!(
            "{total} requests to {target} in {:.1} s ({:.1} a second)\n",
            took.as_secs_f64(),
            total as f64 / took.as_secs_f64().max(1e-3),
        );
        if !self.answers.is_empty() {
            let width = self
                .answers
                .keys()
                .map(|(path, _)| path.len())
                .max()
                .unwrap_or(0)
                .max("path".len());
            let _ = write!(text, "\n  {:<width$}  status  requests\n", "path");
            for ((path, status), count) in &self.answers {
                let _ = writeln!(text, "  {path:<width$}  {status:>6}  {count:>8}");
            }
        }
        if !self.failures.is_empty() {
            let _ = write!(text, "\n  without an answer:\n");
            for (failure, count) in &self.failures {
                let _ = writeln!(text, "  {count:>8}  {failure}");
            }
        }
        if self.answered() > 0 {
            let _ = write!(text, "\n  latency, from the moment each request was due\n ");
            for (name, q) in [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)] {
                if let Some(latency) = self.latencies.quantile(q) {
                    let _ = write!(text, " {name} {}  ", time(latency));
                }
            }
            let _ = writeln!(text, " max {}", time(self.latencies.longest()));
        }
        if self.waited > 0 {
            let _ = write!(
                text,
                "\n  {} requests waited for a free connection: the app was slower than the load.\n\
                 \x20 That wait is in the latencies, as a visitor would feel it. \
                 --connections allows more.\n",
                self.waited
            );
        }
        text
    }
}

fn share(part: u64, whole: u64) -> String {
    let percent = 100.0 * part as f64 / (whole.max(1)) as f64;
    if percent < 1.0 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

/// A duration with three digits, in the unit that fits it.
pub(crate) fn time(duration: Duration) -> String {
    let micros = duration.as_micros();
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..10_000 => format!("{:.2} ms", micros as f64 / 1e3),
        10_000..100_000 => format!("{:.1} ms", micros as f64 / 1e3),
        100_000..1_000_000 => format!("{:.0} ms", micros as f64 / 1e3),
        _ => format!("{:.2} s", micros as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some_figures() -> Figures {
        let mut figures = Figures::new();
        for (path, status, count, millis) in
            [("/treecounter", 200, 85, 500), ("/treecounter", 503, 15, 250), ("/", 200, 99, 1)]
        {
            for _ in 0..count {
                figures.record(path, Ok(status), Duration::from_millis(millis));
            }
        }
        figures.record("/", Err(NoAnswer::Refused), Duration::ZERO);
        figures
    }

    #[test]
    fn the_summary_counts_by_path_and_status_as_the_app_does() {
        let summary = some_figures().summary("http://localhost:8001", Duration::from_secs(20));
        assert_eq!(
            summary,
            "200 requests to http://localhost:8001 in 20.0 s (10.0 a second)\n\
             \n  path          status  requests\
             \n  /                200        99\
             \n  /treecounter     200        85\
             \n  /treecounter     503        15\
             \n\n  without an answer:\
             \n         1  connection refused: nothing listens there\
             \n\n  latency, from the moment each request was due\
             \n  p50 250 ms   p90 500 ms   p95 500 ms   p99 500 ms   max 500 ms\n"
        );
    }

    #[test]
    fn the_line_gives_shares() {
        assert_eq!(
            some_figures().line(),
            "200 sent  200: 92 %  503: 8 %  no answer: 0.5 %  p95 500 ms"
        );
        assert_eq!(Figures::new().line(), "0 sent");
    }

    #[test]
    fn times_have_the_unit_that_fits() {
        for (micros, shown) in [
            (7, "7 µs"),
            (1_500, "1.50 ms"),
            (15_000, "15.0 ms"),
            (150_000, "150 ms"),
            (1_500_000, "1.50 s"),
        ] {
            assert_eq!(time(Duration::from_micros(micros)), shown);
        }
    }
}
