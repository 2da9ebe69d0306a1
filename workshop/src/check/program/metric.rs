//! The metrics that are taught, and what a check has to know of each.

use crate::check::program::source::Source;

/// The counter of section 2.
pub(crate) const COUNTER: &str = "requests_total";
/// How a counter is made.
pub(crate) const MADE: &str = "IntCounterVec::new";
/// The histogram of the bonus.
pub(crate) const HISTOGRAM: &str = "request_latency_seconds";
/// How often it has observed.
pub(crate) const COUNT: &str = "request_latency_seconds_count";
/// What it has observed, in seconds.
pub(crate) const SUM: &str = "request_latency_seconds_sum";

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Metric {
    /// What it is called at /metrics.
    pub(crate) family: &'static str,
    /// The series whose rise is looked at.
    pub(crate) name: &'static str,
    /// Its series are told apart by the status, too.
    pub(crate) by_status: bool,
    /// What a line does that raises it: `inc()`.
    pub(crate) done: &'static str,
    /// What kind of metric it is.
    pub(crate) kind: &'static str,
    /// How one is made.
    pub(crate) made: &'static str,
    /// What the lesson calls its variable.
    pub(crate) variable: &'static str,
    /// How the macros begin that make one and register it elsewhere.
    pub(crate) macros: &'static str,
    /// What names its series: one of these.
    pub(crate) named_by: &'static [&'static str],
}

impl Metric {
    /// Whether the file makes it more than once. Another one of another name is none of its
    /// business.
    pub(crate) fn is_made_again(self, source: &Source) -> bool {
        let again = source.count(&format!("{:?}", self.family)) > 1 || source.has("opts.clone()");
        source.count(self.made) > 1 && again
    }
}

/// The counter, as it is told of.
pub(crate) const REQUESTS: Metric = Metric {
    family: COUNTER,
    name: COUNTER,
    by_status: true,
    done: "`inc()`",
    kind: "counter",
    made: MADE,
    variable: "requests",
    macros: "register_int_counter",
    named_by: &["with_label_values"],
};
/// The histogram, as it is told of.
pub(crate) const OBSERVATIONS: Metric = Metric {
    family: HISTOGRAM,
    name: COUNT,
    by_status: false,
    done: "`observe`",
    kind: "histogram",
    made: "HistogramVec::new",
    variable: "latency",
    macros: "register_histogram",
    named_by: &["observe", "start_timer", "latency.with_label_values"],
};
