//! Half an hour of made-up history, so that answers are judged on everything that may happen:
//! two replicas, a restart, an outage, a wave. It is the same each time, and long past, so that it
//! never meets what a learner's app exposes today.

use std::fmt::Write as _;

use crate::check::stack::prometheus::api::Instants;
use crate::check::stack::prometheus::noise::Noise;

/// Monday, 5 January 2026, 08:00 UTC.
pub(crate) const START: u64 = 1_767_600_000;
/// Seconds from one scrape to the next, as in the stack.
pub(crate) const INTERVAL: u64 = 5;
const LENGTH: u64 = 1800;

/// The second replica starts again at this second, and four scrapes of it fail.
const RESTART: u64 = 500;
/// In this time every visit fails.
pub(crate) const OUTAGE: std::ops::Range<u64> = 900..1200;

/// Where answers are compared: from when five minutes can be looked back on, through the restart and
/// the outage.
pub(crate) const INSTANTS: Instants =
    Instants { start: (START + 330) as f64, end: (START + LENGTH - 30) as f64, step: 30.0 };

const BOUNDS: [&str; 6] = ["0.1", "0.25", "0.5", "0.75", "1.0", "2.5"];

/// One replica of the app.
struct Replica {
    instance: &'static str,
    /// Requests in a scrape's interval, on average.
    busy: f64,
    counts: [u64; 5],
    buckets: [u64; 6],
    visits: u64,
    milliseconds: u64,
}

/// The series of requests_total: the endpoint and the status.
const SERIES: [(&str, &str); 5] = [
    ("/treecounter", "200"),
    ("/treecounter", "503"),
    ("/", "200"),
    ("/metrics", "200"),
    ("other", "404"),
];

/// The history in the text that `promtool tsdb create-blocks-from openmetrics` reads.
pub(crate) fn open_metrics() -> String {
    let replica = |instance, busy| Replica {
        instance,
        busy,
        counts: [0; 5],
        buckets: [0; 6],
        visits: 0,
        milliseconds: 0,
    };
    let mut replicas = [replica("app-1:8001", 40.0), replica("app-2:8001", 25.0)];
    let mut noise = Noise::new(0);
    // OpenMetrics wants each family's lines together.
    let (mut up, mut requests, mut latency, mut memory) =
        (String::new(), String::new(), String::new(), String::new());
    for second in (0..LENGTH).step_by(INTERVAL as usize) {
        let at = START + second;
        for (index, replica) in replicas.iter_mut().enumerate() {
            let labels = format!("job=\"treecounter\",instance=\"{}\"", replica.instance);
            let away = index == 1 && (RESTART..RESTART + 4 * INTERVAL).contains(&second);
            if index == 1 && second == RESTART {
                (replica.counts, replica.buckets, replica.visits, replica.milliseconds) =
                    ([0; 5], [0; 6], 0, 0);
            }
            let _ = writeln!(up, "up{{{labels}}} {} {at}", u8::from(!away));
            if away {
                continue;
            }
            replica.live(second, &mut noise);
            for ((endpoint, status), count) in SERIES.iter().zip(replica.counts) {
                let _ = writeln!(
                    requests,
                    "requests_total{{{labels},endpoint=\"{endpoint}\",status=\"{status}\"}} {count} {at}"
                );
            }
            let labels_of_page = format!("{labels},endpoint=\"/treecounter\"");
            for (bound, count) in BOUNDS.iter().zip(replica.buckets) {
                let _ = writeln!(
                    latency,
                    "request_latency_seconds_bucket{{{labels_of_page},le=\"{bound}\"}} {count} {at}"
                );
            }
            let _ = writeln!(
                latency,
                "request_latency_seconds_bucket{{{labels_of_page},le=\"+Inf\"}} {} {at}",
                replica.visits
            );
            let _ = writeln!(
                latency,
                "request_latency_seconds_sum{{{labels_of_page}}} {} {at}",
                replica.milliseconds as f64 / 1000.0
            );
            let _ = writeln!(
                latency,
                "request_latency_seconds_count{{{labels_of_page}}} {} {at}",
                replica.visits
            );
            let bytes = 6_000_000 + noise.below(400_000);
            let _ = writeln!(memory, "process_resident_memory_bytes{{{labels}}} {bytes} {at}");
        }
        let _ = writeln!(up, "up{{job=\"prometheus\",instance=\"localhost:9090\"}} 1 {at}");
    }
    format!(
        "# TYPE up gauge\n{up}# TYPE requests counter\n{requests}# TYPE request_latency_seconds histogram\n{latency}\
         # TYPE process_resident_memory_bytes gauge\n{memory}# EOF\n"
    )
}

impl Replica {
    /// What happens in the time before a scrape.
    fn live(&mut self, second: u64, noise: &mut Noise) {
        let wave = 1.0 + 0.4 * (second as f64 / 97.0).sin();
        let visits = (self.busy * wave) as u64 + noise.below(6);
        for _ in 0..visits {
            let failed = OUTAGE.contains(&second) || noise.below(100) < 15;
            self.counts[usize::from(failed)] += 1;
            // Slower while there is much to do, and quick when nothing works.
            let milliseconds = if OUTAGE.contains(&second) {
                noise.below(60)
            } else {
                noise.below((900.0 * wave) as u64)
            };
            self.milliseconds += milliseconds;
            self.visits += 1;
            for (bound, count) in
                [100, 250, 500, 750, 1000, 2500].into_iter().zip(&mut self.buckets)
            {
                *count += u64::from(milliseconds <= bound);
            }
        }
        // The quietest endpoint is busier than the index for a while, so that the order changes.
        let unknown = if (1300..1500).contains(&second) { 12 } else { 1 };
        self.counts[2] += visits / 9 + noise.below(2);
        self.counts[3] += 1;
        self.counts[4] += unknown * noise.below(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_is_the_same_each_time_and_has_all_that_is_asked_about() {
        let text = open_metrics();
        assert_eq!(text, open_metrics());
        assert!(text.ends_with("# EOF\n"));
        let last = START + LENGTH - INTERVAL;
        for series in
            ["up{job=\"prometheus\"", "status=\"503\"", "le=\"1.0\"", "request_latency_seconds_sum"]
        {
            assert!(
                text.lines().any(|line| line.contains(series) && line.ends_with(&last.to_string())),
                "{series}"
            );
        }
        assert!(text.contains(&format!(
            "up{{job=\"treecounter\",instance=\"app-2:8001\"}} 0 {}",
            START + RESTART
        )));
    }
}
