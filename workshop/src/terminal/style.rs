//! How text looks: a few colours, the same in every command, and columns.
//!
//! A colour only repeats what words say, and stands on marks of a few letters: on light terminals
//! green has little contrast, yellow and cyan have none.
//!
//! What is printed through `anstream` keeps its colours on a terminal and loses them elsewhere.

use anstyle::{AnsiColor, Style};

use crate::terminal::text::columns;

/// What is well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What is amiss.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
/// What deserves a look, and stops nothing.
pub(crate) const WARN: Style = AnsiColor::Magenta.on_default();
/// What belongs to the frame, not to the picture.
pub(crate) const FRAME: Style = Style::new().dimmed();
/// What can be typed.
pub(crate) const TYPE: Style = Style::new().bold();

/// Text in a style.
#[must_use]
pub(crate) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// A text's lines, each indented.
#[must_use]
pub(crate) fn indent(text: &str, columns: usize) -> String {
    let margin = " ".repeat(columns);
    let lines = text.trim_matches('\n').lines();
    let lines: Vec<String> =
        lines.map(|line| format!("{margin}{line}").trim_end().into()).collect();
    lines.join("\n")
}

/// `1 check`, `2 checks`.
#[must_use]
pub(crate) fn plural(count: usize, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}

/// A line in the making: pieces of text, each in its style.
#[derive(Debug, Clone, Default)]
pub(crate) struct Line(Vec<(Style, String)>);

impl Line {
    pub(crate) fn of(style: Style, text: impl Into<String>) -> Self {
        Self::default().and(style, text)
    }

    #[must_use]
    pub(crate) fn and(mut self, style: Style, text: impl Into<String>) -> Self {
        self.0.push((style, text.into()));
        self
    }

    /// The line in one style, whatever its pieces had.
    #[must_use]
    pub(crate) fn all_in(mut self, style: Style) -> Self {
        self.0.iter_mut().for_each(|piece| piece.0 = style);
        self
    }

    pub(crate) fn columns(&self) -> usize {
        self.0.iter().map(|(_, text)| columns(text)).sum()
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|(style, text)| write!(out, "{style}{text}{style:#}"))
    }
}
