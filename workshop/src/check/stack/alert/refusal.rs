//! Why Prometheus does not take a rule file, with the line of the file that is meant.

use crate::check::stack::alert::promtool_error::{complaint, line_of};
use crate::check::stack::alert::rule_files::RuleFile;
use crate::check::stack::alert::yaml_mistakes::{Suspect, suspect};
use crate::check::stack::promql::refusals::place_of;
use crate::check::stack::promql::syntax_errors;
use crate::check::verdict::{Finding, Judgement, Quote};

/// What promtool says, at the line it means.
pub(crate) fn refused(file: &RuleFile, words: &str, page: &str) -> Judgement {
    let complaint = complaint(words);
    let Reason { found, line, cause } = reason(&file.text.replace("\r\n", "\n"), &complaint);
    let quote = line.and_then(|line| {
        let text = file.text.lines().nth(line.checked_sub(1)?)?;
        Some(Quote { of: file.name.clone(), line, text: text.to_owned() })
    });
    let finding = Finding::new(format!("{} that Prometheus takes", file.name), found)
        .quoting(quote)
        .try_with(format!("promtool check rules {}", file.name));
    let finding = match complaint.contains("could not parse expression") {
        true => finding.try_with(page),
        false => finding,
    };
    match cause {
        Some(cause) => finding.because(cause).fail(),
        None => finding.fail(),
    }
}

struct Reason {
    found: String,
    line: Option<usize>,
    cause: Option<String>,
}

fn reason(text: &str, complaint: &str) -> Reason {
    let named = line_of(complaint).filter(|line| *line > 0);
    let reason = |line: Option<usize>, cause: &str| Reason {
        found: complaint.to_owned(),
        line,
        cause: Some(cause.to_owned()),
    };
    if complaint.contains("could not parse expression") {
        return in_query(text, complaint, named);
    }
    // The parser stops at the mistake or above it.
    if complaint.starts_with("yaml: ") {
        return match suspect(text) {
            Some(Suspect { line, cause }) => Reason {
                found: format!("line {line} is not read as it is meant ({complaint})"),
                line: Some(line),
                cause: Some(cause.to_owned()),
            },
            None => reason(named, UNREADABLE),
        };
    }
    if let Some((_, field)) = complaint.split_once("field ")
        && complaint.contains("not found in type")
    {
        let field = field.split_whitespace().next().unwrap_or_default();
        return reason(named, &misplaced(field, complaint));
    }
    if complaint.contains("cannot unmarshal") {
        return reason(named, &other_kind(text, complaint, named));
    }
    if let Some((what, line)) = without_line(text, complaint) {
        return reason(line.or(named), what);
    }
    Reason { found: complaint.to_owned(), line: named, cause: None }
}

/// A field that does not belong where it stands.
fn misplaced(field: &str, complaint: &str) -> String {
    let lower = field.to_ascii_lowercase();
    let in_rule = complaint.contains("rulefmt.Rule") && !complaint.contains("rulefmt.RuleGroup");
    let meant = match lower.as_str() {
        "apiversion" | "kind" | "metadata" | "spec" => {
            "This is a manifest for Kubernetes. Prometheus's own file begins with what stands \
             below `spec` there: `groups:`."
        }
        "severity" | "team" => "It is a label: it belongs below `labels:`, two spaces further in.",
        "summary" | "description" => {
            "It is an annotation: it belongs below `annotations:`, two spaces further in."
        }
        "query" | "expression" | "expr" | "exp" if in_rule => {
            "The query of a rule stands in `expr:`."
        }
        "duration" | "for" | "wait" if in_rule => "How long it has to last stands in `for:`.",
        "alertname" | "alert" | "name" if in_rule => "The name of an alert stands in `alert:`.",
        "label" | "labels" if in_rule => "The field is called `labels:`.",
        "annotation" | "annotations" if in_rule => "The field is called `annotations:`.",
        "interval" if in_rule => "`interval` is a field of the group, beside `name:`.",
        "threshold" | "limit" | "value" if in_rule => {
            "A rule has no field for its limit: that stands in the query, > 0.25"
        }
        "rule" | "alerts" | "rules"
            if complaint.contains("RuleGroup") && !complaint.contains("RuleGroups") =>
        {
            "The rules of a group stand below `rules:`."
        }
        "group" | "groups" => "The first line of a rule file is `groups:`.",
        "rules" | "name" => "Rules stand in a group, and groups below `groups:`.",
        "alert" | "expr" => "A rule stands below the `rules:` of a group, which has a `name:`.",
        _ => "That word does not belong there: is it misspelt, or indented too little or too much?",
    };
    format!("There is no field {field} here. {meant}")
}

