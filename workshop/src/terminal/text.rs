//! Text that has to fit: its width in columns, and where it may break. And text from elsewhere,
//! which must not play with the terminal.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many columns a text takes; its colours take none.
pub(crate) fn columns(text: &str) -> usize {
    match text.contains('\x1b') {
        true => anstream::adapter::strip_str(text).to_string().width(),
        false => text.width(),
    }
}

/// Text of a program or a server, on one line: what would move the cursor, colour, or turn the
/// direction of reading is shown as an escape.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let shown = text.chars().map(|char| match acts(char) {
        true => char.escape_default().to_string(),
        false => char.to_string(),
    });
    Cow::Owned(shown.collect())
}

/// Not to be seen, but to do something: controls, line separators, and marks of direction.
fn acts(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(char, '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Fills lines with pieces of text, a blank between them. A piece that is too long stays whole.
pub(crate) fn fill(pieces: impl IntoIterator<Item = impl AsRef<str>>, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces {
        let piece = piece.as_ref();
        match lines.last_mut() {
            Some(last) if columns(last) + 1 + columns(piece) <= width => {
                last.push(' ');
                last.push_str(piece);
            }
            _ => lines.push(piece.to_owned()),
        }
    }
    lines
}

/// Breaks a text at blanks. A word that is too long stays whole: it may be a series to copy.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    fill(text.split_whitespace(), width)
}

/// Breaks the lines that are too long, at blanks; each keeps its margin.
pub(crate) fn reflow(text: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.split('\n') {
        if columns(line) <= width {
            lines.push(line.to_owned());
            continue;
        }
        let margin = " ".repeat(line.len() - line.trim_start().len());
        // Blanks between two columns stay.
        let words = line.trim_start().split(' ');
        let broken = fill(words, width.saturating_sub(margin.len()));
        lines.extend(broken.iter().map(|line| format!("{margin}{line}")));
    }
    lines.join("\n")
}

/// Breaks a text that was written for wider terminals, paragraph by paragraph. Indented lines are
/// code and stay as they are.
pub(crate) fn reflow_prose(text: &str, width: usize) -> String {
    if text.lines().all(|line| columns(line) <= width) {
        return text.to_owned();
    }
    let is_prose = |line: &str| !line.is_empty() && !line.starts_with(' ');
    let mut lines: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        match lines.last_mut() {
            Some(last) if goes_on && is_prose(line) => *last += &format!(" {line}"),
            _ => lines.push(line.to_owned()),
        }
        goes_on = is_prose(line);
    }
    let broken = lines.iter().map(|line| match is_prose(line) {
        true => reflow(line, width),
        false => line.clone(),
    });
    broken.collect::<Vec<_>>().join("\n")
}

/// Breaks a series behind its commas, and where that is not enough anywhere.
pub(crate) fn chop_series(series: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for label in series.split_inclusive(',') {
        match lines.last_mut() {
            Some(last) if columns(last) + columns(label) <= width => last.push_str(label),
            _ => lines.extend(chop(label, width)),
        }
    }
    lines
}

/// Breaks a text anywhere, so that no part of it is wider.
pub(crate) fn chop(text: &str, width: usize) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut used = 0;
    for char in text.chars() {
        let wide = char.width().unwrap_or(0);
        if used + wide > width && used > 0 {
            parts.push(String::new());
            used = 0;
        }
        used += wide;
        if let Some(last) = parts.last_mut() {
            last.push(char);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_at_blanks_and_keeps_long_words() {
        assert_eq!(wrap("a bc def", 4), ["a bc", "def"]);
        assert_eq!(wrap("x much_too_long y", 5), ["x", "much_too_long", "y"]);
        assert!(wrap("", 5).is_empty());
    }

    #[test]
    fn margins_stay_where_a_text_is_broken_again() {
        assert_eq!(
            reflow("one two three\n  four five six\nend", 9),
            "one two\nthree\n  four\n  five\n  six\nend"
        );
    }

    #[test]
    fn paragraphs_are_broken_again_and_code_is_not() {
        let text = "One two\nthree four.\n\n    let code = as_it_is;\nfive\n";
        assert_eq!(reflow_prose(text, 30), text);
        assert_eq!(
            reflow_prose(text, 12),
            "One two\nthree four.\n\n    let code = as_it_is;\nfive"
        );
        assert_eq!(reflow_prose("a b c\nd e f", 4), "a b\nc d\ne f");
    }

    #[test]
    fn a_series_is_broken_between_its_labels() {
        assert_eq!(chop_series("a{b=\"1\",c=\"2\"}", 9), ["a{b=\"1\",", "c=\"2\"}"]);
        assert_eq!(chop_series("a{b=\"1\",c=\"2\"}", 6), ["a{b=\"1", "\",", "c=\"2\"}"]);
    }

    #[test]
    fn wide_letters_take_two_columns() {
        assert_eq!(columns("樹木"), 4);
        assert_eq!(chop("樹木ab", 3), ["樹", "木a", "b"]);
    }

    #[test]
    fn what_would_act_on_the_terminal_is_shown() {
        assert_eq!(printable("a\u{1b}[2Jb\r\u{202e}c\u{9b}"), "a\\u{1b}[2Jb\\r\\u{202e}c\\u{9b}");
        assert!(matches!(printable("größer ≤ 樹"), Cow::Borrowed(_)));
    }
}
