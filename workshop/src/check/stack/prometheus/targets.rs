//! Whether Prometheus reaches the app, and stores what it exposes.

use crate::check::stack::prometheus::api::{Instants, Prometheus, ScrapeTarget};
use crate::check::stack::prometheus::connection::{
    JOB, Waiting, refused_change, scrape_interval, trouble,
};
use crate::check::verdict::{Finding, Judgement};

/// The targets of the app's job are up.
pub(crate) async fn targets_up(prometheus: &Prometheus) -> (Waiting, Judgement) {
    let targets = match prometheus.targets().await {
        Ok(targets) => targets,
        Err(error) => {
            return (Waiting::of(&error), trouble(prometheus, &error).await);
        }
    };
    let page = prometheus.page("/targets");
    let expected = format!("a target of the job {JOB} that is up");
    let of_app: Vec<&ScrapeTarget> = targets
        .iter()
        .filter(|target| target.labels.get("job").is_some_and(|job| job == JOB))
        .collect();
    if of_app.is_empty() {
        let jobs: std::collections::BTreeSet<&str> = targets
            .iter()
            .filter_map(|target| target.labels.get("job"))
            .map(String::as_str)
            .collect();
        let jobs: Vec<&str> = jobs.into_iter().collect();
        let (found, waiting) = match jobs[..] {
            [] => ("no target at all".to_owned(), Waiting::ForAMoment),
            [job] => (format!("only the job {job}"), Waiting::ForFirstScrapes),
            _ => (format!("only the jobs {}", jobs.join(", ")), Waiting::ForFirstScrapes),
        };
        if let Some((refused, command)) = refused_change(prometheus).await {
            let finding =
                Finding::new(expected, found).because(format!("{refused}.")).try_with(command);
            return (Waiting::Vain, finding.try_with(page).fail());
        }
        let finding = Finding::new(expected, found)
            .because(
                "Either the configuration has no such job, or the name of the app is not known: \
                 then the container does not run. Is this the Prometheus of the workshop?",
            )
            .try_with("docker compose ps app")
            .try_with(page);
        return (waiting, finding.fail());
    }
    let Some(down) = of_app.iter().find(|target| target.health == "down") else {
        if of_app.iter().all(|target| target.health == "up") {
            return (Waiting::Vain, Ok(()));
        }
        let finding = Finding::new(expected, "not scraped so far").because(
            "A fresh Prometheus scrapes for the first time after some seconds. Check again.",
        );
        return (Waiting::ForAMoment, finding.could_not_tell());
    };
    let instance = down.labels.get("instance").map_or("?", String::as_str);
    let finding = Finding::new(expected, format!("{instance} is down: {}", down.last_error));
    let why = why_down(&down.last_error, &down.scrape_url);
    // It may be mended in the very file that is refused.
    let finding = match refused_change(prometheus).await {
        Some((refused, command)) => finding.because(format!("{refused}. {why}")).try_with(command),
        None => finding.because(why),
    };
    (Waiting::Vain, finding.try_with(page).fail())
}

/// Prometheus's last error in plain words.
fn why_down(error: &str, url: &str) -> String {
    let says = |part: &str| error.contains(part);
    // Windows says it in words of its own.
    if says("connection refused") || says("actively refused") {
        return nothing_listens(url);
    }
    if says("HTTP status 404") {
        return format!(
            "The app has no page at {url}. Section 1 mounts it: is the arm for \"/metrics\" there?"
        );
    }
    if says("HTTP status") {
        return format!("{url} answers with another status than 200. Open it in a browser.");
    }
    let known = WHY_DOWN.iter().find(|(parts, _)| parts.iter().any(|part| says(part)));
    known.map_or_else(
        || format!("Open {url} from where Prometheus runs, and look at what comes back."),
        |(_, why)| (*why).to_owned(),
    )
}

fn nothing_listens(url: &str) -> String {
    let local = url.contains("localhost");
    if !url.contains(":8001/") {
        let place = if local || url.contains("127.0.0.1") {
            "`targets:` in deploy/prometheus/local.yml"
        } else {
            "`port:` in deploy/prometheus/prometheus.yml"
        };
        return format!(
            "Nothing listens at {url}. Is the app running? It listens at port 8001, unless \
             TREECOUNTER_ADDR names another: see {place}."
        );
    }
    let question = if local {
        "Is the app running? Seen from a container, `localhost` is that container: a neighbour \
         is called by the name of its service."
    } else {
        "Is the app running, and at 0.0.0.0 if it is in a container?"
    };
    format!("Nothing listens at {url}. {question}")
}

