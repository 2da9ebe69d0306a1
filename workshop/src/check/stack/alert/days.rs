//! Days in the life of the app, made up: good ones, on which nobody is to be woken, and bad ones,
//! on which somebody is. They are written in the notation of promtool's unit tests.

use std::fmt::Write as _;

use crate::check::stack::prometheus::programs::quoted;

/// Seconds from one scrape, or evaluation, to the next.
const STEP: u64 = 5;

/// Some minutes in which everything stays as it is.
struct Phase {
    seconds: u64,
    /// Visits in a step: ten times this to the first replica, four times to the second, once to the
    /// third.
    load: u64,
    /// The share of the visits that fail, in percent, of each replica.
    failing: [u64; 3],
    status: &'static str,
    /// The share of the visits that are refused with 405, in percent.
    refused: u64,
    /// Requests to the index in a step: those answered, and those failed.
    index: [u64; 2],
    /// The second replica starts from 0.
    restart: bool,
}

/// 15 % fail, as every learner knows.
const USUAL: Phase = Phase {
    seconds: 300,
    load: 20,
    failing: [15; 3],
    status: "503",
    refused: 2,
    index: [10, 0],
    restart: false,
};
/// Nothing has failed since the start.
const FRESH: Phase = Phase { seconds: 60, failing: [0; 3], ..USUAL };

const fn failing(seconds: u64, percent: u64) -> Phase {
    Phase { seconds, failing: [percent; 3], ..USUAL }
}

/// When something is looked at, and what was wrong if it is seen.
pub(crate) struct Sight {
    /// Its name in the test.
    pub(crate) name: &'static str,
    /// The second of the day.
    at: u64,
    /// Whether it fires then, or has fired by then.
    ever: bool,
    /// Said of an alert that does otherwise than it should.
    pub(crate) found: &'static str,
}

/// A day, and what is looked at.
pub(crate) struct Day {
    phases: &'static [Phase],
    pub(crate) sights: &'static [Sight],
    /// When the texts of an alert that fires are read.
    read: Option<u64>,
}

const fn never(name: &'static str, at: u64, found: &'static str) -> Sight {
    Sight { name, at, ever: true, found }
}

const fn then(name: &'static str, at: u64, found: &'static str) -> Sight {
    Sight { name, at, ever: false, found }
}

/// On these it has to be quiet. One that fires too early in a day is told so of its first hour.
pub(crate) static GOOD: [Day; 3] = [
    Day {
        phases: &[
            FRESH,
            failing(300, 15),
            failing(60, 11),
            failing(100, 19),
            failing(60, 15),
            failing(120, 18),
            failing(240, 22),
        ],
        sights: &[
            never("usual", 355, "it fires although only 15 % of the visits fail"),
            never(
                "noisy",
                695,
                "it fires on a good day: 15 % of the visits fail, sometimes 11 % and sometimes \
                 19 %",
            ),
            never(
                "below",
                935,
                "it fires when 22 % of the visits fail, and up to 25 % are to be borne",
            ),
        ],
        read: None,
    },
    Day {
        phases: &[
            failing(180, 15),
            Phase { seconds: 240, index: [0, 900], ..USUAL },
            Phase { seconds: 240, refused: 40, ..USUAL },
            Phase { seconds: 240, failing: [15, 15, 100], ..USUAL },
        ],
        sights: &[
            never("elsewhere", 415, "it fires when only requests to another endpoint fail"),
            never("refused", 655, "it fires when many visits are refused with 405, and 15 % fail"),
            never("replica", 895, "it fires when one small replica fails, and 21 % of all visits"),
        ],
        read: None,
    },
    Day {
        phases: &[
            failing(180, 15),
            Phase { seconds: 60, load: 40, ..USUAL },
            Phase { seconds: 60, load: 80, ..USUAL },
            Phase { seconds: 120, load: 200, ..USUAL },
            Phase { seconds: 300, load: 0, ..USUAL },
            failing(120, 15),
            Phase { seconds: 240, restart: true, ..USUAL },
        ],
        sights: &[
            never("busy", 415, "it fires on a busy day, although only 15 % of the visits fail"),
            never("nobody", 835, "it fires at night, when nobody comes"),
            never("restart", 1075, "it fires when a replica starts again, and 15 % fail"),
        ],
        read: None,
    },
];

/// On these it has to fire, and to end.
pub(crate) static BAD: [Day; 4] = [
    Day {
        phases: &[failing(300, 15), failing(360, 100), failing(300, 15)],
        sights: &[
            then("end", 655, "it does not, although every visit has failed for six minutes"),
            then(
                "begin",
                450,
                "it does not within two and a half minutes, although every visit fails",
            ),
            OVER,
        ],
        read: Some(655),
    },
    Day {
        phases: &[
            failing(180, 15),
            Phase { load: 1, failing: [100; 3], status: "500", index: [900, 0], ..USUAL },
        ],
        sights: &[then(
            "few",
            475,
            "it does not when only a few come and every visit fails, with status 500",
        )],
        read: None,
    },
    Day { phases: &[failing(180, 15), failing(300, MANY)], sights: &[], read: Some(MANY_AT) },
    // What the stack does every four and a half minutes.
    Day {
        phases: &[failing(300, 15), failing(45, 100), failing(150, 15)],
        sights: &[SHORT],
        read: None,
    },
];

