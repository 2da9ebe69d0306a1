//! How the learner's alert behaves: is it quiet on a good day, and does it fire on a bad one? With
//! promtool both days are rehearsed, which takes no time; without it the last quarter of an hour of
//! the running stack is looked at.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::stack::alert::replay::{Moment, STEP, past};
use crate::check::stack::alert::rule;
use crate::check::stack::alert::rule_files::in_stack;
use crate::check::stack::alert::templates::labels_in;
use crate::check::stack::alert::unit_tests::{
    AFTER, Fired, LABELS, OUTAGE, QUIET, SHORT, in_outage, rehearse,
};
use crate::check::stack::options::Options;
use crate::check::stack::prometheus::api::{Instants, Prometheus, Rule};
use crate::check::stack::promql::ast::Node;
use crate::check::stack::promql::mistakes::{Mistake, seconds};
use crate::check::stack::promql::selectors::nothing_selected;
use crate::check::verdict::{Finding, Judgement};
use crate::terminal::shell::Shell;

/// When it fires, somebody can read it: no template fails, or asks for a label that is not there.
pub(crate) async fn read(
    prometheus: &Prometheus,
    options: &Options,
    rule: &Rule,
    now: f64,
) -> Judgement {
    let finding = |annotation: &str, found: String| {
        Finding::new(format!("{} with a {annotation} that can be read", rule.name), found)
    };
    let lately = Instants { start: now - 900.0, end: now, step: STEP };
    let fired = match in_outage(options, rule) {
        Some(Ok(fired)) => fired,
        Some(Err(error)) => {
            return Finding::new("a rehearsal with promtool", format!("{error:#}"))
                .could_not_tell();
        }
        None => {
            let series = prometheus.range(&rule.query, lately).await.unwrap_or_default();
            let fired = series.into_iter().map(|series| Fired {
                labels: series.labels.into_keys().collect(),
                annotations: BTreeMap::new(),
            });
            fired.collect()
        }
    };
    let expanded = fired.iter().flat_map(|fired| &fired.annotations);
    for (annotation, text) in expanded {
        if let Some((_, error)) = text.split_once("<error expanding template") {
            let error = error.split_once(" at <").map_or(error, |(_, error)| error);
            return finding(annotation, format!("a template that fails at <{error}"))
                .because("The lesson's is {{ $value | humanizePercentage }}; a label is {{ $labels.endpoint }}.")
                .fail();
        }
    }
    // One that has not fired has no labels to tell.
    if fired.is_empty() {
        return Ok(());
    }
    // A template sees those of the query's result, without what the rule adds.
    let added = |label: &&str| *label == "alertname" || rule.labels.contains_key(*label);
    let labels: BTreeSet<&str> = fired
        .iter()
        .flat_map(|fired| &fired.labels)
        .map(String::as_str)
        .filter(|label| !added(label))
        .collect();
    for (annotation, text) in &rule.annotations {
        if let Some(label) = labels_in(text).find(|label| !labels.contains(label)) {
            // The rehearsal's series have only the labels that this stack gives.
            let series = prometheus.range("requests_total", lately).await.unwrap_or_default();
            let given = series.iter().any(|series| series.labels.contains_key(label));
            if given && !LABELS.contains(&label) {
                continue;
            }
            let labels: Vec<&str> = labels.into_iter().collect();
            let labels = if labels.is_empty() { "none".to_owned() } else { labels.join(", ") };
            return finding(annotation, format!("it asks for the label {label}, and there is none"))
                .because(format!(
                    "In its place stands nothing. The labels of the expression's result are: {labels}. An \
                     aggregation drops all that it does not name."
                ))
                .fail();
        }
    }
    Ok(())
}

/// It does not fire on a good day.
pub(crate) async fn quiet(
    prometheus: &Prometheus,
    options: &Options,
    rule: &Rule,
    now: f64,
) -> Judgement {
    let fails = |found: &str| {
        Finding::new(format!("{} is quiet while the app is healthy", rule.name), found)
            .because(
                "15 % of the visits fail by design, as every learner knows. Compare the share of failures with a \
                 threshold above that; a count of failures since the start only ever rises.",
            )
            .try_with(prometheus.graph(&rule.query))
            .fail()
    };
    match rehearse(options, rule, &QUIET) {
        Some(Ok(true)) => match rehearse(options, rule, &AFTER) {
            Some(Ok(false)) => Finding::new(
                format!("{} ends when the app is healthy again", rule.name),
                "it fires on, ten minutes later",
            )
            .because("A rate over a short window forgets; a count since the start does not.")
            .try_with(prometheus.graph(&rule.query))
            .fail(),
            _ => Ok(()),
        },
        Some(Ok(false)) => fails("it fires although only 15 % of the visits fail"),
        Some(Err(error)) => {
            Finding::new("a rehearsal with promtool", format!("{error:#}")).could_not_tell()
        }
        None => {
            let past = past(prometheus, rule, now).await?;
            if past.iter().any(|moment| moment.fires && moment.healthy) {
                return fails("in the last minutes it would have fired while the app was healthy");
            }
            if past.iter().any(|moment| moment.healthy) {
                return Ok(());
            }
            Finding::new("some minutes in which the app is healthy", "not three minutes yet")
                .because("Give it three minutes of traffic, without an outage, and check again.")
                .could_not_tell()
        }
    }
}