/// A list where names and values belong, or the reverse.
fn other_kind(text: &str, complaint: &str, line: Option<usize>) -> String {
    if complaint.contains("into rulefmt.RuleGroups") {
        return "The file begins with `groups:`, and all else stands below it.".to_owned();
    }
    if complaint.contains("into []rulefmt.Rule") {
        return "`groups` and `rules` are lists: each item begins with a dash, `- name: mine` or \
                `- alert: X`."
            .to_owned();
    }
    if let Some(Suspect { cause, .. }) = suspect(text) {
        return format!("{} {cause}", inside(text, line));
    }
    let inside = inside(text, line);
    match () {
        () if complaint.contains("!!seq into map") => {
            format!("{inside} Names and values belong there, without a dash: it is no list.")
        }
        () if complaint.contains("!!str") => {
            format!("{inside} Names with their values belong below it, and no text alone.")
        }
        () => format!("{inside} A text belongs there, and no list and no further names."),
    }
}

/// The keys around a line.
fn inside(text: &str, line: Option<usize>) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let Some(at) = line.and_then(|line| line.checked_sub(1)).filter(|at| *at < lines.len()) else {
        return String::new();
    };
    let indent = |line: &str| line.len() - line.trim_start().len();
    let key = |line: &str| line.trim_start_matches([' ', '-']).split(':').next().map(str::to_owned);
    let own = key(lines[at]).unwrap_or_default();
    // What is refused may be the value of the line above.
    let is_above = |line: &&&str| !line.trim().is_empty() && indent(line) < indent(lines[at]);
    let above = lines[..at].iter().rev().find(is_above);
    let above = above.and_then(|line| key(line)).unwrap_or_default();
    format!("It is about `{own}` in `{above}`.")
}

/// Complaints that name no line, or a useless one.
fn without_line(text: &str, complaint: &str) -> Option<(&'static str, Option<usize>)> {
    let place = |test: &dyn Fn(&str) -> bool| {
        text.lines().position(|line| test(line.trim())).map(|index| index + 1)
    };
    let last = |start: &str| {
        let lines: Vec<&str> = text.lines().collect();
        lines.iter().rposition(|line| line.trim().starts_with(start)).map(|index| index + 1)
    };
    let dashed = place(&|line| line.starts_with("- expr:"));
    Some(match () {
        () if complaint.contains("must be set") && dashed.is_some() => (
            "Each dash begins another rule. A rule begins with `- alert: X`, and its `expr:` has \
             no dash.",
            dashed,
        ),
        () if complaint.contains("'record' or 'alert' must be set") => (
            "A rule needs a name: alert: TooManyFailures",
            place(&|line| line.trim_start_matches("- ") == "alert:"),
        ),
        () if complaint.contains("'expr' must be set") => (
            "A rule needs a query: `expr:`",
            place(&|line| line.starts_with("expr:"))
                .or(place(&|line| line.starts_with("- alert:"))),
        ),
        () if complaint.contains("only one of 'record' and 'alert'")
            || complaint.contains("in recording rule") =>
        {
            (
                "`record` stores the result of a query. What has `for` and `annotations` is an \
                 `alert`.",
                None,
            )
        }
        () if complaint.contains("Groupname must not be empty") => {
            ("A group has a name: `- name: mine`", place(&|line| line.starts_with("- rules:")))
        }
        () if complaint.contains("is repeated in the same file") => (
            "Two groups have the same name. Put the rules into one, or name it otherwise.",
            last("- name:"),
        ),
        () if complaint.contains("duration") => (
            "A duration is a whole number with its unit, without a space: for: 30s",
            duration(text, complaint),
        ),
        () if complaint.contains("invalid label name") => (
            "Names with two underscores at the start are Prometheus's own.",
            place(&|line| line.starts_with("__")),
        ),
        () if complaint.contains("template") => {
            let (_, name) = complaint.split_once("annotation \"").unwrap_or_default();
            let name = name.split('"').next().unwrap_or("summary");
            (template(complaint), place(&|line| line.starts_with(name)))
        }
        () => return None,
    })
}

