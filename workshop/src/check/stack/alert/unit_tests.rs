//! Days in the life of the app, made up, and how the learner's alert behaves in them: promtool's unit
//! tests evaluate it without a running stack.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use crate::check::stack::alert::rule_files::{files, kit_files};
use crate::check::stack::options::Options;
use crate::check::stack::prometheus::api::Rule;
use crate::check::stack::prometheus::programs;
use crate::check::stack::prometheus::programs::quoted;

/// A day in the life of the app, in the notation of promtool's unit tests.
pub(crate) struct Day {
    name: &'static str,
    /// For how many seconds which share of the visits fails, in percent.
    failing: &'static [(u64, u64)],
    at_second: u64,
    /// Whether it fires in that second, or has at any time before.
    ever: bool,
    fires: bool,
}

/// 15 % fail always; ten minutes in, all do.
pub(crate) const QUIET: Day =
    Day { name: "quiet", failing: &[(1200, 15)], at_second: 1200, ever: true, fires: false };

pub(crate) const OUTAGE: Day = Day {
    name: "outage",
    failing: &[(600, 15), (360, 100)],
    at_second: 960,
    ever: false,
    fires: true,
};

pub(crate) const AFTER: Day = Day {
    name: "after",
    failing: &[(600, 15), (360, 100), (600, 15)],
    at_second: 1560,
    ever: false,
    fires: false,
};

/// What the stack does every four minutes.
pub(crate) const SHORT: Day = Day {
    name: "short",
    failing: &[(600, 15), (45, 100), (195, 15)],
    at_second: 840,
    ever: true,
    fires: true,
};

/// The labels of the rehearsal's series.
pub(crate) const LABELS: [&str; 4] = ["endpoint", "instance", "job", "status"];

/// Whether the rule behaves on that day as it should, in promtool's unit tests: they evaluate the
/// learner's own file, with the kit's recording rules, and take no time. Nothing without promtool.
pub(crate) fn rehearse(options: &Options, rule: &Rule, day: &Day) -> Option<anyhow::Result<bool>> {
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
pub(crate) struct Fired {
    /// The names of its labels.
    pub(crate) labels: Vec<String>,
    /// With all templates expanded.
    pub(crate) annotations: BTreeMap<String, String>,
}

/// The rule's alerts in an outage, if it fires there. A unit test that expects none says what it got.
pub(crate) fn in_outage(options: &Options, rule: &Rule) -> Option<anyhow::Result<Vec<Fired>>> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
