//! How the learner's alerts behave on days that are made up: promtool's unit tests evaluate the
//! learner's own file, with the kit's recording rules, without a running stack. One run has it all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::check::stack::alert::days::{BAD, Day, GOOD, MANY, MANY_AT, OVER, SHORT, Sight};
use crate::check::stack::alert::rule_files::{files, kit_files};
use crate::check::stack::options::Options;
use crate::check::stack::prometheus::promtool::Promtool;

/// What was seen of some alerts on all days.
#[derive(Debug, Default)]
pub(crate) struct Rehearsal {
    /// By the alert's name and the sight's.
    seen: BTreeSet<(String, String)>,
    fired: Vec<Fired>,
    /// By the alert's name: why its query has no result.
    errors: BTreeMap<String, String>,
}

/// An alert that fires.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Fired {
    pub(crate) alert: String,
    /// The names of its labels.
    pub(crate) labels: Vec<String>,
    /// With all templates expanded.
    pub(crate) annotations: BTreeMap<String, String>,
    /// The share of the visits that failed then, in percent.
    pub(crate) failing: u64,
}

/// Lets these alerts live through all days.
pub(crate) fn rehearse(
    promtool: &Promtool,
    options: &Options,
    alerts: &[&str],
) -> anyhow::Result<Rehearsal> {
    let mut given = Vec::new();
    let own: Vec<String> =
        files(&options.root, options.solution).into_iter().map(|file| file.text).collect();
    let kit = kit_files(&options.root);
    let mut kit: Vec<String> =
        kit.into_iter().filter_map(|path| fs::read_to_string(path).ok()).collect();
    // One of the same name would fire in place of the learner's.
    kit.retain(|text| !names(text).any(|name| alerts.contains(&name)));
    // They take most of the time, and few build on them.
    if !kit.iter().flat_map(|text| names(text)).any(|name| own.iter().any(|t| t.contains(name))) {
        kit.clear();
    }
    for (index, text) in kit.into_iter().chain(own).enumerate() {
        given.push((format!("rules-{index}.yml"), text.replace("\r\n", "\n")));
    }
    let mut test = String::from("rule_files:\n");
    for (name, _) in &given {
        test.push_str(&format!("  - {name}\n"));
    }
    test.push_str("evaluation_interval: 5s\ntests:\n");
    for day in all_days() {
        test.push_str(&day.test(alerts));
    }
    given.push(("days.yml".to_owned(), test));
    let (_, words) = promtool.run(&["test", "rules"], &given)?;
    let rehearsal = read(&words);
    // It is never content, for it expects nothing; unless nothing fired.
    if !words.contains("SUCCESS") && !words.contains("got:") && rehearsal.errors.is_empty() {
        anyhow::bail!("promtool: {}", words.trim());
    }
    Ok(rehearsal)
}

/// The names of the rules in a file of the kit.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let rule = line.trim_start().strip_prefix("- ")?;
        rule.strip_prefix("record: ").or_else(|| rule.strip_prefix("alert: ")).map(str::trim)
    })
}

fn all_days() -> impl Iterator<Item = &'static Day> {
    GOOD.iter().chain(&BAD)
}

impl Rehearsal {
    fn saw(&self, alert: &str, sight: &Sight) -> bool {
        self.seen.contains(&(alert.to_owned(), sight.name.to_owned()))
    }

