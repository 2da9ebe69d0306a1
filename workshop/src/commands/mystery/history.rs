//! A past that Prometheus can be given: worlds, written as `promtool tsdb create-blocks-from
//! openmetrics` reads them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::check::stack::prometheus::backfill::INTERVAL;
use crate::check::stack::prometheus::connection::JOB;
use crate::commands::mystery::replica::Sample;
use crate::commands::mystery::world::{Scrape, World};

/// The lines of each family, which OpenMetrics wants together.
#[derive(Debug, Default)]
pub(crate) struct History {
    families: BTreeMap<(&'static str, &'static str), String>,
}

impl History {
    /// Lets a world live up to a moment, and writes down all its scrapes since it began.
    pub(crate) fn record(&mut self, world: &mut World, from: u64, to: u64) {
        let mut at = from;
        while at + INTERVAL <= to {
            at += INTERVAL;
            for scrape in world.step(at) {
                self.add(JOB, &scrape, at);
            }
        }
    }

    /// Writes down what a Prometheus that was just started says of itself: whoever names no job has
    /// it in the answer.
    pub(crate) fn record_prometheus(&mut self, from: u64, to: u64) {
        for at in (from + INTERVAL..=to).step_by(INTERVAL as usize) {
            let age = (at - from) as f64;
            let gauges = [
                ("process_resident_memory_bytes", 80e6 + 60e3 * age),
                ("process_open_fds", 31.0),
                ("process_start_time_seconds", from as f64),
                ("up", 1.0),
                ("scrape_duration_seconds", 0.004),
                ("scrape_samples_scraped", 731.0),
            ];
            let mut samples =
                vec![Sample::plain("process_cpu_seconds_total", "counter", age / 50.0)];
            samples.extend(gauges.map(|(name, value)| Sample::plain(name, "gauge", value)));
            let instance = "localhost:9090".to_owned();
            self.add("prometheus", &Scrape { instance, up: true, seconds: 0.004, samples }, at);
        }
    }

    fn add(&mut self, job: &str, scrape: &Scrape, at: u64) {
        for sample in &scrape.samples {
            let lines = self.families.entry((sample.family, sample.kind)).or_default();
            let comma = if sample.labels.is_empty() { "" } else { "," };
            let instance = &scrape.instance;
            // Writing to a string does not fail.
            let _ = writeln!(
                lines,
                "{}{{job=\"{job}\",instance=\"{instance}\"{comma}{}}} {} {at}",
                sample.name, sample.labels, sample.value
            );
        }
    }

    /// The whole of it.
    pub(crate) fn open_metrics(&self) -> String {
        let mut text = String::new();
        for ((family, kind), lines) in &self.families {
            let _ = write!(text, "# TYPE {family} {kind}\n{lines}");
        }
        text.push_str("# EOF\n");
        text
    }
}

/// What one scrape of a replica reads, in the text format 0.0.4; Prometheus adds `up` and its like.
pub(crate) fn exposition(scrape: &Scrape) -> String {
    let mut text = String::new();
    for sample in scrape.samples.iter().filter(|sample| !is_of_scrape(&sample.name)) {
        let _ = match sample.labels.is_empty() {
            true => writeln!(text, "{} {}", sample.name, sample.value),
            false => writeln!(text, "{}{{{}}} {}", sample.name, sample.labels, sample.value),
        };
    }
    text
}

fn is_of_scrape(name: &str) -> bool {
    name == "up" || name.starts_with("scrape_")
}
