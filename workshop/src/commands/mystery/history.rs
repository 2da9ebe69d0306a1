//! A past that Prometheus can be given: worlds, written as `promtool tsdb create-blocks-from
//! openmetrics` reads them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::check::stack::prometheus::backfill::INTERVAL;
use crate::check::stack::prometheus::connection::JOB;
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
                self.add(&scrape, at);
            }
        }
    }

    fn add(&mut self, scrape: &Scrape, at: u64) {
        for sample in &scrape.samples {
            let lines = self.families.entry((sample.family, sample.kind)).or_default();
            let comma = if sample.labels.is_empty() { "" } else { "," };
            let instance = &scrape.instance;
            // Writing to a string does not fail.
            let _ = writeln!(
                lines,
                "{}{{job=\"{JOB}\",instance=\"{instance}\"{comma}{}}} {} {at}",
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
