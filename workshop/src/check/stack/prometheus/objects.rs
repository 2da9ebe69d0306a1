//! What Prometheus tells: series, its targets, and its rules.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One series of a range query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    /// The metric's name; half of all functions drop it.
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    /// Its values at some instants.
    pub(crate) points: Vec<(f64, f64)>,
}

/// What a query gives, and what Prometheus remarks on it: its warnings and infos.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answered {
    pub(crate) series: Vec<Series>,
    pub(crate) remarks: Vec<String>,
}

/// The instants that a query is evaluated at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Instants {
    pub(crate) start: f64,
    pub(crate) end: f64,
    pub(crate) step: f64,
}

/// Series, as they are sent.
#[derive(Deserialize)]
pub(crate) struct Matrix {
    result: Vec<RawSeries>,
}

#[derive(Deserialize)]
struct RawSeries {
    metric: BTreeMap<String, String>,
    // A native histogram has `histograms` instead.
    #[serde(default)]
    values: Vec<(f64, String)>,
}

impl Matrix {
    pub(crate) fn series(self) -> Vec<Series> {
        self.result.into_iter().map(RawSeries::read).collect()
    }
}

impl RawSeries {
    fn read(mut self) -> Series {
        let name = self.metric.remove("__name__").unwrap_or_default();
        let points = self.values.iter().filter_map(|(at, value)| Some((*at, value.parse().ok()?)));
        Series { name, points: points.collect(), labels: self.metric }
    }
}

/// A target of the scrape.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ScrapeTarget {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) scrape_url: String,
    pub(crate) last_error: String,
    pub(crate) health: String,
    pub(crate) scrape_interval: String,
}

/// A rule that is loaded.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) query: String,
    /// Seconds that the condition must hold.
    pub(crate) duration: f64,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) state: String,
    pub(crate) health: String,
    pub(crate) last_error: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The file of its group.
    #[serde(skip)]
    pub(crate) file: String,
    /// Seconds from one evaluation of its group to the next.
    #[serde(skip)]
    pub(crate) interval: f64,
}
