//! Whether Prometheus answers, whether it reaches the app, and what is said when not.

use crate::check::stack::alert::rule_files::in_stack;
use crate::check::stack::prometheus::api::{ApiError, Prometheus};
use crate::check::verdict::{Finding, Judgement};
use crate::http::no_answer::NoAnswer;

/// The job that the app's targets are in.
pub(crate) const JOB: &str = "treecounter";

pub(crate) const START: &str = "docker compose up --build --detach --wait";

/// What waiting does for a check of the stack that does not pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Waiting {
    /// Nothing: it has to be mended.
    Vain,
    /// The first scrapes may bring it, if a Prometheus was started for this and has an app to
    /// scrape.
    ForFirstScrapes,
    /// It may pass by itself.
    ForAMoment,
}

impl Waiting {
    /// The API answers once Prometheus is ready and no longer busy; all else stays as it is.
    pub(crate) fn of(error: &ApiError) -> Self {
        match error {
            ApiError::NotReady
            | ApiError::NoAnswer(
                NoAnswer::TimedOut(_)
                | NoAnswer::Closed
                | NoAnswer::NotConnected(_)
                | NoAnswer::ConnectTimedOut(_),
            ) => Self::ForAMoment,
            _ => Self::Vain,
        }
    }
}

/// Prometheus is there, ready, and of a version that the lesson is about.
pub(crate) async fn reachable(prometheus: &Prometheus) -> Judgement {
    match prometheus.version().await {
        Ok(version) if is_old(&version) => Finding::new(
            "Prometheus 3",
            format!("Prometheus {version}"),
        )
        .because(
            "Version 2 writes some results in another way (le=\"1\" instead of le=\"1.0\") and \
             cannot tell where a query is wrong. The stack has the right one; without Docker: \
             prometheus.io/download",
        )
        .could_not_tell(),
        Ok(_) => Ok(()),
        Err(error) => trouble(prometheus, &error).await,
    }
}

fn is_old(version: &str) -> bool {
    version
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok())
        .is_some_and(|major| major < 3)
}

/// What an API that does not answer as it should means.
pub(crate) async fn trouble<T>(prometheus: &Prometheus, error: &ApiError) -> Judgement<T> {
    let base = prometheus.base();
    let place = match error {
        ApiError::MovedTo(place) => Some(place.clone()),
        ApiError::Status(404) => {
            prometheus.redirect().await.filter(|place| !place.contains("login"))
        }
        _ => None,
    };
    if let Some(place) = place {
        return moved(prometheus, &place).could_not_tell();
    }
    let mut finding = Finding::new(format!("Prometheus at {base}"), found(error));
    if let Some(cause) = cause(error) {
        finding = finding.because(cause);
    }
    let finding = match error {
        ApiError::NoAnswer(NoAnswer::Refused) => finding.try_with(START),
        ApiError::NotReady => finding.try_with(format!("curl -i {base}/-/ready")),
        ApiError::Locked | ApiError::Refused { .. } => finding,
        _ => finding.try_with(format!("curl -i {base}/api/v1/status/buildinfo")),
    };
    finding.could_not_tell()
}

/// What came in place of an answer.
fn found(error: &ApiError) -> String {
    match error {
        ApiError::NoAnswer(NoAnswer::Refused) => {
            "connection refused: nothing listens there".to_owned()
        }
        ApiError::NoAnswer(NoAnswer::TimedOut(limit)) => {
            format!("no answer within {} s", limit.as_secs())
        }
        ApiError::NoAnswer(none) => none.to_string(),
        ApiError::NotReady => "503: it is not ready".to_owned(),
        ApiError::Locked => "it asks for a login".to_owned(),
        ApiError::MovedTo(place) => format!("it sends visitors to {place}"),
        ApiError::Status(404) => "404: no Prometheus API there".to_owned(),
        ApiError::Status(status) => format!("status {status}"),
        ApiError::Html => "a page for people (HTML) instead of its API".to_owned(),
        ApiError::Foreign => "an answer that is not Prometheus's".to_owned(),
        ApiError::Refused { message, .. } => format!("it refused: {message}"),
    }
}

