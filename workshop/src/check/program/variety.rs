//! Requests that one does not think of while writing a program: other methods, queries, headers,
//! and paths of every shape. They are sent in groups, with a scrape after each, so that a group
//! that is not treated like the others is known by name.

use std::time::Duration;

use hyper::Method;

use crate::http::probe::Probe;

/// What is visited.
pub(crate) const PAGE: &str = "/treecounter";
/// Who scrapes.
pub(crate) const METRICS: &str = "/metrics";
/// What all paths that are nobody's are counted as.
pub(crate) const OTHER: &str = "other";
/// How long an answer may take that waits for nothing.
const ANSWER: Duration = Duration::from_secs(5);

/// What a scrape of Prometheus 3 sends.
pub(crate) const AS_PROMETHEUS: &[(&str, &str)] = &[
    (
        "accept",
        "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=1.0.0;q=0.5,\
         text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
    ),
    ("accept-encoding", "gzip"),
    ("user-agent", "Prometheus/3.13.2"),
    ("x-prometheus-scrape-timeout-seconds", "4"),
];

const JSON: &[(&str, &str)] = &[("accept", "application/json")];
const BROWSER: &[(&str, &str)] =
    &[("accept", "text/html,*/*;q=0.8"), ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)")];
const OTHER_HOST: &[(&str, &str)] = &[("host", "trees.example")];
const BY_PROMETHEUS: &[(&str, &str)] = &[("user-agent", "Prometheus/3.13.2")];

/// Requests of one kind.
#[derive(Debug)]
pub(crate) struct Group {
    /// What they are, as it reads after a number.
    pub(crate) what: &'static str,
    /// The endpoint that they are counted as.
    pub(crate) endpoint: &'static str,
    /// The status that they are answered with, when no visit fails.
    pub(crate) status: u16,
    probes: fn() -> Vec<Probe>,
}

impl Group {
    /// The requests.
    pub(crate) fn probes(&self) -> Vec<Probe> {
        (self.probes)()
    }
}

/// How the arm of the `match` begins that answers the requests of an endpoint.
pub(crate) fn arm(endpoint: &str) -> String {
    match endpoint {
        OTHER => "_ =>".to_owned(),
        path => format!("{path:?} =>"),
    }
}

const fn group(
    endpoint: &'static str,
    what: &'static str,
    status: u16,
    probes: fn() -> Vec<Probe>,
) -> Group {
    Group { what, endpoint, status, probes }
}

fn get(path: &str) -> Probe {
    Probe::get(path, ANSWER)
}

fn all(paths: &[&str]) -> Vec<Probe> {
    paths.iter().map(|path| get(path)).collect()
}

/// The groups, in the order in which they are sent.
pub(crate) const GROUPS: &[Group] = &[
    group(PAGE, "visits with a query", 200, || {
        all(&["/treecounter?visit=1", "/treecounter?tree=oak&n=3", "/treecounter?"])
    }),
    group(PAGE, "visits by HEAD", 200, || {
        vec![get(PAGE).by(Method::HEAD), get(PAGE).by(Method::HEAD)]
    }),
    group(PAGE, "visits that ask for JSON", 200, || {
        vec![get(PAGE).with(JSON), get(PAGE).with(JSON)]
    }),
    group(PAGE, "visits by a browser", 200, || vec![get(PAGE).with(BROWSER)]),
    group(PAGE, "visits under another host name", 200, || vec![get(PAGE).with(OTHER_HOST)]),
    group(PAGE, "visits by Prometheus's user agent", 200, || vec![get(PAGE).with(BY_PROMETHEUS)]),
    group(PAGE, "refused visits", 405, || {
        vec![get(PAGE).by(Method::POST), get(PAGE).by(Method::DELETE)]
    }),
    group("/", "visits to the front page", 200, || {
        vec![get("/"), get("/?from=here"), get("/").by(Method::HEAD)]
    }),
    group("/", "refused visits to the front page", 405, || vec![get("/").by(Method::POST)]),
    group(METRICS, "scrapes as Prometheus makes them", 200, || {
        vec![get(METRICS).with(AS_PROMETHEUS), get(METRICS).with(AS_PROMETHEUS)]
    }),
    group(METRICS, "scrapes in other ways", 200, || {
        vec![get("/metrics?name[]=up"), get(METRICS).by(Method::HEAD), get(METRICS).with(BROWSER)]
    }),
    group(METRICS, "refused scrapes", 405, || vec![get(METRICS).by(Method::POST)]),
    group(OTHER, "unknown paths of every shape", 404, strangers),
    group(OTHER, "unknown paths by other methods", 404, || {
        vec![get("/nowhere").by(Method::POST), get("/nowhere").by(Method::HEAD)]
    }),
];

/// Paths that nobody serves. Some look like those that are served.
fn strangers() -> Vec<Probe> {
    all(&[
        "/a",
        "/oak",
        "/trees",
        "/7",
        "/1234567890",
        "/metric",
        "/metricsx",
        "/metrics/x",
        "/x/metrics",
        "/my-metrics",
        "/treecounters",
        "/treecounter/7",
        "/x/treecounter",
        "/tree",
        "/abcdefg",
        "/abcdefghijk",
        "/OAK",
        "/Oak/Tree",
        "/oak/",
        "/oak/7/",
        "/a/b/c/d/e/f",
        "/page.html",
        "/image.png",
        "/oak?kind=red",
        "/elm?kind=white&n=2",
        "/with%20blank",
        "/a-very-long-path-that-somebody-who-looks-for-holes-may-well-ask-for/and/more/of/it",
    ])
}
