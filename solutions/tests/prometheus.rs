//! A real Prometheus scrapes the finished program, and answers what the lessons ask it.

#![allow(clippy::unwrap_used)] // A test ends at the first thing that goes wrong.

mod support;

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use support::{Program, has, root};

/// Longer than any step takes on a busy machine; a test that works never waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

struct Prometheus {
    child: Child,
    url: String,
    _folder: Folder,
}

/// A folder for the database, removed with it.
struct Folder(std::path::PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Prometheus {
    /// Starts one that scrapes this target every second.
    fn scraping(target: &str) -> Self {
        let name = format!("prometheus-{}", std::process::id());
        let folder = Folder(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
        fs::create_dir_all(&folder.0).unwrap();
        let config = folder.0.join("prometheus.yml");
        let text = format!(
            "global: {{scrape_interval: 1s}}\n\
             scrape_configs:\n- job_name: treecounter\n  \
             static_configs: [{{targets: ['{target}']}}]\n"
        );
        fs::write(&config, text).unwrap();
        let addr = free_address();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.0.join("data").display()))
            .arg(format!("--web.listen-address={addr}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, url: format!("http://{addr}"), _folder: folder }
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

/// Prometheus cannot tell which port it was given for 0, so one is chosen that was free just now.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// The queries in the blocks of a lesson that are marked as PromQL.
fn queries(readme: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(readme)).unwrap();
    let blocks = text.split("```promql\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().trim().to_owned()).collect()
}

#[test]
fn prometheus_scrapes_the_finished_program() {
    if !has("prometheus", &["--version"]) {
        return;
    }
    let settings = [("TREECOUNTER_FAILURE_RATE", "0.15"), ("TREECOUNTER_LATENCY_MAX_SECONDS", "0")];
    let program = Program::start("bonus", &settings);
    let prometheus = Prometheus::scraping(&program.addr);

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

    let queries = queries("bonus-histogram/README.md");
    assert!(queries.len() >= 3, "{queries:?}");
    for query in queries {
        prometheus.query(&query);
    }
}
