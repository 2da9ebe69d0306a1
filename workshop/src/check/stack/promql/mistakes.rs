//! The usual mistakes in a query, seen in its syntax tree. Some are wrong whatever the result is
//! today; others explain a result that differs.

use crate::check::stack::prometheus::api::Series;
use crate::check::stack::promql::ast::Node;
use crate::check::stack::promql::comparison::Difference;
use crate::check::stack::promql::questions::Question;

/// What is wrong, and why.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mistake {
    pub(crate) found: String,
    pub(crate) cause: String,
}

fn mistake(found: impl Into<String>, cause: impl Into<String>) -> Mistake {
    Mistake { found: found.into(), cause: cause.into() }
}

/// What is wrong even when the result happens to be right. `is_gauge` knows the types of metrics,
/// `interval` is the time from one scrape to the next, in seconds.
pub(crate) fn always_wrong(
    tree: Node<'_>,
    is_gauge: impl Fn(&str) -> bool,
    interval: f64,
) -> Option<Mistake> {
    tree.all().into_iter().find_map(|node| {
        sum_before_rate(node)
            .or_else(|| rate_on_a_gauge(node, &is_gauge))
            .or_else(|| gauge_function_on_a_counter(node, &is_gauge))
            .or_else(|| average_of_quantiles(node))
            .or_else(|| quantile_without_le(node))
            .or_else(|| short_window(node, interval))
            .or_else(|| divided_by_targets(node))
    })
}

fn sum_before_rate(node: Node<'_>) -> Option<Mistake> {
    let subquery = *node.children().first().filter(|_| node.is_rate())?;
    let inner = subquery.children().first().map(|inner| inner.inside_parentheses())?;
    (subquery.kind() == "subquery" && inner.is_aggregation()).then(|| {
        mistake(format!("{} around {}", node.function(), inner.operator()), SUM_BEFORE_RATE)
    })
}

/// Also said when the parser refuses such a query first.
pub(crate) const SUM_BEFORE_RATE: &str = "First rate, then sum: sum(rate(...[1m])). When one replica \
    restarts, its counter falls to 0. `rate` sees that in each series, but in a sum it looks as if \
    everything had started again.";

fn rate_on_a_gauge(node: Node<'_>, is_gauge: &impl Fn(&str) -> bool) -> Option<Mistake> {
    let selector = *node.children().first().filter(|_| node.is_rate())?;
    let metric = selector.metric();
    (selector.is_selector() && !metric.is_empty() && is_gauge(metric)).then(|| {
        mistake(
            format!("{} of {metric}, which is a gauge", node.function()),
            "`rate` and `increase` take every fall for a restart, so they make nonsense of a gauge. They \
             are for counters, whose names end in _total. A gauge can be shown as it is.",
        )
    })
}

fn gauge_function_on_a_counter(
    node: Node<'_>,
    is_gauge: &impl Fn(&str) -> bool,
) -> Option<Mistake> {
    let selector = *node.children().first()?;
    let for_gauges = matches!(node.function(), "delta" | "idelta" | "deriv");
    (for_gauges && selector.is_selector() && !is_gauge(selector.metric())).then(|| {
        mistake(
            format!("{} of a counter", node.function()),
            "`delta` and `deriv` are for gauges: they do not notice that a counter started again at 0. Use \
             `increase` or `rate`.",
        )
    })
}

fn average_of_quantiles(node: Node<'_>) -> Option<Mistake> {
    let averages = node.is_aggregation()
        && matches!(node.operator(), "avg" | "sum" | "max" | "min" | "quantile")
        || node.function().ends_with("_over_time");
    let around = averages && node.any(|inner| inner.function() == "histogram_quantile");
    around.then(|| {
        let name = if node.is_aggregation() { node.operator() } else { node.function() };
        mistake(
            format!("{name} of quantiles"),
            "Quantiles cannot be averaged or added: the p95 of two replicas is not the mean of their p95s. \
             Add the buckets, then ask once: histogram_quantile(0.95, sum by (le) (rate(...)))",
        )
    })
}

fn quantile_without_le(node: Node<'_>) -> Option<Mistake> {
    let inner = node
        .children()
        .get(1)
        .filter(|_| node.function() == "histogram_quantile")?
        .inside_parentheses();
    let keeps =
        |aggregation: Node<'_>| aggregation.grouping().contains(&"le") != aggregation.without();
    if inner.is_aggregation() && !keeps(inner) {
        return Some(mistake(
            format!("{} without the label le", inner.operator()),
            "`histogram_quantile` needs the buckets, and `le` is what tells them apart: sum by (le) (...)",
        ));
    }
    let raw = inner.is_selector() && inner.metric().ends_with("_bucket");
    raw.then(|| {
        mistake(
            "a quantile of the buckets since the start",
            "The buckets are counters: without `rate` the answer is about all visits since the program \
             started, and it hardly moves any more.",
        )
    })
}

