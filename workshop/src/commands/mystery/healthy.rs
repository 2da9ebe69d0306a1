//! What a wrong proof shows in a healthy hour, beside what it shows while the fault is at work: so
//! that one sees whose series it is, and whether a limit could leave it out.

use crate::check::stack::prometheus::api::Series;
use crate::check::stack::prometheus::connection::JOB;
use crate::commands::mystery::ask::labels;
use crate::terminal::number::number;

/// Series that are named; the others are counted.
const MOST: usize = 2;
/// A limit has to part two values that differ by such a share at least, or it is luck.
const MARGIN: f64 = 0.1;

/// What is to be said of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HealthyHour {
    /// Each series with its values.
    shown: Vec<String>,
    advice: Vec<&'static str>,
}

/// From the lowest value to the highest.
#[derive(Clone, Copy)]
struct Range(f64, f64);

impl HealthyHour {
    /// Compares what a query shows in a healthy hour with what it shows in the faulty one.
    pub(crate) fn new(healthy: &[Series], faulty: &[Series], is_bool: bool) -> Self {
        let (mut app, others): (Vec<&Series>, Vec<&Series>) = healthy.iter().partition(is_app);
        let mut advice = Vec::new();
        if !others.is_empty() {
            advice.push(OTHER);
        }
        if !app.is_empty() {
            let of_app: Vec<&Series> = faulty.iter().filter(is_app).collect();
            let (before, now) = (Range::of(&app), Range::of(&of_app));
            let is_not_higher = now.1 <= before.1 + MARGIN * before.1.abs();
            app.sort_by(|a, b| Range::of(&[b]).1.total_cmp(&Range::of(&[a]).1));
            advice.push(match is_not_higher {
                _ if is_bool => BOOL,
                _ if of_app.is_empty() => WITHOUT,
                false => ABOVE,
                true if now.0 < before.0 - MARGIN * before.0.abs() => {
                    app.reverse();
                    BELOW
                }
                true => ALIKE,
            });
        }
        let shown = app
            .iter()
            .chain(&others)
            .map(|series| format!("{}  {}", labels(series), Range::of(&[series]).in_words()));
        Self { shown: shown.collect(), advice }
    }

    pub(crate) fn in_words(&self) -> String {
        let mut lines = vec!["It shows something in a healthy hour as well:".to_owned()];
        lines.extend(self.shown.iter().take(MOST).map(|series| format!("  {series}")));
        if let Some(more @ 1..) = self.shown.len().checked_sub(MOST) {
            lines.push(format!("  ... and {more} more"));
        }
        lines.extend(self.advice.iter().map(ToString::to_string));
        lines.join("\n")
    }
}

impl Range {
    fn of(series: &[&Series]) -> Self {
        let values = || series.iter().flat_map(|series| &series.points).map(|(_, value)| *value);
        Self(values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
    }

    fn in_words(self) -> String {
        let (low, high) = (number(self.0), number(self.1));
        if low == high { low } else { format!("{low} to {high}") }
    }
}

/// A sum over all jobs names none.
fn is_app(series: &&Series) -> bool {
    series.labels.get("job").is_none_or(|job| job == JOB)
}

const OTHER: &str = "The job prometheus is Prometheus, which scrapes itself. {job=\"treecounter\"} \
                     in the query leaves it out.";

const ABOVE: &str = "With the fault it is higher than that. A proof needs a condition that is met \
                     only then: take a limit above these values, without their commas.";

const BELOW: &str = "With the fault it is lower than that. A proof needs a condition that is met \
                     only then: take a limit below these values, without their commas.";

const WITHOUT: &str = "With the fault the app shows nothing here, so this is met when all is well: \
                       the condition is the wrong way round.";

const ALIKE: &str = "With the fault its values are about the same, so no limit on them will do. \
                     Look at the single series that it is made of, or at something else.";

const BOOL: &str = "With `bool` it says only whether the condition is met. Look at the values \
                    without it (`graph QUERY`), and take a limit beyond those.";

#[cfg(test)]
mod tests {
    use super::*;

    fn series(job: &str, values: &[f64]) -> Series {
        let points = (0..).map(f64::from).zip(values.iter().copied()).collect();
        let labels = [("job".to_owned(), job.to_owned())].into();
        Series { name: "memory".to_owned(), labels, points }
    }

    #[test]
    fn the_advice_is_true_for_the_series_that_are_shown() {
        let app = |values: &[f64]| series(JOB, values);
        let own = series("prometheus", &[8e7, 9e7]);
        let own_alone = own.clone();
        for (healthy, faulty, advice) in [
            (vec![own.clone()], vec![own.clone(), app(&[2e7])], vec![OTHER]),
            (vec![own.clone(), app(&[5e6])], vec![own, app(&[2e7])], vec![OTHER, ABOVE]),
            (vec![app(&[5.0, 9.0])], vec![app(&[1.0, 9.5])], vec![BELOW]),
            (vec![app(&[5.0, 9.0])], vec![app(&[5.0, 9.5])], vec![ALIKE]),
            (vec![app(&[0.0])], vec![app(&[0.1])], vec![ABOVE]),
            (vec![app(&[5.0])], vec![own_alone], vec![WITHOUT]),
        ] {
            assert_eq!(HealthyHour::new(&healthy, &faulty, false).advice, advice, "{healthy:?}");
        }
        assert!(OTHER.contains(&format!("job={JOB:?}")));
        let truth = [app(&[1.0])];
        assert_eq!(HealthyHour::new(&truth, &truth, true).advice, [BOOL]);
    }

    #[test]
    fn two_series_are_named_and_the_apps_come_first() {
        let all = [series("prometheus", &[8e7]), series(JOB, &[5.0]), series(JOB, &[6.0, 7.5])];
        let said = HealthyHour::new(&all, &[series(JOB, &[70.0])], false).in_words();
        let shown: Vec<&str> = said.lines().skip(1).take(3).collect();
        assert_eq!(
            shown,
            [
                "  memory{job=\"treecounter\"}  6 to 7.5",
                "  memory{job=\"treecounter\"}  5",
                "  ... and 1 more"
            ]
        );
        assert_eq!(HealthyHour::new(&all[..1], &[], false).in_words().lines().count(), 3);
    }
}
