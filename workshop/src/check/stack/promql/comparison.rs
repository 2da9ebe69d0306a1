//! Whether two results of a range query say the same, and how they differ if not.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::stack::prometheus::api::Series;

/// Numbers are the same up to rounding: another order of additions is no other answer.
const TOLERANCE: f64 = 1e-6;

/// How a result differs from the expected one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Difference {
    /// Nothing came out.
    Empty,
    /// The series have other labels: those found, and those expected.
    Labels { found: BTreeSet<String>, expected: BTreeSet<String> },
    /// Series that should not be there.
    TooMany { series: String, more: usize },
    /// Series that are not there.
    Missing { series: String, more: usize },
    /// All values are the expected ones times this.
    Factor(f64),
    /// All values are 1 minus the expected ones.
    Complement,
    /// All values are 1 divided by the expected ones.
    UpsideDown,
    /// The first instant with another value, or with none where one is expected, or the reverse.
    Value { at: f64, series: String, found: Option<f64>, expected: Option<f64> },
}

/// Nothing when they are the same. `expected` must not be empty, or everything empty would do.
pub(crate) fn difference(found: &[Series], expected: &[Series]) -> Option<Difference> {
    let (found, mut expected) = (by_labels(found), by_labels(expected));
    if !found.is_empty() && !label_names(&found).contains(JOB) {
        expected = without_job(expected);
    }
    if found == expected {
        return None;
    }
    if found.is_empty() {
        return (!expected.is_empty()).then_some(Difference::Empty);
    }
    let (found_names, expected_names) = (label_names(&found), label_names(&expected));
    if found_names != expected_names && !expected.is_empty() {
        return Some(Difference::Labels { found: found_names, expected: expected_names });
    }
    let outside = |a: &Table, b: &Table| {
        let mut only = a.keys().filter(|labels| !b.contains_key(*labels));
        only.next().map(|first| (series_name(first), only.count()))
    };
    if let Some((series, more)) = outside(&found, &expected) {
        return Some(Difference::TooMany { series, more });
    }
    if let Some((series, more)) = outside(&expected, &found) {
        return Some(Difference::Missing { series, more });
    }
    let pairs = pairs(&found, &expected);
    let wrong = pairs.iter().find(|pair| !same(pair.found, pair.expected))?;
    Some(pattern(&pairs).unwrap_or_else(|| Difference::Value {
        at: wrong.at,
        series: wrong.series.clone(),
        found: wrong.found,
        expected: wrong.expected,
    }))
}

/// All series of the app have the same, so no question asks for it.
const JOB: &str = "job";

/// Without that label, if series can be told apart all the same.
fn without_job(table: Table) -> Table {
    let short = |labels: &BTreeMap<String, String>| {
        let mut labels = labels.clone();
        labels.remove(JOB);
        labels
    };
    let shorter: Table =
        table.iter().map(|(labels, points)| (short(labels), points.clone())).collect();
    if shorter.len() == table.len() { shorter } else { table }
}

type Table = BTreeMap<BTreeMap<String, String>, BTreeMap<i64, f64>>;

/// By labels and instant. NaN is what a division of nothing by nothing gives: it counts as nothing.
fn by_labels(series: &[Series]) -> Table {
    let mut table = Table::new();
    for one in series {
        let points = one.points.iter().filter(|(_, value)| !value.is_nan());
        let points: BTreeMap<i64, f64> = points.map(|(at, value)| (millis(*at), *value)).collect();
        if !points.is_empty() {
            table.entry(one.labels.clone()).or_default().extend(points);
        }
    }
    table
}

fn millis(at: f64) -> i64 {
    (at * 1000.0).round() as i64
}

fn label_names(table: &Table) -> BTreeSet<String> {
    table.keys().flat_map(|labels| labels.keys().cloned()).collect()
}

struct Pair {
    at: f64,
    series: String,
    found: Option<f64>,
    expected: Option<f64>,
}

fn pairs(found: &Table, expected: &Table) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (labels, points) in expected {
        let other = &found[labels];
        let instants: BTreeSet<&i64> = points.keys().chain(other.keys()).collect();
        pairs.extend(instants.into_iter().map(|at| Pair {
            at: *at as f64 / 1000.0,
            series: series_name(labels),
            found: other.get(at).copied(),
            expected: points.get(at).copied(),
        }));
    }
    pairs
}

