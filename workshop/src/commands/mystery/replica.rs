//! One replica of the finished program of the bonus, made up: its counters, its histogram, and what
//! the process says of itself.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::check::stack::prometheus::backfill::INTERVAL;
use crate::check::stack::prometheus::noise::Noise;
use crate::commands::mystery::fault::Fault;

/// The bounds of the buckets, in milliseconds and as Prometheus writes them.
const BOUNDS: [(u64, &str); 8] = [
    (50, "0.05"),
    (100, "0.1"),
    (250, "0.25"),
    (500, "0.5"),
    (750, "0.75"),
    (1000, "1.0"),
    (2500, "2.5"),
    (10_000, "10.0"),
];
/// Visits between two scrapes, on average, by replica.
const BUSY: [f64; 3] = [36.0, 30.0, 24.0];
const FAILURES_IN_100: u64 = 15;
const MEGABYTE: f64 = 1_000_000.0;

/// What is at work around a replica.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weather {
    /// The fault that is at work in this replica now.
    pub(crate) fault: Option<Fault>,
    /// For how many seconds.
    pub(crate) since: u64,
    /// How much traffic there is, around 1.
    pub(crate) wave: f64,
    /// Seconds since 1970.
    pub(crate) at: u64,
}

impl Weather {
    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }
}

/// One series and its value.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// The family, without the suffix of a counter or a histogram.
    pub(crate) family: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    /// As they stand between the braces.
    pub(crate) labels: String,
    pub(crate) value: f64,
}

impl Sample {
    pub(crate) fn plain(name: &'static str, kind: &'static str, value: f64) -> Self {
        let family = name.strip_suffix("_total").unwrap_or(name);
        Self { family, kind, name: name.to_owned(), labels: String::new(), value }
    }

    fn with(mut self, labels: String) -> Self {
        self.labels = labels;
        self
    }
}

#[derive(Debug, Default, Clone)]
struct Histogram {
    buckets: [u64; BOUNDS.len()],
    count: u64,
    milliseconds: u64,
}

#[derive(Debug)]
pub(crate) struct Replica {
    index: usize,
    /// By endpoint and status.
    requests: BTreeMap<(Cow<'static, str>, &'static str), u64>,
    latency: BTreeMap<&'static str, Histogram>,
    started: u64,
    cpu_seconds: f64,
    megabytes: f64,
    /// What the allocator happens to hold, in megabytes.
    jitter: f64,
    /// Seconds until it is back.
    away: u64,
    next_page: u64,
}

impl Replica {
    pub(crate) fn new(index: usize, at: u64, noise: &mut Noise) -> Self {
        let age = 3600 + noise.below(40_000);
        let mut replica = Self {
            index,
            requests: BTreeMap::new(),
            latency: BTreeMap::new(),
            started: 0,
            cpu_seconds: 0.0,
            megabytes: 0.0,
            jitter: 0.0,
            away: 0,
            next_page: 0,
        };
        replica.start(at - age);
        // It has run for a while already.
        let before = age / INTERVAL;
        for (status, visits) in [("200", 17), ("503", 3)] {
            replica.count("/treecounter", status, before * visits);
            for share in 0..visits {
                replica.observe_many("/treecounter", 1000 * share / visits, before);
            }
        }
        replica.count("/", "200", before * 2);
        replica.observe_many("/", 1, before * 2);
        replica.cpu_seconds = age as f64 * 0.01;
        replica
    }

    pub(crate) fn instance(&self) -> String {
        format!("app-{}:8001", self.index + 1)
    }

    pub(crate) fn is_away(&self) -> bool {
        self.away > 0
    }

    /// The program starts, with all its counters at 0.
    fn start(&mut self, at: u64) {
        self.started = at;
        self.cpu_seconds = 0.05;
        self.megabytes = 5.5;
        self.requests.clear();
        self.latency.clear();
        for (endpoint, status) in [("/treecounter", "200"), ("/treecounter", "503")] {
            self.count(endpoint, status, 0);
        }
        self.latency.insert("/treecounter", Histogram::default());
        self.latency.insert("/", Histogram::default());
    }

    fn count(&mut self, endpoint: impl Into<Cow<'static, str>>, status: &'static str, by: u64) {
        *self.requests.entry((endpoint.into(), status)).or_default() += by;
    }

    /// What happens from one scrape to the next.
    pub(crate) fn live(&mut self, weather: Weather, noise: &mut Noise) {
        if self.away > 0 {
            self.away -= INTERVAL.min(self.away);
            if self.away == 0 {
                self.start(weather.at);
            }
            return;
        }
        if weather.has(Fault::RestartLoop) && weather.since % 90 < INTERVAL {
            self.away = 10;
            return;
        }
        let visits = match weather.has(Fault::NoVisitors) {
            true => 0,
            false => (BUSY[self.index] * weather.wave) as u64 + noise.below(6),
        };
        for _ in 0..visits {
            self.visit(weather, noise);
        }
        for _ in 0..visits / 9 {
            self.count("/", "200", 1);
            self.observe("/", noise.below(3));
        }
        self.count("/metrics", "200", 1);
        for _ in 0..noise.below(2 + visits / 20).min(visits) {
            self.stranger(weather);
        }
        self.cpu_seconds += visits as f64 * 0.0004 + 0.004;
        let leaked = if weather.has(Fault::Leak) { 0.45 * INTERVAL as f64 / 5.0 } else { 0.0 };
        self.megabytes += leaked;
        self.jitter = noise.share() * 0.2;
    }