/// Right as long as every replica is up: a mean that counts on `up` is a trap.
fn divided_by_targets(node: Node<'_>) -> Option<Mistake> {
    let [left, right] = node.children()[..] else { return None };
    let targets = node.operator() == "/"
        && left.any(Node::is_rate)
        && !right.any(Node::is_rate)
        && right.any(|inner| inner.metric() == "up");
    targets.then(|| {
        mistake(
            "a rate divided by the number of targets",
            "You divide by targets. One that is down or gone is not counted in `up`, while its rate still \
             counts. Take the mean of one number for each replica: avg",
        )
    })
}

fn short_window(node: Node<'_>, interval: f64) -> Option<Mistake> {
    let window = node.window().filter(|_| node.kind() == "matrixSelector")?;
    (interval > 0.0 && window < 2.0 * interval).then(|| {
        mistake(
            format!("a window of {}, with a scrape every {}", seconds(window), seconds(interval)),
            format!(
                "A rate needs two values, so the window must be longer than two scrapes, or the result is \
                 empty most of the time. Four scrapes are a good rule: [{}] or more.",
                seconds(4.0 * interval)
            ),
        )
    })
}

/// What one question forbids, even when the result happens to be right.
pub(crate) fn wrong_for(question: &Question, tree: Node<'_>) -> Option<Mistake> {
    let all = tree.all();
    let selectors = || all.iter().filter(|node| node.is_selector());
    if let Some(label) = question.about.as_deref() {
        let named = selectors().any(|node| node.matchers().iter().any(|m| m.label == label));
        let counted = selectors().any(|node| node.metric() == "requests_total");
        if counted && !named {
            return Some(mistake(
                format!("the failures of every {label}"),
                format!(
                    "The question is about /treecounter. Where nothing else fails it makes no difference, until \
                     something does: {label}=\"/treecounter\""
                ),
            ));
        }
    }
    if question.before_everything && asks_for_absence(tree) {
        let other = selectors().map(|node| node.metric()).find(|metric| !metric.is_empty())?;
        let targets = selectors().any(|node| matches!(node.metric(), "" | "up"));
        if !targets {
            return Some(mistake(
                format!("absent of {other}"),
                format!(
                    "A target that is down has no {other} either, and is there all the same. `up` is what \
                     every target has, up or down."
                ),
            ));
        }
    }
    None
}

fn asks_for_absence(tree: Node<'_>) -> bool {
    tree.any(|node| matches!(node.function(), "absent" | "absent_over_time"))
}

/// Something else, most often a comparison, where only `absent` helps.
pub(crate) fn about_absence(
    question: &Question,
    tree: Node<'_>,
    difference: &Difference,
) -> Option<Mistake> {
    let found = match difference {
        _ if !question.before_everything || asks_for_absence(tree) => return None,
        Difference::Empty => "no result at a time when there was no target at all".to_owned(),
        Difference::TooMany { series, .. } => {
            format!("a result while the target is there: {series}")
        }
        _ => return None,
    };
    let compares =
        |node: Node<'_>| matches!(node.operator(), "==" | "!=" | "<" | ">" | "<=" | ">=");
    let why = if tree.any(compares) {
        "A comparison keeps series; when there is none, it keeps none."
    } else {
        "A target that is gone has no series, so there is nothing to select."
    };
    Some(mistake(found, format!("{why} One function answers when nothing else does: step 7.")))
}

/// Failures over visits without the sums: each series finds itself on the other side.
pub(crate) fn divided_by_itself(
    tree: Node<'_>,
    difference: &Difference,
    found: &[Series],
) -> Option<Mistake> {
    let Difference::Labels { expected, .. } = difference else { return None };
    let mut values = found.iter().flat_map(|series| &series.points).map(|(_, value)| *value);
    let divides = tree.inside_parentheses().operator() == "/"
        && !tree.any(Node::is_aggregation)
        && values.all(|value| value.is_nan() || (value - 1.0).abs() < 1e-9);
    divides.then(|| {
        let labels: Vec<&str> = expected.iter().map(String::as_str).collect();
        let sum = match labels[..] {
            [] => "sum(...) / sum(...)".to_owned(),
            _ => format!("sum by ({0}) (...) / sum by ({0}) (...)", labels.join(", ")),
        };
        let wanted = if labels.is_empty() { "none".to_owned() } else { labels.join(", ") };
        let names = found.first().map(|series| &series.labels).into_iter().flatten();
        let names: Vec<&str> = names.map(|(name, _)| name.as_str()).collect();
        mistake(
            format!("a result with the labels {}, not {wanted}", names.join(", ")),
            format!(
                "And it is always 1: the failures are divided by themselves, for `/` pairs series whose labels \
                 are all the same. Sum both sides: {sum}"
            ),
        )
    })
}

