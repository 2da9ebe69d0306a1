//! How the learner's alert behaves: is it quiet on a good day, and does it fire on a bad one? With
//! promtool both days are rehearsed, which takes no time; without it the last quarter of an hour of
//! the running stack is looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use super::alert::{self, files, kit_files};
use super::api::{Instants, Prometheus, Rule, Series};
use super::mistakes::{Mistake, seconds};
use super::programs::{self, quoted};
use super::selection::nothing_selected;
use super::tree::Node;
use super::{Options, reach};
use crate::shell::Shell;
use crate::verdict::{Finding, Judgement, Trouble};

/// A day in the life of the app, in the notation of promtool's unit tests.
struct Day {
    name: &'static str,
    /// For how many seconds which share of the visits fails, in percent.
    failing: &'static [(u64, u64)],
    at_second: u64,
    /// Whether it fires in that second, or has at any time before.
    ever: bool,
    fires: bool,
}

/// 15 % fail always; ten minutes in, all do.
const QUIET: Day =
    Day { name: "quiet", failing: &[(1200, 15)], at_second: 1200, ever: true, fires: false };
const OUTAGE: Day = Day {
    name: "outage",
    failing: &[(600, 15), (360, 100)],
    at_second: 960,
    ever: false,
    fires: true,
};
const AFTER: Day = Day {
    name: "after",
    failing: &[(600, 15), (360, 100), (600, 15)],
    at_second: 1560,
    ever: false,
    fires: false,
};
/// What the stack does every four minutes.
const SHORT: Day = Day {
    name: "short",
    failing: &[(600, 15), (45, 100), (195, 15)],
    at_second: 840,
    ever: true,
    fires: true,
};

/// The labels of the rehearsal's series.
const LABELS: [&str; 4] = ["endpoint", "instance", "job", "status"];

