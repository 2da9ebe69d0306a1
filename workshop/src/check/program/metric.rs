//! The metrics that are taught, and what a check has to know of each.

/// The counter of section 2.
pub(crate) const COUNTER: &str = "requests_total";
/// The histogram of the bonus.
pub(crate) const HISTOGRAM: &str = "request_latency_seconds";
/// How often it has observed.
pub(crate) const COUNT: &str = "request_latency_seconds_count";
/// What it has observed, in seconds.
pub(crate) const SUM: &str = "request_latency_seconds_sum";

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Metric {
    /// The series whose rise is looked at.
    pub(crate) name: &'static str,
    /// Its series are told apart by the status, too.
    pub(crate) by_status: bool,
    /// What a line does that raises it: `inc()`.
    pub(crate) done: &'static str,
}

/// The counter, as it is told of.
pub(crate) const REQUESTS: Metric = Metric { name: COUNTER, by_status: true, done: "`inc()`" };
/// The histogram, as it is told of.
pub(crate) const OBSERVATIONS: Metric = Metric { name: COUNT, by_status: false, done: "`observe`" };
