//! Small assertions on what was seen. Each gives what the next one needs, or the trouble.

use std::collections::HashMap;

use crate::check::program::run::{Answers, Run, Scrape};
use crate::check::verdict::{Finding, Judgement, Quote};
use crate::exposition::{Exposition, Labels};

/// A series that changed between two scrapes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change {
    /// The series' labels.
    pub labels: Labels,
    /// The value before; `None` when the series was not there.
    pub before: Option<f64>,
    /// The value after.
    pub after: f64,
    /// Where the line after is.
    pub line: usize,
}

impl Change {
    /// By how much it rose, counting from 0 when it was not there.
    pub(crate) fn by(&self) -> f64 {
        self.after - self.before.unwrap_or(0.0)
    }
}

/// The exposition of a scrape that was made. Earlier checks tell why there is none.
pub(crate) fn exposition(scrape: Option<&Scrape>) -> Judgement<&Exposition> {
    match scrape.and_then(|scrape| scrape.exposition.as_ref()) {
        Some(Ok(exposition)) => Ok(exposition),
        Some(Err(error)) => Finding::new("an exposition", error.to_string()).fail(),
        None => {
            let found = match scrape.map(|scrape| &scrape.answer) {
                Some(Ok(timed)) => format!("an answer with status {}", timed.answer.status),
                Some(Err(error)) => error.to_string(),
                None => "none, since the answer before it was missing".to_owned(),
            };
            Finding::new("an answer from /metrics", found).fail()
        }
    }
}

/// The answers to visits that were made.
pub(crate) fn answers(answers: Option<&Answers>) -> Judgement<&Answers> {
    match answers {
        Some(answers) => Ok(answers),
        None => Finding::new("answers", "none, since the answer before them was missing").fail(),
    }
}

/// What can not be told of a program that others may visit as well.
pub(crate) fn others_visit(finding: Finding) -> Judgement {
    finding
        .because("Somebody else may be visiting as well. Without --attach, the check is alone.")
        .could_not_tell()
}

/// The series of a name that changed from one exposition to another.
pub(crate) fn changes(before: &Exposition, after: &Exposition, name: &str) -> Vec<Change> {
    // An index: there may be very many.
    let mut values = HashMap::new();
    for sample in before.samples(name) {
        values.entry(sample.series()).or_insert(sample.value);
    }
    after
        .samples(name)
        .map(|sample| Change {
            labels: sample.labels.clone(),
            before: values.get(&sample.series()).copied(),
            after: sample.value,
            line: sample.line,
        })
        .filter(|change| change.by() != 0.0)
        .collect()
}

/// A line of an exposition, to show.
pub(crate) fn quote(exposition: &Exposition, line: usize) -> Option<Quote> {
    let text = exposition.line(line)?.to_owned();
    Some(Quote { of: "/metrics".to_owned(), line, text })
}

/// The first line of an exposition that mentions a name.
pub(crate) fn quote_of(exposition: &Exposition, name: &str) -> Option<Quote> {
    let family = exposition.family(name)?;
    let line = family.samples.first().map(|sample| sample.line);
    quote(exposition, family.type_line.or(line)?)
}

/// The last exposition of a run: what is ever visible is visible there.
pub(crate) fn last(run: &Run) -> Option<&Exposition> {
    [&run.end, &run.scraped, &run.after, &run.before]
        .into_iter()
        .flatten()
        .find_map(|scrape| scrape.exposition.as_ref()?.as_ref().ok())
}

/// Words for a list: `a`, `a and b`, `a, b and c`.
pub(crate) fn list<T: AsRef<str>>(words: &[T]) -> String {
    match words {
        [] => "none".to_owned(),
        [one] => one.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Exposition {
        crate::exposition::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn tells_what_changed() {
        let before = parsed("a{x=\"1\"} 1\na{x=\"2\",y=\"0\"} 5\n");
        let after = parsed("a{y=\"0\",x=\"2\"} 6\na{x=\"1\"} 1\na{x=\"3\"} 2\nb 1\n");
        let changes = changes(&before, &after, "a");
        let told: Vec<_> =
            changes.iter().map(|c| (c.labels.to_string(), c.before, c.by())).collect();
        assert_eq!(
            told,
            [("{y=\"0\",x=\"2\"}".to_owned(), Some(5.0), 1.0), ("{x=\"3\"}".to_owned(), None, 2.0)]
        );
    }

    #[test]
    fn lists_words() {
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(list::<&str>(&[]), "none");
    }
}