fn duration(text: &str, complaint: &str) -> Option<usize> {
    let value = complaint.rsplit('"').nth(1)?;
    let fits = |line: &str| line.contains("for:") && line.contains(value);
    text.lines().position(fits).map(|index| index + 1)
}

/// What is meant by the words of Go's templates.
fn template(complaint: &str) -> &'static str {
    match () {
        () if complaint.contains("undefined variable") => {
            "Its variables are $value and $labels, in small letters."
        }
        () if complaint.contains("operand") && complaint.contains('*') => {
            "A template cannot calculate. {{ $value | humanizePercentage }} makes 63 % of 0.63, \
             or multiply by 100 in the query."
        }
        () if complaint.contains("in operand") || complaint.contains("unclosed") => {
            "A template ends with two braces: {{ $value }}"
        }
        () if complaint.contains("EOF") => "An {{ if }} needs its {{ end }}.",
        () if complaint.contains("not defined") => {
            "There is no such function. A share is shown by {{ $value | humanizePercentage }}."
        }
        () => "A template has two braces on both sides: {{ $value }}, {{ $labels.instance }}",
    }
}

/// A query that is no PromQL: its place in the file, and what is meant.
fn in_query(text: &str, complaint: &str, at: Option<usize>) -> Reason {
    let (_, words) = complaint.split_once("could not parse expression: ").unwrap_or_default();
    let words = words.split("; ").next().unwrap_or(words);
    let (place, said) = place_of(words);
    let (start, query) = at.map(|at| query_at(text, at)).unwrap_or_default();
    let cause = match said.contains("no expression found") {
        true => {
            Some("There is no query in `expr`: a line that begins with # is a comment.".to_owned())
        }
        false => syntax_errors::advice(said, &query, place),
    };
    let lines = query.lines().count().max(1);
    let line = at.map(|at| match place {
        Some((line, _)) if start > at => start + line.min(lines) - 1,
        _ => at,
    });
    Reason { found: format!("the query is no PromQL: {said}"), line, cause }
}

/// The query whose value begins in that line of the file, and the line that it really begins in.
fn query_at(text: &str, at: usize) -> (usize, String) {
    let lines: Vec<&str> = text.lines().collect();
    let Some(line) = lines.get(at - 1) else { return (at, String::new()) };
    let Some((key, value)) = line.split_once("expr:") else { return (at, String::new()) };
    let value = value.trim();
    if !value.starts_with(['|', '>']) {
        return (at, value.trim_matches(['\'', '"']).to_owned());
    }
    let indent = |line: &str| line.len() - line.trim_start().len();
    let body =
        lines[at..].iter().take_while(|line| line.trim().is_empty() || indent(line) > key.len());
    let body: Vec<&str> = body.copied().collect();
    let least = body.iter().filter(|line| !line.trim().is_empty()).map(|line| indent(line)).min();
    let least = least.unwrap_or(0);
    let body: Vec<&str> = body.iter().map(|line| line.get(least..).unwrap_or_default()).collect();
    let folded = value.starts_with('>');
    (at + 1, body.join(if folded { " " } else { "\n" }))
}

const UNREADABLE: &str = "At this line or below it the indentation is not right, or a text with a \
                          colon or a brace in it needs quotes around it.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_query_is_one_in_the_file() {
        let text = "groups:\n  - rules:\n      - alert: X\n        expr: |\n          \
            sum(a)\n          / sum(b\n        for: 1m\n";
        let said = "4:15: group \"mine\", rule 1, \"X\": could not parse expression: 3:1: parse \
                    error: unclosed left parenthesis";
        let Reason { line, cause, .. } = reason(text, said);
        assert_eq!(line, Some(6));
        assert!(cause.unwrap().contains("parenthesis"));
        assert_eq!(query_at(text, 4), (5, "sum(a)\n/ sum(b".to_owned()));
    }
}
