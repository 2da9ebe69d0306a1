//! All judgements of one call, and what belongs beside them.

use crate::check::stack::{CHECKS, Judge, Options};
use crate::check::verdict::{Finding, Judgement, Verdict};

/// What came of the checks.
#[derive(Debug)]
pub struct Judged<'a> {
    /// The judgements, in the order of the checks.
    pub judgements: Vec<(&'a str, Judgement)>,
    /// What else there is to say.
    pub notes: Vec<String>,
    /// Whether the Prometheus that judged was started for this.
    pub by_own: bool,
    /// The checks that passed because there was nothing to look at.
    pub unseen: Vec<&'a str>,
}

/// Judges the given checks, in this order, up to the first that fails. Without a Prometheus that
/// answers, nothing else can be told.
///
/// # Errors
/// When a URL is no URL.
pub fn judge<'a>(
    options: Options,
    checks: impl IntoIterator<Item = &'a str>,
) -> anyhow::Result<Judged<'a>> {
    let mut judge = Judge::new(options)?;
    let mut judgements: Vec<(&str, Judgement)> = Vec::new();
    for check in checks {
        let judgement = judge.judge(check);
        let verdict = judgement.as_ref().err().map_or(Verdict::Pass, |trouble| trouble.verdict);
        if said_before(&judgements, &judgement) {
            continue;
        }
        judgements.push((check, judgement));
        if verdict == Verdict::Fail || (check == CHECKS[0] && verdict != Verdict::Pass) {
            break;
        }
    }
    let unseen = judgements.iter().map(|(check, _)| *check).filter(|check| judge.is_unseen(check));
    Ok(Judged {
        unseen: unseen.collect(),
        notes: judge.notes().to_vec(),
        by_own: judge.is_own(),
        judgements,
    })
}

/// Whether an earlier check was left open for the same reason: in a young stack many questions lack
/// data, and it is said once. A failure is said always.
fn said_before(earlier: &[(&str, Judgement)], judgement: &Judgement) -> bool {
    let reason = |judgement: &Judgement| {
        let trouble = judgement.as_ref().err()?;
        let Finding { found, cause, .. } = &trouble.finding;
        (trouble.verdict == Verdict::CouldNotTell).then(|| (found.clone(), cause.clone()))
    };
    let reason_now = reason(judgement);
    reason_now.is_some() && earlier.iter().any(|(_, judgement)| reason(judgement) == reason_now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_open_is_said_once_and_a_failure_always() {
        let finding = |found: &str, cause: &str| Finding::new("something", found).because(cause);
        let earlier = [("a", Ok(())), ("b", finding("none so far", "Wait.").could_not_tell())];
        assert!(said_before(&earlier, &finding("none so far", "Wait.").could_not_tell()));
        for other in [
            Ok(()),
            finding("none so far", "Wait.").fail(),
            finding("none so far", "Add a panel.").could_not_tell(),
            finding("none", "Wait.").could_not_tell(),
        ] {
            assert!(!said_before(&earlier, &other), "{other:?}");
        }
    }
}
