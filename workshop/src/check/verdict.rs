//! What a check can say: pass, fail with what was expected and found, or could not tell.

use std::process::ExitCode;

use serde::{Deserialize, Serialize};

/// The answers of a check. All checks of a section together have one of the outer three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// What was expected is there.
    Pass,
    /// It was not looked at, and nobody misses it: a question of the bonus, or a panel without
    /// Grafana.
    LeftOut,
    /// Whether it is there could not be found out, for a reason outside the learner's program.
    CouldNotTell,
    /// What was expected is not there.
    Fail,
}

impl Verdict {
    /// The verdict of several: the worst of them. What was left out is no reason for less than a
    /// pass.
    pub fn of(verdicts: impl IntoIterator<Item = Verdict>) -> Self {
        let worst = verdicts.into_iter().max();
        worst.filter(|verdict| *verdict != Verdict::LeftOut).unwrap_or(Verdict::Pass)
    }

    /// What the command ends with.
    pub fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Verdict::Pass | Verdict::LeftOut => 0,
            Verdict::Fail => 1,
            Verdict::CouldNotTell => 2,
        })
    }
}

/// What was looked for, or the trouble: of a whole check, nothing to report or trouble.
pub type Judgement<T = ()> = Result<T, Box<Trouble>>;

/// Why a check did not pass.
#[derive(Debug, Clone)]
pub struct Trouble {
    /// Any but [`Verdict::Pass`].
    pub verdict: Verdict,
    /// What is shown to the learner.
    pub finding: Finding,
}

/// What a learner is shown: what should be, what is, where, and why most likely.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Finding {
    /// What should have been found.
    pub expected: String,
    /// What was found instead. Empty when the program's own words say it all.
    pub found: String,
    /// The place in what was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
    /// The place in the learner's own file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Quote>,
    /// The likeliest cause, as advice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The last lines that the program wrote, when they matter.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub last_words: Vec<String>,
    /// The first two hints for this mistake, where those of its check are about another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hints: Option<[String; 2]>,
    /// Commands that show the same, to paste.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
}

/// Lines of the exposition, or of the learner's file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Quote {
    /// Where the lines are from: `/metrics`, or a file.
    pub of: String,
    /// The number of the first line, from 1.
    pub line: usize,
    /// The lines. A caret under a column is a line of its own.
    pub text: String,
}

impl Finding {
    /// What was expected, and what was found.
    pub fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { expected: expected.into(), found: found.into(), ..Self::default() }
    }

    /// Adds the likeliest cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds the lines that show it.
    #[must_use]
    pub fn quoting(mut self, quote: impl Into<Option<Quote>>) -> Self {
        self.quote = quote.into();
        self
    }

    /// Adds the line of the learner's file that most likely causes it.
    #[must_use]
    pub fn showing(mut self, source: Option<Quote>) -> Self {
        self.source = source;
        self
    }

    /// Adds the program's last words.
    #[must_use]
    pub fn with_last_words(mut self, words: Vec<String>) -> Self {
        self.last_words = words;
        self
    }

    /// Adds a command that shows the same, unless it is empty.
    #[must_use]
    pub fn try_with(mut self, command: impl Into<String>) -> Self {
        self.commands.extend(Some(command.into()).filter(|command| !command.is_empty()));
        self
    }

    /// The judgement that what was expected is not there.
    pub fn fail<T>(self) -> Judgement<T> {
        Err(Box::new(Trouble { verdict: Verdict::Fail, finding: self }))
    }

    /// The judgement that nothing was looked at, which is no fault of anybody.
    pub fn left_out<T>(self) -> Judgement<T> {
        Err(Box::new(Trouble { verdict: Verdict::LeftOut, finding: self }))
    }

    /// The judgement that this could not be found out.
    pub fn could_not_tell<T>(self) -> Judgement<T> {
        Err(Box::new(Trouble { verdict: Verdict::CouldNotTell, finding: self }))
    }
}

/// What came of one check.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// The check's slug.
    pub check: String,
    /// The check's title.
    pub title: String,
    /// The answer; `None` when an earlier failure left it open.
    pub verdict: Option<Verdict>,
    /// What was found, unless it passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding: Option<Finding>,
}

impl Outcome {
    /// The outcome of a judgement.
    pub fn new(check: &str, title: &str, judgement: Judgement) -> Self {
        let (verdict, finding) = match judgement {
            Ok(()) => (Verdict::Pass, None),
            Err(trouble) => (trouble.verdict, Some(trouble.finding)),
        };
        Self { check: check.into(), title: title.into(), verdict: Some(verdict), finding }
    }

    /// A check that was not judged, because an earlier one failed.
    pub fn open(check: &str, title: &str) -> Self {
        Self { check: check.into(), title: title.into(), verdict: None, finding: None }
    }
}