/// The share that fails, in percent, when its texts are read for the second time, and the second.
pub(crate) const MANY: u64 = 63;
pub(crate) const MANY_AT: u64 = 470;

/// Seen of one that fires for too long.
pub(crate) const OVER: Sight = then("over", 900, "it fires on, four minutes after the outage");
/// Seen of one that catches the stack's own outage, which it need not.
pub(crate) const SHORT: Sight = never("short", 490, "");

impl Sight {
    /// Whether one that is not seen on a bad day is silent.
    pub(crate) fn is_alarm(&self) -> bool {
        ![OVER.name, SHORT.name].contains(&self.name)
    }
}

/// The labels of the days' series.
pub(crate) const LABELS: [&str; 4] = ["endpoint", "instance", "job", "status"];

impl Day {
    /// The test of some alerts, all in this day.
    pub(crate) fn test(&self, alerts: &[&str]) -> String {
        let mut text = format!("  - interval: {STEP}s\n    input_series:\n");
        self.series(&mut text);
        if !self.sights.is_empty() {
            text.push_str("    promql_expr_test:\n");
        }
        for sight in self.sights {
            for alert in alerts {
                // Nothing is expected, so that what there is is told.
                let _ = writeln!(
                    text,
                    "      - expr: {}\n        eval_time: {}s\n        exp_samples: []",
                    quoted(&sight.query(alert)),
                    sight.at
                );
            }
        }
        if let Some(at) = self.read {
            text.push_str("    alert_rule_test:\n");
            for alert in alerts {
                let name = quoted(alert);
                let _ = writeln!(
                    text,
                    "      - eval_time: {at}s\n        alertname: {name}\n        exp_alerts: []"
                );
            }
        }
        text
    }

    fn series(&self, text: &mut String) {
        for (replica, weight) in [10, 4, 1].into_iter().enumerate() {
            let labels = format!("job=\"treecounter\",instance=\"app-{}:8001\"", replica + 1);
            let mut line = |series: &str, rise: &dyn Fn(&Phase) -> u64| {
                let values = self.values(rise, |phase| phase.restart && replica == 1);
                let _ = writeln!(
                    text,
                    "      - series: {}\n        values: '{values}'",
                    quoted(series)
                );
            };
            let visits = |phase: &Phase| phase.load * weight;
            let failed = |phase: &Phase| visits(phase) * phase.failing[replica] / 100;
            let refused = |phase: &Phase| (visits(phase) - failed(phase)) * phase.refused / 100;
            let good =
                |phase: &Phase| (visits(phase) - failed(phase)).saturating_sub(refused(phase));
            let mut count = |endpoint: &str, status: &str, rise: &dyn Fn(&Phase) -> u64| {
                let labels = format!("{labels},endpoint=\"{endpoint}\",status=\"{status}\"");
                line(&format!("requests_total{{{labels}}}"), rise);
            };
            for status in ["500", "503"] {
                count("/treecounter", status, &|phase| {
                    if phase.status == status { failed(phase) } else { 0 }
                });
            }
            count("/treecounter", "200", &|phase| good(phase) - good(phase) / 8);
            count("/treecounter", "304", &|phase| good(phase) / 8);
            count("/treecounter", "405", &refused);
            if replica == 0 {
                count("/", "200", &|phase| 3 * phase.index[0]);
                count("/", "500", &|phase| 3 * phase.index[1]);
                count("/metrics", "200", &|_| 3);
                count("other", "404", &|phase| visits(phase) / 10);
            }
            let _ = writeln!(text, "      - series: 'up{{{labels}}}'\n        values: '1x400'");
        }
    }

    /// The values of a counter.
    fn values(&self, rise: &dyn Fn(&Phase) -> u64, restarts: impl Fn(&Phase) -> bool) -> String {
        let mut parts = Vec::new();
        let mut value = 0;
        for phase in self.phases {
            if restarts(phase) {
                value = 0;
            }
            let (steps, rise) = (phase.seconds / STEP, rise(phase));
            parts.push(format!("{value}+{rise}x{}", steps - 1));
            value += rise * steps;
        }
        parts.join(" ")
    }
}

impl Sight {
    fn query(&self, alert: &str) -> String {
        let firing = format!("ALERTS{{alertname={alert:?},alertstate=\"firing\"}}");
        let firing = if self.ever { format!("count_over_time({firing}[1h])") } else { firing };
        let named = |query: &str, label: &str, value: &str| {
            format!("label_replace({query}, \"{label}\", {value:?}, \"\", \"\")")
        };
        named(&named(&format!("count({firing})"), "sight", self.name), "alert", alert)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_as_a_counter() {
        let values = |day: &Day| day.values(&|phase| phase.failing[0], |phase| phase.restart);
        assert_eq!(values(&BAD[0]), "0+15x59 900+100x71 8100+15x59");
        assert!(values(&GOOD[2]).ends_with("+15x23 0+15x47"), "{}", values(&GOOD[2]));
    }

    #[test]
    fn every_sight_has_a_name_of_its_own() {
        let days = GOOD.iter().chain(&BAD);
        let mut names: Vec<&str> =
            days.flat_map(|day| day.sights).map(|sight| sight.name).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
