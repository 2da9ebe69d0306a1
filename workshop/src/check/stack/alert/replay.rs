//! The last quarter of an hour of the running app, and what the learner's alert says to it.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::stack::prometheus::api::{Instants, Prometheus, Rule, Series};
use crate::check::stack::prometheus::connection;
use crate::check::verdict::Judgement;

/// Seconds between two looks at the past.
pub(crate) const STEP: f64 = 5.0;

/// How it was, and what the rule says to that.
pub(crate) struct Moment {
    pub(crate) fires: bool,
    /// Most visits failed.
    pub(crate) failing: bool,
    /// No more than usual failed, and for some time.
    pub(crate) healthy: bool,
    /// More than usual failed.
    pub(crate) unusual: bool,
}

/// The share of the visits that fail.
pub(crate) const FAILURES: &str = concat!(
    r#"sum(rate(requests_total{endpoint="/treecounter",status=~"5.."}[1m]))"#,
    r#" / sum(rate(requests_total{endpoint="/treecounter"}[1m]))"#,
);

/// Without promtool: the rule's expression in the last quarter of an hour, with `for` taken into
/// account, beside what really happened.
pub(crate) async fn past(prometheus: &Prometheus, rule: &Rule, now: f64) -> Judgement<Vec<Moment>> {
    let at = Instants { start: now - 900.0, end: now, step: STEP };
    let (found, truth) =
        match (prometheus.range(&rule.query, at).await, prometheus.range(FAILURES, at).await) {
            (Ok(found), Ok(truth)) => (found, truth),
            (Err(error), _) | (_, Err(error)) => {
                return connection::trouble(prometheus, &error).await;
            }
        };
    let index = |time: f64| ((time - at.start) / at.step).round() as i64;
    let times = |series: &[Series]| -> Vec<(i64, f64)> {
        series
            .iter()
            .flat_map(|one| &one.points)
            .map(|(time, value)| (index(*time), *value))
            .collect()
    };
    let steps = ((at.end - at.start) / at.step) as i64;
    Ok(moments(&times(&found), &times(&truth), rule.duration, steps))
}

/// Puts together when the expression had a result, which share of the visits failed, and how long
/// `for` is. Steps count from 0.
fn moments(holds: &[(i64, f64)], failing: &[(i64, f64)], wait: f64, steps: i64) -> Vec<Moment> {
    let holds: BTreeSet<i64> = holds.iter().map(|(step, _)| *step).collect();
    let ratio: BTreeMap<i64, f64> = failing.iter().copied().collect();
    let wait = (wait / STEP).ceil() as i64;
    // The wait, and a minute more for a window that is longer than this one's: between two outages
    // of the stack there is time for both.
    let calm = wait + 12;
    let fires = |step: i64| step >= wait && (step - wait..=step).all(|step| holds.contains(&step));
    let usual = |step: &i64| ratio.get(step).is_some_and(|ratio| *ratio < 0.22);
    (0..=steps)
        .map(|step| Moment {
            fires: fires(step),
            failing: ratio.get(&step).is_some_and(|ratio| *ratio > 0.4),
            unusual: ratio.contains_key(&step) && !usual(&step),
            healthy: step >= calm && (step - calm..=step).all(|step| usual(&step)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_says_when_a_rule_would_have_fired() {
        // 100 steps of calm, 20 of an outage, and calm again.
        let failing: Vec<(i64, f64)> = (0..180)
            .map(|step| (step, if (100..120).contains(&step) { 0.9 } else { 0.15 }))
            .collect();
        let holds: Vec<(i64, f64)> = (102..122).map(|step| (step, 1.0)).collect();
        let past = moments(&holds, &failing, 30.0, 180);
        let fires: Vec<usize> = (0..180).filter(|step| past[*step].fires).collect();
        assert_eq!(fires, (108..122).collect::<Vec<_>>());
        assert!(past.iter().any(|moment| moment.fires && moment.failing));
        assert!(!past.iter().any(|moment| moment.fires && moment.healthy));
        assert!(past[60].healthy && !past[10].healthy && !past[125].healthy);
        assert!(past[110].unusual && !past[60].unusual && !past[180].unusual);
        // Between two of the stack's outages, 54 steps apart, there is time enough.
        let outages: Vec<(i64, f64)> =
            (0..180).map(|step| (step, if step % 54 < 20 { 0.9 } else { 0.15 })).collect();
        for wait in [30.0, 60.0] {
            let past = moments(&[], &outages, wait, 180);
            assert!(past.iter().any(|moment| moment.healthy), "{wait}");
        }
        // One that always has a result fires on good days too.
        let always: Vec<(i64, f64)> = (0..180).map(|step| (step, 1.0)).collect();
        assert!(
            moments(&always, &failing, 30.0, 180)
                .iter()
                .any(|moment| moment.fires && moment.healthy)
        );
    }
}
