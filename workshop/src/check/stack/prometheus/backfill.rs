//! Half an hour of made-up history, so that answers are judged on everything that may happen: three
//! replicas of unequal load, a restart, a deploy, an outage, a time when no replica answers, a
//! night without visitors. It is the same each time, and long past, so that it never meets what a
//! learner's app exposes today.

use std::fmt::Write as _;
use std::ops::Range;

use crate::check::stack::prometheus::api::Instants;
use crate::check::stack::prometheus::noise::Noise;

/// Monday, 5 January 2026, 08:00 UTC.
pub(crate) const START: u64 = 1_767_600_000;
/// Seconds from one scrape to the next, as in the stack.
pub(crate) const INTERVAL: u64 = 5;
const LENGTH: u64 = 1800;
/// When Prometheus scrapes itself for the first time.
pub(crate) const FIRST: u64 = START - 600;

/// The second replica starts again at this second, and four scrapes of it fail.
const RESTART: u64 = 500;
/// The third replica is replaced by one of another name.
const DEPLOY: u64 = 760;
/// In this time every visit fails.
pub(crate) const OUTAGE: Range<u64> = 900..1080;
/// Most visits to the smallest replica fail.
const ONE_REPLICA: Range<u64> = 600..720;
/// Nobody asks for the page; other requests go on.
const NIGHT: Range<u64> = 1200..1380;
/// No replica answers Prometheus.
const AWAY: Range<u64> = 1500..1620;

/// Where answers are compared: from when five minutes can be looked back on.
pub(crate) const INSTANTS: Instants =
    Instants { start: (START + 330) as f64, end: (START + LENGTH - 30) as f64, step: 30.0 };

/// Before the first target, and when the last is forgotten.
pub(crate) const BEFORE: Instants =
    Instants { start: (START - 300) as f64, end: (START - 30) as f64, step: 30.0 };
pub(crate) const AFTER: Instants = Instants {
    start: (START + LENGTH + 330) as f64,
    end: (START + LENGTH + 900) as f64,
    step: 30.0,
};

const BOUNDS: [(&str, u64); 6] =
    [("0.1", 100), ("0.25", 250), ("0.5", 500), ("0.75", 750), ("1.0", 1000), ("2.5", 2500)];

/// The series of requests_total: the endpoint and the status. All are there from the start, with 0.
const SERIES: [(&str, &str); 11] = [
    ("/treecounter", "200"),
    ("/treecounter", "304"),
    ("/treecounter", "405"),
    ("/treecounter", "500"),
    ("/treecounter", "503"),
    ("/", "200"),
    ("/", "500"),
    ("/metrics", "200"),
    ("/metrics", "500"),
    ("other", "404"),
    ("other", "405"),
];
const ENDPOINTS: [&str; 4] = ["/treecounter", "/", "/metrics", "other"];

/// One replica of the app.
struct Replica {
    instance: &'static str,
    /// Visits in a scrape's interval, on average.
    busy: f64,
    /// When it is scraped.
    life: Range<u64>,
    started: u64,
    counts: [u64; SERIES.len()],
    latency: [Latency; ENDPOINTS.len()],
}

/// The histogram of an endpoint.
#[derive(Clone, Copy, Default)]
struct Latency {
    buckets: [u64; BOUNDS.len()],
    count: u64,
    milliseconds: u64,
}

/// The lines of each family: OpenMetrics wants them together.
#[derive(Default)]
struct Families {
    up: String,
    scrape: String,
    requests: String,
    /// As the kit's rules record it: another metric with the same labels.
    recorded: String,
    latency: String,
    memory: String,
    start: String,
    cpu: String,
}

