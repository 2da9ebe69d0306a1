//! One check after the other: what comes of each, and of those behind one that fails.

use crate::check::catalog::Entry;
use crate::check::verdict::{Finding, Judgement, Outcome, Verdict};
use crate::course::{Course, Section};

/// Goes through the checks until one fails; those after it stay open.
pub(crate) struct Judging<'a> {
    pub(crate) section: &'a Section,
    pub(crate) course: &'a Course,
    pub(crate) ended: bool,
}

impl Judging<'_> {
    /// The outcome of the next check.
    pub(crate) fn take(
        &mut self,
        slug: &str,
        entry: Entry,
        judge: impl FnOnce() -> Option<Judgement>,
    ) -> Outcome {
        let own = self.section.checks().find(|(.., check)| check.slug == slug);
        let check = own.map(|(.., check)| check);
        let check = check.or(self.course.check(slug).map(|(.., check)| check));
        let title = check.map_or(slug, |check| check.title.as_str());
        let judgement = if self.ended { None } else { judge() };
        let Some(judgement) = judgement else { return Outcome::open(slug, title) };
        let outcome = Outcome::new(slug, title, judgement);
        self.ended |= match outcome.verdict {
            Some(Verdict::Fail) => true,
            Some(Verdict::CouldNotTell) => entry.first,
            _ => false,
        };
        outcome
    }
}

/// Whether an earlier check was left open for the same reason: in a young stack many questions lack
/// data, and it is said once. A failure is said always.
pub(crate) fn said_before(earlier: &[Outcome], outcome: &Outcome) -> bool {
    let reason = |outcome: &Outcome| {
        let Finding { found, cause, .. } = outcome.finding.as_ref()?;
        let open = outcome.verdict == Some(Verdict::CouldNotTell);
        open.then(|| (found.clone(), cause.clone()))
    };
    let reason_now = reason(outcome);
    reason_now.is_some() && earlier.iter().any(|outcome| reason(outcome) == reason_now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_open_is_said_once_and_a_failure_always() {
        let finding = |found: &str, cause: &str| Finding::new("something", found).because(cause);
        let outcome = |judgement| Outcome::new("a", "A check", judgement);
        let open = || finding("none so far", "Wait.").could_not_tell();
        let earlier = [outcome(Ok(())), outcome(open())];
        assert!(said_before(&earlier, &outcome(open())));
        for other in [
            Ok(()),
            finding("none so far", "Wait.").fail(),
            finding("none so far", "Add a panel.").could_not_tell(),
            finding("none", "Wait.").could_not_tell(),
        ] {
            assert!(!said_before(&earlier, &outcome(other.clone())), "{other:?}");
        }
    }
}
