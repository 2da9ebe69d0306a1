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
    /// What stood there, as the end of "found …".
    pub found: String,
    /// The offending line.
    pub text: String,
}

/// The longest excerpt of a line that an error shows, in characters.
const WIDTH: usize = 72;

impl ParseError {
    /// The offending line and a caret under the column, cut to fit a terminal.
    pub fn excerpt(&self) -> String {
        let characters: Vec<char> = self.text.chars().map(printable).collect();
        let caret = self.column - 1;
        let start = if caret < WIDTH { 0 } else { caret - WIDTH / 2 };
        let shown: String = characters.iter().skip(start).take(WIDTH).collect();
        let before = if start > 0 { "…" } else { "" };
        let after = if start + WIDTH < characters.len() { "…" } else { "" };
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

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, expected, found, .. } = self;
        write!(f, "line {line}, column {column}: expected {expected}, found {found}")
    }
}

impl std::error::Error for ParseError {}