/// The history in the text that `promtool tsdb create-blocks-from openmetrics` reads.
pub(crate) fn open_metrics() -> String {
    let mut replicas = [
        Replica::new("app-1:8001", 40.0, 0..LENGTH),
        Replica::new("app-2:8001", 22.0, 0..LENGTH),
        Replica::new("app-3:8001", 9.0, 0..DEPLOY),
        Replica::new("app-4:8001", 12.0, DEPLOY..LENGTH),
    ];
    let mut noise = Noise::new(0);
    let mut families = Families::default();
    for second in (0..LENGTH).step_by(INTERVAL as usize) {
        for (index, replica) in replicas.iter_mut().enumerate() {
            if !replica.life.contains(&second) {
                continue;
            }
            if index == 1 && second == RESTART {
                *replica =
                    Replica { started: second, ..Replica::new("app-2:8001", 22.0, 0..LENGTH) };
            }
            let restarts = index == 1 && (RESTART..RESTART + 4 * INTERVAL).contains(&second);
            let up = !restarts && !AWAY.contains(&second);
            if up {
                replica.live(second, index == 2, &mut noise);
            }
            families.scrape(replica, START + second, up, &mut noise);
        }
    }
    // Prometheus itself is there before the app and after it.
    for at in (FIRST..START + LENGTH + 1200).step_by(INTERVAL as usize) {
        families.scrape_of_itself(at);
    }
    families.text()
}

impl Replica {
    fn new(instance: &'static str, busy: f64, life: Range<u64>) -> Self {
        let started = life.start;
        let (counts, latency) = ([0; SERIES.len()], [Latency::default(); ENDPOINTS.len()]);
        Self { instance, busy, life, started, counts, latency }
    }

    /// What happens in the time before a scrape.
    fn live(&mut self, second: u64, smallest: bool, noise: &mut Noise) {
        let wave = 1.0 + 0.4 * (second as f64 / 97.0).sin();
        let visits =
            if NIGHT.contains(&second) { 0 } else { (self.busy * wave) as u64 + noise.below(6) };
        for _ in 0..visits {
            let failing = if smallest && ONE_REPLICA.contains(&second) { 70 } else { 15 };
            let failed = OUTAGE.contains(&second) || noise.below(100) < failing;
            let series = match noise.below(100) {
                kind if failed => {
                    if kind < 20 {
                        3
                    } else {
                        4
                    }
                }
                0..12 => 1,
                12..16 => 2,
                _ => 0,
            };
            // Slower while there is much to do, and quick when nothing works.
            let slowest = if OUTAGE.contains(&second) { 60.0 } else { 900.0 * wave };
            self.answer(series, noise.below(slowest as u64));
        }
        // The quietest endpoint is busier than the index for a while, so that the order changes.
        let unknown = if (1100..1300).contains(&second) { 30 } else { 3 };
        // At night the index is left alone too, so that the scrapes are among the two most
        // frequent.
        self.answers(5, if NIGHT.contains(&second) { 0 } else { visits / 9 + 2 }, noise);
        self.answers(7, 1, noise);
        self.answers(9, unknown * (1 + noise.below(2)) / 2, noise);
        // The index fails for the first time long after the start.
        let index_fails = (640..700).contains(&second) || OUTAGE.contains(&second);
        self.answers(6, u64::from(index_fails), noise);
        self.answers(8, u64::from(second % 300 == 45), noise);
        self.answers(10, u64::from(second % 120 == 30), noise);
    }

    fn answers(&mut self, series: usize, count: u64, noise: &mut Noise) {
        for _ in 0..count {
            self.answer(series, noise.below(30));
        }
    }

    fn answer(&mut self, series: usize, milliseconds: u64) {
        self.counts[series] += 1;
        let endpoint = SERIES[series].0;
        let of_endpoint = ENDPOINTS.iter().position(|name| *name == endpoint).unwrap_or_default();
        let latency = &mut self.latency[of_endpoint];
        latency.count += 1;
        latency.milliseconds += milliseconds;
        for ((_, bound), count) in BOUNDS.iter().zip(&mut latency.buckets) {
            *count += u64::from(milliseconds <= *bound);
        }
    }
}

