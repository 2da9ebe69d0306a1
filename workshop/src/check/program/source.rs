//! Clues in the learner's own file. They never decide a verdict: what the program does decides.
//! They point at the line that most likely causes it.

use crate::check::verdict::Quote;

/// The learner's file, if it is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source {
    /// How the file is called on the screen.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl Source {
    /// The first line that satisfies a condition, comments aside.
    pub(crate) fn line(&self, holds: impl Fn(&str) -> bool) -> Option<Quote> {
        let found = self.lines().find(|(_, line)| holds(line));
        found.map(|(index, line)| self.quote(index, line))
    }

    /// The first line that contains all of these.
    pub(crate) fn line_with(&self, parts: &[&str]) -> Option<Quote> {
        self.line(|line| parts.iter().all(|part| line.contains(part)))
    }

    /// The second line that contains a text: often the one too many.
    pub(crate) fn second_line_with(&self, part: &str) -> Option<Quote> {
        let (index, line) = self.lines().filter(|(_, line)| line.contains(part)).nth(1)?;
        Some(self.quote(index, line))
    }

    /// The first line above `main` that contains a text: in the handler, as the lessons have it.
    pub(crate) fn above_main(&self, part: &str) -> Option<Quote> {
        let main = self.lines().find(|(_, line)| line.contains("fn main("))?.0;
        let found = self.lines().find(|(index, line)| *index < main && line.contains(part));
        found.map(|(index, line)| self.quote(index, line))
    }

    /// Whether a text occurs outside of comments.
    pub(crate) fn has(&self, part: &str) -> bool {
        self.lines().any(|(_, line)| line.contains(part))
    }

    /// How often a text occurs outside of comments.
    pub(crate) fn count(&self, part: &str) -> usize {
        self.lines().map(|(_, line)| line.matches(part).count()).sum()
    }

    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    fn quote(&self, index: usize, line: &str) -> Quote {
        Quote { of: self.name.clone(), line: index + 1, text: line.trim().to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_lines_and_skips_comments() {
        let text = "// let _ = x.start_timer();\n    let _ = h.start_timer();\n".to_owned();
        let source = Source { name: "src/main.rs".to_owned(), text };
        let quote = source.line_with(&["let _ =", "start_timer"]).unwrap();
        assert_eq!((quote.line, quote.text.as_str()), (2, "let _ = h.start_timer();"));
        assert_eq!(source.count("start_timer"), 1);
        assert!(!source.has("observe"));
    }
}
