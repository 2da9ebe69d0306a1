//! Why a text is not an exposition, and where.

use std::fmt;

/// What the parser stopped at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// The column, in characters, from 1.
    pub column: usize,
    /// What should have stood there, as the end of "expected …".
    pub expected: String,
    /// What stood there; its words are the end of "found …".
    pub found: Found,
    /// The offending line.
    pub text: String,
}

/// What the parser found where something else should stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The text ends there, without a line feed.
    EndOfText,
    /// The line ends there.
    EndOfLine,
    /// A carriage return, as in the line ends of Windows.
    CarriageReturn,
    /// Anything else, in words.
    Other(String),
}

/// The longest excerpt of a line that an error shows, in characters.
const WIDTH: usize = 70;

impl ParseError {
    /// The offending line and a caret under the column, cut to fit a terminal.
    pub fn excerpt(&self) -> String {
        let caret = self.column - 1;
        let start = if caret < WIDTH { 0 } else { caret - WIDTH / 2 };
        let mut characters = self.text.chars().skip(start);
        let shown: String = characters.by_ref().take(WIDTH).map(printable).collect();
        let before = if start > 0 { "…" } else { "" };
        let after = if characters.next().is_some() { "…" } else { "" };
        let margin = " ".repeat(caret - start + before.chars().count());
        format!("{before}{shown}{after}\n{margin}^")
    }
}

/// Control characters would move the caret, or the terminal.
fn printable(character: char) -> char {
    match character {
        '\r' => '␍',
        '\t' => ' ',
        _ if character.is_control() => '␀',
        _ => character,
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EndOfText => "the end of the text",
            Self::EndOfLine => "the end of the line",
            Self::CarriageReturn => "a carriage return (\\r)",
            Self::Other(words) => words,
        })
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, expected, found, .. } = self;
        write!(f, "line {line}, column {column}: expected {expected}, found {found}")
    }
}

impl std::error::Error for ParseError {}
