//! The made-up visits without a Prometheus: promtool evaluates queries on them as a unit test that
//! expects nothing, and tells what it got. One run has all queries.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use crate::check::stack::prometheus::api::{ApiError, Instants, Series};
use crate::check::stack::prometheus::backfill::{self, INTERVAL};
use crate::check::stack::prometheus::programs::quoted;
use crate::check::stack::prometheus::promtool::Promtool;

/// A query, and when it is asked.
pub(crate) struct Asked {
    pub(crate) query: String,
    pub(crate) at: Vec<Instants>,
}

/// What queries gave on the made-up visits.
#[derive(Debug, Default)]
pub(crate) struct MadeUp {
    by_query: HashMap<String, Result<Vec<Sample>, String>>,
}

/// One value of a series at an instant.
#[derive(Debug, Clone, PartialEq)]
struct Sample {
    at: f64,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl MadeUp {
    /// Evaluates these queries.
    pub(crate) fn evaluate(promtool: &Promtool, asked: &[Asked]) -> anyhow::Result<Self> {
        let mut test = format!("tests:\n  - interval: {INTERVAL}s\n    input_series:\n");
        test.push_str(&input_series(&backfill::open_metrics()));
        test.push_str("    promql_expr_test:\n");
        for (number, Asked { query, at }) in asked.iter().enumerate() {
            for instant in at.iter().flat_map(|at| instants(*at)) {
                // The comment says which one it is.
                let text = serde_json::to_string(&format!("# {number} {instant}\n{query}"))?;
                let second = instant - backfill::FIRST;
                let _ = writeln!(
                    test,
                    "      - {{expr: {text}, eval_time: {second}s, exp_samples: []}}"
                );
            }
        }
        let file = ("visits.yml".to_owned(), test);
        let (success, words) = promtool.run(&["test", "rules"], &[file])?;
        let mut made_up = Self::default();
        made_up.read(&words, asked);
        if !success && made_up.by_query.is_empty() {
            anyhow::bail!("promtool: {}", words.trim());
        }
        for Asked { query, .. } in asked {
            made_up.by_query.entry(query.clone()).or_insert(Ok(Vec::new()));
        }
        Ok(made_up)
    }

    /// Whether a query was among them.
    pub(crate) fn knows(&self, query: &str) -> bool {
        self.by_query.contains_key(query)
    }

    /// What a query gave in a stretch of time, if it was among them.
    pub(crate) fn range(&self, query: &str, at: Instants) -> Option<Result<Vec<Series>, ApiError>> {
        let samples = match self.by_query.get(query)? {
            Ok(samples) => samples,
            Err(message) => {
                let (kind, message) = ("execution".to_owned(), message.clone());
                return Some(Err(ApiError::Refused { kind, message }));
            }
        };
        let mut series: BTreeMap<&BTreeMap<String, String>, Vec<(f64, f64)>> = BTreeMap::new();
        for sample in samples.iter().filter(|one| at.start <= one.at && one.at <= at.end) {
            series.entry(&sample.labels).or_default().push((sample.at, sample.value));
        }
        let series = series.into_iter().map(|(labels, points)| Series {
            name: String::new(),
            labels: labels.clone(),
            points,
        });
        Some(Ok(series.collect()))
    }

    /// Reads promtool's words, which are for each value of a query:
    ///
    /// `expr: "# 3 1767600330\nsum(up)", time: 15m30s,`, and two lines below it
    /// `got: {job="a"} 1E+00, {job="b"} 2E+00`
    fn read(&mut self, words: &str, asked: &[Asked]) {
        let mut current = None;
        for line in words.lines().map(str::trim) {
            if let Some(rest) = line.strip_prefix("expr: \"# ") {
                let mut numbers = rest.split([' ', '\\']);
                let number = numbers.next().and_then(|text| text.parse::<usize>().ok());
                let at = numbers.next().and_then(|text| text.parse::<f64>().ok());
                current = number.and_then(|number| asked.get(number)).zip(at);
                if let (Some((one, _)), Some((_, error))) = (current, rest.split_once(", err: ")) {
                    self.by_query.insert(one.query.clone(), Err(error.to_owned()));
                }
            } else if let Some(got) = line.strip_prefix("got: ")
                && let Some((one, at)) = current.take()
                && let Ok(samples) =
                    self.by_query.entry(one.query.clone()).or_insert(Ok(Vec::new()))
            {
                samples.extend(values(got).into_iter().map(|(mut labels, value)| {
                    labels.remove("__name__");
                    Sample { at, labels, value }
                }));
            }
        }
    }
}

fn instants(at: Instants) -> impl Iterator<Item = u64> {
    let count = ((at.end - at.start) / at.step) as u64;
    (0..=count).map(move |index| (at.start + index as f64 * at.step) as u64)
}

/// The history in the notation of promtool's unit tests.
fn input_series(history: &str) -> String {
    let mut series: BTreeMap<&str, (String, u64)> = BTreeMap::new();
    for line in history.lines().filter(|line| !line.starts_with('#')) {
        let mut parts = line.rsplitn(3, ' ');
        let (Some(at), Some(value), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let Ok(at) = at.parse::<u64>() else { continue };
        let (values, next) = series.entry(name).or_insert((String::new(), backfill::FIRST));
        let gap = (at - *next) / INTERVAL;
        if gap > 0 {
            let _ = write!(values, "_x{gap} ");
        }
        let _ = write!(values, "{value} ");
        *next = at + INTERVAL;
    }
    let mut text = String::new();
    for (name, (values, _)) in series {
        let _ = writeln!(text, "      - series: {}\n        values: '{values}'", quoted(name));
    }
    text
}

/// `{a="b"} 1E+00, {} 2E+00`
fn values(text: &str) -> Vec<(BTreeMap<String, String>, f64)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        let (labels, end) = labels(after);
        let value = after.get(end..).unwrap_or_default();
        let (value, more) = value.split_once(", ").unwrap_or((value, ""));
        if let Ok(value) = value.trim().parse() {
            found.push((labels, value));
        }
        rest = more;
    }
    found
}