fn cause(error: &ApiError) -> Option<&'static str> {
    Some(match error {
        ApiError::NoAnswer(NoAnswer::Refused) => {
            "Start the stack, or a Prometheus of your own (the README of section 3 has the \
             command). Does it run at another address? Then say so: --prometheus \
             http://localhost:PORT"
        }
        ApiError::NoAnswer(NoAnswer::TimedOut(_)) => {
            "Is it busy with a query that is too large? It gives up by itself; try again in a \
             moment."
        }
        ApiError::NoAnswer(_) => {
            "Something else seems to listen there. Where does Prometheus listen? --prometheus \
             names it."
        }
        ApiError::NotReady => {
            "It starts, or stops. A start takes seconds, and longer with much data: try again in \
             a moment."
        }
        ApiError::Locked => {
            "The stack's Prometheus has none. Is this Grafana, or somebody else's? --prometheus \
             names another"
        }
        ApiError::Status(404) => {
            "Another program listens at that address. As a rule port 3000 is Grafana's, 8001 the \
             app's, 9090 Prometheus's."
        }
        ApiError::Html => {
            "Another program listens at that address, or a proxy in front of it wants something \
             first."
        }
        ApiError::Foreign => {
            "Another program listens at that address. --prometheus names the right one."
        }
        ApiError::MovedTo(_) | ApiError::Status(_) | ApiError::Refused { .. } => return None,
    })
}

fn moved(prometheus: &Prometheus, place: &str) -> Finding {
    let base = prometheus.base();
    let path = place.strip_prefix(base).unwrap_or(place);
    // `/prom/query` leads to the page for people; what stands before it is the prefix.
    let prefix =
        path.split_once("/query").or(path.split_once("/graph")).map_or(path, |(prefix, _)| prefix);
    let prefix = prefix.trim_end_matches('/');
    let finding =
        Finding::new(format!("Prometheus at {base}"), format!("it sends visitors to {place}"));
    if prefix.is_empty() || prefix.contains("login") || prefix.contains("://") {
        return finding.because(
            "Is this another program, such as Grafana? --prometheus names the right one.",
        );
    }
    finding
        .because(format!("It listens below a path. Name it with that: --prometheus {base}{prefix}"))
}

/// That the last change of the configuration or of a rule was not taken, and how to see why.
pub(crate) async fn refused_change(
    prometheus: &Prometheus,
) -> Option<(&'static str, &'static str)> {
    if prometheus.reloaded().await.unwrap_or(true) {
        return None;
    }
    let in_stack = prometheus.rules().await.is_ok_and(|rules| rules.iter().any(in_stack));
    let command = if in_stack {
        "docker compose exec prometheus promtool check config /etc/prometheus/prometheus.yml"
    } else {
        "promtool check config deploy/prometheus/local.yml"
    };
    Some(("Prometheus refuses a changed file, and goes on with what it had", command))
}

/// The time between two scrapes of the app, in seconds.
pub(crate) async fn scrape_interval(prometheus: &Prometheus) -> Option<f64> {
    let targets = prometheus.targets().await.ok()?;
    let of_app =
        targets.iter().find(|target| target.labels.get("job").is_some_and(|job| job == JOB))?;
    duration(&of_app.scrape_interval)
}

/// `1m30s`, as Prometheus writes durations, in seconds.
fn duration(text: &str) -> Option<f64> {
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let unit = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let seconds = match &after[..unit] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * seconds;
        rest = &after[unit..];
    }
    (total > 0.0).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_prometheus_writes_them() {
        for (text, seconds) in
            [("5s", 5.0), ("1m", 60.0), ("1m30s", 90.0), ("500ms", 0.5), ("1h0m5s", 3605.0)]
        {
            assert_eq!(duration(text), Some(seconds), "{text}");
        }
        for text in ["", "5", "x", "5 apples"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn waiting_is_for_what_passes_by_itself() {
        let limit = std::time::Duration::from_secs(1);
        for error in [ApiError::NotReady, ApiError::NoAnswer(NoAnswer::TimedOut(limit))] {
            assert_eq!(Waiting::of(&error), Waiting::ForAMoment, "{error:?}");
        }
        for error in [ApiError::NoAnswer(NoAnswer::Refused), ApiError::Html, ApiError::Locked] {
            assert_eq!(Waiting::of(&error), Waiting::Vain, "{error:?}");
        }
    }

    #[test]
    fn old_versions_are_told() {
        assert!(
            is_old("2.53.0") && !is_old("3.5.3+ds1") && !is_old("3.13.2") && !is_old("unknown")
        );
    }
}
