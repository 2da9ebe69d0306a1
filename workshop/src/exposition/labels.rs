//! The names and labels in a line: plain names, names in quotes, and `{…}`.

use crate::exposition::cursor::Cursor;
use crate::exposition::error::ParseError;
use crate::exposition::model::Labels;

/// More labels than a series has any use for. Each is compared with those before it.
const MOST_LABELS: usize = 100;

/// A metric's name: plain, or in quotes when it has characters beyond the old set.
pub(crate) fn metric_name(at: &mut Cursor<'_>) -> Result<String, ParseError> {
    if at.peek() == Some('"') {
        return quoted_name(at);
    }
    if !at.peek().is_some_and(|first| is_name_start(first) || first == ':') {
        return Err(at.expected("a metric's name, which starts with a letter, '_' or ':'"));
    }
    Ok(at.take_while(|c| is_name_start(c) || c == ':' || c.is_ascii_digit()).to_owned())
}

fn quoted_name(at: &mut Cursor<'_>) -> Result<String, ParseError> {
    let start = *at;
    let name = quoted(at)?;
    match name.is_empty() {
        true => Err(start.error("a name", "an empty one")),
        false => Ok(name),
    }
}

fn is_name_start(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_'
}

/// Reads `{…}` into `labels`, and returns the metric's name if it stands there.
pub(crate) fn label_pairs(
    at: &mut Cursor<'_>,
    labels: &mut Labels,
) -> Result<Option<String>, ParseError> {
    at.eat('{');
    let mut metric = None;
    loop {
        at.skip_blanks();
        if at.eat('}') {
            return Ok(metric);
        }
        let start = *at;
        let in_quotes = at.peek() == Some('"');
        let name = match in_quotes {
            true => quoted_name(at)?,
            false => label_name(at)?,
        };
        at.skip_blanks();
        if in_quotes && matches!(at.peek(), Some(',' | '}')) {
            if metric.replace(name).is_some() {
                return Err(start.error("one name", "a second one"));
            }
        } else {
            if name == "__name__" {
                return Err(
                    start.error("a label's name", "__name__, which Prometheus keeps for itself")
                );
            }
            if labels.get(&name).is_some() {
                return Err(start.error("each label once", format!("{name} a second time")));
            }
            if labels.0.len() == MOST_LABELS {
                return Err(start.error(format!("at most {MOST_LABELS} labels"), "one more"));
            }
            if !at.eat('=') {
                return Err(at.expected("'=' after a label's name"));
            }
            at.skip_blanks();
            labels.0.push((name, quoted(at)?));
            at.skip_blanks();
        }
        if !at.eat(',') && at.peek() != Some('}') {
            return Err(at.expected("',' or '}' after a label's value"));
        }
    }
}

fn label_name(at: &mut Cursor<'_>) -> Result<String, ParseError> {
    if !at.peek().is_some_and(is_name_start) {
        return Err(at.expected("a label's name or '}'"));
    }
    Ok(at.take_while(|c| is_name_start(c) || c.is_ascii_digit()).to_owned())
}

/// A string in double quotes, with its escapes undone.
fn quoted(at: &mut Cursor<'_>) -> Result<String, ParseError> {
    if !at.eat('"') {
        return Err(at.expected("'\"' before a label's value"));
    }
    let mut text = String::new();
    loop {
        let before = *at;
        match at.next() {
            None => return Err(at.expected("'\"' after a label's value")),
            Some('"') => return Ok(text),
            Some('\\') => text.push(match at.next() {
                Some('\\') => '\\',
                Some('"') => '"',
                Some('n') => '\n',
                _ => {
                    return Err(before.error(r#"\\, \" or \n after a backslash"#, "another escape"));
                }
            }),
            Some(character) => text.push(character),
        }
    }
}