/// Parts of Prometheus's errors, and what they mean. The first that fits.
const WHY_DOWN: [(&[&str], &str); 6] = [
    (
        &["no such host", "server misbehaving", "Temporary failure in name"],
        "The name in the target is not known where Prometheus runs. In the stack it is the name \
         of the service, `app`.",
    ),
    (
        &["context deadline exceeded", "Client.Timeout"],
        "The answer took longer than the scrape may. Does something in the program hold up the \
         /metrics page?",
    ),
    (
        &["Content-Type"],
        "The page has a Content-Type that Prometheus 3 does not take. The MetricsHandler sends \
         the right one.",
    ),
    (
        &["EOF", "connection reset"],
        "The connection broke before the page was complete. Did the program stop, or panic?",
    ),
    (
        &["parse", "expected", "invalid", "unexpected"],
        "The page is not valid exposition text. `cargo workshop check section1` shows the line.",
    ),
    (
        &["no route to host", "network is unreachable"],
        "There is no way from Prometheus to that address. Are both in the same Compose project?",
    ),
];

/// The app's counter is stored, and rises.
pub(crate) async fn requests_arrive(
    prometheus: &Prometheus,
    app: &str,
    now: f64,
) -> (Waiting, Judgement) {
    let step = scrape_interval(prometheus).await.unwrap_or(5.0).max(1.0);
    let at = Instants { start: now - 60.0, end: now, step };
    let query = format!("sum(requests_total{{job=\"{JOB}\"}})");
    let found = match prometheus.range(&query, at).await {
        Ok(found) => found,
        Err(error) => {
            return (Waiting::of(&error), trouble(prometheus, &error).await);
        }
    };
    let expected = "requests_total is scraped, and rises";
    let page = prometheus.graph("requests_total");
    let Some(series) = found.first() else {
        let finding = Finding::new(expected, "there is no requests_total")
            .because(
                "The target is up but has no such metric. Does the program that runs have \
                the counter of section 2?",
            )
            .try_with(format!("curl -s {app}/metrics | grep requests_total"))
            .try_with(page);
        return (Waiting::ForFirstScrapes, finding.fail());
    };
    let moved = series.points.windows(2).any(|pair| pair[0].1 != pair[1].1);
    if moved {
        return (Waiting::Vain, Ok(()));
    }
    if series.points.len() < 4 {
        let finding = Finding::new(expected, "only the first values so far")
            .because("Prometheus needs two scrapes to see a change. Check again in some seconds.");
        return (Waiting::ForAMoment, finding.could_not_tell());
    }
    let finding = Finding::new(expected, "it has not moved for a minute")
        .because(
            "The scrape itself is a request, so even without visitors it should rise: is every \
             answer counted, the one to /metrics too? And is anybody visiting?",
        )
        .try_with("cargo workshop traffic")
        .try_with(page);
    (Waiting::Vain, finding.fail())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scrape_error_has_its_words() {
        for (error, words) in [
            (
                "Get \"http://localhost:8001/metrics\": dial tcp 127.0.0.1:8001: connect: \
                 connection refused",
                "Is the app running?",
            ),
            (
                "dial tcp: lookup apps on 127.0.0.11:53: no such host",
                "is not known where Prometheus runs",
            ),
            ("server returned HTTP status 404 Not Found", "Section 1 mounts it"),
            ("server returned HTTP status 500 Internal Server Error", "another status than 200"),
            ("context deadline exceeded", "longer than the scrape may"),
            (
                "Get \"http://a:4045/metrics\": context deadline exceeded",
                "longer than the scrape may",
            ),
            (
                "connectex: No connection could be made because the target machine actively \
                 refused it.",
                "Is the app running?",
            ),
            (
                "received unsupported Content-Type \"text/html\" and no fallback_scrape_protocol \
                 specified for target",
                "Content-Type",
            ),
            (
                "expected equal, got \"<\" (\"INVALID\") while parsing: \"<\"",
                "not valid exposition text",
            ),
            ("Get \"http://app:8001/metrics\": EOF", "broke before"),
            ("something new", "from where Prometheus runs"),
        ] {
            let found = why_down(error, "http://localhost:8001/metrics");
            assert!(found.contains(words), "{error}: {found}");
        }
        let found = why_down("connect: connection refused", "http://172.18.0.2:8002/metrics");
        assert!(found.contains("It listens at port 8001"), "{found}");
        assert!(found.ends_with("see `port:` in deploy/prometheus/prometheus.yml."), "{found}");
    }
}
