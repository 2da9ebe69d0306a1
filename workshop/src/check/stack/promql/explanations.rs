//! What explains a result that differs from the expected one, seen in the query's syntax tree.

use crate::check::stack::prometheus::api::Series;
use crate::check::stack::promql::ast::{Matcher, Node};
use crate::check::stack::promql::comparison::Difference;
use crate::check::stack::promql::mistake::{Mistake, mistake, seconds};
use crate::check::stack::promql::mistakes::asks_for_absence;
use crate::check::stack::promql::questions::Question;

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
    let meets = tree.inside_parentheses();
    let why =
        if matches!(meets.operator(), "unless" | "and") && tree.any(|n| n.function() == "vector") {
            "The two sides have other labels, so they never meet; behind the operator, on () would \
         let them."
        } else if tree.any(compares) {
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
                "And it is always 1: the failures are divided by themselves, for `/` pairs series \
                 whose labels are all the same. Sum both sides: {sum}"
            ),
        )
    })
}

/// What explains another result, from the tree alone. `reference` is the finished query's tree.
pub(crate) fn explains(tree: Node<'_>, reference: Node<'_>) -> Option<Mistake> {
    let of_selectors = pattern_as_text(tree)
        .or_else(|| other_endpoint(tree, reference))
        .or_else(|| one_status(tree, reference))
        .or_else(|| top_inside(tree, reference));
    if of_selectors.is_some() {
        return of_selectors;
    }
    let uses = |tree: Node<'_>, name: &str| tree.any(|node| node.function() == name);
    if reference.any(Node::is_rate)
        && tree.any(Node::is_selector)
        && !tree.any(Node::is_rate)
        && !tree.any(|node| node.window().is_some())
    {
        return Some(mistake(
            "the counter itself, without `rate` or `increase`",
            "A counter holds all since the start. What happened in a time is said by \
             rate(...[1m]), a second, or increase(...[5m]), in all.",
        ));
    }
    if uses(tree, "irate") && uses(reference, "rate") {
        return Some(mistake(
            "irate, where the question is about a whole minute",
            "`irate` looks at the last two scrapes of its window only. `rate` takes all of it.",
        ));
    }
    // In a ratio the seconds of the window are on both sides, and do not matter.
    let ratio = tree.inside_parentheses().operator() == "/";
    if uses(tree, "increase") && uses(reference, "rate") && !uses(reference, "increase") && !ratio {
        return Some(mistake(
            "increase, where the question is about each second",
            "`increase` counts over the whole window; `rate` is the same divided by the window's \
             seconds.",
        ));
    }
    if uses(tree, "rate") && uses(reference, "increase") && !uses(tree, "increase") {
        return Some(mistake(
            "rate, where the question is about all in the window",
            "`rate` is per second; `increase` is the same times the window's seconds, 300 for 5m.",
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

/// The matchers on a label, of all selectors.
fn conditions<'a>(tree: Node<'a>, label: &str) -> Vec<Matcher<'a>> {
    let selectors = tree.all().into_iter().filter(|node| node.is_selector());
    selectors.flat_map(Node::matchers).filter(|matcher| matcher.label == label).collect()
}

fn other_endpoint(tree: Node<'_>, reference: Node<'_>) -> Option<Mistake> {
    let asked = conditions(reference, "endpoint").into_iter().find(|m| m.how == "=")?;
    let found = conditions(tree, "endpoint");
    let other = found.iter().find(|m| m.how == "=" && m.value != asked.value)?;
    Some(mistake(
        format!("the requests to {}", other.value),
        format!("The question is about {0}: endpoint={0:?}", asked.value),
    ))
}

/// `status="503"`, where visits fail with 500 too.
fn one_status(tree: Node<'_>, reference: Node<'_>) -> Option<Mistake> {
    let pattern = conditions(reference, "status").into_iter().find(|m| m.how == "=~")?;
    let found = conditions(tree, "status");
    let one = found.iter().find(|m| {
        let digits = m.value.len() == 3 && m.value.bytes().all(|byte| byte.is_ascii_digit());
        digits && m.value.starts_with('5') && matches!(m.how, "=" | "=~")
    })?;
    let other = if one.value == "500" { "503" } else { "500" };
    Some(mistake(
        format!("the failures with status {} alone", one.value),
        format!(
            "A visit that fails with {other} counts as well. A pattern takes all of them: \
             status=~{:?}",
            pattern.value
        ),
    ))
}

/// The most frequent of the single series, where the sums are to be compared.
fn top_inside(tree: Node<'_>, reference: Node<'_>) -> Option<Mistake> {
    let is_top = |node: Node<'_>| node.operator() == "topk";
    let (outer, asked) = (tree.inside_parentheses(), reference.inside_parentheses());
    (is_top(asked) && !is_top(outer) && outer.is_aggregation() && tree.any(is_top)).then(|| {
        mistake(
            format!("topk inside of {}", outer.operator()),
            "It picks single series before they are added up. `topk` stands outside: topk(2, sum \
             by (...) (...))",
        )
    })
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
            "Each replica has many series, one for each status and endpoint. Sum them up to one \
             for each replica first: avg(sum by (instance) (...))",
        )
    })
}
