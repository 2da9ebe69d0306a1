//! How the learner's alert behaves: is it quiet on good days, and does it fire on bad ones? With
//! promtool such days are rehearsed, which takes no time; without it the last quarter of an hour of
//! the running stack is looked at.

use std::collections::BTreeSet;

use crate::check::stack::alert::days::LABELS;
use crate::check::stack::alert::replay::{FAILURES, Moment, STEP, past};
use crate::check::stack::alert::rule;
use crate::check::stack::alert::rule_files::in_stack;
use crate::check::stack::alert::summary::{Untrue, misleading};
use crate::check::stack::alert::templates::labels_in;
use crate::check::stack::alert::unit_tests::{Fired, Rehearsal};
use crate::check::stack::prometheus::api::{Instants, Prometheus, Rule};
use crate::check::stack::promql::ast::Node;
use crate::check::stack::promql::explanations::explains;
use crate::check::stack::promql::extras::extras;
use crate::check::stack::promql::mistake::seconds;
use crate::check::stack::promql::selectors::nothing_selected;
use crate::check::verdict::{Finding, Judgement, Trouble};
use crate::terminal::shell::Shell;

/// A group that is evaluated less often misses what it is for.
const LONGEST_INTERVAL: f64 = 60.0;

/// An alert, and what is known of it.
pub(crate) struct Scene<'a> {
    pub(crate) prometheus: &'a Prometheus,
    pub(crate) rule: &'a Rule,
    /// Nothing without promtool.
    pub(crate) rehearsal: Option<&'a Rehearsal>,
    pub(crate) now: f64,
}

