//! One thing that was looked at, what was found, and how to fix it.

use crate::terminal::shell::Shell;
use crate::terminal::style::{BAD, FRAME, GOOD, WARN, paint};
use crate::terminal::text::{fill, printable};

/// How much a diagnosis matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// All is well.
    Good,
    /// Good to know, and nothing to fix.
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
/// That column on a narrow terminal, where it begins below the subject.
const NARROW_COLUMN: usize = 5;
/// What is narrower has no room beside the subject.
const ROOMY: usize = 60;

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

impl Diagnosis {
    /// The lines for a terminal of this width.
    pub(crate) fn lines(&self, width: usize) -> String {
        let (style, mark) = match self.level {
            Level::Good => (GOOD, "[ok]"),
            Level::Note => (FRAME, "[--]"),
            Level::Warning => (WARN, "[!!]"),
            Level::Bad => (BAD, "[XX]"),
        };
        let (column, gap) = match width {
            ROOMY.. => (COLUMN, format!("{:<13} ", self.subject)),
            _ => (NARROW_COLUMN, format!("{}\n{:NARROW_COLUMN$}", self.subject, "")),
        };
        let wrap = |text: &str| {
            // Commands in backquotes stay in one piece, so that they can be copied.
            let pieces = pieces(text);
            let shown = pieces.iter().map(|piece| printable(piece));
            fill(shown, width - column).join(&format!("\n{:column$}", ""))
        };
        let mut lines = format!("{} {gap}{}", paint(style, mark), wrap(&self.found));
        if let Some(fix) = &self.fix {
            let fix = wrap(&format!("fix: {}", Shell::HERE.command(fix)));
            lines += &format!("\n{:column$}{fix}", "");
        }
        lines
    }
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

    fn shown(diagnosis: &Diagnosis, width: usize) -> String {
        anstream::adapter::strip_str(&diagnosis.lines(width)).to_string()
    }

    #[test]
    fn lines_break_between_words_and_never_in_a_command() {
        let command = "`a command with a good many words in it, sixty columns long`";
        let diagnosis = Diagnosis::bad("port 8001", "held by a program with a name that goes on")
            .fix(format!("stop it, or if you cannot do that, type {command}."));
        let text = shown(&diagnosis, 80);
        assert!(text.contains(&format!("\n{:COLUMN$}{command}.", "")), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn a_narrow_terminal_has_the_subject_on_a_line_of_its_own() {
        let diagnosis = Diagnosis::bad("port 8001", "held by a program with a name that goes on");
        assert_eq!(
            shown(&diagnosis, 40),
            "[XX] port 8001\n     held by a program with a name that\n     goes on"
        );
    }
}
