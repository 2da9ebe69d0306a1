//! The usual mistakes in a query that are wrong whatever the result is today, seen in its syntax
//! tree.

use crate::check::stack::promql::ast::Node;
use crate::check::stack::promql::mistake::{Mistake, mistake, seconds};
use crate::check::stack::promql::quantiles::{average_of_quantiles, wrong_buckets};
use crate::check::stack::promql::questions::Question;

/// What is wrong even when the result happens to be right. `is_gauge` knows the types of metrics,
/// `interval` is the time from one scrape to the next, and `asked` the window that the question is
/// about, both in seconds.
pub(crate) fn always_wrong(
    tree: Node<'_>,
    is_gauge: impl Fn(&str) -> bool,
    interval: f64,
    asked: Option<f64>,
) -> Option<Mistake> {
    tree.all().into_iter().find_map(|node| {
        sum_before_rate(node)
            .or_else(|| rate_on_a_gauge(node, &is_gauge))
            .or_else(|| gauge_function_on_a_counter(node, &is_gauge))
            .or_else(|| average_of_quantiles(node))
            .or_else(|| wrong_buckets(node))
            .or_else(|| short_window(node, interval, asked))
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
pub(crate) const SUM_BEFORE_RATE: &str = "First rate, then sum: sum(rate(...[1m])). When one \
                                          replica restarts, its counter falls to 0. `rate` sees \
                                          that in each series, but in a sum it looks as if \
                                          everything had started again.";

fn rate_on_a_gauge(node: Node<'_>, is_gauge: &impl Fn(&str) -> bool) -> Option<Mistake> {
    let selector = *node.children().first().filter(|_| node.is_rate())?;
    let metric = selector.metric();
    (selector.is_selector() && !metric.is_empty() && is_gauge(metric)).then(|| {
        mistake(
            format!("{} of {metric}, which is a gauge", node.function()),
            "`rate` and `increase` take every fall for a restart, so they make nonsense of a \
             gauge. They are for counters, whose names end in _total. A gauge can be shown as it \
             is.",
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
            "`delta` and `deriv` are for gauges: they do not notice that a counter started again \
             at 0. Use `increase` or `rate`.",
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
            "You divide by targets: without a job `up` has Prometheus as well, and it has none for \
             a replica that is gone, while its rate still counts. Take the mean of one number for \
             each replica: avg",
        )
    })
}

const TWO_SCRAPES: &str = "A rate needs two values, so the window must be longer than two \
                           scrapes, or the result is empty most of the time. A number without a \
                           unit is seconds.";

fn short_window(node: Node<'_>, interval: f64, asked: Option<f64>) -> Option<Mistake> {
    let window = node.window().filter(|_| node.kind() == "matrixSelector")?;
    (interval > 0.0 && window < 2.0 * interval).then(|| {
        mistake(
            format!("a window of {}, with a scrape every {}", seconds(window), seconds(interval)),
            match asked {
                Some(asked) => {
                    format!("{TWO_SCRAPES} The question is about {0}: write [{0}].", seconds(asked))
                }
                None => format!(
                    "{TWO_SCRAPES} Four scrapes are a good rule: [{}] or more.",
                    seconds(4.0 * interval)
                ),
            },
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
                    "The question is about /treecounter. Where nothing else fails it makes no \
                     difference, until something does: {label}=\"/treecounter\""
                ),
            ));
        }
    }
    if let Some(mistake) = cut_off(tree).filter(|_| !question.before_everything) {
        return Some(mistake);
    }
    if question.before_everything && asks_for_absence(tree) {
        let other = selectors().map(|node| node.metric()).find(|metric| !metric.is_empty())?;
        // Prometheus itself stores these of every scrape, whether it succeeds or not.
        let of_target = |name: &str| matches!(name, "" | "up") || name.starts_with("scrape_");
        let targets = selectors().any(|node| of_target(node.metric()));
        if !targets {
            return Some(mistake(
                format!("absent of {other}"),
                format!(
                    "A target that is down has no {other} either, and is there all the same. `up` \
                     is what every target has, up or down."
                ),
            ));
        }
    }
    None
}

/// What leaves nothing out just now, and may do so later; and what keeps what is gone.
fn cut_off(tree: Node<'_>) -> Option<Mistake> {
    if tree.any(|node| node.function() == "last_over_time") {
        return Some(mistake(
            "last_over_time",
            "It goes on with the last value of a series that is gone, such as that of a replica \
             that was stopped. The metric alone is its value now.",
        ));
    }
    let compared = tree.inside_parentheses();
    let [left, right] = compared.children()[..] else { return None };
    let operator = compared.operator();
    if !matches!(operator, ">" | "<") || compared.compares_to_bool() {
        return None;
    }
    let found = match (left.number(), right.number()) {
        (_, Some(number)) => format!("`{operator} {number}`"),
        (Some(number), _) => format!("`{number} {operator}`"),
        _ => return None,
    };
    Some(mistake(
        format!("a comparison, {found}"),
        "A comparison keeps only the series for which it is true, and leaves out the others. All \
         are asked for.",
    ))
}

pub(crate) fn asks_for_absence(tree: Node<'_>) -> bool {
    tree.any(|node| matches!(node.function(), "absent" | "absent_over_time"))
}
