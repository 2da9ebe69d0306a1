//! What Prometheus tells of its targets and rules.

use std::collections::BTreeMap;

use serde::Deserialize;

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