    fn visit(&mut self, weather: Weather, noise: &mut Noise) {
        let outage = weather.has(Fault::ShortOutage) && weather.since % 300 < 25;
        let failures = match weather.fault {
            Some(Fault::ReplicaFails) => 85,
            _ if outage => 100,
            _ => FAILURES_IN_100,
        };
        let failed = noise.below(100) < failures;
        let milliseconds = match weather.has(Fault::SlowTail) && noise.below(100) < 4 {
            true => 3_000 + noise.below(5_000),
            false => noise.below(1_000),
        };
        let twice = if weather.has(Fault::CountedTwice) { 2 } else { 1 };
        self.count("/treecounter", if failed { "503" } else { "200" }, twice);
        self.observe("/treecounter", milliseconds);
    }

    /// Somebody asks for a page that there is not.
    fn stranger(&mut self, weather: Weather) {
        self.next_page += 1;
        let endpoint = match weather.has(Fault::LabelExplosion) {
            true => Cow::Owned(format!("/tree/{}", self.next_page * 7 + self.index as u64)),
            false => Cow::Borrowed("other"),
        };
        if weather.has(Fault::LabelExplosion) {
            self.megabytes += 0.004;
        }
        self.count(endpoint, "404", 1);
    }

    fn observe(&mut self, endpoint: &'static str, milliseconds: u64) {
        self.observe_many(endpoint, milliseconds, 1);
    }

    fn observe_many(&mut self, endpoint: &'static str, milliseconds: u64, times: u64) {
        let histogram = self.latency.entry(endpoint).or_default();
        histogram.count += times;
        histogram.milliseconds += milliseconds * times;
        for ((bound, _), count) in BOUNDS.iter().zip(&mut histogram.buckets) {
            *count += u64::from(milliseconds <= *bound) * times;
        }
    }

    /// How long a scrape of it takes, in seconds.
    pub(crate) fn scrape_seconds(&self, weather: Weather, noise: &mut Noise) -> f64 {
        if self.is_away() {
            return 0.001;
        }
        let slow = weather.has(Fault::SlowScrape);
        let usual = 0.002 + noise.share() * 0.003 + self.requests.len() as f64 * 0.000_02;
        if slow { 1.8 + noise.share() * 3.2 } else { usual }
    }

    /// All that it exposes.
    pub(crate) fn samples(&self, weather: Weather) -> Vec<Sample> {
        let renamed = weather.has(Fault::RenamedMetric);
        let requests = if renamed { "http_requests_total" } else { "requests_total" };
        let version = if renamed { "0.2.0" } else { "0.1.0" };
        let counted = self.requests.iter().map(|((endpoint, status), count)| {
            Sample::plain(requests, "counter", *count as f64)
                .with(format!("endpoint=\"{endpoint}\",status=\"{status}\""))
        });
        let gauge = |name, value| Sample::plain(name, "gauge", value);
        let mut samples: Vec<Sample> = counted.collect();
        for (endpoint, histogram) in &self.latency {
            samples.extend(histogram.samples(endpoint));
        }
        samples.extend([
            Sample::plain("process_cpu_seconds_total", "counter", self.cpu_seconds),
            gauge(
                "process_resident_memory_bytes",
                ((self.megabytes + self.jitter) * MEGABYTE).round(),
            ),
            gauge("process_start_time_seconds", self.started as f64),
            gauge("process_open_fds", 14.0),
            gauge("tokio_alive_tasks", 6.0),
            gauge("treecounter_build_info", 1.0).with(format!("version=\"{version}\"")),
        ]);
        samples
    }
}

impl Histogram {
    fn samples(&self, endpoint: &str) -> Vec<Sample> {
        const FAMILY: &str = "request_latency_seconds";
        let sample = |suffix: &str, labels: String, value: f64| Sample {
            family: FAMILY,
            kind: "histogram",
            name: format!("{FAMILY}{suffix}"),
            labels,
            value,
        };
        let of = format!("endpoint=\"{endpoint}\"");
        let bounds = BOUNDS.iter().map(|(_, bound)| *bound).chain(["+Inf"]);
        let counts = self.buckets.iter().chain([&self.count]);
        let buckets = bounds
            .zip(counts)
            .map(|(bound, count)| sample("_bucket", format!("{of},le=\"{bound}\""), *count as f64));
        let mut samples: Vec<Sample> = buckets.collect();
        samples.push(sample("_sum", of.clone(), self.milliseconds as f64 / 1000.0));
        samples.push(sample("_count", of, self.count as f64));
        samples
    }
}
