//! The solutions do what the sections teach, under load and with failures.

#![allow(clippy::unwrap_used)] // A test ends at the first thing that goes wrong.

mod support;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use support::{CALM, Program, SOLUTIONS, has, run};

#[test]
fn every_solution_serves_the_page_and_its_metrics() {
    for name in SOLUTIONS {
        let program = Program::start(name, &CALM);
        let (status, page) = program.get("/treecounter");
        assert_eq!(status, 200, "{name}");
        assert!(page.contains("trees planted by the users of Ecosia"), "{name}: {page}");
        assert_eq!(program.get("/").0, 200, "{name}");
        assert_eq!(program.get("/nope").0, 404, "{name}");
        let (status, metrics) = program.get("/metrics");
        assert_eq!(status, 200, "{name}");
        assert!(metrics.contains("\nprocess_start_time_seconds "), "{name}: {metrics}");
    }
}

/// Has another program read each solution's exposition, and expects it to have no remark.
fn have_read(tool: &str, arguments: &[&str]) {
    for name in SOLUTIONS {
        let program = Program::start(name, &[("TREECOUNTER_LATENCY_MAX_SECONDS", "0")]);
        for path in ["/", "/treecounter", "/treecounter", "/nope", "/metrics"] {
            program.get(path);
        }
        let (_, exposition) = program.get("/metrics");
        let mut reader = Command::new(tool)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        reader.stdin.take().unwrap().write_all(exposition.as_bytes()).unwrap();
        let output = reader.wait_with_output().unwrap();
        assert!(output.status.success(), "{name}: {output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{name}");
    }
}

#[test]
fn promtool_finds_nothing_to_remark() {
    if has("promtool", &["--version"]) {
        have_read("promtool", &["check", "metrics", "--extended"]);
    }
}

#[test]
fn the_python_client_reads_every_exposition() {
    if has("python3", &["-c", "import prometheus_client"]) {
        let read = "import sys; import prometheus_client.parser as parser; \
                    families = parser.text_string_to_metric_families(sys.stdin.read()); \
                    assert len(list(families)) > 10";
        have_read("python3", &["-c", read]);
    }
}

#[test]
fn the_counter_equals_what_the_clients_counted() {
    thread::scope(|scope| {
        for name in ["section2", "section3", "bonus"] {
            scope.spawn(|| counts_as_its_clients_do(name));
        }
    });
}

fn counts_as_its_clients_do(name: &str) {
    let program = Program::start(name, &[("TREECOUNTER_LATENCY_MAX_SECONDS", "0.01")]);
    let seen = thread::scope(|scope| {
        let client = || {
            let mut seen = BTreeMap::new();
            for _ in 0..100 {
                *seen.entry(program.get("/treecounter").0).or_insert(0.0) += 1.0;
            }
            seen
        };
        let clients: Vec<_> = (0..8).map(|_| scope.spawn(client)).collect();
        let mut sum = BTreeMap::new();
        for (status, count) in clients.into_iter().flat_map(|client| client.join().unwrap()) {
            *sum.entry(status).or_insert(0.0) += count;
        }
        sum
    });
    assert_eq!(seen.keys().collect::<Vec<_>>(), [&200, &503], "{name}");
    for (status, count) in &seen {
        let series = format!("requests_total{{endpoint=\"/treecounter\",status=\"{status}\"}}");
        assert_eq!(program.sample(&series), Some(*count), "{name}: {series}");
    }
    if name == "bonus" {
        let series = "request_latency_seconds_count{endpoint=\"/treecounter\"}";
        assert_eq!(program.sample(series), Some(800.0));
    }
}

#[test]
fn latency_is_measured_in_seconds_with_what_the_visitor_waits() {
    let settings = [
        ("TREECOUNTER_FAILURE_RATE", "1"),
        ("TREECOUNTER_LATENCY_MIN_SECONDS", "0.3"),
        ("TREECOUNTER_LATENCY_MAX_SECONDS", "0.3"),
    ];
    let program = Program::start("bonus", &settings);
    assert_eq!(program.get("/treecounter").0, 503);
    let bucket = |le: &str| {
        program.sample(&format!(
            "request_latency_seconds_bucket{{endpoint=\"/treecounter\",le=\"{le}\"}}"
        ))
    };
    assert_eq!((bucket("0.25"), bucket("+Inf")), (Some(0.0), Some(1.0)));
    let sum = program.sample("request_latency_seconds_sum{endpoint=\"/treecounter\"}").unwrap();
    assert!((0.3..2.0).contains(&sum), "{sum}");
}

