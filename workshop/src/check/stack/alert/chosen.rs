//! The alert that is judged, of those that the learner has.

use std::sync::Arc;

use crate::check::stack::alert::behaviour::Scene;
use crate::check::stack::alert::unit_tests::Rehearsal;
use crate::check::stack::prometheus::api::{Prometheus, Rule};
use crate::check::verdict::Judgement;

/// The learner's alert that is judged.
#[derive(Clone)]
pub(crate) struct Alert {
    pub(crate) rule: Rule,
    /// Nothing without promtool.
    pub(crate) rehearsal: Option<Arc<Rehearsal>>,
    /// The names of those beside it.
    pub(crate) others: Vec<String>,
}

impl Alert {
    /// The alert before this Prometheus, at this time.
    pub(crate) fn scene<'a>(&'a self, prometheus: &'a Prometheus, now: f64) -> Scene<'a> {
        let rehearsal = self.rehearsal.as_deref();
        Scene { prometheus, rule: &self.rule, rehearsal, now }
    }

    /// Says, of several, why it is this one that is in trouble.
    pub(crate) fn told<T>(&self, judgement: Judgement<T>) -> Judgement<T> {
        judgement.map_err(|mut trouble| {
            if !self.others.is_empty() {
                let why = format!(
                    "Of your alerts {} comes nearest to what is asked for; beside it stands {}, \
                     which may stay.",
                    self.rule.name,
                    self.others.join(", "),
                );
                trouble.finding.cause = Some(match trouble.finding.cause {
                    Some(cause) => format!("{cause} {why}"),
                    None => why,
                });
            }
            trouble
        })
    }
}
