//! Section 3 around the questions: what may answer in place of Prometheus, a target that is up or
//! not, Grafana, and alert rules.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod alerts;
mod grafana;
mod leftovers;
#[path = "../prometheus/mod.rs"]
mod prometheus;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use prometheus::{Kit, missing};
use workshop::check::stack::{Judge, Options};
use workshop::check::verdict::{Judgement, Trouble, Verdict};

/// Answers every request with what `answer` makes of its path: the status line's end, headers,
/// body.
fn server(answer: impl Fn(&str) -> (String, String, String) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, answer) = (stream.unwrap(), Arc::clone(&answer));
            thread::spawn(move || {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
                    head.push(byte[0]);
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let (status, headers, body) = answer(head.split(' ').nth(1).unwrap_or_default());
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: \
                     close\r\n\r\n{body}",
                    body.len()
                );
            });
        }
    });
    address
}

fn fixed(status: &str, headers: &str, body: &str) -> SocketAddr {
    let answer = (status.to_owned(), headers.to_owned(), body.to_owned());
    server(move |_| answer.clone())
}

fn words(trouble: &Trouble) -> String {
    format!("{} | {}", trouble.finding.found, trouble.finding.cause.as_deref().unwrap_or_default())
}

fn reachable(url: String) -> Judgement {
    let options = Options { prometheus: Some(url), ..Options::default() };
    Judge::new(options).unwrap().judge("prometheus-reachable")
}

#[test]
fn whatever_answers_in_place_of_prometheus_is_named() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ssh = TcpListener::bind("127.0.0.1:0").unwrap();
    let ssh_address = ssh.local_addr().unwrap();
    thread::spawn(move || {
        for stream in ssh.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"SSH-2.0-server\r\n");
        }
    });
    let version = |version: &str| {
        format!("{{\"status\":\"success\",\"data\":{{\"version\":\"{version}\"}}}}")
    };
    let prefixed = server(|path| match path {
        "/" => ("302 Found".to_owned(), "Location: /prom/query\r\n".to_owned(), String::new()),
        _ => ("404 Not Found".to_owned(), String::new(), "404 page not found\n".to_owned()),
    });
    for (address, expected) in [
        (nobody, "nothing listens there"),
        (ssh_address, "the answer was not HTTP"),
        (
            fixed("503 Service Unavailable", "", "Service Unavailable"),
            "it is not ready | It starts, or stops",
        ),
        (fixed("200 OK", "", "<!doctype html><title>Cockpit</title>"), "a page for people (HTML)"),
        (fixed("200 OK", "", "{\"hello\":1}"), "an answer that is not Prometheus's"),
        (fixed("404 Not Found", "", "not found"), "404: no Prometheus API there"),
        (
            fixed("302 Found", "Location: /login\r\n", ""),
            "it sends visitors to /login | Is this another program, such as Grafana?",
        ),
        (fixed("401 Unauthorized", "", "{}"), "it asks for a login"),
        (fixed("500 Internal Server Error", "", ""), "status 500"),
        (prefixed, "It listens below a path. Name it with that: --prometheus http://"),
        (
            fixed("200 OK", "", &version("2.53.1")),
            "Prometheus 2.53.1 | Version 2 writes some results in another way",
        ),
    ] {
        let trouble = reachable(format!("http://{address}")).unwrap_err();
        assert_eq!(trouble.verdict, Verdict::CouldNotTell);
        assert!(words(&trouble).contains(expected), "{expected}: {}", words(&trouble));
    }
    assert!(reachable(format!("http://{}", fixed("200 OK", "", &version("3.13.2")))).is_ok());
    assert!(
        Judge::new(Options { prometheus: Some("not a url".to_owned()), ..Options::default() })
            .is_err()
    );
}

fn prometheus_3() -> SocketAddr {
    fixed("200 OK", "", "{\"status\":\"success\",\"data\":{\"version\":\"3.13.2\"}}")
}