/// It fires when visits fail. There may be a word to add.
pub(crate) async fn fires(
    prometheus: &Prometheus,
    options: &Options,
    rule: &Rule,
    now: f64,
) -> Judgement<Option<String>> {
    let raise = raise_faults(rule);
    let fails = async |found: &str| {
        let cause = match misnamed(prometheus, rule).await {
            Some(Mistake { found, cause }) => format!("In the expression: {found}. {cause}"),
            None => format!(
                "Put the expression into Prometheus while visits fail: does it have a result, and does the result \
                 stay for as long as `for` wants? A failed visit has status 503. The command below lets all visits \
                 fail. {}",
                end_faults(rule)
            ),
        };
        Finding::new(format!("{} fires when visits fail", rule.name), found)
            .because(cause)
            .try_with(&raise)
            .try_with(prometheus.graph(&rule.query))
            .fail()
    };
    match rehearse(options, rule, &OUTAGE) {
        Some(Ok(true)) => {
            let never = matches!(rehearse(options, rule, &SHORT), Some(Ok(false)));
            Ok(never.then(|| {
                format!(
                    "{} would fire, but not within the stack's 45 s outage: with its threshold and `for: {}` it waits for a longer one.",
                    rule.name,
                    seconds(rule.duration)
                )
            }))
        }
        Some(Ok(false)) => {
            fails("it does not, although every visit has failed for six minutes").await
        }
        Some(Err(error)) => {
            Finding::new("a rehearsal with promtool", format!("{error:#}")).could_not_tell()
        }
        None => {
            let past = past(prometheus, rule, now).await?;
            if past.iter().any(|moment| moment.fires && moment.failing) {
                return Ok(None);
            }
            let failing =
                past.split(|moment| !moment.failing).map(<[Moment]>::len).max().unwrap_or(0);
            let failing = failing as f64 * STEP;
            if failing >= rule.duration + 20.0 {
                return fails(
                    "it would not have, in the last quarter of an hour, although most visits failed",
                )
                .await;
            }
            let found = if past.last().is_some_and(|moment| moment.unusual) {
                "no outage is over yet".to_owned()
            } else if failing == 0.0 {
                "none so far".to_owned()
            } else {
                format!("the longest outage lasted {}", seconds(failing))
            };
            Finding::new("an outage longer than its `for`, in the last quarter of an hour", found)
                .because(format!(
                    "The stack has one of 45 seconds every four minutes. To have one at once, raise the faults, \
                     wait for two minutes, end it, and check again. {}",
                    end_faults(rule)
                ))
                .try_with(raise)
                .could_not_tell()
        }
    }
}

/// Which of several alerts is most likely the one that was asked for: it fires when visits fail, and
/// is all else that it should be. Of equals the last, since an example is kept above. And whether
/// it is all that.
pub(crate) async fn nearest(
    prometheus: &Prometheus,
    options: &Options,
    rules: &[Rule],
    now: f64,
) -> (usize, bool) {
    let (mut nearest, mut most) = (0, (false, 0));
    for (index, rule) in rules.iter().enumerate() {
        let fires = fires(prometheus, options, rule, now).await.is_ok();
        let quiet = quiet(prometheus, options, rule, now).await.is_ok();
        let described = rule::described(rule).is_ok();
        let passes = (fires, usize::from(quiet) + usize::from(described));
        if passes >= most {
            (nearest, most) = (index, passes);
        }
    }
    (nearest, most == (true, 2))
}

const FAILURE_RATE: &str = "TREECOUNTER_FAILURE_RATE";

/// How to let all visits fail, there where the app runs.
fn raise_faults(rule: &Rule) -> String {
    let start =
        if in_stack(rule) { "docker compose up -d app" } else { "cargo run -p section3-compose" };
    Shell::HERE.with(&[(FAILURE_RATE, "1")], start)
}

fn end_faults(rule: &Rule) -> String {
    match (in_stack(rule), Shell::HERE) {
        (true, Shell::Posix) => "End it with: docker compose up -d app".to_owned(),
        (true, Shell::PowerShell) => {
            format!("End it with: Remove-Item env:{FAILURE_RATE}; docker compose up -d app")
        }
        (false, _) => format!("End it with Ctrl-C, and start the app without {FAILURE_RATE}."),
    }
}

/// A name in the rule's expression that no series has.
async fn misnamed(prometheus: &Prometheus, rule: &Rule) -> Option<Mistake> {
    let tree = prometheus.parse(&rule.query).await.ok().flatten()?;
    nothing_selected(prometheus, Node(&tree)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_raised_where_the_app_runs() {
        let command = |file: &str| raise_faults(&Rule { file: file.to_owned(), ..Rule::default() });
        assert!(command("/etc/prometheus-learner/alerts.yml").contains("docker compose"));
        assert!(command("/home/me/section3-compose/rules/alerts.yml").contains("cargo run"));
        let end = |file: &str| end_faults(&Rule { file: file.to_owned(), ..Rule::default() });
        assert!(end("/etc/prometheus-learner/alerts.yml").ends_with("docker compose up -d app"));
        assert!(end("/home/me/section3-compose/rules/alerts.yml").contains("Ctrl-C"));
    }
}
