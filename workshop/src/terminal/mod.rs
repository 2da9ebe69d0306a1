//! What is written to a terminal: how it looks, how wide it may be, and commands as one types them.

#[macro_use]
pub(crate) mod output;
pub(crate) mod live;
pub(crate) mod number;
pub(crate) mod shell;
pub(crate) mod style;
pub(crate) mod text;

use std::io::IsTerminal;

/// Columns and lines where there is no terminal that tells.
const USUAL: (usize, usize) = (80, 24);
/// What is narrower is written to as if it had this many columns, and breaks the lines itself.
const NARROWEST: usize = 40;
/// Prose is not made wider than this: long lines are hard to read.
const WIDEST: usize = 80;

/// Columns and lines of the terminal that is written to.
pub(crate) fn size() -> (usize, usize) {
    let size = std::io::stdout().is_terminal().then(crossterm::terminal::size);
    match size {
        Some(Ok((columns, lines))) if columns > 0 && lines > 0 => (columns.into(), lines.into()),
        _ => USUAL,
    }
}

/// The column at which text is wrapped.
pub(crate) fn width() -> usize {
    size().0.clamp(NARROWEST, WIDEST)
}

/// A text for people, broken at blanks so that it fits the terminal. A pipe gets it whole.
pub(crate) fn flow(text: &str) -> String {
    match std::io::stdout().is_terminal() {
        true => text::reflow(text, width()),
        false => text.to_owned(),
    }
}

/// Paragraphs for people, indented, and broken so that they fit the terminal. A pipe gets them as
/// they were written.
pub(crate) fn prose(text: &str, margin: usize) -> String {
    let broken = match std::io::stdout().is_terminal() {
        true => text::reflow_prose(text, width() - margin),
        false => text.to_owned(),
    };
    style::indent(&broken, margin)
}
