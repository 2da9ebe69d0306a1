//! Names in a query that no series has: a metric, a label, a value.

use std::collections::HashMap;

use crate::check::stack::prometheus::api::Prometheus;
use crate::check::stack::promql::ast::Node;
use crate::check::stack::promql::differences::{unknown_label, unknown_value};
use crate::check::stack::promql::mistake::Mistake;

/// A metric, label or value that no series has.
pub(crate) async fn nothing_selected(prometheus: &Prometheus, tree: Node<'_>) -> Option<Mistake> {
    let mut labels_of: HashMap<String, Vec<String>> = HashMap::new();
    for selector in tree.all().into_iter().filter(|node| node.is_selector()) {
        let metric = selector.metric();
        if metric.is_empty() {
            continue;
        }
        let names = prometheus.label_names(metric).await.ok()?;
        if names.is_empty() {
            return unknown_metric(prometheus, metric).await;
        }
        for matcher in selector.matchers() {
            if matcher.label == "__name__"
                || !matches!(matcher.how, "=" | "=~")
                || matcher.value.is_empty()
            {
                continue;
            }
            if !names.iter().any(|name| name == matcher.label) {
                return Some(unknown_label(metric, matcher.label, &names));
            }
            let alone = format!("{metric}{{{}{}{:?}}}", matcher.label, matcher.how, matcher.value);
            let hits = prometheus.label_values(matcher.label, &alone).await.ok()?;
            if hits.is_empty() {
                let values = prometheus.label_values(matcher.label, metric).await.ok()?;
                return Some(unknown_value(metric, &matcher, &values));
            }
        }
        labels_of.insert(metric.to_owned(), names);
    }
    // Labels that are summed by, but that nothing below has.
    for aggregation in
        tree.all().into_iter().filter(|node| node.is_aggregation() && !node.without())
    {
        for label in aggregation.grouping() {
            let below = aggregation.all();
            let metrics: Vec<&str> =
                below.iter().map(|node| node.metric()).filter(|m| !m.is_empty()).collect();
            let has = |metric: &&str| {
                labels_of.get(*metric).is_none_or(|names| names.iter().any(|n| n == label))
            };
            if let Some(metric) = metrics.first().filter(|_| !metrics.iter().any(has)) {
                return Some(unknown_label(metric, label, &labels_of[*metric]));
            }
        }
    }
    None
}

async fn unknown_metric(prometheus: &Prometheus, metric: &str) -> Option<Mistake> {
    let all = prometheus.label_values("__name__", "{__name__!=\"\"}").await.ok()?;
    let nearest = all.iter().min_by_key(|name| strsim::levenshtein(name, metric))?;
    let near = strsim::levenshtein(nearest, metric) <= metric.len() / 2;
    let advice = if near {
        format!("Did you mean {nearest}?")
    } else {
        "Type a few letters in Prometheus's query field: it knows all names.".to_owned()
    };
    Some(Mistake { found: format!("there is no metric {metric}"), cause: advice })
}