#[test]
fn a_moved_port_is_found_in_the_file_that_compose_reads() {
    if std::env::var_os("PROMETHEUS_PORT").is_some() {
        println!("skipped: PROMETHEUS_PORT is set, and wins");
        return;
    }
    let kit = Kit::new();
    let port = prometheus_3().port();
    kit.write(".env", &format!("PROMETHEUS_PORT={port}\n"));
    let mut judge = Judge::new(Options { root: kit.root.clone(), ..Options::default() }).unwrap();
    assert_eq!(judge.url(), format!("http://localhost:{port}"));
    assert!(!judge.is_own());
    assert!(judge.judge("prometheus-reachable").is_ok());
}

#[test]
fn a_port_of_the_environment_wins_and_is_the_one_that_is_named() {
    let kit = Kit::new();
    kit.write("workshop/sections.toml", "");
    kit.write(".env", "PROMETHEUS_PORT=1\n");
    let port = fixed("401 Unauthorized", "", "{}").port();
    let shown = |args: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_workshop"))
            .args(args)
            .env("PROMETHEUS_PORT", port.to_string())
            .env_remove("CARGO_MANIFEST_DIR")
            .current_dir(&kit.root)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let hint = shown(&["hint", "section3"]);
    assert!(hint.contains(&format!("http://localhost:{port} open")), "{hint}");
    let report = shown(&["check", "section3"]);
    assert!(report.contains(&format!("Prometheus at http://localhost:{port}")), "{report}");
    assert!(report.contains("it asks for a login"), "{report}");
}

#[test]
fn who_has_judged_is_said_and_what_was_not_looked_at() {
    if missing() || std::env::var_os("GRAFANA_PORT").is_some() {
        return;
    }
    let kit = Kit::new();
    kit.write(".env", "PROMETHEUS_PORT=1\nGRAFANA_PORT=1\n");
    kit.write(
        "section3-compose/answers.promql",
        "# [promql-count] How many?\nsum(requests_total)\n# [promql-p95] Which latency?\n",
    );
    let mut judge = kit.judge();
    for check in ["prometheus-reachable", "promql-count"] {
        judge.judge(check).unwrap();
    }
    for check in ["promql-p95", "grafana-panel"] {
        assert_eq!(judge.judge(check).unwrap_err().verdict, Verdict::LeftOut, "{check}");
    }
    let note = &judge.notes()[0];
    assert!(note.starts_with("Nothing answers at http://localhost:1"), "{note}");
    assert!(note.contains("the check's own, on made-up visits"), "{note}");
    let cure = "For your own stack: docker compose up --build --detach --wait, or --prometheus";
    assert!(note.contains(cure), "{note}");
}

/// A /metrics page whose counter rises with each scrape.
fn app() -> SocketAddr {
    let visits = AtomicU64::new(0);
    server(move |_| {
        let count = visits.fetch_add(1, Ordering::SeqCst);
        let body = format!(
            "# TYPE requests_total \
             counter\nrequests_total{{endpoint=\"/metrics\",status=\"200\"}} {count}\n"
        );
        ("200 OK".to_owned(), "Content-Type: text/plain; version=0.0.4\r\n".to_owned(), body)
    })
}

/// A fresh Prometheus waits for five seconds before it scrapes for the first time, whatever it is
/// told. So all that need one wait together.
#[test]
fn a_fresh_prometheus_and_its_targets() {
    if missing() {
        return;
    }
    thread::scope(|scope| {
        scope.spawn(answers_are_judged_on_what_a_running_prometheus_has_scraped);
        scope.spawn(a_target_without_the_counter_is_told);
        a_target_that_is_down_says_why();
    });
}

