//! The names of functions and aggregations, and what is meant by a name that is none.

/// What can stand before a parenthesis or a `by`, as far as this lesson goes.
pub(crate) const NAMES: [&str; 36] = [
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

/// What other languages call it.
const SYNONYMS: [(&str, &str); 13] = [
    ("total", "sum"),
    ("mean", "avg"),
    ("average", "avg"),
    ("percentile", "histogram_quantile"),
    ("increment", "increase"),
    ("per_second", "rate"),
    ("top", "topk"),
    ("missing", "absent"),
    ("absence", "absent"),
    ("div", "/"),
    ("divide", "/"),
    ("length", "count"),
    ("is_up", "up"),
];

/// What PromQL calls it.
pub(crate) fn synonym(other: &str) -> Option<&'static str> {
    SYNONYMS.iter().find(|(name, _)| *name == other).map(|(_, own)| *own)
}

/// A name before a parenthesis or a `by` that nobody knows, and the nearest one that there is.
pub(crate) fn misspelt(query: &str) -> Option<(&str, &'static str)> {
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
