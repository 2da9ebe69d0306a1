//! What is meant by Prometheus's words on windows, durations, and what functions take.

use crate::check::stack::promql::mistakes::SUM_BEFORE_RATE;
use crate::check::stack::promql::seen::Seen;

/// Windows, durations and `offset`.
pub(crate) fn windows(seen: &Seen<'_>) -> Option<String> {
    let word = seen.word();
    let sums = ["sum", "avg", "max", "min", "count"].iter().any(|name| seen.query.contains(name));
    let text = match () {
        () if seen.says("in duration expression") && seen.after.contains('=') => {
            "Conditions stand in braces, and only a window in brackets: up{job=\"treecounter\"}"
        }
        () if seen.says("in duration expression") => {
            "A window is a number with its unit, without quotes: [1m]"
        }
        () if seen.says("bad number or duration") => {
            return Some(format!(
                "{word} is no duration. The units are ms, s, m, h and d, as in 1m or 30s."
            ));
        }
        () if seen.says("unexpected colon") => "A duration has no space in it: [5m]",
        () if seen.says("must be greater than 0") => {
            return Some(format!(
                "{word} is no window. It says how far to look back, and is longer than 0: [1m]"
            ));
        }
        () if seen.says("in subquery or range") => "The window's bracket is not closed: `]`",
        () if seen.says("ranges only allowed") && sums && seen.before.contains("rate(sum")
            || seen.says("ranges only allowed") && aggregated_before_rate(seen) =>
        {
            SUM_BEFORE_RATE
        }
        () if seen.says("ranges only allowed") => {
            "A window in brackets stands right behind a metric or its braces, inside of the \
             function: rate(requests_total[1m])"
        }
        () if seen.says("offset modifier must be preceded")
            || seen.says("offset modifiers allowed")
            || seen.unexpected("duration") =>
        {
            "`offset` stands directly after the brackets, without a comma, inside of the function: \
             rate(requests_total[1m] offset 2m)"
        }
        () if seen.says("in offset, expected") => {
            "`offset` takes a duration without quotes: offset 2m"
        }
        () if seen.says("in @") => {
            "`@` takes a time in seconds since 1970 and does not calculate. Use `offset`."
        }
        () if seen.unexpected("\"(\"") && seen.before.ends_with(']') => {
            "The window stands behind the metric, inside of the function: rate(requests_total[1m])"
        }
        () if seen.says("missing unit character") => "A duration needs a unit: [60s] or [1m].",
        () => return None,
    };
    Some(text.to_owned())
}

fn aggregated_before_rate(seen: &Seen<'_>) -> bool {
    let Some((_, inside)) =
        ["rate(", "increase("].iter().find_map(|name| seen.query.split_once(name))
    else {
        return false;
    };
    ["sum", "avg", "max", "min", "count"].iter().any(|name| inside.trim_start().starts_with(name))
}

/// The first window in a query, with its brackets.
fn window(query: &str) -> &str {
    let window = query.find('[').and_then(|start| {
        let end = query[start..].find(']')?;
        Some(&query[start..=start + end])
    });
    window.unwrap_or("[1m]")
}

/// What functions take.
pub(crate) fn arguments(seen: &Seen<'_>) -> Option<String> {
    let call =
        seen.words.split_once("in call to function \"").or(seen.words.split_once("call to \""));
    let name = call.and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default();
    let quantile = seen.query.contains("histogram_quantile");
    let top = seen.query.contains("topk");
    let text = match () {
        () if seen.says("argument(s)") && quantile && seen.says("got 3") => {
            "A number is written with a point: 0.95"
        }
        () if (seen.says("argument(s)") || seen.says("got instant vector")) && quantile => {
            "`histogram_quantile` takes two arguments, the share first: histogram_quantile(0.95, \
             ...)"
        }
        () if (seen.says("number of arguments") || seen.says("got scalar")) && top => {
            "`topk` takes two arguments, the number first: topk(2, ...)"
        }
        () if seen.says("argument(s)") => {
            return Some(format!(
                "`{name}` takes one argument, with its window in brackets: \
                 {name}(requests_total[1m])"
            ));
        }
        () if seen.says("argument") => "An aggregation takes one argument: sum(requests_total)",
        () if seen.says("expected type scalar") && seen.says("got string") => {
            "A number has no quotes. In quotes it is a string."
        }
        () if seen.says("got string") => {
            "In quotes it is a string, and not the metric of that name. Leave the quotes out."
        }
        () if seen.says("expected type range vector") => {
            return Some(format!(
                "`{name}` looks at a stretch of time. Say which, in brackets: requests_total[1m]"
            ));
        }
        () if name == "absent" && seen.says("got range vector") => {
            "`absent` is about now and takes no window such as [1m]. `absent_over_time` does."
        }
        () if seen.says("got range vector")
            || seen.says("range vector") && seen.says("must be Scalar or instant Vector") =>
        {
            return Some(format!(
                "A window alone, as {0}, is a pile of values for each series. A function makes \
                 one of it: rate(...{0})",
                window(seen.query)
            ));
        }
        () if seen.says("only scalar and instant vector")
            && seen.after.starts_with(['"', '\'', '`']) =>
        {
            "A number has no quotes. In quotes it is a string."
        }
        () if seen.says("only scalar and instant vector") && seen.query.contains('[') => {
            "The parenthesis of `rate` is closed behind its window, before the `/`: \
             rate(...[5m]) / rate(...[5m])"
        }
        () => return None,
    };
    Some(text.to_owned())
}
