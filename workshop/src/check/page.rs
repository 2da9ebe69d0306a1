//! What a finding says, part by part, on a page of some width.

use std::io::IsTerminal;

use anstyle::Style;

use crate::check::verdict::{Finding, Quote};
use crate::terminal;
use crate::terminal::shell::Shell;
use crate::terminal::style::{BAD, FRAME, TYPE, paint};
use crate::terminal::text::{chop, columns, printable, wrap};

/// Where the parts of a finding start.
const MARGIN: usize = 6;
/// How wide the words before them are.
const LABEL: usize = 10;
/// A line that is quoted takes no more lines than this.
const MOST_PARTS: usize = 3;

/// Lines in the making.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub text: String,
    pub width: usize,
    /// Lines of the exposition stay whole, however long they are.
    whole: bool,
}

impl Page {
    pub(crate) fn new(width: usize) -> Self {
        Self { text: String::new(), width, whole: false }
    }

    /// For standard output. A pipe gets lines of the exposition whole, as they can be looked for.
    pub(crate) fn here() -> Self {
        Self { whole: !std::io::stdout().is_terminal(), ..Self::new(terminal::width()) }
    }

    /// Adds a line, but never a second empty one.
    pub(crate) fn line(&mut self, line: &str) {
        let line = line.trim_end();
        if !line.is_empty() || !self.text.ends_with("\n\n") {
            self.text += line;
            self.text.push('\n');
        }
    }

    /// Adds a text at a margin, broken at blanks. What stands before it is at the first line.
    pub(crate) fn beside(&mut self, before: &str, margin: usize, style: Style, text: &str) {
        for (index, part) in wrap(text, self.width.saturating_sub(margin)).iter().enumerate() {
            let before = if index == 0 { before } else { "" };
            let blank = margin.saturating_sub(columns(before));
            self.line(&format!("{before}{:blank$}{}", "", paint(style, printable(part))));
        }
    }

    /// What was expected, and what was found.
    pub(crate) fn expectation(&mut self, finding: &Finding) {
        for (label, value) in [("expected", &finding.expected), ("found", &finding.found)] {
            let label = format!("{:MARGIN$}{label}", "");
            self.beside(&label, MARGIN + LABEL, Style::new(), value);
        }
    }

    /// The places in what was read, and in the learner's file.
    pub(crate) fn quotes(&mut self, finding: &Finding) {
        for quote in finding.quote.iter().chain(&finding.source) {
            self.quote(quote);
        }
    }

    fn quote(&mut self, quote: &Quote) {
        self.line("");
        self.line(&format!("{:MARGIN$}{}, line {}", "", quote.of, quote.line));
        if quote.of.ends_with(".rs") {
            quote.text.lines().for_each(|line| self.code(line));
            return;
        }
        let mut lines = quote.text.lines().peekable();
        let mut style = Style::new();
        while let Some(line) = lines.next() {
            let is_mark =
                |line: &&str| line.contains('^') && line.trim_matches([' ', '^']).is_empty();
            let mark = lines.next_if(is_mark);
            self.quoted(style, &printable(line), mark);
            style = BAD;
        }
    }

    /// A line of a program, on as many lines as it takes: its end is often what matters.
    fn code(&mut self, line: &str) {
        let margin = &line[..line.len() - line.trim_start().len()];
        let room = self.width.saturating_sub(MARGIN + 6 + margin.len());
        let parts = wrap(line, room);
        let parts = parts.iter().flat_map(|part| chain(part, room));
        for (index, part) in parts.enumerate() {
            let indent = if index == 0 { "" } else { "    " };
            self.barred(Style::new(), &format!("{margin}{indent}{}", printable(part)));
        }
    }

    /// One line, in parts if it is long: those at the mark, if there is one.
    fn quoted(&mut self, style: Style, line: &str, mark: Option<&str>) {
        let room = if self.whole { usize::MAX } else { self.width.saturating_sub(MARGIN + 2) };
        let parts = chop(line, room);
        let Some(mark) = mark else {
            parts.iter().take(MOST_PARTS).for_each(|part| self.barred(style, part));
            if parts.len() > MOST_PARTS {
                self.barred(style, "...");
            }
            return;
        };
        let marks = chop(mark, room);
        let at = marks.iter().position(|part| part.contains('^')).unwrap_or_default();
        if let Some(part) = parts.get(at) {
            self.barred(style, part);
        }
        self.barred(BAD, &marks[at]);
    }

    fn barred(&mut self, style: Style, text: &str) {
        self.line(&format!("{:MARGIN$}{} {}", "", paint(FRAME, "|"), paint(style, text)));
    }

    /// The last lines that the program wrote.
    pub(crate) fn last_words(&mut self, finding: &Finding) {
        if finding.last_words.is_empty() {
            return;
        }
        self.line("");
        self.line(&format!("{:MARGIN$}the program's last words", ""));
        let width = self.width.saturating_sub(MARGIN + 2);
        for words in &finding.last_words {
            match columns(words) <= width {
                true => self.barred(Style::new(), words),
                false => wrap(words, width).iter().for_each(|part| self.barred(Style::new(), part)),
            }
        }
    }

    /// The likeliest cause.
    pub(crate) fn cause(&mut self, finding: &Finding) {
        if let Some(cause) = &finding.cause {
            self.line("");
            self.beside("", MARGIN, Style::new(), cause);
        }
    }

    /// What shows the same, to be typed.
    pub(crate) fn commands(&mut self, finding: &Finding) {
        if finding.commands.is_empty() {
            return;
        }
        self.line("");
        let two = finding.commands.len() > 1 && finding.commands[0].contains("cargo run");
        let places = if two { ", in two terminals" } else { "" };
        self.line(&format!("{:MARGIN$}see it yourself{places}", ""));
        for command in finding.commands.iter().flat_map(|command| command.lines()) {
            let command = Shell::HERE.command(command);
            self.line(&format!("{:MARGIN$}  {}", "", paint(TYPE, command)));
        }
    }
}

/// Code without a blank, broken before a `.` where it is too long.
fn chain(code: &str, room: usize) -> Vec<&str> {
    let (mut parts, mut rest) = (Vec::new(), code);
    while let Some((end, _)) = rest.char_indices().nth(room.max(1)) {
        let end = rest[..end].rfind('.').filter(|dot| *dot > 0).unwrap_or(end);
        parts.push(&rest[..end]);
        rest = &rest[end..];
    }
    parts.push(rest);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(text: &str, width: usize) -> String {
        let mut page = Page::new(width);
        page.quote(&Quote { of: "/metrics".to_owned(), line: 7, text: text.to_owned() });
        anstream::adapter::strip_str(&page.text).to_string()
    }

    #[test]
    fn a_long_line_is_shown_in_parts_and_a_mark_with_its_part() {
        assert_eq!(
            quoted("a_series_with_a_long_name 1", 24),
            "\n      /metrics, line 7\n      | a_series_with_a_\n      | long_name 1\n"
        );
        let marked = format!("{}x{}\n{}^", "a".repeat(20), "b".repeat(900), " ".repeat(20));
        assert_eq!(
            quoted(&marked, 24),
            "\n      /metrics, line 7\n      | aaaaxbbbbbbbbbbb\n      |     ^\n"
        );
        assert_eq!(quoted(&"a".repeat(900), 24).lines().count(), 2 + MOST_PARTS + 1);
    }

    #[test]
    fn what_a_program_exposes_does_not_act_on_the_terminal() {
        assert!(quoted("a{b=\"\u{1b}[2J\"} 1", 80).contains("a{b=\"\\u{1b}[2J\"} 1"));
    }
}
