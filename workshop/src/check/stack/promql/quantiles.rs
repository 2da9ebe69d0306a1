//! Mistakes in a query about quantiles, seen in its syntax tree.

use crate::check::stack::promql::ast::Node;
use crate::check::stack::promql::mistake::{Mistake, mistake};

pub(crate) fn average_of_quantiles(node: Node<'_>) -> Option<Mistake> {
    let averages = node.is_aggregation()
        && matches!(node.operator(), "avg" | "sum" | "max" | "min" | "quantile")
        || node.function().ends_with("_over_time");
    let around = averages && node.any(|inner| inner.function() == "histogram_quantile");
    (around && !node.all().into_iter().any(is_alone)).then(|| {
        let name = if node.is_aggregation() { node.operator() } else { node.function() };
        mistake(
            format!("{name} of quantiles"),
            "Quantiles cannot be averaged or added: the p95 of two replicas is not the mean of \
             their p95s. Add the buckets, then ask once: histogram_quantile(0.95, sum by (le) \
             (rate(...)))",
        )
    })
}

pub(crate) fn wrong_buckets(node: Node<'_>) -> Option<Mistake> {
    let inner = buckets_of(node)?;
    let selectors: Vec<Node<'_>> =
        inner.all().into_iter().filter(|node| node.is_selector()).collect();
    let other =
        |node: &&Node<'_>| !matches!(node.metric(), "") && !node.metric().ends_with("_bucket");
    if let Some(other) = selectors.iter().find(other) {
        return Some(mistake(
            format!("a quantile of {}", other.metric()),
            "`histogram_quantile` is made of the buckets: the metric's name ends in _bucket. (That \
             of a native histogram does not; this question is about the classic one.)",
        ));
    }
    let mut matchers = selectors.iter().flat_map(|node| node.matchers());
    if let Some(of_le) = matchers.find(|matcher| matcher.label == "le") {
        return Some(mistake(
            format!(
                "a quantile of some buckets alone, those with le{}{:?}",
                of_le.how, of_le.value
            ),
            "`histogram_quantile` needs all buckets, so no condition on `le` belongs in the \
             braces.",
        ));
    }
    let keeps =
        |aggregation: Node<'_>| aggregation.grouping().contains(&"le") != aggregation.without();
    if inner.is_aggregation() && !keeps(inner) {
        return Some(mistake(
            format!("{} without the label le", inner.operator()),
            "`histogram_quantile` needs the buckets, and `le` is what tells them apart: sum by \
             (le) (...)",
        ));
    }
    let raw = inner.is_selector() && inner.metric().ends_with("_bucket");
    raw.then(|| {
        mistake(
            "a quantile of the buckets since the start",
            "The buckets are counters: without `rate` the answer is about all visits since the \
             program started, and it hardly moves any more.",
        )
    })
}

/// What a quantile is made of.
fn buckets_of(node: Node<'_>) -> Option<Node<'_>> {
    let quantile = node.function() == "histogram_quantile";
    node.children().get(1).filter(|_| quantile).map(|inner| inner.inside_parentheses())
}

/// A quantile that is one number, since its buckets are summed by `le` alone, or by labels of which
/// each selector asks for one value.
fn is_alone(node: Node<'_>) -> bool {
    let Some(inner) = buckets_of(node) else { return false };
    if !inner.is_aggregation() || inner.without() {
        return false;
    }
    let pinned = |label: &str| {
        let mut selectors = inner.all().into_iter().filter(|node| node.is_selector());
        selectors.all(|node| node.matchers().iter().any(|m| m.label == label && m.how == "="))
    };
    inner.grouping().into_iter().all(|label| label == "le" || pinned(label))
}