impl Families {
    fn scrape(&mut self, replica: &Replica, at: u64, up: bool, noise: &mut Noise) {
        let labels = format!("job=\"treecounter\",instance=\"{}\"", replica.instance);
        let _ = writeln!(self.up, "up{{{labels}}} {} {at}", u8::from(up));
        let took = (2 + noise.below(6)) as f64 / 1000.0;
        let _ = writeln!(self.scrape, "scrape_duration_seconds{{{labels}}} {took} {at}");
        if !up {
            return;
        }
        for ((endpoint, status), count) in SERIES.iter().zip(replica.counts) {
            let _ = writeln!(
                self.requests,
                "requests_total{{{labels},endpoint=\"{endpoint}\",status=\"{status}\"}} {count} \
                 {at}"
            );
        }
        for (endpoint, latency) in ENDPOINTS.iter().zip(&replica.latency) {
            self.latency(&format!("{labels},endpoint=\"{endpoint}\""), latency, at);
        }
        let bytes = 6_000_000 + noise.below(400_000);
        let _ = writeln!(self.memory, "process_resident_memory_bytes{{{labels}}} {bytes} {at}");
        let started = START + replica.started;
        let _ = writeln!(self.start, "process_start_time_seconds{{{labels}}} {started} {at}");
        let busy = (at - started) / 60;
        let _ = writeln!(self.cpu, "process_cpu_seconds_total{{{labels}}} {busy} {at}");
    }

    fn latency(&mut self, labels: &str, latency: &Latency, at: u64) {
        let name = "request_latency_seconds";
        let bounds = BOUNDS.iter().map(|(bound, _)| *bound).zip(latency.buckets);
        for (bound, count) in bounds.chain([("+Inf", latency.count)]) {
            let _ = writeln!(self.latency, "{name}_bucket{{{labels},le=\"{bound}\"}} {count} {at}");
        }
        let seconds = latency.milliseconds as f64 / 1000.0;
        let _ = writeln!(self.latency, "{name}_sum{{{labels}}} {seconds} {at}");
        let _ = writeln!(self.latency, "{name}_count{{{labels}}} {} {at}", latency.count);
    }

    fn scrape_of_itself(&mut self, at: u64) {
        let labels = "job=\"treecounter\",endpoint=\"/treecounter\",status=\"503\"";
        let _ = writeln!(self.recorded, "job_endpoint_status:requests:rate1m{{{labels}}} 0.9 {at}");
        let labels = "job=\"prometheus\",instance=\"localhost:9090\"";
        let _ = writeln!(self.up, "up{{{labels}}} 1 {at}");
        let _ = writeln!(self.scrape, "scrape_duration_seconds{{{labels}}} 0.004 {at}");
    }

    fn text(&self) -> String {
        let families = [
            ("up gauge", &self.up),
            ("scrape_duration_seconds gauge", &self.scrape),
            ("requests counter", &self.requests),
            ("job_endpoint_status:requests:rate1m gauge", &self.recorded),
            ("request_latency_seconds histogram", &self.latency),
            ("process_resident_memory_bytes gauge", &self.memory),
            ("process_start_time_seconds gauge", &self.start),
            ("process_cpu_seconds counter", &self.cpu),
        ];
        let mut text = String::new();
        for (kind, lines) in families {
            let _ = write!(text, "# TYPE {kind}\n{lines}");
        }
        text + "# EOF\n"
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
        for series in [
            "up{job=\"prometheus\"",
            "status=\"304\"",
            "status=\"500\"",
            "endpoint=\"other\",le=\"1.0\"",
            "app-4:8001",
            "request_latency_seconds_sum",
        ] {
            assert!(
                text.lines().any(|line| line.contains(series) && line.ends_with(&last.to_string())),
                "{series}"
            );
        }
        assert!(text.contains(&format!(
            "up{{job=\"treecounter\",instance=\"app-2:8001\"}} 0 {}",
            START + RESTART
        )));
        // A counter of failures has its series before the first failure.
        let index = "instance=\"app-1:8001\",endpoint=\"/\",status=\"500\"";
        assert!(text.contains(&format!("requests_total{{job=\"treecounter\",{index}}} 0 {START}")));
    }
}
