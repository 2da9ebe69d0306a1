//! Whether a query proves a fault: it shows something while this fault is at work, and nothing in a
//! healthy hour nor while another fault is. Each of these is a world of its own, two hours apart in
//! one Prometheus, so that the same query is asked of all of them.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::check::stack::prometheus::api::{ApiError, Instants, Prometheus, Series};
use crate::check::stack::prometheus::backfill::INTERVAL;
use crate::check::stack::prometheus::throwaway::OwnPrometheus;
use crate::commands::mystery::fault::Fault;
use crate::commands::mystery::healthy::HealthyHour;
use crate::commands::mystery::history::History;
use crate::commands::mystery::world::World;
use crate::http::fetch::http_url;

/// From one world to the next: more than any window that an incident needs.
const APART: u64 = 2 * 3600;
const LENGTH: u64 = 35 * 60;
/// How long the fault has been at work at a world's end.
const AT_WORK: u64 = 25 * 60;
/// A proof has to hold at some moment of the last minutes.
const LAST: u64 = 8 * 60;

/// What a query has come to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Proof {
    /// It tells this fault from all else.
    Holds,
    /// Prometheus does not understand it, in its own words.
    Unreadable(String),
    /// It names a moment: what it shows cannot be asked of another hour.
    NamesAMoment,
    /// It shows nothing, although the fault is at work.
    ShowsNothing,
    /// It shows something in a healthy hour as well.
    AlsoHealthy(HealthyHour),
    /// It shows something while another fault is at work.
    AlsoShows(Fault),
}

/// A Prometheus that knows all worlds.
pub(crate) struct Jury {
    /// Kept running.
    _own: OwnPrometheus,
    prometheus: Prometheus,
    end: u64,
}

/// The worlds in their order: without a fault, and with each.
fn worlds() -> impl Iterator<Item = (u64, Option<Fault>)> {
    let faults = std::iter::once(None).chain(Fault::ALL.map(Some));
    (0..).zip(faults)
}

/// When a world ends: promtool wants the oldest first.
fn end_of(number: u64, end: u64) -> u64 {
    end - (Fault::ALL.len() as u64 - number) * APART
}

/// The past of all worlds of a seed, up to a moment.
pub(crate) fn history(seed: u64, end: u64) -> History {
    let mut history = History::default();
    for (number, fault) in worlds() {
        let (from, to) = (end_of(number, end) - LENGTH, end_of(number, end));
        let mut world = World::new(fault, seed, LENGTH - AT_WORK, from);
        history.record(&mut world, from, to);
        history.record_prometheus(from, to);
    }
    history
}

impl Jury {
    /// Starts it, for the worlds of a seed.
    pub(crate) async fn start(seed: u64) -> anyhow::Result<Self> {
        // Long past, and the same each time.
        let end = 1_767_600_000;
        let none: &[PathBuf] = &[];
        let history = history(seed, end).open_metrics();
        let own = OwnPrometheus::with_history(&history, "", none).await?;
        let prometheus = Prometheus::passing(&http_url(&own.url, &own.url)?);
        Ok(Self { _own: own, prometheus, end })
    }

    /// Judges a query as the proof of a fault.
    ///
    /// # Errors
    /// When Prometheus does not answer.
    pub(crate) async fn judge(&self, fault: Fault, query: &str) -> anyhow::Result<Proof> {
        if names_a_moment(query) {
            return Ok(Proof::NamesAMoment);
        }
        let mut shown: Vec<(Option<Fault>, Vec<Series>)> = Vec::new();
        for (number, world) in worlds() {
            match self.shown(query, end_of(number, self.end)).await {
                Ok(series) if series.is_empty() => {}
                Ok(series) => shown.push((world, series)),
                Err(ApiError::Refused { message, .. }) => return Ok(Proof::Unreadable(message)),
                Err(error) => {
                    let error = anyhow::anyhow!("{error:?}");
                    return Err(error).context("the Prometheus that judges does not answer");
                }
            }
        }
        let Some((_, faulty)) = shown.iter().find(|(world, _)| *world == Some(fault)) else {
            return Ok(Proof::ShowsNothing);
        };
        Ok(match shown.iter().find(|(world, _)| *world != Some(fault)) {
            None => Proof::Holds,
            Some((None, healthy)) => {
                Proof::AlsoHealthy(HealthyHour::new(healthy, faulty, is_bool(query)))
            }
            Some((Some(other), _)) => Proof::AlsoShows(*other),
        })
    }

    async fn shown(&self, query: &str, end: u64) -> Result<Vec<Series>, ApiError> {
        let (start, end) = ((end - LAST) as f64, end as f64);
        let at = Instants { start, end, step: (3 * INTERVAL) as f64 };
        Ok(shown(query, self.prometheus.range(query, at).await?))
    }
}

/// A comparison that keeps what it compares shows something as soon as there is a value, whichever;
/// one with `bool` only where that is 1.
fn shown(query: &str, mut series: Vec<Series>) -> Vec<Series> {
    let is_bool = is_bool(query);
    for series in &mut series {
        series.points.retain(|(_, value)| !value.is_nan() && (!is_bool || *value != 0.0));
    }
    series.retain(|series| !series.points.is_empty());
    series
}

