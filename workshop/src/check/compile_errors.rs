//! What a compile error is about: which step it belongs to, which lines of the finished program
//! stand in its place, and what is asked and pointed at by its code.

use std::sync::OnceLock;

use anyhow::bail;
use serde::Deserialize;
use similar::{DiffOp, TextDiff};

use crate::course::{Section, Step};
use crate::learner::{embedded, starter};
use crate::process::CompileError;

const EMBEDDED: &str = include_str!("../../compile-errors.toml");
/// Lines of the finished program that are shown.
const MOST: usize = 6;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    error: Vec<Text>,
}

/// What is said of a kind of error.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Text {
    code: String,
    says: Option<String>,
    pub(crate) question: String,
    pub(crate) pointer: String,
}

/// Said of a code that the file does not have.
const QUESTION: &str = "What does the first error say, and which line does it point at?";
const POINTER: &str = "Those below the first error often go away with it. A code in brackets has a \
    page: rustc --explain";

/// What is said of an error.
pub(crate) fn text(error: &CompileError) -> anyhow::Result<&'static Text> {
    let fits = |text: &&Text| {
        let says = text.says.as_ref();
        let said = [&error.message, &error.label, &error.help];
        let has = |says: &String| said.iter().any(|said| said.contains(says.as_str()));
        text.code == error.code && says.is_none_or(has)
    };
    let unknown = || {
        static UNKNOWN: OnceLock<Text> = OnceLock::new();
        UNKNOWN.get_or_init(|| Text {
            code: String::new(),
            says: None,
            question: QUESTION.to_owned(),
            pointer: POINTER.to_owned(),
        })
    };
    Ok(all()?.iter().find(fits).unwrap_or_else(unknown))
}

fn all() -> anyhow::Result<&'static [Text]> {
    static TEXTS: OnceLock<Result<Vec<Text>, String>> = OnceLock::new();
    let read = || {
        let file = toml::from_str::<File>(EMBEDDED);
        file.map(|file| file.error).map_err(|error| error.to_string())
    };
    match TEXTS.get_or_init(read) {
        Ok(texts) => Ok(texts),
        Err(error) => bail!("compile-errors.toml: {error}"),
    }
}

/// The lines of the finished program that stand where the error is, or that its message speaks of.
pub(crate) fn instead(section: &Section, source: &str, error: &CompileError) -> Vec<String> {
    let Some(solution) = section.files.first().and_then(|file| starter::solution(file).ok()) else {
        return Vec::new();
    };
    let (yours, finished) = (starter::body(source), starter::body(&solution));
    let above = source.lines().count() - yours.lines().count();
    let at = error.line.saturating_sub(above + 1);
    let diff = TextDiff::from_lines(yours, finished);
    let mut best: Option<(usize, Vec<String>)> = None;
    for op in diff.ops().iter().filter(|op| !matches!(op, DiffOp::Equal { .. })) {
        let lines: Vec<String> = diff
            .iter_changes(op)
            .filter(|change| change.tag() == similar::ChangeTag::Insert)
            .map(|change| change.value().trim_end().to_owned())
            .filter(|line| !line.trim().is_empty())
            .collect();
        if lines.is_empty() {
            continue;
        }
        let old = op.old_range();
        let apart = match () {
            () if old.contains(&at) => 0,
            () if at < old.start => old.start - at,
            () => at + 1 - old.end,
        };
        // What the message names in backticks tells more than the distance.
        let named = names(&error.message).any(|name| lines.iter().any(|line| has(line, name)));
        let rank = if named { apart } else { apart * 2 + 6 };
        if best.as_ref().is_none_or(|(other, _)| rank < *other) {
            best = Some((rank, lines));
        }
    }
    let mut lines = best.map(|(_, lines)| lines).unwrap_or_default();
    lines.truncate(MOST);
    lines
}

/// What stands in backticks.
fn names(message: &str) -> impl Iterator<Item = &str> {
    message.split('`').skip(1).step_by(2).filter(|name| name.len() > 2)
}

fn has(line: &str, name: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name)
}

/// The step that an error belongs to: the first at whose end the finished program has these lines.
pub(crate) fn step<'a>(
    section: &'a Section,
    instead: &[String],
    error: &CompileError,
) -> Option<(usize, &'a Step)> {
    let lines = instead.iter().map(|line| line.trim()).chain([error.text.as_str()]);
    lines.filter(|line| line.len() > 3).find_map(|line| {
        section.steps.iter().enumerate().find_map(|(index, step)| {
            let end = step.end.as_deref()?;
            let text = embedded::text(end).ok()?;
            let there = text.lines().any(|other| other.trim() == line);
            there.then_some((index + 1, step))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fit_on_a_screen_and_each_is_reached() {
        let texts = all().unwrap();
        for text in texts {
            for words in [&text.question, &text.pointer] {
                assert!(words.lines().all(|line| line.chars().count() <= 78), "{words}");
            }
            let message = text.says.clone().unwrap_or_default();
            let error =
                CompileError { code: text.code.clone(), message, ..CompileError::default() };
            let found = super::text(&error).unwrap();
            assert_eq!(found.question, text.question, "{}", text.code);
        }
    }
}
