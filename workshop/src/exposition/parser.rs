//! Reads a text line by line: comments with HELP and TYPE, and samples.

use std::collections::HashMap;

use crate::exposition::cursor::Cursor;
use crate::exposition::error::{Found, ParseError};
use crate::exposition::labels::{label_pairs, metric_name};
use crate::exposition::model::{Exposition, Family, Kind, Labels, Sample};

/// More series than a workshop's program has any use for. Each takes some hundreds of bytes here.
const MOST_SERIES: usize = 200_000;

/// Reads the body of an answer to a scrape, up to the first mistake.
pub fn parse(body: &[u8]) -> Result<Exposition, ParseError> {
    let text = utf8(body)?;
    let mut parser = Parser::default();
    let mut rest = text;
    let mut number = 0;
    while !rest.is_empty() {
        number += 1;
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let ended = rest.len() > line.len();
        parser.line(Cursor::new(number, line, ended))?;
        parser.exposition.line_ends.push(text.len() - rest.len() + line.len());
        if !ended {
            let mut end = Cursor::new(number, line, ended);
            end.take_while(|_| true);
            return Err(
                end.expected("a line feed (\\n) at the end of the last line, as of every line")
            );
        }
        rest = after;
    }
    parser.exposition.text = text.to_owned();
    Ok(parser.exposition)
}

/// The body as text; Prometheus takes nothing but UTF-8.
fn utf8(body: &[u8]) -> Result<&str, ParseError> {
    str::from_utf8(body).map_err(|error| {
        let good = String::from_utf8_lossy(&body[..error.valid_up_to()]);
        let text = good.rsplit('\n').next().unwrap_or_default().to_owned();
        ParseError {
            line: good.matches('\n').count() + 1,
            column: text.chars().count() + 1,
            expected: "text in UTF-8".to_owned(),
            found: Found::Other(format!("the byte 0x{:02x}", body[error.valid_up_to()])),
            text,
        }
    })
}

#[derive(Default)]
struct Parser {
    exposition: Exposition,
    /// Where each family stands, by name: an exposition can have thousands.
    by_name: HashMap<String, usize>,
    /// How many samples there are so far.
    samples: usize,
}

impl Parser {
    fn line(&mut self, mut at: Cursor<'_>) -> Result<(), ParseError> {
        at.skip_blanks();
        match at.peek() {
            None => Ok(()),
            Some('#') => self.comment(at),
            Some(_) => self.sample(at),
        }
    }

    fn comment(&mut self, mut at: Cursor<'_>) -> Result<(), ParseError> {
        at.eat('#');
        at.skip_blanks();
        let keyword = at.token();
        if !matches!(keyword, "HELP" | "TYPE") {
            return Ok(());
        }
        if at.peek().is_none() {
            return Ok(());
        }
        at.skip_blanks();
        let start = at;
        let name = metric_name(&mut at)?;
        if !matches!(at.peek(), None | Some(' ' | '\t')) {
            return Err(at.expected("a blank after the metric's name"));
        }
        let family = self.family_of(&name, start)?;
        if keyword == "TYPE" {
            // Prometheus takes off one blank, and reads what is left as the kind.
            at.next();
            return kind(family, start, at);
        }
        at.skip_blanks();
        match at.peek() {
            None => Ok(()),
            Some(_) => help(family, start, at),
        }
    }

    fn sample(&mut self, mut at: Cursor<'_>) -> Result<(), ParseError> {
        let line = at.line();
        let mut labels = Labels::default();
        let name = if at.peek() == Some('{') {
            // In quotes among the labels: a name with characters beyond the old set.
            let start = at;
            match label_pairs(&mut at, &mut labels)? {
                Some(name) => name,
                None => return Err(start.error("a metric's name", "labels without one")),
            }
        } else {
            let name = metric_name(&mut at)?;
            at.skip_blanks();
            if at.peek() == Some('{') {
                let start = at;
                if label_pairs(&mut at, &mut labels)?.is_some() {
                    return Err(start.error("one name", "a second one among the labels"));
                }
            }
            name
        };
        at.skip_blanks();
        let value = value(&mut at)?;
        let timestamp = timestamp(&mut at)?;
        self.samples += 1;
        if self.samples > MOST_SERIES {
            return Err(too_many("samples", at));
        }
        let family = self.family_of(&name, at)?;
        bound(family, &name, &labels, at)?;
        family.samples.push(Sample { name, labels, value, timestamp, line });
        Ok(())
    }