/// What all pairs have in common, if that says what went wrong.
fn pattern(pairs: &[Pair]) -> Option<Difference> {
    let both: Vec<(f64, f64)> =
        pairs.iter().filter_map(|pair| Some((pair.found?, pair.expected?))).collect();
    let telling: Vec<(f64, f64)> =
        both.iter().copied().filter(|(_, expected)| *expected != 0.0).collect();
    if telling.len() < 3 || both.len() < pairs.len() {
        return None;
    }
    let all = |test: &dyn Fn(f64, f64) -> bool| {
        both.iter().all(|(found, expected)| test(*found, *expected))
    };
    if all(&|found, expected| close(found, 1.0 - expected)) {
        return Some(Difference::Complement);
    }
    if all(&|found, expected| expected != 0.0 && close(found, 1.0 / expected)) {
        return Some(Difference::UpsideDown);
    }
    let factor = telling[0].0 / telling[0].1;
    let constant = all(&|found, expected| close(found, expected * factor));
    (constant && factor != 0.0 && factor.is_finite()).then_some(Difference::Factor(factor))
}

fn same(found: Option<f64>, expected: Option<f64>) -> bool {
    match (found, expected) {
        (Some(found), Some(expected)) => close(found, expected),
        (found, expected) => found == expected,
    }
}

fn close(a: f64, b: f64) -> bool {
    a == b
        || (a.is_finite()
            && b.is_finite()
            && (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()).max(1e-3))
}

/// At how many instants there is a value.
pub(crate) fn points(series: &[Series]) -> usize {
    let mut instants: Vec<i64> = series
        .iter()
        .flat_map(|series| &series.points)
        .filter(|(_, value)| !value.is_nan())
        .map(|(at, _)| *at as i64)
        .collect();
    instants.sort_unstable();
    instants.dedup();
    instants.len()
}

/// As PromQL writes it.
pub(crate) fn series_name(labels: &BTreeMap<String, String>) -> String {
    let labels: Vec<String> =
        labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", labels.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(labels: &[(&str, &str)], values: &[f64]) -> Series {
        Series {
            name: String::new(),
            labels: labels
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            points: values
                .iter()
                .enumerate()
                .map(|(at, value)| (at as f64 * 15.0, *value))
                .collect(),
        }
    }

    #[test]
    fn rounding_order_and_nan_do_not_matter() {
        let expected = [
            series(&[("a", "1")], &[1.0, 2.0, f64::NAN]),
            series(&[("a", "2")], &[0.1 + 0.2, 5.0]),
        ];
        let found =
            [series(&[("a", "2")], &[0.3, 5.0]), series(&[("a", "1")], &[1.0, 2.000_000_1])];
        assert_eq!(difference(&found, &expected), None);
        assert_eq!(difference(&expected, &expected), None);
    }

    #[test]
    fn infinity_is_no_number_to_be_near() {
        let expected = [series(&[], &[1.0, 2.0])];
        assert!(difference(&[series(&[], &[f64::INFINITY; 2])], &expected).is_some());
    }

    #[test]
    fn right_at_one_instant_only_is_wrong() {
        let expected = [series(&[], &[3.0, 4.0, 5.0])];
        let found = [series(&[], &[3.0, 3.0, 3.0])];
        let wrong = Difference::Value {
            at: 15.0,
            series: "{}".to_owned(),
            found: Some(3.0),
            expected: Some(4.0),
        };
        assert_eq!(difference(&found, &expected), Some(wrong));
        let short = [series(&[], &[3.0, 4.0])];
        let wrong = Difference::Value {
            at: 30.0,
            series: "{}".to_owned(),
            found: None,
            expected: Some(5.0),
        };
        assert_eq!(difference(&short, &expected), Some(wrong));
    }

    #[test]
    fn each_difference_has_its_name() {
        let ratio = [series(&[], &[0.25, 0.5, 0.75, 0.1])];
        let of = |values: &[f64]| difference(&[series(&[], values)], &ratio);
        assert_eq!(of(&[25.0, 50.0, 75.0, 10.0]), Some(Difference::Factor(100.0)));
        assert_eq!(of(&[0.75, 0.5, 0.25, 0.9]), Some(Difference::Complement));
        assert_eq!(of(&[4.0, 2.0, 4.0 / 3.0, 10.0]), Some(Difference::UpsideDown));
        assert_eq!(difference(&[], &ratio), Some(Difference::Empty));
        assert_eq!(difference(&[], &[]), None);

        let expected = [series(&[("a", "1")], &[1.0]), series(&[("a", "2")], &[2.0])];
        let missing = Difference::Missing { series: "{a=\"2\"}".to_owned(), more: 0 };
        assert_eq!(difference(&expected[..1], &expected), Some(missing));
        let too_many = Difference::TooMany { series: "{a=\"2\"}".to_owned(), more: 0 };
        assert_eq!(difference(&expected, &expected[..1]), Some(too_many));
        assert!(matches!(difference(&ratio, &expected), Some(Difference::Labels { .. })));
        // What must be empty and is not.
        assert!(matches!(difference(&ratio, &[]), Some(Difference::TooMany { .. })));
    }
}
