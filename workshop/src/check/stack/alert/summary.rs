//! What an alert's texts say when it fires: whether somebody who is woken by them is told the
//! truth.

use crate::check::stack::alert::unit_tests::Fired;

/// What is wrong with a text that nobody has written yet.
pub(crate) fn unwritten(text: &str) -> bool {
    let text = text.trim();
    let placeholder = text.starts_with('<') && text.ends_with('>');
    text.to_uppercase().contains("TODO") || placeholder || !text.chars().any(char::is_alphanumeric)
}

/// What a text says that is not so.
pub(crate) struct Untrue {
    pub(crate) found: String,
    /// What to do.
    pub(crate) cause: &'static str,
    /// Whether it is the query whose value is another one, and not the text.
    pub(crate) of_query: bool,
}

/// What is not so in a text. `template` is the text as it stands in the file.
pub(crate) fn misleading(template: &str, expanded: &str, fired: &Fired) -> Option<Untrue> {
    let untrue = |found: String, cause: &'static str| Untrue { found, cause, of_query: false };
    if is_misprinted(expanded) && !is_misprinted(template) {
        let word = template.split_once('%').map_or("", |(_, rest)| rest);
        let verb: String = word.chars().take_while(char::is_ascii_alphanumeric).collect();
        return Some(untrue(format!("%{verb}, which does not fit: {expanded}"), PRINTF));
    }
    let literal = literal(template);
    let failing = fired.failing as f64;
    for (number, unit) in numbers(expanded) {
        if numbers(&literal).any(|(other, _)| other == number) {
            continue;
        }
        let Ok(value) = number.parse::<f64>() else { continue };
        match unit {
            Unit::Percent if (value - failing).abs() > 2.0 => {
                let found = format!("\"{expanded}\", when {failing} % fail");
                // 0.63, rounded to 1 perhaps, or 100 times too much.
                let as_share = value > 0.0 && (value - failing / 100.0).abs() < 0.5;
                let share = as_share || (value / 100.0 - failing).abs() <= 2.0;
                return Some(match share {
                    true => untrue(found, PERCENT),
                    false => Untrue { of_query: true, ..untrue(found, NO_SHARE) },
                });
            }
            Unit::Milli => {
                return Some(untrue(format!("\"{expanded}\", when {failing} % fail"), MILLI));
            }
            _ => {}
        }
    }
    None
}

/// Whether Go was given a value that its verb is not for: it prints `%!d(float64=0.5)` then.
fn is_misprinted(text: &str) -> bool {
    text.match_indices("%!").any(|(at, found)| {
        let rest = &text[at + found.len()..];
        rest.starts_with('(')
            || rest.strip_prefix(char::is_alphabetic).is_some_and(|rest| rest.starts_with('('))
    })
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Unit {
    Percent,
    /// `630m`, as `humanize` writes 0.63, or `630ms`.
    Milli,
    None,
}

/// The numbers in a text, with what stands behind them.
fn numbers(text: &str) -> impl Iterator<Item = (&str, Unit)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(|c: char| c.is_ascii_digit())?;
        let number = &rest[start..];
        let end = number.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(number.len());
        let (number, after) = number.split_at(end);
        rest = after;
        let word: String = after.trim_start().chars().take(8).collect();
        let unit = match () {
            () if word.starts_with('%') || word.starts_with("per cent") => Unit::Percent,
            () if word.starts_with("percent") => Unit::Percent,
            () if after.starts_with("m ") || after.starts_with("ms") => Unit::Milli,
            () => Unit::None,
        };
        Some((number.trim_end_matches('.'), unit))
    })
}

/// What stands outside of templates.
fn literal(template: &str) -> String {
    let mut plain = String::new();
    let mut rest = template;
    while let Some((before, inside)) = rest.split_once("{{") {
        plain.push_str(before);
        plain.push(' ');
        rest = inside.split_once("}}").map_or("", |(_, after)| after);
    }
    plain + rest
}

const PRINTF: &str = "`%d` is for whole numbers, and the value is none. Shares are shown by \
    {{ $value | humanizePercentage }}.";
const PERCENT: &str = "A share of 0.63 is 63 %, and $value is what the query gives. If that is a \
                       share, {{ $value | humanizePercentage }} multiplies by 100 and adds the \
                       sign; if it is none, it is no percent.";
const NO_SHARE: &str =
    "$value is what the query gives, and that is not the share of the visits that fail.";
const MILLI: &str =
    "That is 0.63 in thousandths. A share is shown by {{ $value | humanizePercentage }}.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_told_as_it_is() {
        let fired = Fired {
            alert: String::new(),
            labels: Vec::new(),
            annotations: std::collections::BTreeMap::new(),
            failing: 63,
        };
        let wrong =
            |template: &str, expanded: &str| misleading(template, expanded, &fired).is_some();
        for right in ["63% fail", "63 % fail", "a share of 0.63", "13.86 a second", "oh"] {
            assert!(!wrong("{{ $value }}", right), "{right}");
        }
        assert!(!wrong("more than 25 % fail", "more than 25 % fail"));
        assert!(!wrong("above 25%! Wake up", "above 25%! Wake up"));
        assert!(!wrong("{{ $value | humanizePercentage }}! Oh", "63%! Oh"));
        for bad in
            ["0.63% fail", "0.6 % fail", "1 percent", "630m of them", "630ms", "%!d(float64=0.6)"]
        {
            assert!(wrong("{{ $value }}", bad), "{bad}");
        }
    }

    #[test]
    fn what_is_still_to_be_written() {
        assert!(["TODO", "todo: this", "...", " ", "<what it means>"].into_iter().all(unwritten));
        assert!(!unwritten("{{ $value }} of the visits fail"));
    }
}
