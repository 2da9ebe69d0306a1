//! What is meant by Prometheus's words on a query that is no PromQL.

use crate::check::stack::promql::functions::{NAMES, misspelt, synonym};
use crate::check::stack::promql::seen::Seen;
use crate::check::stack::promql::window_errors::{arguments, windows};

/// The likeliest cause. `place` is where the parser stopped: the line and the column, from 1.
pub(crate) fn advice(words: &str, query: &str, place: Option<(usize, usize)>) -> Option<String> {
    let query = without_comments(query);
    let seen = Seen::new(words, &query, place);
    let rules: [fn(&Seen<'_>) -> Option<String>; 7] =
        [foreign, names, braces, windows, arguments, operators, fixed];
    rules.iter().find_map(|rule| rule(&seen))
}

/// Blanks stand for the comments, so that all else stays at its place.
fn without_comments(query: &str) -> String {
    let (mut quote, mut comment) = (None, false);
    let shown = |letter: char| {
        comment = letter != '\n' && (comment || (letter == '#' && quote.is_none()));
        match quote {
            _ if comment => return ' ',
            Some(open) if letter == open => quote = None,
            None if matches!(letter, '"' | '\'' | '`') => quote = Some(letter),
            _ => {}
        }
        letter
    };
    query.chars().map(shown).collect()
}

/// What belongs to another language.
fn foreign(seen: &Seen<'_>) -> Option<String> {
    if seen.says("'$'")
        && let Some((_, name)) = seen.query.split_once("$__")
    {
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let name = &name[..end.unwrap_or(name.len())];
        return Some(format!(
            "$__{name} is Grafana's. Write the window that is asked for, such as [1m]."
        ));
    }
    if ['“', '”', '„', '‘', '’'].into_iter().any(|quote| seen.says(&quote.to_string())) {
        return Some("The quotes must be straight: \"".to_owned());
    }
    // What stands in quotes is a value.
    let code = seen.query.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    let word = |name: &str| code.split_whitespace().any(|word| word.eq_ignore_ascii_case(name));
    let text = match () {
        () if seen.query.contains("//") => "`//` begins no comment in PromQL: `#` does.",
        () if word("where") => {
            "PromQL has no `where`. Conditions stand in braces: {job=\"treecounter\"}"
        }
        () if word("ago") => "PromQL looks back with `offset`: requests_total[1m] offset 2m",
        () if word("not") || seen.says("after '!'") => {
            "PromQL has no `not` and no `!` before a query. Whether there is nothing is asked \
             with `absent`."
        }
        () if word("if") => "PromQL has no `if`: an alert fires while its query has a result.",
        () if word("for") && seen.unexpected("identifier \"for\"") => {
            "`for:` is a field of the rule, on a line of its own, and no part of the query."
        }
        () if word("limit") => {
            "PromQL has no `limit`. topk(2, ...), for example, keeps the two greatest."
        }
        () if seen.words.to_lowercase().contains("<aggr:group>") && word("by") => {
            "`group by` is not PromQL's. The labels to keep stand behind the aggregation: sum by \
             (status) (...)"
        }
        () if seen.after.starts_with("=>") => "`=>` is no comparison. It is `>`, or `>=`.",
        () if seen.query.contains("&&") => "Conditions have a comma between them, and no `&&`.",
        () => return None,
    };
    Some(text.to_owned())
}

/// Names of functions.
fn names(seen: &Seen<'_>) -> Option<String> {
    if seen.says("is experimental") {
        return Some("It is switched off in this Prometheus, and no question needs it.".to_owned());
    }
    if seen.says("same labelset") {
        let name = if seen.query.contains("label_join") { "label_join" } else { "label_replace" };
        return Some(format!(
            "`{name}` gives several series the same labels, so they cannot be told apart. No label \
             needs another name or value here."
        ));
    }
    let unknown = seen.words.split_once("unknown function with name \"");
    if let Some(name) = unknown.and_then(|(_, rest)| rest.split('"').next()) {
        let lower = name.to_ascii_lowercase();
        if let Some(right) = synonym(&lower).or_else(|| NAMES.into_iter().find(|own| *own == lower))
        {
            return Some(format!(
                "There is no `{name}` in PromQL. What you mean may be `{right}`."
            ));
        }
        if name.contains("_total") || name.contains("_seconds") || name == "up" {
            return Some(format!(
                "{name} is a metric and no function. A window stands in brackets behind it, as \
                 {name}[1m], and conditions in braces."
            ));
        }
    }
    if (seen.says("unknown function") || seen.says("unexpected"))
        && let Some((_, right)) = misspelt(seen.query)
    {
        return Some(format!("Did you mean `{right}`?"));
    }
    unknown.map(|_| "PromQL has no function of that name.".to_owned())
}

/// Braces, and what stands in them.
fn braces(seen: &Seen<'_>) -> Option<String> {
    let inside = seen.says("inside braces") || seen.says("in label matching");
    let operator = seen.before.trim_end().ends_with(['=', '~']);
    let text = match () {
        () if seen.says("end of input inside braces") => {
            "A brace is opened and never closed: `}` is missing."
        }
        () if seen.says("label matching operator")
            || seen.says("left brace")
            || seen.says("inside braces: '['") =>
        {
            "What a function is to work on stands in parentheses, not in braces: sum(...)"
        }
        () if seen.says("expected string") && seen.unexpected("\"=\"") => {
            "Between a label and its value stands one `=`: {job=\"treecounter\"}"
        }
        () if seen.says("in label matching, expected string") => {
            "Values stand in quotes: {endpoint=\"/treecounter\"}"
        }
        () if inside && seen.unexpected("identifier \"or\"") => {
            "There is no `or` within braces. One pattern takes both: status=~\"500|503\""
        }
        () if seen.says("expected \",\" or \"}\"") && seen.after.starts_with('[') => {
            "A brace is opened and not closed before the window: `}` is missing."
        }
        () if seen.says("expected \",\" or \"}\"")
            || seen.says("inside braces: ';'")
            || seen.says("inside braces: '&'") =>
        {
            "Between two conditions stands a comma."
        }
        () if seen.says("inside braces: '~'") => {
            "A pattern is compared with `=~`: {status=~\"5..\"}"
        }
        () if seen.says("inside braces: '>'") || seen.says("inside braces: '<'") => {
            "The values of labels are texts, so `>=` does not know them. A pattern does: \
             {status=~\"5..\"}"
        }
        () if seen.says("inside braces: ':'") => {
            "Between a label and its value stands `=`: {job=\"treecounter\"}"
        }
        () if inside && operator => "Values stand in quotes: {endpoint=\"/treecounter\"}",
        () if seen.says("inside braces") => {
            "In braces stand conditions, as {status=\"200\"}. A window stands in brackets behind \
             them: [1m]"
        }
        () if seen.unexpected("\"=\"") => {
            "Conditions stand in braces behind a metric's name: up{job=\"treecounter\"}"
        }
        () if seen.says("character: '}'") => "A brace `}` is closed that was never opened.",
        () if seen.unexpected("\"{\"") && seen.before.trim_end().ends_with('}') => {
            "One pair of braces holds all conditions, with a comma between them."
        }
        () if seen.unexpected("\"{\"") && seen.before.trim_end().ends_with(']') => {
            "The braces stand before the window: requests_total{...}[5m]"
        }
        () => return None,
    };
    Some(text.to_owned())
}

/// Parentheses, and what stands between two results.
fn operators(seen: &Seen<'_>) -> Option<String> {
    let before = seen.word_before();
    let is_function = NAMES.contains(&before);
    let text = match () {
        () if seen.says("unclosed left parenthesis") => "A parenthesis is opened and never closed.",
        () if seen.says("unexpected right parenthesis") && closed_too_often(seen.query) => {
            "A parenthesis is closed that was never opened."
        }
        () if seen.says("in grouping opts") => {
            "The labels stand in parentheses behind `by`: sum by (status) (...)"
        }
        () if seen.unexpected("<by>") => {
            "`by (...)` belongs to an aggregation and stands beside its name: sum by (status) (...)"
        }
        () if seen.unexpected("\"(\"") && seen.query.contains("by (") => {
            "`by (endpoint)` stands behind the name of the aggregation: sum by (endpoint) (...)"
        }
        () if seen.unexpected("\"(\"") => {
            "The labels to keep are named with `by`: sum by (status) (...)"
        }
        () if (seen.unexpected("\",\"") || seen.unexpected("end of input"))
            && seen.query.contains('%') =>
        {
            "`%` is the remainder of a division and no percent. A share of 95 % is 0.95, one of \
             25 % is 0.25."
        }
        () if seen.unexpected("\",\"") => "A number is written with a point: 0.25",
        () if seen.unexpected("end of input") => {
            "Something is missing at the end, such as the limit of a comparison: > 0.25"
        }
        () if is_function || ends_with_labels(seen.before) => {
            "What it is to work on stands in parentheses: sum by (status) (rate(...))"
        }
        () if seen.unexpected("<aggr:") && seen.says("in aggregation") => {
            "Between two arguments stands a comma."
        }
        () if seen.unexpected("<aggr:")
            || seen.unexpected("metric identifier \":\"")
            || seen.unexpected("identifier") && seen.before.trim_end().ends_with([')', '}']) =>
        {
            "Between two results stands an operator. To divide, it is `/`, not `:`."
        }
        () if seen.says("character: '÷'") => "Division is written `/`, not `÷`.",
        () if seen.says("character: '.'") => {
            "A label is asked for in braces, not behind a `.`: {endpoint=\"/treecounter\"}"
        }
        () if seen.says("character: ';'") => "A query has no `;` at its end.",
        () if seen.says("after '='") => {
            "Behind `by` stand names of labels alone, as by (status). Conditions belong into \
             braces."
        }
        () => return None,
    };
    Some(text.to_owned())
}

/// Whether the parentheses at the end of a text hold the labels of an aggregation.
fn ends_with_labels(text: &str) -> bool {
    let labels = text.trim_end().strip_suffix(')').and_then(|text| text.rsplit_once('('));
    let word = labels.and_then(|(before, _)| before.split_whitespace().last());
    word.is_some_and(|word| matches!(&*word.to_ascii_lowercase(), "by" | "without"))
}

fn closed_too_often(query: &str) -> bool {
    query.matches(')').count() > query.matches('(').count()
}

fn fixed(seen: &Seen<'_>) -> Option<String> {
    let text = match () {
        () if seen.says("unexpected right parenthesis") => {
            "A parenthesis is closed that was never opened."
        }
        () if seen.says("unterminated quoted string") => {
            "A text is opened with a quote and never closed."
        }
        () if seen.says("regexp") => {
            return Some(format!(
                "{} is no regular expression. `.` is any character, and `.*` any number of them.",
                pattern(seen).unwrap_or("The pattern")
            ));
        }
        () if seen.says("escape sequence") => {
            "In quotes a backslash stands there twice. Or write the digits as [0-9]: \
             status=~\"5[0-9]{2}\""
        }
        () => return None,
    };
    Some(text.to_owned())
}

/// The pattern in the query that the parser did not take: it names a part of it.
fn pattern<'a>(seen: &Seen<'a>) -> Option<&'a str> {
    let part = seen.words.split('`').nth(1)?;
    let mut texts = seen.query.split('"').skip(1).step_by(2);
    texts.find(|text| text.contains(part))
}
