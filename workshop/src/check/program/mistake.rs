//! A mistake, in the words that a learner is told: its cause, and the hints that lead to it.

use std::borrow::Cow;

use crate::check::program::source::Source;
use crate::check::verdict::{Finding, Quote};
use crate::terminal::text::wrap;

/// The columns of a line of a hint.
const WIDTH: usize = 76;

/// What a sentence and two hints say of it.
#[derive(Debug, Clone)]
pub(crate) struct Mistake {
    cause: Cow<'static, str>,
    /// The question and the pointer. Without them, those of the check fit.
    hints: Option<Hints>,
}

/// A question, and where to look.
pub(crate) type Hints = [&'static str; 2];

impl Mistake {
    /// A mistake that the hints of the check are not about.
    pub(crate) const fn new(cause: &'static str, hints: Hints) -> Self {
        Self { cause: Cow::Borrowed(cause), hints: Some(hints) }
    }

    /// A mistake that the hints of the check are about.
    pub(crate) const fn usual(cause: &'static str) -> Self {
        Self { cause: Cow::Borrowed(cause), hints: None }
    }

    /// The same, whose cause names something of the program.
    pub(crate) fn naming(cause: String, hints: impl Into<Option<Hints>>) -> Self {
        Self { cause: Cow::Owned(cause), hints: hints.into() }
    }

    /// The same with these hints.
    #[must_use]
    pub(crate) fn hinting(self, hints: Hints) -> Self {
        Self { hints: Some(hints), ..self }
    }
}

impl Finding {
    /// Adds the cause and the hints.
    #[must_use]
    pub(crate) fn told(mut self, mistake: Mistake) -> Self {
        self.hints = mistake.hints.map(|hints| hints.map(|hint| wrap(hint, WIDTH).join("\n")));
        self.because(mistake.cause)
    }
}

/// What a line of the learner's file has in it, all of it, and the mistake that it then is.
pub(crate) type Sign = (&'static [&'static str], Mistake);

/// The first mistake that a line of the file gives away, and that line.
pub(crate) fn given_away(source: &Source, signs: &[Sign]) -> Option<(Mistake, Quote)> {
    signs.iter().find_map(|(parts, mistake)| Some((mistake.clone(), source.line_with(parts)?)))
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