    /// The first good day on which it fires.
    pub(crate) fn loud(&self, alert: &str) -> Option<&'static str> {
        let sights = GOOD.iter().flat_map(|day| day.sights);
        sights.into_iter().find(|sight| self.saw(alert, sight)).map(|sight| sight.found)
    }

    /// The first bad day on which it does not fire.
    pub(crate) fn silent(&self, alert: &str) -> Option<&'static str> {
        let sights = BAD.iter().flat_map(|day| day.sights).filter(|sight| sight.is_alarm());
        sights.into_iter().find(|sight| !self.saw(alert, sight)).map(|sight| sight.found)
    }

    /// That it fires on when the outage is over.
    pub(crate) fn lasting(&self, alert: &str) -> Option<&'static str> {
        self.saw(alert, &OVER).then_some(OVER.found)
    }

    /// Whether it fires within the stack's own outage.
    pub(crate) fn catches_short(&self, alert: &str) -> bool {
        self.saw(alert, &SHORT)
    }

    /// Why its query cannot be evaluated.
    pub(crate) fn error(&self, alert: &str) -> Option<&str> {
        self.errors.get(alert).map(String::as_str)
    }

    /// What it says when it fires.
    pub(crate) fn fired(&self, alert: &str) -> Vec<&Fired> {
        self.fired.iter().filter(|fired| fired.alert == alert).collect()
    }
}

/// What promtool got where nothing was expected:
///
/// `got: {alert="A", sight="usual"} 1E+00`, and `alertname: A, time: 15m55s,` with a list below it.
fn read(words: &str) -> Rehearsal {
    let mut rehearsal = Rehearsal::default();
    let mut labels: Option<BTreeMap<String, String>> = None;
    let mut failing = 0;
    let many = format!("time: {}m{}s,", MANY_AT / 60, MANY_AT % 60);
    for line in words.lines().map(str::trim) {
        if let Some(got) = line.strip_prefix("got: {") {
            let mut found = in_quotes(got);
            if let (Some(alert), Some(sight)) = (found.remove("alert"), found.remove("sight")) {
                rehearsal.seen.insert((alert, sight));
            }
        } else if let Some((rule, error)) = line.split_once(", err: ")
            && let Some(name) = rule.strip_prefix("rule: ")
        {
            let name = name.split(", time:").next().unwrap_or(name);
            rehearsal.errors.entry(name.to_owned()).or_insert_with(|| error.to_owned());
        } else if line.starts_with("alertname:") {
            failing = if line.contains(&many) { MANY } else { 100 };
        } else if let Some(text) = line.strip_prefix("Labels:{") {
            labels = Some(in_quotes(text));
        } else if let Some(text) = line.strip_prefix("Annotations:{")
            && let Some(mut labels) = labels.take()
        {
            let alert = labels.get("alertname").cloned().unwrap_or_default();
            labels.retain(|_, value| !value.is_empty());
            let labels = labels.into_keys().collect();
            rehearsal.fired.push(Fired { alert, labels, annotations: in_quotes(text), failing });
        }
    }
    rehearsal
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fires_is_read_from_promtools_words() {
        let words = "  FAILED:\n    alertname: A, time: 7m50s, \n    exp:[], \n    got:[\n  \
            0:\n    \
                     Labels:{alertname=\"A\", job=\"t\", team=\"\"}\n    \
                     Annotations:{action=\"x=\\\"y\\\"\", summary=\"oh, no\"}\n ]\n    expr: \
                     \"x\", time: 8m,\n        \
                     exp: nil\n        got: {alert=\"A\", sight=\"usual\"} 1E+00\n";
        let rehearsal = read(words);
        let annotations = [("action", "x=\"y\""), ("summary", "oh, no")];
        let annotations = annotations.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let expected = Fired {
            alert: "A".to_owned(),
            labels: vec!["alertname".to_owned(), "job".to_owned()],
            annotations: annotations.into(),
            failing: 63,
        };
        assert_eq!(rehearsal.fired("A"), [&expected]);
        assert_eq!(rehearsal.loud("A"), Some("it fires although only 15 % of the visits fail"));
        assert!(rehearsal.silent("A").is_some() && rehearsal.lasting("A").is_none());
        assert_eq!(read("Unit Testing: SUCCESS").fired("A").len(), 0);
        let error = read("    rule: A, time: 5s, err: multiple matches\n");
        assert_eq!(error.error("A"), Some("multiple matches"));
    }
}