/// When it fires, somebody can read it: no template fails, or asks for a label that is not there.
pub(super) async fn read(
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
        if let Some(label) = alert::labels_in(text).find(|label| !labels.contains(label)) {
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
pub(super) async fn quiet(
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
pub(super) async fn fires(
    prometheus: &Prometheus,
    options: &Options,
    rule: &Rule,
    now: f64,
) -> Result<Option<String>, Box<Trouble>> {
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
pub(super) async fn nearest(
    prometheus: &Prometheus,
    options: &Options,
    rules: &[Rule],
    now: f64,
) -> (usize, bool) {
    let (mut nearest, mut most) = (0, (false, 0));
    for (index, rule) in rules.iter().enumerate() {
        let fires = fires(prometheus, options, rule, now).await.is_ok();
        let quiet = quiet(prometheus, options, rule, now).await.is_ok();
        let described = alert::described(rule).is_ok();
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
    let start = if alert::in_stack(rule) {
        "docker compose up -d app"
    } else {
        "cargo run -p section3-compose"
    };
    Shell::HERE.with(&[(FAILURE_RATE, "1")], start)
}

fn end_faults(rule: &Rule) -> String {
    match (alert::in_stack(rule), Shell::HERE) {
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

/// Whether the rule behaves on that day as it should, in promtool's unit tests: they evaluate the
/// learner's own file, with the kit's recording rules, and take no time. Nothing without promtool.
fn rehearse(options: &Options, rule: &Rule, day: &Day) -> Option<anyhow::Result<bool>> {
    let promtool = programs::find_program("promtool")?;
    let test = day.test(rule, &rule_files(options));
    let run = programs::promtool(&promtool, &["test", "rules"], "rehearsal.yml", &test);
    Some(run.and_then(|(passed, words)| {
        // A test that could not be run is no answer.
        if !passed && !words.contains("expr: ") {
            anyhow::bail!("promtool: {}", words.trim());
        }
        Ok(passed)
    }))
}

/// An alert that fires.
#[derive(Debug, PartialEq)]
struct Fired {
    /// The names of its labels.
    labels: Vec<String>,
    /// With all templates expanded.
    annotations: BTreeMap<String, String>,
}

/// The rule's alerts in an outage, if it fires there. A unit test that expects none says what it got.
fn in_outage(options: &Options, rule: &Rule) -> Option<anyhow::Result<Vec<Fired>>> {
    let promtool = programs::find_program("promtool")?;
    let mut text = OUTAGE.visits(&rule_files(options));
    let _ = write!(
        text,
        "    alert_rule_test:\n      - eval_time: {}s\n        alertname: {}\n        exp_alerts: []\n",
        OUTAGE.at_second,
        quoted(&rule.name)
    );
    let run = programs::promtool(&promtool, &["test", "rules"], "rehearsal.yml", &text);
    Some(run.map(|(_, words)| fired(&words)))
}

/// `Labels:{alertname="X"}`, and below it `Annotations:{summary="..."}`.
fn fired(words: &str) -> Vec<Fired> {
    let listed =
        |line: &str, name: &str| line.trim().strip_prefix(name)?.strip_prefix(":{").map(in_quotes);
    let lines: Vec<&str> = words.lines().collect();
    let pairs = lines.windows(2).filter_map(|pair| {
        Some(Fired {
            labels: listed(pair[0], "Labels")?.into_keys().collect(),
            annotations: listed(pair[1], "Annotations")?,
        })
    });
    pairs.collect()
}

/// `a="b", c="\"d\""`
fn in_quotes(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once("=\"") {
        let mut value = String::new();
        let mut chars = after.chars();
        while let Some(c) = chars.next().filter(|c| *c != '"') {
            value.extend(if c == '\\' { chars.next() } else { Some(c) });
        }
        found.insert(name.trim_matches([',', ' ']).to_owned(), value);
        rest = chars.as_str();
    }
    found
}

/// The learner's rules, and those of the kit that they may build on.
fn rule_files(options: &Options) -> Vec<PathBuf> {
    let mut rules: Vec<PathBuf> = kit_files(&options.root);
    rules.extend(files(&options.root, options.solution).into_iter().map(|file| file.path));
    rules
}

impl Day {
    fn test(&self, rule: &Rule, rules: &[PathBuf]) -> String {
        let mut text = self.visits(rules);
        let firing = format!("ALERTS{{alertname={:?},alertstate=\"firing\"}}", rule.name);
        let expr = if self.ever {
            format!("count(count_over_time({firing}[1h])) or vector(0)")
        } else {
            format!("count({firing}) or vector(0)")
        };
        let expected = if self.fires { "1" } else { "0" };
        let _ = write!(
            text,
            "    promql_expr_test:\n      - expr: {}\n        eval_time: {}s\n        exp_samples: [{{labels: '{{}}', value: {expected}}}]\n",
            quoted(&format!("({expr}) > bool 0")),
            self.at_second,
        );
        text
    }

    /// A unit test up to what it tests.
    fn visits(&self, rules: &[PathBuf]) -> String {
        let mut text = String::from("rule_files:\n");
        for file in rules {
            let _ = writeln!(text, "  - {}", quoted(&file.to_string_lossy()));
        }
        let _ = write!(
            text,
            "evaluation_interval: 5s\ntests:\n  - name: {}\n    interval: 5s\n    input_series:\n",
            self.name
        );
        for instance in ["app-1:8001", "app-2:8001"] {
            let labels = format!("job=\"treecounter\",instance=\"{instance}\"");
            let mut line = |series: &str, values: &str| {
                let _ = writeln!(
                    text,
                    "      - series: {}\n        values: {}",
                    quoted(series),
                    quoted(values)
                );
            };
            line(&format!("up{{{labels}}}"), &self.values(|_| 0, 1));
            let counter = |endpoint: &str, status: &str| {
                format!("requests_total{{{labels},endpoint=\"{endpoint}\",status=\"{status}\"}}")
            };
            // 100 visits in an interval, so that percents are whole.
            line(&counter("/treecounter", "200"), &self.values(|failing| 100 - failing, 0));
            line(&counter("/treecounter", "503"), &self.values(|failing| failing, 0));
            line(&counter("/", "200"), &self.values(|_| 10, 0));
            line(&counter("/metrics", "200"), &self.values(|_| 1, 0));
            line(&counter("other", "404"), &self.values(|_| 5, 0));
        }
        text
    }

    /// The values of a counter that rises by so much in each interval, or of something constant.
    fn values(&self, rise: impl Fn(u64) -> u64, from: u64) -> String {
        let mut parts = Vec::new();
        let mut value = from;
        for (seconds, failing) in self.failing {
            let (steps, rise) = (seconds / 5, rise(*failing));
            parts.push(format!("{value}+{rise}x{}", steps - 1));
            value += rise * steps;
        }
        parts.join(" ")
    }
}

/// Seconds between two looks at the past.
const STEP: f64 = 5.0;

/// How it was, and what the rule says to that.
struct Moment {
    fires: bool,
    /// Most visits failed.
    failing: bool,
    /// No more than usual failed, and for some time.
    healthy: bool,
    /// More than usual failed.
    unusual: bool,
}

/// Without promtool: the rule's expression in the last quarter of an hour, with `for` taken into
/// account, beside what really happened.
async fn past(prometheus: &Prometheus, rule: &Rule, now: f64) -> Result<Vec<Moment>, Box<Trouble>> {
    const FAILURES: &str = "sum(rate(requests_total{endpoint=\"/treecounter\",status=~\"5..\"}[1m])) \
                            / sum(rate(requests_total{endpoint=\"/treecounter\"}[1m]))";
    let at = Instants { start: now - 900.0, end: now, step: STEP };
    let (found, truth) =
        match (prometheus.range(&rule.query, at).await, prometheus.range(FAILURES, at).await) {
            (Ok(found), Ok(truth)) => (found, truth),
            (Err(error), _) | (_, Err(error)) => return reach::trouble(prometheus, &error).await,
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
    // The wait, and a minute more for a window that is longer than this one's. Between two outages
    // of the stack there are not even two and a half minutes.
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
        // Between two of the stack's outages there is time enough.
        let outages: Vec<(i64, f64)> =
            (0..180).map(|step| (step, if step % 48 < 20 { 0.9 } else { 0.15 })).collect();
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

    #[test]
    fn faults_are_raised_where_the_app_runs() {
        let command = |file: &str| raise_faults(&Rule { file: file.to_owned(), ..Rule::default() });
        assert!(command("/etc/prometheus-learner/alerts.yml").contains("docker compose"));
        assert!(command("/home/me/section3-compose/rules/alerts.yml").contains("cargo run"));
        let end = |file: &str| end_faults(&Rule { file: file.to_owned(), ..Rule::default() });
        assert!(end("/etc/prometheus-learner/alerts.yml").ends_with("docker compose up -d app"));
        assert!(end("/home/me/section3-compose/rules/alerts.yml").contains("Ctrl-C"));
    }

    #[test]
    fn what_fires_is_read_from_promtools_words() {
        let words = "  FAILED:\n    exp:[], \n    got:[\n  0:\n    Labels:{alertname=\"A\", job=\"t\"}\n    \
                     Annotations:{action=\"x=\\\"y\\\"\", summary=\"oh, no\"}\n ]\n";
        let annotations = [("action", "x=\"y\""), ("summary", "oh, no")];
        let annotations = annotations.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let labels = vec!["alertname".to_owned(), "job".to_owned()];
        assert_eq!(fired(words), [Fired { labels, annotations: annotations.into() }]);
        assert_eq!(fired("Unit Testing: SUCCESS"), []);
    }

    #[test]
    fn a_day_as_a_counter() {
        assert_eq!(OUTAGE.values(|failing| failing, 0), "0+15x119 1800+100x71");
        assert_eq!(QUIET.values(|_| 0, 1), "1+0x239");
    }
}
