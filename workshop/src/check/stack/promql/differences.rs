//! How a result differs, in the words of somebody who looks over the learner's shoulder.

use std::collections::BTreeSet;

use crate::check::stack::promql::ast::Matcher;
use crate::check::stack::promql::comparison::Difference;
use crate::check::stack::promql::mistake::Mistake;
use crate::check::stack::promql::questions::Question;

/// A label that the metric does not have.
pub(crate) fn unknown_label(metric: &str, label: &str, names: &[String]) -> Mistake {
    let names: Vec<&str> =
        names.iter().map(String::as_str).filter(|name| *name != "__name__").collect();
    Mistake {
        found: format!("{metric} has no label {label}"),
        cause: format!("Its labels are {}.", names.join(", ")),
    }
}

pub(crate) fn unknown_value(metric: &str, matcher: &Matcher<'_>, values: &[String]) -> Mistake {
    let shown: Vec<String> = values.iter().take(8).map(|value| format!("{value:?}")).collect();
    let pattern = match matcher.how {
        "=" if matcher.value.contains("..")
            || matcher.value.contains(".*")
            || matcher.value.contains('|') =>
        {
            format!(" A pattern needs `=~`: {}=~{:?}", matcher.label, matcher.value)
        }
        "=~" => {
            " A pattern has to fit the whole value, from its first letter to its last.".to_owned()
        }
        _ => String::new(),
    };
    Mistake {
        found: format!(
            "no series of {metric} has {}{}{:?}",
            matcher.label, matcher.how, matcher.value
        ),
        cause: format!("The values of {} are {}.{pattern}", matcher.label, shown.join(", ")),
    }
}

/// How an instant is named.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum At {
    TheClock,
    MadeUpVisits,
}

/// `explained` when the parts of the query say more than a guess at its matchers would.
pub(crate) fn in_words(
    difference: &Difference,
    question: &Question,
    instant: At,
    explained: bool,
) -> Mistake {
    let guess = |text: &str| if explained { String::new() } else { text.to_owned() };
    let (found, cause) = match difference {
        Difference::Empty => (
            "no result".to_owned(),
            "Try its parts in Prometheus, from the inside to the outside: where does the result \
             vanish?"
                .to_owned(),
        ),
        Difference::Labels { found, expected } => labels_in_words(question, found, expected),
        Difference::TooMany { series, more } => (
            format!("a series that does not belong there: {series}{}", others(*more)),
            guess(
                "Select less: a matcher in the braces, such as {job=\"treecounter\"}, keeps \
                out what is not asked for.",
            ),
        ),
        Difference::Missing { series, more } => (
            format!("a series is missing: {series}{}", others(*more)),
            guess(
                "Something in the query leaves it out: look at the matchers, or at the sides \
                of an operator.",
            ),
        ),
        Difference::Factor(factor) => factor_in_words(*factor),
        Difference::Complement => (
            "1 minus what is asked for".to_owned(),
            "That is the share of the others. Which requests belong above the line?".to_owned(),
        ),
        Difference::UpsideDown => (
            "1 divided by what is asked for".to_owned(),
            "The two sides of the division are swapped.".to_owned(),
        ),
        Difference::Value { at, series, found, expected } => {
            let value = |value: &Option<f64>| {
                value.map_or("nothing".to_owned(), |value| format!("{value:.4}"))
            };
            let series = if series == "{}" { String::new() } else { format!(" for {series}") };
            (
                format!(
                    "{} instead of {}{series}, at {}",
                    value(found),
                    value(expected),
                    instant.words(*at)
                ),
                guess(
                    "Which requests does your query count that the question does not mean, or \
                    the reverse?",
                ),
            )
        }
    };
    Mistake { found, cause }
}

fn labels_in_words(
    question: &Question,
    found: &BTreeSet<String>,
    expected: &BTreeSet<String>,
) -> (String, String) {
    let list = |names: &BTreeSet<String>| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    let (has, asked) = (list(found), list(expected));
    let cause = if question.before_everything {
        "`absent` gives its result the labels that its selector asks for with `=`, and none when \
         something else stands inside: which job is it about?"
            .to_owned()
    } else if expected.is_empty() {
        let outer = question.reference().split('(').next().unwrap_or_default();
        let outer = if matches!(outer, "avg" | "sum") { outer } else { "sum" };
        format!(
            "One number is asked for. An aggregation such as {outer}(...) makes one series of many."
        )
    } else if expected.is_subset(found) {
        format!(
            "Series are brought together by an aggregation that says what to keep: sum by \
             ({asked}) (...)"
        )
    } else if found.is_subset(expected) {
        format!("An aggregation drops all labels that it does not name: {asked} must stay.")
    } else {
        format!("Group by the labels that are asked for: {asked}.")
    };
    let words = if question.before_everything && found.is_empty() {
        format!("a result without labels; it should have {asked}")
    } else {
        format!("a result with the labels {has}, not {asked}")
    };
    (words, cause)
}

fn factor_in_words(factor: f64) -> (String, String) {
    let near = |value: f64| (factor - value).abs() < value * 1e-3;
    let cause = match () {
        () if near(100.0) => "A ratio goes from 0 to 1. Graphs turn it into percent by their unit.",
        () if near(60.0) => "That is per minute: `rate` is per second already.",
        () if near(300.0) => "That counts over the whole window: `rate` is per second already.",
        () if near(1.0 / 60.0) || near(1.0 / 300.0) => {
            "`rate` is divided by the window's seconds already, and `increase` is not meant to be."
        }
        () if near(1000.0) => "Base units are seconds, in queries too.",
        () => "Is something counted more than once, or averaged where it should be summed?",
    };
    (format!("always {} times what is asked for", (factor * 1e4).round() / 1e4), cause.to_owned())
}

fn others(more: usize) -> String {
    if more == 0 { String::new() } else { format!(" and {more} more") }
}

impl At {
    /// The time of day, in UTC as Prometheus shows it.
    fn words(self, at: f64) -> String {
        if self == At::MadeUpVisits {
            return "one instant of the made-up visits".to_owned();
        }
        let second = at as i64 % 86_400;
        format!("{:02}:{:02}:{:02} UTC", second / 3600, second / 60 % 60, second % 60)
    }
}
