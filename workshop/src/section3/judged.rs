//! All judgements of one call, and what belongs beside them.

use super::{CHECKS, Judge, Options};
use crate::verdict::{Judgement, Verdict};

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
        // In a young stack many questions lack data: it is said once.
        let said = |found: &str| {
            let earlier = judgements.iter().filter_map(|(_, judgement)| judgement.as_ref().err());
            earlier.into_iter().any(|trouble| trouble.finding.found == found)
        };
        if judgement.as_ref().is_err_and(|trouble| said(&trouble.finding.found)) {
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