/// What explains another result, from the tree alone. `reference` is the finished query's tree.
pub(crate) fn explains(tree: Node<'_>, reference: Node<'_>) -> Option<Mistake> {
    if let Some(mistake) = pattern_as_text(tree) {
        return Some(mistake);
    }
    let uses = |tree: Node<'_>, name: &str| tree.any(|node| node.function() == name);
    if reference.any(Node::is_rate)
        && !tree.any(Node::is_rate)
        && !tree.any(|node| node.window().is_some())
    {
        return Some(mistake(
            "the counter itself, without `rate` or `increase`",
            "A counter holds all since the start. What happened in a time is said by rate(...[1m]), a second, \
             or increase(...[5m]), in all.",
        ));
    }
    if uses(tree, "irate") && uses(reference, "rate") {
        return Some(mistake(
            "irate, where the question is about a whole minute",
            "`irate` looks at the last two scrapes of its window only. `rate` takes all of it.",
        ));
    }
    if uses(tree, "increase") && uses(reference, "rate") && !uses(reference, "increase") {
        return Some(mistake(
            "increase, where the question is about each second",
            "`increase` counts over the whole window; `rate` is the same divided by the window's seconds.",
        ));
    }
    if uses(tree, "rate") && uses(reference, "increase") && !uses(tree, "increase") {
        return Some(mistake(
            "rate, where the question is about all in the window",
            "`rate` is per second; `increase` is the same times the window's seconds.",
        ));
    }
    wrong_window(tree, reference)
        .or_else(|| wrong_offset(tree, reference))
        .or_else(|| average_of_series(tree, reference))
}

/// `status="5.."`: a pattern that is compared as text.
fn pattern_as_text(tree: Node<'_>) -> Option<Mistake> {
    let matchers =
        tree.all().into_iter().filter(|node| node.is_selector()).flat_map(Node::matchers);
    let mut suspicious = matchers.filter(|m| {
        m.how == "=" && (m.value.contains("..") || m.value.contains(".*") || m.value.contains('|'))
    });
    let matcher = suspicious.next()?;
    Some(mistake(
        format!("{}={:?}, which is compared letter by letter", matcher.label, matcher.value),
        format!("A pattern needs `=~`: {}=~{:?}", matcher.label, matcher.value),
    ))
}

fn wrong_window(tree: Node<'_>, reference: Node<'_>) -> Option<Mistake> {
    let windows =
        |tree: Node<'_>| -> Vec<f64> { tree.all().into_iter().filter_map(Node::window).collect() };
    let (found, wanted) = (windows(tree), windows(reference));
    let wanted = *wanted.first()?;
    let wrong = found.into_iter().find(|window| *window != wanted)?;
    Some(mistake(
        format!("a window of {}", seconds(wrong)),
        format!("The question is about {}: write [{}].", seconds(wanted), seconds(wanted)),
    ))
}

fn wrong_offset(tree: Node<'_>, reference: Node<'_>) -> Option<Mistake> {
    let offsets = |tree: Node<'_>| -> Vec<f64> {
        let mut offsets: Vec<f64> =
            tree.all().into_iter().map(Node::offset).filter(|offset| *offset != 0.0).collect();
        offsets.sort_by(f64::total_cmp);
        offsets
    };
    let (found, wanted) = (offsets(tree), offsets(reference));
    match (found.first(), wanted.first()) {
        (None, Some(wanted)) => Some(mistake(
            "no look into the past",
            format!(
                "`offset {}` behind a selector's window looks that far back.",
                seconds(*wanted)
            ),
        )),
        (Some(found), Some(wanted)) if found != wanted => Some(mistake(
            format!("an offset of {}", seconds(*found)),
            format!("The question is about {} ago: offset {}", seconds(*wanted), seconds(*wanted)),
        )),
        _ => None,
    }
}

/// `avg(rate(...))` where replicas are to be averaged: that is an average over all series.
fn average_of_series(tree: Node<'_>, reference: Node<'_>) -> Option<Mistake> {
    let averages_sums = |tree: Node<'_>| {
        tree.any(|node| node.operator() == "avg" && node.any(|inner| inner.operator() == "sum"))
    };
    let averages = tree.any(|node| node.operator() == "avg");
    (averages && averages_sums(reference) && !averages_sums(tree)).then(|| {
        mistake(
            "the average of all series",
            "Each replica has many series, one for each status and endpoint. Sum them up to one for each \
             replica first: avg(sum by (instance) (...))",
        )
    })
}

/// A duration as PromQL writes it.
pub(crate) fn seconds(seconds: f64) -> String {
    let whole = seconds.round() as i64;
    if (seconds - whole as f64).abs() > 1e-9 {
        return format!("{}ms", (seconds * 1000.0).round());
    }
    match whole {
        0 => "0s".to_owned(),
        whole if whole % 3600 == 0 => format!("{}h", whole / 3600),
        whole if whole % 60 == 0 => format!("{}m", whole / 60),
        whole => format!("{whole}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_promql_writes_them() {
        for (value, text) in
            [(60.0, "1m"), (90.0, "90s"), (7200.0, "2h"), (0.5, "500ms"), (-120.0, "-2m")]
        {
            assert_eq!(seconds(value), text);
        }
    }
}
