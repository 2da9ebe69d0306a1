//! A place in one line of the text.

use crate::exposition::error::{Found, ParseError};

/// The most characters of a name or a value in a complaint.
const LONGEST: usize = 200;

/// What is left to read of a line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    line: usize,
    text: &'a str,
    at: usize,
    /// Whether a line feed ended the line.
    ended: bool,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(line: usize, text: &'a str, ended: bool) -> Self {
        Self { line, text, at: 0, ended }
    }

    pub(crate) fn line(&self) -> usize {
        self.line
    }

    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(crate) fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    /// Steps over a character if it comes next.
    pub(crate) fn eat(&mut self, character: char) -> bool {
        let found = self.peek() == Some(character);
        if found {
            self.at += character.len_utf8();
        }
        found
    }

    pub(crate) fn take_while(&mut self, accepted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|character| !accepted(character)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// Whether a blank, or the end of labels, stands before what comes next.
    pub(crate) fn is_behind_blank(&self) -> bool {
        self.text[..self.at].ends_with([' ', '\t', '}'])
    }

    pub(crate) fn skip_blanks(&mut self) {
        self.take_while(is_blank);
    }

    /// What stands between here and the next blank.
    pub(crate) fn token(&mut self) -> &'a str {
        self.take_while(|character| !is_blank(character))
    }

    /// The complaint that something else should stand here.
    pub(crate) fn expected(&self, expected: impl Into<String>) -> ParseError {
        let found = match self.peek() {
            None if self.ended => Found::EndOfLine,
            None => Found::EndOfText,
            Some('\r') => Found::CarriageReturn,
            Some('\'') => Found::Other("\"'\"".to_owned()),
            Some(character) => Found::Other(format!("{character:?}")),
        };
        self.complaint(expected.into(), found)
    }

    /// The complaint that `found`, which starts here, is not what should stand here.
    pub(crate) fn error(
        &self,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> ParseError {
        self.complaint(expected.into(), Found::Other(shortened(found.into())))
    }

    fn complaint(&self, expected: String, found: Found) -> ParseError {
        ParseError {
            line: self.line,
            column: self.text[..self.at].chars().count() + 1,
            expected: shortened(expected),
            found,
            text: self.text.to_owned(),
        }
    }
}

/// A name or a value may be as long as the whole text, and nobody reads that.
fn shortened(mut words: String) -> String {
    if let Some((end, _)) = words.char_indices().nth(LONGEST) {
        words.truncate(end);
        words.push('…');
    }
    words
}

pub(crate) fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}
