//! A mistake, in the words that a learner is told: its cause, the hints that lead to it, and where
//! it is to be seen.

use std::borrow::Cow;

use crate::check::program::source::Source;
use crate::check::verdict::{Finding, Quote};
use crate::terminal::text::wrap;

/// The columns of a line of a hint.
const WIDTH: usize = 76;

/// What is said of it.
#[derive(Debug, Clone)]
pub(crate) struct Mistake {
    cause: Cow<'static, str>,
    /// The question and the pointer. Without them, those of the check fit.
    hints: Option<Hints>,
    /// The line of the learner's file where it was most likely made.
    pub(crate) line: Option<Quote>,
    /// What shows it, where the check's own commands do not.
    commands: Option<Vec<String>>,
}

/// A question, and where to look.
pub(crate) type Hints = [&'static str; 2];

impl Mistake {
    /// A mistake that the hints of the check are not about.
    pub(crate) const fn new(cause: &'static str, hints: Hints) -> Self {
        Self { cause: Cow::Borrowed(cause), hints: Some(hints), line: None, commands: None }
    }

    /// A mistake that the hints of the check are about.
    pub(crate) const fn usual(cause: &'static str) -> Self {
        Self { cause: Cow::Borrowed(cause), hints: None, line: None, commands: None }
    }

    /// One whose cause names something of the program.
    pub(crate) fn naming(cause: String, hints: impl Into<Option<Hints>>) -> Self {
        Self { cause: Cow::Owned(cause), hints: hints.into(), ..Self::usual("") }
    }

    /// The same, most likely made in that line.
    #[must_use]
    pub(crate) fn at(self, line: impl Into<Option<Quote>>) -> Self {
        Self { line: line.into(), ..self }
    }

    /// The same, whose line is this, unless it is known.
    #[must_use]
    pub(crate) fn or_at(self, line: impl FnOnce() -> Option<Quote>) -> Self {
        Self { line: self.line.or_else(line), ..self }
    }

    /// Whether its line has this in it.
    pub(crate) fn is_at(&self, part: &str) -> bool {
        self.line.as_ref().is_some_and(|line| line.text.contains(part))
    }

    /// The same, which other commands show. None, if it does not show by hand.
    #[must_use]
    pub(crate) fn seen_with(self, commands: Vec<String>) -> Self {
        Self { commands: Some(commands), ..self }
    }
}

impl Finding {
    /// Adds what was done wrong.
    #[must_use]
    pub(crate) fn told(mut self, mistake: Mistake) -> Self {
        self.hints = mistake.hints.map(|hints| hints.map(|hint| wrap(hint, WIDTH).join("\n")));
        self.source = mistake.line.or(self.source);
        self.commands = mistake.commands.unwrap_or(self.commands);
        self.because(mistake.cause)
    }
}

/// What a line of the learner's file has in it, all of it, and the mistake that it then is.
pub(crate) type Sign = (&'static [&'static str], Mistake);

/// The first mistake that a line of the file gives away.
pub(crate) fn given_away(source: &Source, signs: &[Sign]) -> Option<Mistake> {
    signs.iter().find_map(|(parts, mistake)| Some(mistake.clone().at(source.line_with(parts)?)))
}

/// Settings that nobody has read.
pub(crate) const MADE_UP: Sign = (
    &["Settings::default()"],
    Mistake::new(
        "`Settings::default()` knows nothing of the environment. Read the settings with \
         `Settings::from_env()?`, and give these to the tree counter.",
        SETTINGS,
    ),
);

/// Of a setting that is another than in the environment.
pub(crate) const SETTINGS: Hints = [
    "Who says how long visits take and how many fail: the variables that the program is started \
     with, or your file?",
    "`Settings::from_env()` in `main` reads these variables, and the tree counter, made with \
     `TreeCounter::new(&settings)`, does as they say. Nothing between these two changes them, and \
     each visit gets its answer from that tree counter.",
];