impl Scene<'_> {
    /// When it fires, somebody can read it: it says what is so, no template fails, and none asks
    /// for a label that is not there.
    pub(crate) async fn read(&self) -> Judgement {
        let fired = self.fired().await;
        for one in &fired {
            self.texts(one).await?;
        }
        // One that has not fired has no labels to tell.
        if fired.is_empty() {
            return Ok(());
        }
        let has_severity = fired.iter().all(|one| one.labels.iter().any(|l| l == "severity"));
        if self.rehearsal.is_some() && !has_severity {
            return Finding::new(
                format!("{} with a severity", self.rule.name),
                "the label severity is empty when it fires",
            )
            .because(
                "Its template asks for a label that the result does not have. Write it as a word.",
            )
            .fail();
        }
        self.labels(&fired).await
    }

    async fn fired(&self) -> Vec<Fired> {
        if let Some(rehearsal) = self.rehearsal {
            return rehearsal.fired(&self.rule.name).into_iter().cloned().collect();
        }
        let series = self.prometheus.range(&self.rule.query, self.lately()).await;
        let fired = series.unwrap_or_default().into_iter().map(|series| Fired {
            alert: self.rule.name.clone(),
            labels: series.labels.into_keys().collect(),
            ..Fired::default()
        });
        fired.collect()
    }

    fn lately(&self) -> Instants {
        Instants { start: self.now - 900.0, end: self.now, step: STEP }
    }

    fn unreadable(&self, annotation: &str, found: String) -> Finding {
        Finding::new(format!("{} with a {annotation} that can be read", self.rule.name), found)
    }

    async fn texts(&self, fired: &Fired) -> Judgement {
        for (annotation, text) in &fired.annotations {
            if let Some((_, error)) = text.split_once("<error expanding template") {
                let error = error.split_once(" at <").map_or(error, |(_, error)| error);
                let found = format!("a template that fails at <{error}");
                return self
                    .unreadable(annotation, found)
                    .because(
                        "The lesson's is {{ $value | humanizePercentage }}; a label is {{ \
                        $labels.endpoint }}.",
                    )
                    .fail();
            }
            let template = self.rule.annotations.get(annotation).map_or("", String::as_str);
            if let Some(Untrue { found, cause, of_query }) = misleading(template, text, fired) {
                let reason = if of_query { self.reason().await } else { None };
                let cause = reason.map_or(cause.to_owned(), |reason| format!("{cause} {reason}"));
                return self.unreadable(annotation, found).because(cause).fail();
            }
        }
        Ok(())
    }

    async fn labels(&self, fired: &[Fired]) -> Judgement {
        // A template sees those of the query's result, without what the rule adds.
        let added = |label: &&str| *label == "alertname" || self.rule.labels.contains_key(*label);
        let labels: BTreeSet<&str> = fired
            .iter()
            .flat_map(|fired| &fired.labels)
            .map(String::as_str)
            .filter(|label| !added(label))
            .collect();
        for (annotation, text) in &self.rule.annotations {
            let Some(label) = labels_in(text).find(|label| !labels.contains(label)) else {
                continue;
            };
            // The rehearsal's series have only the labels that this stack gives.
            let series = self.prometheus.range("requests_total", self.lately()).await;
            let series = series.unwrap_or_default();
            let given = series.iter().any(|series| series.labels.contains_key(label));
            if given && !LABELS.contains(&label) {
                continue;
            }
            let labels: Vec<&str> = labels.into_iter().collect();
            let labels = if labels.is_empty() { "none".to_owned() } else { labels.join(", ") };
            let found = format!("it asks for the label {label}, and there is none");
            return self
                .unreadable(annotation, found)
                .because(format!(
                    "In its place stands nothing. The labels of the expression's result are: \
                     {labels}. An aggregation drops all that it does not name."
                ))
                .fail();
        }
        Ok(())
    }

    /// It does not fire on a good day.
    pub(crate) async fn quiet(&self) -> Judgement {
        let name = &self.rule.name;
        let Some(rehearsal) = self.rehearsal else { return self.quiet_lately().await };
        if let Some(found) = rehearsal.loud(name) {
            return self.loud(found).await;
        }
        match rehearsal.lasting(name) {
            Some(found) => {
                let expected = format!("{name} ends when the app is healthy again");
                let why = "A rate over a short window forgets; a count since the start does not.";
                self.failed(expected, found, why).await.fail()
            }
            None => Ok(()),
        }
    }

    async fn loud(&self, found: &str) -> Judgement {
        let expected = format!("{} is quiet while the app is healthy", self.rule.name);
        let why = "15 % of the visits fail by design, now more and now fewer, and up to a quarter \
                   is to be borne. Compare their share, failures divided by all visits, with a \
                   limit of 0.25 or more.";
        self.failed(expected, found, why).await.fail()
    }

    async fn failed(&self, expected: String, found: &str, why: &str) -> Finding {
        let reason = self.reason().await;
        let cause = reason.map_or(why.to_owned(), |reason| format!("{reason} {why}"));
        Finding::new(expected, found)
            .because(cause)
            .try_with(self.prometheus.graph(&self.rule.query))
    }

    async fn quiet_lately(&self) -> Judgement {
        let past = past(self.prometheus, self.rule, self.now).await?;
        if past.iter().any(|moment| moment.fires && moment.healthy) {
            let found = "in the last minutes it would have fired while the app was healthy";
            return self.loud(found).await;
        }
        if past.iter().any(|moment| moment.healthy) {
            return Ok(());
        }
        Finding::new("some minutes in which the app is healthy", "not three minutes yet")
            .because("Give it three minutes of traffic, without an outage, and check again.")
            .could_not_tell()
    }

    /// It fires when visits fail. There may be a word to add.
    pub(crate) async fn fires(&self) -> Result<Option<String>, Box<Trouble>> {
        let name = &self.rule.name;
        if self.rule.interval > LONGEST_INTERVAL {
            let found = format!("its group is evaluated every {}", seconds(self.rule.interval));
            return Finding::new(format!("{name} fires when visits fail"), found)
                .because("An outage may be over by then. Leave out `interval`: it is 5s here.")
                .fail();
        }
        let Some(rehearsal) = self.rehearsal else { return self.fires_lately().await };
        if let Some(found) = rehearsal.silent(name) {
            return self.silent(found).await;
        }
        Ok((!rehearsal.catches_short(name)).then(|| {
            format!(
                "{name} would fire, but not within the stack's 45 s outage: with its threshold \
                 and `for: {}` it waits for a longer one.",
                seconds(self.rule.duration)
            )
        }))
    }

    async fn silent<T>(&self, found: &str) -> Result<T, Box<Trouble>> {
        let why = format!(
            "Put the expression into Prometheus while visits fail: does it have a result, and \
             does the result stay for as long as `for` wants? A failed visit has status 503 or \
             500. A share is a number from 0 to 1: 25 % is 0.25. The command below lets all \
             visits fail. {}",
            end_faults(self.rule)
        );
        let expected = format!("{} fires when visits fail", self.rule.name);
        let mut finding = self.failed(expected, found, &why).await;
        finding.commands.insert(0, raise_faults(self.rule));
        finding.fail()
    }

    async fn fires_lately(&self) -> Result<Option<String>, Box<Trouble>> {
        let past = past(self.prometheus, self.rule, self.now).await?;
        if past.iter().any(|moment| moment.fires && moment.failing) {
            return Ok(None);
        }
        let failing = past.split(|moment| !moment.failing).map(<[Moment]>::len).max().unwrap_or(0);
        let failing = failing as f64 * STEP;
        if failing >= self.rule.duration + 20.0 {
            let found =
                "it would not have, in the last quarter of an hour, although most visits failed";
            return self.silent(found).await;
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
                "The stack has one of 45 seconds every four and a half minutes. To have one at \
                 once, raise the faults, wait for two minutes, end it, and check again. {}",
                end_faults(self.rule)
            ))
            .try_with(raise_faults(self.rule))
            .could_not_tell()
    }

    /// What in the expression is likely to be the reason.
    async fn reason(&self) -> Option<String> {
        let tree = self.prometheus.parse(&self.rule.query).await.ok().flatten()?;
        let tree = Node(&tree);
        let asked = format!("{FAILURES} > 0.25");
        let asked = self.prometheus.parse(&asked).await.ok().flatten()?;
        let asked = Node(&asked);
        // Before the app is scraped for the first time, names say nothing.
        let misnamed = match nothing_selected(self.prometheus, asked).await {
            None => nothing_selected(self.prometheus, tree).await,
            Some(_) => None,
        };
        let told = misnamed.or_else(|| explains(tree, asked));
        let told = told.map(|told| format!("In the expression: {}. {}", told.found, told.cause));
        let more = extras(tree, asked).in_words(told.as_deref().unwrap_or_default());
        let words: Vec<String> = told.into_iter().chain(more).collect();
        (!words.is_empty()).then(|| words.join(" "))
    }
}

/// Which of several alerts is most likely the one that was asked for: it fires when visits fail,
/// and is all else that it should be. Of equals the last, since an example is kept above. And
/// whether it is all that.
pub(crate) async fn nearest(scenes: &[Scene<'_>]) -> (usize, bool) {
    let (mut nearest, mut most) = (0, (false, 0));
    for (index, scene) in scenes.iter().enumerate() {
        let fires = scene.fires().await.is_ok();
        let quiet = scene.quiet().await.is_ok();
        let described = rule::described(scene.rule).is_ok();
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
