//! What a line of the file tells of requests that were answered and not counted, or not for long.

use crate::check::program::counter_hints::{CONDITION, FALLS, LATER};
use crate::check::program::mistake::{Hints, Mistake, Sign, given_away};
use crate::check::program::source::Source;
use crate::check::program::variety::arm;

/// Why the requests of these endpoints are not counted.
pub(crate) fn uncounted(source: &Source, endpoints: &[&str]) -> Option<Mistake> {
    let returned = endpoints.iter().find_map(|endpoint| returned(source, endpoint));
    returned.or_else(|| given_away(source, UNCOUNTED))
}

/// The arm of an endpoint returns by itself.
pub(crate) fn returned(source: &Source, endpoint: &str) -> Option<Mistake> {
    Some(RETURNS.at(source.line_with(&[&arm(endpoint), "return"])?))
}

/// A local metric, which keeps what it is told to itself.
pub(crate) fn buffered(source: &Source, what: &str, hints: Hints) -> Option<Mistake> {
    let local = source.line_with(&[".local()"])?;
    // What it takes should go to the other.
    let takes = if what == "histogram" { ".observe(" } else { ".inc" };
    let line = source.in_handler(takes).unwrap_or(local);
    let cause = format!(
        "A local {what} is a buffer: what it takes arrives in the registered {what} at `flush()`, \
         and not before. Use the {what} itself."
    );
    Some(Mistake::naming(cause, hints).at(line))
}

/// What lowers a counter, or takes its series away.
pub(crate) fn lowered(source: &Source) -> Option<Mistake> {
    LOWERING.iter().find_map(|(part, does)| {
        let cause = format!("{does} {ONLY_RISES}");
        Some(Mistake::naming(cause, FALLS).at(source.line_with(&[part])?))
    })
}

const LOWERING: [(&str, &str); 3] = [
    ("reset()", "`reset()` takes back what was counted."),
    ("remove_label_values", "Here a series is removed, and what it has counted is gone."),
    (".remove(&", "Here a series is removed, and what it has counted is gone."),
];
/// Of counters.
pub(crate) const ONLY_RISES: &str = "A counter only rises, for as long as the program runs, and a \
    series that was shown stays: Prometheus takes every fall for a restart.";

/// Of a status that stands in the file.
pub(crate) fn written_by_hand(status: &str, other: &str) -> String {
    format!(
        "\"{other}\" is written by hand here, and the answers had {status}. Take the label from \
         `response.status()`: it is right whatever the answer is."
    )
}

const RETURNS: Mistake = Mistake::new(
    "An arm that returns at once is not counted. Let every arm hand its endpoint and its answer to \
     the lines below the `match`.",
    CONDITION,
);

const UNCOUNTED: &[Sign] = &[
    (
        &["spawn"],
        Mistake::new(
            "A task of its own counts, at a time of its own. Count at once: `inc()` waits for \
             nothing.",
            LATER,
        ),
    ),
    (
        &["try_lock"],
        Mistake::new(
            "Who does not get the lock at once is not counted. A metric needs no lock: many \
             requests may raise it at the same time.",
            CONDITION,
        ),
    ),
    (
        &["get_metric_with_label_values"],
        Mistake::new(
            "`get_metric_with_label_values` gives an error when the values do not fit the names, \
             and that is thrown away here. `with_label_values(&[status, endpoint])` takes one for \
             each.",
            [
                "How many names were declared for the labels, and how many values are given here?",
                "docs.rs/prometheus: `get_metric_with_label_values` gives a Result, and \
                 `with_label_values` panics instead. Both want one value for each name, in the \
                 same order.",
            ],
        ),
    ),
    (
        &["if ", "elapsed"],
        Mistake::new(
            "A time decides here whether an answer is counted. Every answer is.",
            CONDITION,
        ),
    ),
    (
        &["if ", "query"],
        Mistake::new(
            "The query decides here whether a visit counts. With and without one, it is a visit.",
            CONDITION,
        ),
    ),
    (
        &[".get() <"],
        Mistake::new(
            "The counter's own value decides here whether it is raised. Every answer counts.",
            CONDITION,
        ),
    ),
];