fn is_bool(query: &str) -> bool {
    query.split(|c: char| !c.is_alphanumeric()).any(|word| word == "bool")
}

/// `@` and `time()` belong to one hour, and the worlds to others. For how long a program has run is
/// the same in each.
fn names_a_moment(query: &str) -> bool {
    let mut quote = None;
    let mut code = String::new();
    for letter in query.chars() {
        match quote {
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if matches!(letter, '"' | '\'' | '`') => quote = Some(letter),
            None => code.push(letter),
        }
    }
    let functions = ["time(", "hour(", "minute(", "day_of_", "timestamp("];
    let code: String = code.split_whitespace().collect();
    let code = code.replace("time()-process_start_time_seconds", "");
    code.contains('@') || functions.iter().any(|function| is_called(&code, function))
}

fn is_called(code: &str, function: &str) -> bool {
    code.match_indices(function).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        before.is_none_or(|letter| !letter.is_alphanumeric() && letter != '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::mystery::incident;

    #[test]
    fn a_moment_is_seen_outside_of_quotes() {
        for query in ["up @ 1767600000", "time() > 5", "vector(time())", "minute () > 3"] {
            assert!(names_a_moment(query), "{query}");
        }
        for query in [
            "up{job=\"a@b\"}",
            "time() - process_start_time_seconds{job=\"a\"}",
            "rate(uptime(x)[5m])",
        ] {
            assert!(!names_a_moment(query), "{query}");
        }
    }

    #[test]
    fn an_answer_of_zero_shows_something_unless_it_is_a_truth_value() {
        let series = |value| {
            vec![Series {
                name: String::new(),
                labels: std::collections::BTreeMap::new(),
                points: vec![(0.0, value)],
            }]
        };
        assert_eq!(shown("sum(x) == 0", series(0.0)).len(), 1);
        assert!(shown("sum(x) == bool 1", series(0.0)).is_empty());
        assert_eq!(shown("sum(x) == bool 1", series(1.0)).len(), 1);
        assert!(shown("x / y", series(f64::NAN)).is_empty());
        assert!(shown("x", Vec::new()).is_empty());
    }

    fn missing() -> bool {
        let missing = !OwnPrometheus::possible();
        if missing {
            assert!(std::env::var_os("CI").is_none(), "prometheus and promtool must be installed");
            println!("skipped: prometheus or promtool is not installed");
        }
        missing
    }

    /// The expert's proof of each fault holds for these seeds, so it is told from all others.
    fn solvable(seeds: std::ops::RangeInclusive<u64>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for seed in seeds {
            runtime.block_on(async {
                let jury = Jury::start(seed).await.unwrap();
                for incident in incident::all().unwrap() {
                    let proof = jury.judge(incident.fault, &incident.proof).await.unwrap();
                    assert_eq!(proof, Proof::Holds, "seed {seed}: {:?}", incident.fault);
                    for query in incident.steps.iter().map(|step| &step.query) {
                        let proof = jury.judge(incident.fault, query).await.unwrap();
                        let readable = !matches!(proof, Proof::Unreadable(_) | Proof::Holds);
                        let is_gone = incident.fault == Fault::RenamedMetric;
                        assert!(readable || is_gone, "seed {seed}: {query}: {proof:?}");
                    }
                    let fires = jury.judge(incident.fault, &incident.alert).await.unwrap();
                    let fires = matches!(fires, Proof::Holds | Proof::AlsoShows(_));
                    assert!(fires, "seed {seed}: {}", incident.alert);
                }
            });
        }
    }

    #[test]
    fn every_mystery_is_solvable_and_told_from_the_others() {
        if !missing() {
            solvable(1..=2);
        }
    }

    /// What a wrong proof is refused for, by the names in the corpus.
    fn reason(proof: &Proof) -> String {
        match proof {
            Proof::Holds => "holds".to_owned(),
            Proof::Unreadable(_) => "unreadable".to_owned(),
            Proof::NamesAMoment => "moment".to_owned(),
            Proof::ShowsNothing => "nothing".to_owned(),
            Proof::AlsoHealthy(_) => "healthy".to_owned(),
            Proof::AlsoShows(fault) => name(*fault),
        }
    }

    /// As it is written in data.
    fn name(fault: Fault) -> String {
        let mut name = String::new();
        for letter in format!("{fault:?}").chars() {
            if letter.is_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.extend(letter.to_lowercase());
        }
        name
    }

    #[test]
    fn proofs_hold_or_are_refused_for_their_reason() {
        if missing() {
            return;
        }
        let corpus = include_str!("../../../tests/mystery/proofs.toml");
        let corpus: toml::Table = corpus.parse().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let jury = runtime.block_on(Jury::start(3)).unwrap();
        for fault in Fault::ALL {
            let proofs = corpus[&name(fault)].as_table().unwrap();
            assert!(proofs.len() >= 4, "{fault:?}");
            for (query, because) in proofs {
                let proof = runtime.block_on(jury.judge(fault, query)).unwrap();
                assert_eq!(Some(reason(&proof).as_str()), because.as_str(), "{fault:?}: {query}");
            }
        }
    }

    #[test]
    #[ignore = "takes minutes"]
    fn fifty_seeds_of_every_mystery_are_solvable() {
        if !missing() {
            solvable(1..=50);
        }
    }
}