fn answers_are_judged_on_what_a_running_prometheus_has_scraped() {
    let kit = Kit::new();
    let mut running = kit.judge_with(Some(app()));
    let mut judge = kit.judge_by(running.url());
    assert!(!judge.is_own());
    for check in ["prometheus-reachable", "target-up", "requests-arrive"] {
        running.judge(check).unwrap_or_else(|trouble| panic!("{check}: {trouble:?}"));
        judge.judge(check).unwrap_or_else(|trouble| panic!("{check}: {trouble:?}"));
    }
    kit.answer("promql-count", "sum by () (requests_total)");
    let start = Instant::now();
    while let Err(trouble) = judge.judge("promql-count") {
        assert_eq!(trouble.verdict, Verdict::CouldNotTell, "{trouble:?}");
        assert_eq!(trouble.finding.found, "too little of it so far");
        assert!(start.elapsed() < Duration::from_secs(30), "{trouble:?}");
        thread::sleep(Duration::from_millis(200));
    }
    kit.answer("promql-count", "sum(requests_total) + 1");
    let trouble = judge.judge("promql-count").unwrap_err();
    assert_eq!(trouble.verdict, Verdict::Fail);
    assert!(words(&trouble).contains("instead of"), "{}", words(&trouble));
    // The page that shows it stays there, since nobody started it for this check.
    assert!(
        trouble.finding.commands.iter().any(|command| command.contains("/query?g0.expr=")),
        "{trouble:?}"
    );
}

fn a_target_that_is_down_says_why() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let html = "Content-Type: text/html\r\n";
    let text = "Content-Type: text/plain; version=0.0.4\r\n";
    let cases = [
        (nobody, "Is the app running"),
        (fixed("404 Not Found", "", ""), "Section 1 mounts it"),
        (fixed("500 Internal Server Error", "", ""), "another status than 200"),
        (fixed("200 OK", html, "a 1\n"), "Content-Type that Prometheus 3 does not take"),
        (fixed("200 OK", text, "<html>\n"), "not valid exposition text"),
    ];
    thread::scope(|scope| {
        scope.spawn(|| {
            let kit = Kit::new();
            let trouble = kit.judge().judge("target-up").unwrap_err();
            assert!(words(&trouble).contains("only the job prometheus"), "{}", words(&trouble));
        });
        for (address, expected) in cases {
            scope.spawn(move || {
                let kit = Kit::new();
                let trouble = kit.judge_with(Some(address)).judge("target-up").unwrap_err();
                assert_eq!(trouble.verdict, Verdict::Fail);
                assert!(words(&trouble).contains(expected), "{expected}: {}", words(&trouble));
            });
        }
    });
}

fn a_target_without_the_counter_is_told() {
    let kit = Kit::new();
    let other = fixed("200 OK", "Content-Type: text/plain; version=0.0.4\r\n", "something 1\n");
    let trouble = kit.judge_with(Some(other)).judge("requests-arrive").unwrap_err();
    assert!(words(&trouble).contains("there is no requests_total"), "{}", words(&trouble));
}

#[test]
fn a_configuration_that_is_refused_is_told_before_all_else() {
    for (file, command) in [
        ("/etc/prometheus/rules/red.yml", "docker compose exec prometheus promtool check config"),
        ("/kit/deploy/prometheus/rules/red.yml", "promtool check config deploy/prometheus/local"),
    ] {
        for (target, found) in [
            (
                "{\"labels\":{\"job\":\"prometheus\"}}",
                "only the job prometheus | Prometheus refuses",
            ),
            (
                "{\"labels\":{\"job\":\"treecounter\"},\"health\":\"down\",\
                 \"lastError\":\"connection refused\",\
                 \"scrapeUrl\":\"http://app:8002/metrics\"}",
                "goes on with what it had. Nothing listens at http://app:8002/metrics. Is the \
                 app running? It listens at port 8001",
            ),
        ] {
            let address = server(move |path| {
                let data = match path {
                    "/api/v1/targets?state=active" => format!("{{\"activeTargets\":[{target}]}}"),
                    "/api/v1/rules" => {
                        let group =
                            format!("{{\"file\":\"{file}\",\"rules\":[{{\"name\":\"x\"}}]}}");
                        format!("{{\"groups\":[{group}]}}")
                    }
                    _ => "{\"reloadConfigSuccess\":false}".to_owned(),
                };
                let body = format!("{{\"status\":\"success\",\"data\":{data}}}");
                ("200 OK".to_owned(), "Content-Type: application/json\r\n".to_owned(), body)
            });
            let mut judge = Kit::new().judge_by(&format!("http://{address}"));
            let trouble = judge.judge("target-up").unwrap_err();
            assert!(words(&trouble).contains(found), "{found}: {}", words(&trouble));
            assert!(trouble.finding.commands[0].starts_with(command), "{trouble:?}");
        }
    }
}