/// Labels up to their closing brace, and where it ends.
fn labels(text: &str) -> (BTreeMap<String, String>, usize) {
    let mut found = BTreeMap::new();
    let mut chars = text.char_indices();
    let mut name = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            '}' => return (found, at + 1),
            '"' => {
                let mut value = String::new();
                while let Some((_, c)) = chars.next().filter(|(_, c)| *c != '"') {
                    value.extend(if c == '\\' { chars.next().map(|(_, c)| c) } else { Some(c) });
                }
                found.insert(std::mem::take(&mut name), value);
            }
            ',' | ' ' | '=' => {}
            c => name.push(c),
        }
    }
    (found, text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_promtool_got_is_read() {
        let at = Instants { start: 100.0, end: 130.0, step: 30.0 };
        let asked = |query: &str| Asked { query: query.to_owned(), at: vec![at] };
        let asked = [asked("up"), asked("bad"), asked("none")];
        let words = "  FAILED:\n    expr: \"# 0 100\\nup\", time: 1m,\n        exp: nil\n        \
                     got: {__name__=\"up\", path=\"/, {x}\"} 1E+00, {} 2.5E+00\n    \
                     expr: \"# 1 130\\nbad\", time: 1m, err: many-to-many matching\n";
        let mut made_up = MadeUp::default();
        made_up.read(words, &asked);
        let series = made_up.range("up", at).unwrap().unwrap();
        let labels: Vec<&BTreeMap<String, String>> = series.iter().map(|one| &one.labels).collect();
        assert_eq!(labels, [&BTreeMap::new(), &[("path".to_owned(), "/, {x}".to_owned())].into()]);
        assert_eq!(series[0].points, [(100.0, 2.5)]);
        let refused = made_up.range("bad", at).unwrap().unwrap_err();
        assert!(matches!(refused, ApiError::Refused { message, .. } if message == "many-to-many \
                matching"));
        assert!(made_up.range("none", at).is_none() && !made_up.knows("none"));
        assert_eq!(instants(at).collect::<Vec<_>>(), [100, 130]);
    }

    #[test]
    fn a_history_becomes_series_with_gaps() {
        let first = backfill::FIRST;
        let text = format!(
            "# TYPE up gauge\nup{{a=\"b c\"}} 1 {}\nup{{a=\"b c\"}} 0 {}\n# EOF\n",
            first + 10,
            first + 25
        );
        let series = input_series(&text);
        assert_eq!(series, "      - series: 'up{a=\"b c\"}'\n        values: '_x2 1 _x2 0 '\n");
    }
}