    /// The family that a name belongs to, made if need be.
    fn family_of(&mut self, name: &str, at: Cursor<'_>) -> Result<&mut Family, ParseError> {
        let families = &mut self.exposition.families;
        let bases = ["", "_count", "_sum", "_bucket"];
        let known = bases.iter().find_map(|suffix| {
            let index = *self.by_name.get(name.strip_suffix(suffix)?)?;
            families[index].holds(name).then_some(index)
        });
        let index = match known {
            Some(index) => index,
            None if families.len() == MOST_SERIES => return Err(too_many("families", at)),
            None => {
                families.push(Family::named(name));
                self.by_name.insert(name.to_owned(), families.len() - 1);
                families.len() - 1
            }
        };
        Ok(&mut families[index])
    }
}

fn too_many(what: &str, at: Cursor<'_>) -> ParseError {
    at.error(format!("at most {MOST_SERIES} {what} in one exposition"), "one more")
}

fn help(family: &mut Family, start: Cursor<'_>, at: Cursor<'_>) -> Result<(), ParseError> {
    if let Some(first) = family.help_line {
        let found = format!("a second one (the first is on line {first})");
        return Err(start.error(format!("one HELP for {}", family.name), found));
    }
    family.help = Some(unescape_help(at)?);
    family.help_line = Some(at.line());
    Ok(())
}

fn kind(family: &mut Family, start: Cursor<'_>, at: Cursor<'_>) -> Result<(), ParseError> {
    if let Some(first) = family.type_line {
        let found = format!("a second one (the first is on line {first})");
        return Err(start.error(format!("one TYPE for {}", family.name), found));
    }
    if let Some(sample) = family.samples.first() {
        let found = format!("TYPE below the sample on line {}", sample.line);
        return Err(start.error(format!("the TYPE of {} above its samples", family.name), found));
    }
    let expected = "counter, gauge, histogram, summary or untyped";
    family.kind = Kind::from_name(at.rest()).ok_or_else(|| match at.rest() {
        "" => at.expected(expected),
        other => at.error(expected, format!("{other:?}")),
    })?;
    family.type_line = Some(at.line());
    Ok(())
}

fn unescape_help(mut at: Cursor<'_>) -> Result<String, ParseError> {
    let mut text = String::new();
    while let Some(character) = at.peek() {
        let escape = at;
        at.next();
        text.push(match character {
            '\\' => match at.next() {
                Some('\\') => '\\',
                Some('n') => '\n',
                _ => return Err(escape.error(r"\\ or \n after a backslash", "another escape")),
            },
            _ => character,
        });
    }
    Ok(text)
}

fn value(at: &mut Cursor<'_>) -> Result<f64, ParseError> {
    let start = *at;
    let token = at.token();
    if token.is_empty() {
        return Err(start.expected("a value"));
    }
    float(token).ok_or_else(|| match start.is_behind_blank() {
        true => start.error("a number", format!("{token:?}")),
        false => start.error("a blank behind a name, or '{'", format!("{token:?}")),
    })
}

/// A number as Go reads it: `NaN` has no sign, and a number too large is not an infinity.
fn float(token: &str) -> Option<f64> {
    let value: f64 = token.parse().ok()?;
    let word = token.trim_start_matches(['+', '-']);
    let good = match word.starts_with(|first: char| first.is_ascii_alphabetic()) {
        true => !value.is_nan() || word.len() == token.len(),
        false => value.is_finite(),
    };
    good.then_some(value)
}

fn timestamp(at: &mut Cursor<'_>) -> Result<Option<i64>, ParseError> {
    if at.peek().is_none() {
        return Ok(None);
    }
    at.skip_blanks();
    let start = *at;
    let token = at.token();
    let digits = token.bytes().all(|byte| byte.is_ascii_digit());
    let timestamp = token.parse().ok().filter(|_| digits);
    let timestamp = timestamp.ok_or_else(|| match token {
        "" => start.error("the end of the line right after the value", "blanks before it"),
        _ => start.error("the end of the line, or a time in milliseconds", format!("{token:?}")),
    })?;
    match at.peek() {
        None => Ok(Some(timestamp)),
        Some(_) => Err(at.expected("the end of the line after the time")),
    }
}

/// A bucket's bound and a quantile are numbers.
fn bound(family: &Family, name: &str, labels: &Labels, at: Cursor<'_>) -> Result<(), ParseError> {
    let label = match family.kind {
        Kind::Histogram if name.ends_with("_bucket") => "le",
        Kind::Summary if name == family.name => "quantile",
        _ => return Ok(()),
    };
    match labels.get(label) {
        Some(text) if float(text).is_none() => {
            Err(at.error(format!("a number as {label}"), format!("{text:?}")))
        }
        _ => Ok(()),
    }
}
