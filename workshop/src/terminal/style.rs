//! How text looks: a few colours, the same in every command, and columns.
//!
//! What is printed through `anstream` keeps its colours on a terminal and loses them elsewhere.

use anstyle::{AnsiColor, Style};

/// What is well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What is amiss.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
/// What deserves a look, and stops nothing.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
/// What belongs to the frame, not to the picture.
pub(crate) const FRAME: Style = AnsiColor::Cyan.on_default();
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

/// Fills lines with pieces of text, a blank between them. A piece that is too long stays whole.
pub(crate) fn fill(pieces: impl IntoIterator<Item = impl AsRef<str>>, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces {
        let piece = piece.as_ref();
        match lines.last_mut() {
            Some(last) if last.chars().count() + 1 + piece.chars().count() <= width => {
                last.push(' ');
                last.push_str(piece);
            }
            _ => lines.push(piece.to_owned()),
        }
    }
    lines
}

/// `1 check`, `2 checks`.
#[must_use]
pub(crate) fn plural(count: usize, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}
