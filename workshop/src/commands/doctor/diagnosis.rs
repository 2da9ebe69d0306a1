//! One thing that was looked at, what was found, and how to mend it.

use crate::terminal::style::{BAD, FRAME, GOOD, WARN, fill, paint};

/// How much a diagnosis matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// All is well.
    Good,
    /// Good to know, and nothing to mend.
    Note,
    /// Something later will not work.
    Warning,
    /// Section 1 cannot run.
    Bad,
}

/// One line on the screen, and its fix under it.
#[derive(Debug)]
pub(crate) struct Diagnosis {
    pub(crate) level: Level,
    subject: String,
    found: String,
    fix: Option<String>,
}

/// The column at which what was found begins.
const COLUMN: usize = 19;

/// Readable on a terminal of 80 columns.
const WIDTH: usize = 80;

impl Diagnosis {
    pub(crate) fn good(subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self { level: Level::Good, subject: subject.into(), found: found.into(), fix: None }
    }

    pub(crate) fn note(subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self { level: Level::Note, ..Self::good(subject, found) }
    }

    pub(crate) fn warning(subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self { level: Level::Warning, ..Self::good(subject, found) }
    }

    pub(crate) fn bad(subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self { level: Level::Bad, ..Self::good(subject, found) }
    }

    pub(crate) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

impl std::fmt::Display for Diagnosis {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (style, mark) = match self.level {
            Level::Good => (GOOD, "[ok]"),
            Level::Note => (FRAME, "[--]"),
            Level::Warning => (WARN, "[!!]"),
            Level::Bad => (BAD, "[XX]"),
        };
        let found = wrap(&self.found);
        write!(out, "{} {:<13} {found}", paint(style, mark), self.subject)?;
        if let Some(fix) = &self.fix {
            write!(out, "\n{:COLUMN$}{}", "", wrap(&format!("fix: {fix}")))?;
        }
        Ok(())
    }
}

/// Breaks a text between words. Commands in backquotes stay in one piece, so that they can be
/// copied.
fn wrap(text: &str) -> String {
    fill(pieces(text), WIDTH - COLUMN).join(&format!("\n{:COLUMN$}", ""))
}

/// Words, and commands in backquotes with all their words.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut inside = false;
    for word in text.split_whitespace() {
        match pieces.last_mut() {
            Some(piece) if inside => {
                piece.push(' ');
                piece.push_str(word);
            }
            _ => pieces.push(word.to_owned()),
        }
        if word.matches('`').count() % 2 == 1 {
            inside = !inside;
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_never_in_a_command() {
        let command = "`a command with a good many words in it, sixty columns long`";
        let diagnosis = Diagnosis::bad("port 8001", "held by a program with a name that goes on")
            .fix(format!("stop it, or if you cannot do that, type {command}."));
        let text = anstream::adapter::strip_str(&diagnosis.to_string()).to_string();
        assert!(text.contains(&format!("\n{:COLUMN$}{command}.", "")), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
    }
}
