//! Where the parser stopped in a query.

/// What the parser said, and the query around the place where it stopped.
pub(crate) struct Seen<'a> {
    pub(crate) words: &'a str,
    pub(crate) query: &'a str,
    pub(crate) before: &'a str,
    pub(crate) after: &'a str,
}

impl<'a> Seen<'a> {
    pub(crate) fn new(words: &'a str, query: &'a str, place: Option<(usize, usize)>) -> Self {
        let at = place.map_or(query.len(), |(line, column)| {
            let start: usize = query.split_inclusive('\n').take(line - 1).map(str::len).sum();
            let line = query.get(start..).unwrap_or_default();
            let end = line.char_indices().nth(column - 1).map_or(line.len(), |(at, _)| at);
            start + end
        });
        let (before, after) = query.split_at(at.min(query.len()));
        Self { words, query, before, after }
    }

    pub(crate) fn says(&self, part: &str) -> bool {
        self.words.contains(part)
    }

    /// The word at the place, with what belongs to a number or a duration.
    pub(crate) fn word(&self) -> &'a str {
        let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        &self.after[..self.after.find(|c| !part(c)).unwrap_or(self.after.len())]
    }

    /// The word before the place.
    pub(crate) fn word_before(&self) -> &'a str {
        let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        self.before.trim_end().rsplit(|c| !part(c)).next().unwrap_or_default()
    }

    /// What the parser did not expect, in its quotes.
    pub(crate) fn unexpected(&self, what: &str) -> bool {
        self.words.split_once("unexpected ").is_some_and(|(_, rest)| rest.starts_with(what))
    }
}
