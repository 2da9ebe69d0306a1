//! What is meant by Prometheus's words on a query that is no PromQL.

use crate::check::stack::promql::mistakes::SUM_BEFORE_RATE;

/// What can stand before a parenthesis or a `by`, as far as this lesson goes.
const NAMES: [&str; 36] = [
    "sum",
    "avg",
    "min",
    "max",
    "count",
    "topk",
    "bottomk",
    "quantile",
    "stddev",
    "group",
    "count_values",
    "rate",
    "irate",
    "increase",
    "delta",
    "idelta",
    "deriv",
    "resets",
    "changes",
    "absent",
    "absent_over_time",
    "histogram_quantile",
    "sort",
    "sort_desc",
    "vector",
    "scalar",
    "time",
    "round",
    "clamp_min",
    "clamp_max",
    "sum_over_time",
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "count_over_time",
    "label_replace",
];

/// What stands there without being a function.
const WORDS: [&str; 11] = [
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "and",
    "or",
    "unless",
    "offset",
    "bool",
];

/// The likeliest cause.
pub(crate) fn advice(words: &str, query: &str) -> Option<String> {
    if words.contains("'$'")
        && let Some((_, name)) = query.split_once("$__")
    {
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let name = &name[..end.unwrap_or(name.len())];
        return Some(format!(
            "$__{name} is Grafana's. Write the window that is asked for, such as [1m]."
        ));
    }
    if ['“', '”', '„', '‘', '’'].into_iter().any(|quote| words.contains(quote)) {
        return Some("The quotes must be straight: \"".to_owned());
    }
    if (words.contains("unknown function") || words.contains("unexpected"))
        && let Some((_, right)) = misspelt(query)
    {
        return Some(format!("Did you mean `{right}`?"));
    }
    fixed(words, query).map(str::to_owned)
}

/// A name before a parenthesis or a `by` that nobody knows, and the nearest one that there is.
fn misspelt(query: &str) -> Option<(&str, &'static str)> {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let mut rest = query;
    while let Some(start) = rest.find(part) {
        let word = &rest[start..];
        let end = word.find(|c| !part(c)).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        rest = after;
        let next = after.trim_start();
        let called = next.starts_with('(')
            || ["by ", "by(", "without ", "without("].iter().any(|by| next.starts_with(by));
        if !called || NAMES.contains(&word) || WORDS.contains(&word) {
            continue;
        }
        let nearest =
            NAMES.into_iter().min_by_key(|name| strsim::damerau_levenshtein(name, word))?;
        let most = if word.len() > 4 { 2 } else { 1 };
        if strsim::damerau_levenshtein(nearest, word) <= most {
            return Some((word, nearest));
        }
    }
    None
}

fn fixed(words: &str, query: &str) -> Option<&'static str> {
    let sums = ["sum", "avg", "max", "min", "count"].iter().any(|name| query.contains(name));
    match words {
        words if words.contains("ranges only allowed for vector selectors") && sums => {
            Some(SUM_BEFORE_RATE)
        }
        words if words.contains("ranges only allowed") => Some(
            "A window in brackets stands right behind a metric or its braces, inside of the function: \
             rate(requests_total[1m])",
        ),
        words if words.contains("expected type range vector") => Some(
            "`rate` and its like look at a stretch of time. Say which, in brackets: requests_total[1m]",
        ),
        words
            if words.contains("range vector")
                && words.contains("must be Scalar or instant Vector") =>
        {
            Some(
                "A window alone is a pile of values for each series. A function makes one of it: rate(...[1m])",
            )
        }
        words if words.contains("unclosed left parenthesis") => {
            Some("A parenthesis is opened and never closed.")
        }
        words if words.contains("unexpected right parenthesis") => {
            Some("A parenthesis is closed that was never opened.")
        }
        words if words.contains("unterminated quoted string") => {
            Some("A text is opened with a quote and never closed.")
        }
        words if words.contains("offset modifier must be preceded") => Some(
            "`offset` stands directly after the brackets, inside of the function: \
             rate(requests_total[1m] offset 2m)",
        ),
        words if words.contains("inside braces") || words.contains("expected string") => {
            Some("Values stand in quotes: {endpoint=\"/treecounter\"}")
        }
        words if words.contains("missing unit character in duration") => {
            Some("A duration needs a unit: [60s] or [1m].")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_called_can_be_misspelt() {
        assert_eq!(misspelt("summ by (status) (rate(up[1m]))"), Some(("summ", "sum")));
        assert_eq!(misspelt("sum(raet(up[1m]))"), Some(("raet", "rate")));
        for right in ["sum by (status) (up)", "up / on (job) up", "rate (up[1m])", "treecount(up)"]
        {
            assert_eq!(misspelt(right), None, "{right}");
        }
    }
}