#[test]
fn a_visitor_who_leaves_is_not_counted() {
    let settings = [
        ("TREECOUNTER_FAILURE_RATE", "0"),
        ("TREECOUNTER_LATENCY_MIN_SECONDS", "0.2"),
        ("TREECOUNTER_LATENCY_MAX_SECONDS", "0.2"),
    ];
    let program = Program::start("section2", &settings);
    let mut visitor = TcpStream::connect(&program.addr).unwrap();
    visitor.write_all(b"GET /treecounter HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let tasks = || program.sample("tokio_alive_tasks").unwrap();
    let deadline = Instant::now() + Duration::from_secs(5);
    while tasks() < 2.0 && Instant::now() < deadline {}
    drop(visitor);
    // The task of the visitor ends; that of this scrape is the only one left.
    while tasks() > 1.0 && Instant::now() < deadline {}
    program.get("/treecounter");
    let series = "requests_total{endpoint=\"/treecounter\",status=\"200\"}";
    assert_eq!(program.sample(series), Some(1.0));
}

#[test]
fn a_port_in_use_is_named_with_its_cure() {
    let program = Program::start("section1", &CALM);
    let (out, err, code) = run("section2", &[], &[("TREECOUNTER_ADDR", &program.addr)]);
    let (_, port) = program.addr.split_once(':').unwrap();
    assert_eq!((out.as_str(), code), ("", 1));
    assert!(err.starts_with(&format!("Error: port {port} on 127.0.0.1 is in use.")), "{err}");
    assert!(err.contains("TREECOUNTER_ADDR") && err.contains("docker compose down"), "{err}");
}

#[test]
fn an_address_of_another_machine_is_refused() {
    // 192.0.2.1 is reserved for documents, so that no machine has it.
    let (_, err, code) = run("section1", &[], &[("TREECOUNTER_ADDR", "192.0.2.1:8001")]);
    assert_eq!(code, 1);
    assert!(
        err.starts_with("Error: cannot listen on 192.0.2.1:8001. Set TREECOUNTER_ADDR"),
        "{err}"
    );
}

#[test]
fn a_bad_setting_and_a_bad_argument_end_the_program() {
    let (_, err, code) = run("section1", &[], &[("TREECOUNTER_FAILURE_RATE", "15%")]);
    let expected = "Error: TREECOUNTER_FAILURE_RATE is \"15%\", but must be a number from 0 to 1\n";
    assert_eq!((err.as_str(), code), (expected, 1));
    let (_, err, code) = run("section1", &["--port"], &[]);
    assert!(err.starts_with("Error: unknown argument \"--port\"."), "{err}");
    assert_eq!(code, 1);
    // Help is there for those whose settings are wrong, too.
    for settings in [&[][..], &[("TREECOUNTER_FAILURE_RATE", "15%")]] {
        let (out, err, code) = run("section1", &["--help"], settings);
        assert!(out.contains("TREECOUNTER_FAILURE_RATE"), "{out}");
        assert_eq!((err.as_str(), code), ("", 0));
    }
}

#[test]
fn a_healthcheck_asks_the_running_program() {
    let program = Program::start("section1", &CALM);
    let settings = [("TREECOUNTER_ADDR", program.addr.clone())];
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(run("section1", &["--healthcheck"], &settings).2, 0);
    drop(program);
    let (_, err, code) = run("section1", &["--healthcheck"], &settings);
    assert_eq!(code, 1);
    assert!(err.contains("no healthy answer from 127.0.0.1:"), "{err}");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_program_after_the_requests_in_flight() {
    let settings = [
        ("TREECOUNTER_FAILURE_RATE", "0"),
        ("TREECOUNTER_LATENCY_MIN_SECONDS", "0.3"),
        ("TREECOUNTER_LATENCY_MAX_SECONDS", "0.3"),
    ];
    for signal in ["-INT", "-TERM"] {
        let mut program = Program::start("section1", &settings);
        let mut visitor = TcpStream::connect(&program.addr).unwrap();
        visitor.write_all(b"GET /treecounter HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        // The visit has begun when the program knows of two connections: it and the scrape.
        while program.sample("tokio_alive_tasks").unwrap() < 2.0 {}
        let status = Command::new("kill").args([signal, &program.pid()]).status().unwrap();
        assert!(status.success());
        let mut answer = String::new();
        std::io::Read::read_to_string(&mut visitor, &mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{signal}: {answer}");
        assert_eq!(program.wait(), Some(0), "{signal}");
    }
}
