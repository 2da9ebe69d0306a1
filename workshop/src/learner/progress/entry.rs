//! What is known of one section, and how it stands in the lines of the progress file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The hints that were given for a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) number: usize,
    /// What they were about. A file of before does not say it: then they count for everything.
    pub(super) topic: Option<String>,
}

/// What is known of one section.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) passed: BTreeSet<String>,
    /// What there was nothing to look at for: it is not done, and nobody misses it.
    pub(super) left_out: BTreeSet<String>,
    /// The check that the last run of this section stopped at.
    pub(super) failed: Option<String>,
    /// How many hints were given, by check.
    pub(super) hints: BTreeMap<String, Given>,
    /// How many runs stopped at a check, by check.
    pub(super) tries: BTreeMap<String, usize>,
    /// It was finished by `goto`, not by the learner.
    pub(super) caught_up: bool,
    /// Lines of a kind that this version does not know.
    unknown: Vec<String>,
}

impl Entry {
    pub(super) fn settled(&self, check: &str) -> bool {
        self.passed.contains(check) || self.left_out.contains(check)
    }

    /// Reads what follows the section's slug on a line.
    pub(super) fn read(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["passed", check] => _ = self.passed.insert(check.to_owned()),
            ["left-out", check] => _ = self.left_out.insert(check.to_owned()),
            ["failed", check] => self.failed = Some(check.to_owned()),
            ["caught-up"] => self.caught_up = true,
            ["hints", check, number, ref topic @ ..] if topic.len() < 2 => match number.parse() {
                Ok(number) => {
                    let topic = topic.first().map(|topic| (*topic).to_owned());
                    self.hints.insert(check.to_owned(), Given { number, topic });
                }
                Err(_) => self.unknown.push(line.to_owned()),
            },
            ["tries", check, number] => match number.parse() {
                Ok(number) => _ = self.tries.insert(check.to_owned(), number),
                Err(_) => self.unknown.push(line.to_owned()),
            },
            _ => self.unknown.push(line.to_owned()),
        }
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let mut text = String::new();
        if self.caught_up {
            text += "caught-up\n";
        }
        for check in &self.passed {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "passed {check}");
        }
        for check in &self.left_out {
            let _ = writeln!(text, "left-out {check}");
        }
        if let Some(check) = &self.failed {
            let _ = writeln!(text, "failed {check}");
        }
        for (check, Given { number, topic }) in &self.hints {
            let topic = topic.as_ref().map(|topic| format!(" {topic}")).unwrap_or_default();
            let _ = writeln!(text, "hints {check} {number}{topic}");
        }
        for (check, tries) in &self.tries {
            let _ = writeln!(text, "tries {check} {tries}");
        }
        let known = text.lines().map(str::to_owned);
        known.chain(self.unknown.iter().cloned()).collect()
    }
}
