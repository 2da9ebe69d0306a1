//! A real Prometheus scrapes the finished program, and answers what the lessons ask it.

#![allow(clippy::unwrap_used)] // A test ends at the first thing that goes wrong.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use support::readme::{Part, parts, read};
use support::{Program, has, root};

/// Longer than any step takes on a busy machine; a test that works never waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

struct Prometheus {
    child: Child,
    url: String,
    folder: Folder,
}

/// A folder for the database, removed with it.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Prometheus {
    /// Starts one that scrapes these targets, and itself, every second, and has these rules.
    fn scraping(targets: &[&str], rules: &str) -> Self {
        let addr = free_address();
        let name = format!("prometheus-{}", addr.replace(':', "-"));
        let folder = Folder(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
        fs::create_dir_all(&folder.0).unwrap();
        let config = folder.0.join("prometheus.yml");
        let text = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
             rule_files: [rules.yml]\n\
             scrape_configs:\n\
             - {{job_name: treecounter, file_sd_configs: [{{files: [targets.json]}}]}}\n\
             - {{job_name: prometheus, static_configs: [{{targets: ['{addr}']}}]}}\n"
        );
        fs::write(&config, text).unwrap();
        fs::write(folder.0.join("rules.yml"), rules).unwrap();
        write_targets(&folder, targets);
        let child = Command::new("prometheus")
            .arg(format!("@{}", root().join("deploy/prometheus/limits.flags").display()))
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.0.join("data").display()))
            .arg(format!("--web.listen-address={addr}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, url: format!("http://{addr}"), folder }
    }

    /// Gives it other targets, and waits until it has scraped each of them.
    fn target(&self, targets: &[&str]) {
        write_targets(&self.folder, targets);
        let up = "count(up{job=\"treecounter\"} == 1) or vector(0)";
        let wanted = format!("\"{}\"]", targets.len());
        self.eventually(up, || self.ask(up).ok()?.to_string().contains(&wanted).then_some(()));
    }

    /// The result of a query at this moment, or what Prometheus has against it.
    fn ask(&self, promql: &str) -> Result<Value, String> {
        let url = format!("{}/api/v1/query", self.url);
        let agent =
            ureq::Agent::from(ureq::Agent::config_builder().http_status_as_error(false).build());
        let answer =
            agent.get(&url).query("query", promql).call().map_err(|why| why.to_string())?;
        let text = answer.into_body().read_to_string().map_err(|why| why.to_string())?;
        let answer: Value = serde_json::from_str(&text).map_err(|_| text.clone())?;
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["data"]["result"].clone()),
        }
    }

    /// The answer of the query, as JSON, once there is one that is not empty.
    fn query(&self, promql: &str) -> String {
        let url = format!("{}/api/v1/query", self.url);
        self.eventually(promql, || {
            let answer = ureq::get(&url).query("query", promql).call().ok()?;
            let answer = answer.into_body().read_to_string().ok()?;
            assert!(answer.contains("\"status\":\"success\""), "{promql}: {answer}");
            (!answer.contains("\"result\":[]")).then_some(answer)
        })
    }

    /// Asks until the result is what is shown; if nothing is, the query has to be accepted.
    fn answers(&self, promql: &str, shown: Option<&str>, place: &str) {
        let began = Instant::now();
        loop {
            let found = self.ask(promql);
            let verdict = match shown {
                Some(shown) => compare(shown, found),
                None => found.map(drop),
            };
            let Err(why) = verdict else { return };
            assert!(began.elapsed() < PATIENCE, "{place}is not {shown:?}, but:\n{why}");
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn eventually<T>(&self, what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(done) = attempt() {
                return done;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("nothing after {PATIENCE:?}: {what}");
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write_targets(folder: &Folder, targets: &[&str]) {
    // In one step: half a file is no list.
    let text = serde_json::json!([{"targets": targets}]).to_string();
    fs::write(folder.0.join("targets.new"), text).unwrap();
    fs::rename(folder.0.join("targets.new"), folder.0.join("targets.json")).unwrap();
}

/// Prometheus cannot tell which port it was given for 0, so one is chosen that was free just now.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// The blocks of a lesson that are marked so.
fn blocks(readme: &str, mark: &str) -> Vec<String> {
    let parts = parts(&read(readme));
    let marked = parts.into_iter().filter_map(|part| match part {
        Part::Block { info, text, .. } if info == mark => Some(text),
        _ => None,
    });
    marked.collect()
}

#[test]
fn prometheus_scrapes_the_finished_program() {
    if !has("prometheus", &["--version"]) {
        return;
    }
    let settings = [("TREECOUNTER_FAILURE_RATE", "0.15"), ("TREECOUNTER_LATENCY_MAX_SECONDS", "0")];
    let program = Program::start("bonus", &settings);
    let prometheus = Prometheus::scraping(&[&program.addr], "");

    let up = prometheus.query("up{job=\"treecounter\"} == 1");
    assert!(up.contains(&program.addr), "{up}");
    // A metadata entry per family tells that types and help texts arrived as well.
    let metadata = prometheus.eventually("metadata", || {
        let url = format!("{}/api/v1/metadata?metric=requests_total", prometheus.url);
        let answer = ureq::get(url).call().ok()?.into_body().read_to_string().ok()?;
        answer.contains("counter").then_some(answer)
    });
    assert!(metadata.contains("Requests answered, by status and endpoint."), "{metadata}");

    let mut failures = 0;
    for _ in 0..200 {
        failures += usize::from(program.get("/treecounter").0 == 503);
    }
    let total = "sum(requests_total{endpoint=\"/treecounter\"}) == 200";
    prometheus.query(total);
    let failed = "requests_total{endpoint=\"/treecounter\", status=\"503\"}";
    let failed = prometheus.query(failed);
    assert!(failed.contains(&format!("\"{failures}\"]")), "{failures} failures, but {failed}");

    let queries = blocks("bonus-histogram/README.md", "promql");
    assert!(queries.len() >= 3, "{queries:?}");
    for query in queries {
        prometheus.query(&query);
    }
}

/// A series as it is shown: its name and its labels. Where it was scraped differs from machine to
/// machine, and its value from moment to moment. `…` stands for labels that are left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Shape {
    labels: BTreeMap<String, String>,
    is_open: bool,
}

impl Shape {
    fn new(labels: impl Iterator<Item = (String, String)>, is_open: bool) -> Self {
        let masked = labels.map(|(name, value)| match name.as_str() {
            "instance" => (name, "some".to_owned()),
            _ => (name, value),
        });
        Self { labels: masked.collect(), is_open }
    }

    /// What is written in a line: `name{label="value", …}   value`.
    fn shown(line: &str) -> Self {
        let (name, rest) = line.split_once('{').unwrap_or_else(|| panic!("no series: {line}"));
        let labels = rest.split_once('}').unwrap_or_else(|| panic!("no end: {line}")).0;
        let pairs = labels.split(", ").filter_map(|label| label.split_once('='));
        let pairs =
            pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()));
        let name = (!name.is_empty()).then(|| ("__name__".to_owned(), name.to_owned()));
        Self::new(name.into_iter().chain(pairs), labels.contains('…'))
    }

    fn found(series: &Value) -> Self {
        let labels = series["metric"].as_object().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self::new(labels.map(|(name, value)| (name.clone(), text(value))), false)
    }

    fn is(&self, found: &Self) -> bool {
        let has = |(name, value)| found.labels.get(name) == Some(value);
        self.labels.iter().all(has) && (self.is_open || self.labels.len() == found.labels.len())
    }
}

/// Whether the result is what the lesson shows; if not, what it is.
fn compare(shown: &str, found: Result<Value, String>) -> Result<(), String> {
    let result = match found {
        Err(error) if error.contains(shown.trim()) => return Ok(()),
        found => found?,
    };
    // The lines of a window's further samples are indented.
    let mut expected = shown.lines().filter(|line| !line.starts_with(' ')).map(Shape::shown);
    let mut rest: Vec<Shape> = result.as_array().unwrap().iter().map(Shape::found).collect();
    let all = expected.all(|shape| {
        let at = rest.iter().position(|found| shape.is(found));
        at.map(|at| rest.swap_remove(at)).is_some()
    });
    if all && rest.is_empty() { Ok(()) } else { Err(result.to_string()) }
}

/// The rules that the lesson shows: the group with its alert, and the one that records.
fn lessons_rules() -> String {
    let blocks = blocks("section3-compose/README.md", "yaml");
    let has = |text: &str| blocks.iter().find(|block| block.contains(text)).unwrap().clone();
    has("groups:") + &has("- record:")
}

/// In the lesson, `<!-- test: replicas N -->` says how many replicas Prometheus knows from there
/// on, and `<!-- test: only accepted -->` that the next result depends on more than is made up
/// here.
#[test]
fn the_queries_of_section_3_have_results_of_the_shape_that_is_shown() {
    if !has("prometheus", &["--version"]) {
        return;
    }
    let settings = [("TREECOUNTER_FAILURE_RATE", "0.5"), ("TREECOUNTER_LATENCY_MAX_SECONDS", "0")];
    let replicas: Vec<Program> = (0..3).map(|_| Program::start("section3", &settings)).collect();
    let addresses: Vec<&str> = replicas.iter().map(|replica| replica.addr.as_str()).collect();
    let prometheus = Prometheus::scraping(&addresses[..1], &lessons_rules());
    prometheus.target(&addresses[..1]);
    for path in ["/", "/nowhere"].into_iter().chain(std::iter::repeat_n("/treecounter", 60)) {
        replicas.iter().for_each(|replica| _ = replica.get(path));
    }
    let (mut asked, mut compared, mut is_accepted_only) = (0, 0, false);
    let mut parts = parts(&read("section3-compose/README.md")).into_iter().peekable();
    while let Some(part) = parts.next() {
        match part {
            Part::Directive(directive) if directive == "only accepted" => is_accepted_only = true,
            Part::Directive(directive) => {
                let number = directive.strip_prefix("replicas ").expect("a number of replicas");
                prometheus.target(&addresses[..number.parse::<usize>().unwrap()]);
            }
            Part::Block { line, info, text: query } if info == "promql" => {
                asked += 1;
                let shown = match parts.peek() {
                    Some(Part::Block { info, text, .. }) if info.is_empty() => Some(text.clone()),
                    _ => None,
                };
                let shown = shown.filter(|_| !std::mem::take(&mut is_accepted_only));
                compared += usize::from(shown.is_some());
                let place = format!("section3-compose/README.md:{line}: {query}");
                prometheus.answers(&query, shown.as_deref(), &place);
            }
            Part::Block { .. } => {}
        }
    }
    assert!(asked > 25 && compared > 20, "{compared} of {asked} were compared");
}

/// The test of an alert that the lesson shows passes, and fails when the alert is broken.
#[test]
fn the_lessons_unit_test_of_an_alert_is_one() {
    if !has("promtool", &["--version"]) {
        return;
    }
    let folder = Folder(Path::new(env!("CARGO_TARGET_TMPDIR")).join("unit-test-of-an-alert"));
    fs::create_dir_all(folder.0.join("tests")).unwrap();
    let blocks = blocks("section3-compose/README.md", "yaml");
    let test = blocks.iter().find(|block| block.contains("rule_files:")).unwrap();
    fs::write(folder.0.join("tests/alerts.yml"), test).unwrap();
    for (limit, passes) in [("> 1", true), ("> 4", false), ("> 0.01", false)] {
        fs::write(folder.0.join("alerts.yml"), lessons_rules().replace("> 1", limit)).unwrap();
        let path = folder.0.join("tests/alerts.yml");
        let output = Command::new("promtool").args(["test", "rules"]).arg(path).output().unwrap();
        assert_eq!(output.status.success(), passes, "with {limit}: {output:?}");
    }
}
