//! What can be wrong in a mystery. What people read of each stands in mysteries.toml, by its slug.

use serde::Deserialize;

/// One fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fault {
    /// One replica of three answers most visits with 503.
    ReplicaFails,
    /// A few visits in a hundred take many seconds.
    SlowTail,
    /// One replica ends and starts again every other minute.
    RestartLoop,
    /// The label `endpoint` holds the raw path of unknown pages.
    LabelExplosion,
    /// The memory of one replica only grows.
    Leak,
    /// Nobody visits any more.
    NoVisitors,
    /// One replica takes too long to answer a scrape.
    SlowScrape,
    /// A new version counts under another name.
    RenamedMetric,
    /// Every visit fails, for half a minute in five.
    ShortOutage,
    /// A visit is counted twice.
    CountedTwice,
}

impl Fault {
    /// Every fault.
    pub(crate) const ALL: [Self; 10] = [
        Self::ReplicaFails,
        Self::SlowTail,
        Self::RestartLoop,
        Self::LabelExplosion,
        Self::Leak,
        Self::NoVisitors,
        Self::SlowScrape,
        Self::RenamedMetric,
        Self::ShortOutage,
        Self::CountedTwice,
    ];

    /// It is at work in one replica only.
    pub(crate) fn chooses_one(self) -> bool {
        matches!(self, Self::ReplicaFails | Self::RestartLoop | Self::Leak | Self::SlowScrape)
    }
}
