//! `cargo workshop pager` and `gateway`, as programs on ports of their own.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Stdio};
use std::thread;
use std::time::Duration;

/// A command that listens, and what it writes.
struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Running {
    /// Starts it on a free port, and waits for the line that names it.
    fn start(arguments: &[&str]) -> Self {
        let mut command = support::workshop(arguments);
        command.args(["--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let after = line.split_once("localhost:").or_else(|| line.split_once("127.0.0.1:"));
        let digits = after.unwrap().1.chars().take_while(char::is_ascii_digit);
        let port: u16 = digits.collect::<String>().parse().unwrap();
        Self { child, output, address: ([127, 0, 0, 1], port).into() }
    }

    /// The whole answer to a request that closes the connection.
    fn ask(&self, head: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let length = body.len();
        write!(
            stream,
            "{head}\r\nHost: x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1"), "")
    }

    fn notify(&self, json: &str) -> String {
        self.ask("POST /alerts HTTP/1.1", json)
    }

    /// The lines up to one that holds `last`.
    fn lines_to(&mut self, last: &str) -> String {
        let mut text = String::new();
        while !text.contains(last) {
            assert!(self.output.read_line(&mut text).unwrap() > 0, "no {last:?} in: {text}");
        }
        text
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// As Alertmanager 0.33 sends it, shortened.
fn outage(status: &str) -> String {
    format!(
        r#"{{"receiver": "telephone", "status": "{status}", "version": "4", "truncatedAlerts": 0,
            "externalURL": "http://am:9093", "groupKey": "{{}}/{{severity=\"critical\"}}:{{}}",
            "groupLabels": {{"severity": "critical"}}, "commonLabels": {{}},
            "commonAnnotations": {{}},
            "alerts": [
              {{"status": "{status}", "fingerprint": "1", "startsAt": "2026-08-30T12:00:05.123Z",
                "endsAt": "2026-08-30T12:01:30.123Z",
                "generatorURL": "http://localhost:9090/graph?g0",
                "labels": {{"alertname": "TreecounterErrorRatioHigh", "endpoint": "/treecounter"}},
                "annotations": {{"summary": "100% of the visits fail", "action": "Look.",
                                 "__dashboardUid__": "treecounter-red", "__panelId__": "9"}}}},
              {{"status": "{status}", "fingerprint": "2", "startsAt": "2026-08-30T12:00:10.123Z",
                "endsAt": "2026-08-30T12:01:35.123Z", "generatorURL": "",
                "labels": {{"alertname": "TooManyFailures\u001b[2J<b>"}}, "annotations": {{}}}}]}}"#
    )
}

#[test]
fn a_notification_is_shown_in_the_terminal_and_on_the_page_grouped_until_it_is_resolved() {
    let mut pager = Running::start(&["pager", "--grafana", "http://localhost:3000"]);
    assert!(pager.get("/").contains("Nothing fires"));
    assert!(pager.notify(&outage("firing")).starts_with("HTTP/1.1 200"));
    let told = pager.lines_to("TooManyFailures");
    for expected in [
        " UTC telephone: 2 firing, the group severity=\"critical\"\n",
        "  FIRING   TreecounterErrorRatioHigh since 12:00:05 UTC\n",
        "           100% of the visits fail\n           endpoint=\"/treecounter\"\n",
        "           action: Look.\n",
        "           panel: http://localhost:3000/d/treecounter-red?viewPanel=9\n",
        "           query: http://localhost:9090/graph?g0\n",
        "  FIRING   TooManyFailures [2J<b> since 12:00:10 UTC\n",
    ] {
        assert!(told.contains(expected), "no {expected:?} in:\n{told}");
    }
    let page = pager.get("/");
    for expected in [
        "2 firing</h1>",
        "100% of the visits fail",
        "TooManyFailures [2J&lt;b&gt;",
        "\r\nrefresh: 2",
    ] {
        assert!(page.contains(expected), "no {expected:?} in:\n{page}");
    }
    pager.notify(&outage("resolved"));
    let told = pager.lines_to("TooManyFailures");
    assert!(told.contains("telephone: 2 resolved, the group"), "{told}");
    assert!(told.contains("RESOLVED TreecounterErrorRatioHigh 12:00:05 to 12:01:30 UTC"), "{told}");
    assert!(pager.get("/").contains("Nothing fires</h1>"));
}

#[test]
fn only_alertmanager_may_notify() {
    let pager = Running::start(&["pager"]);
    let from_a_page = "POST /alerts HTTP/1.1\r\nOrigin: http://elsewhere.example";
    assert!(pager.ask(from_a_page, &outage("firing")).starts_with("HTTP/1.1 403"));
    for (body, why) in [("{}", "version 4"), (&"x".repeat((1 << 20) + 1), "length limit")] {
        let answer = pager.notify(body);
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains(why), "{answer}");
    }
    assert!(pager.get("/alerts").starts_with("HTTP/1.1 405"));
    assert!(pager.get("/nothing").starts_with("HTTP/1.1 404"));
    assert!(pager.get("/").contains("Nothing fires"), "it took what it refused");
}

#[test]
fn health_is_said_by_the_exit_code() {
    let pager = Running::start(&["pager"]);
    let address = pager.address.to_string();
    let healthy = |command: &str, address: &str| {
        let mut check = support::workshop(&[command, "--healthcheck", "--listen", address]);
        check.stderr(Stdio::null()).status().unwrap().success()
    };
    assert!(healthy("pager", &address) && healthy("gateway", &address));
    drop(pager);
    assert!(!healthy("pager", &address) && !healthy("gateway", &address));
}

#[test]
fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = support::workshop(&["pager", "--listen", &address]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains(&address) && told.contains("--listen takes another"), "{told}");
}

#[test]
fn the_gateway_leads_to_the_app_and_says_when_there_is_none() {
    let app = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = app.local_addr().unwrap().to_string();
    let gateway = Running::start(&["gateway", "--to", &address]);
    let served = thread::spawn(move || {
        let (mut stream, _) = app.accept().unwrap();
        // It may come in pieces.
        let mut head = String::new();
        let mut request = BufReader::new(&stream);
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(request.read_line(&mut head).unwrap(), 0, "half a request: {head:?}");
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nthe app").unwrap();
        head
    });
    assert_eq!(gateway.get("/treecounter"), "HTTP/1.1 200 OK\r\n\r\nthe app");
    assert!(served.join().unwrap().starts_with("GET /treecounter HTTP/1.1\r\n"));

    // Bound, and not listening: nobody answers there, and no other test can take it.
    let closed = tokio::net::TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let gateway = Running::start(&["gateway", "--to", &closed.local_addr().unwrap().to_string()]);
    for (head, page) in [("GET / HTTP/1.1", true), ("HEAD / HTTP/1.1", false)] {
        let answer = gateway.ask(head, "");
        assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{answer}");
        assert_eq!(answer.contains("docker compose start app"), page, "{answer}");
    }
    let unknown = Running::start(&["gateway", "--to", "no-port"]);
    assert!(unknown.get("/").starts_with("HTTP/1.1 502"));
}
