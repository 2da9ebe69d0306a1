//! `cargo workshop traffic` against a server that counts for itself.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// A keep-alive HTTP server whose counts are the truth.
struct Server {
    address: SocketAddr,
    counts: Arc<Mutex<BTreeMap<String, u64>>>,
    open: Arc<Mutex<Vec<TcpStream>>>,
    stopping: Arc<AtomicBool>,
    acceptor: Option<thread::JoinHandle<()>>,
}

impl Server {
    fn start(listener: TcpListener, latency: Duration) -> Self {
        let address = listener.local_addr().unwrap();
        let counts = Arc::new(Mutex::new(BTreeMap::new()));
        let open = Arc::new(Mutex::new(Vec::new()));
        let stopping = Arc::new(AtomicBool::new(false));
        let acceptor = {
            let (counts, open, stopping) =
                (Arc::clone(&counts), Arc::clone(&open), Arc::clone(&stopping));
            thread::spawn(move || {
                for stream in listener.incoming() {
                    if stopping.load(Ordering::SeqCst) {
                        return;
                    }
                    let stream = stream.unwrap();
                    open.lock().unwrap().push(stream.try_clone().unwrap());
                    let counts = Arc::clone(&counts);
                    thread::spawn(move || serve(stream, &counts, latency));
                }
            })
        };
        Self { address, counts, open, stopping, acceptor: Some(acceptor) }
    }

    fn fast() -> Self {
        Self::start(TcpListener::bind("127.0.0.1:0").unwrap(), Duration::ZERO)
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Requests by path, without the one that asks whether the app is there.
    fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = self.counts.lock().unwrap().clone();
        counts.remove("/healthz");
        counts
    }

    fn total(&self) -> u64 {
        self.counts().values().sum()
    }

    /// Stops listening and drops all connections, as a program that dies.
    fn die(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.join().unwrap();
        }
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.die();
    }
}

fn serve(stream: TcpStream, counts: &Mutex<BTreeMap<String, u64>>, latency: Duration) {
    let mut answer = stream.try_clone().unwrap();
    let mut lines = BufReader::new(stream).lines();
    while let Some(Ok(first)) = lines.next() {
        while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        thread::sleep(latency);
        let status = if path == "/treecounter" || path == "/" { "200 OK" } else { "404 Not Found" };
        *counts.lock().unwrap().entry(path).or_insert(0) += 1;
        let _ = write!(answer, "HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\ntrees");
    }
}

fn traffic(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_workshop"));
    command
        .arg("traffic")
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(args: &[&str]) -> (Output, String, String) {
    let output = traffic(args).output().unwrap();
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    (output, stdout, stderr)
}

/// The table of the summary: requests by path.
fn table(summary: &str) -> BTreeMap<String, u64> {
    let rows = summary.lines().filter(|line| line.starts_with("  /"));
    let mut table = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.split_whitespace().collect();
        *table.entry(cells[0].to_owned()).or_insert(0) += cells[2].parse::<u64>().unwrap();
    }
    table
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(20), "never happened: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Kills the process if the test fails before it ended.
struct Running(Child);

impl Running {
    fn start(args: &[&str]) -> Self {
        Self(traffic(args).spawn().unwrap())
    }

    #[cfg(unix)]
    fn terminate(&self) {
        let killed =
            Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }

    fn end(mut self) -> (bool, String) {
        let mut text = String::new();
        self.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        (self.0.wait().unwrap().success(), text)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn its_figures_are_those_of_the_server() {
    let server = Server::fast();
    let (output, summary, _) = run(&["--url", &server.url(), "--rate", "400", "--for", "1s"]);
    assert!(output.status.success());
    assert_eq!(table(&summary), server.counts());
    assert_eq!(server.total(), 400);
    assert!(summary.starts_with("400 requests to "), "{summary}");
    assert!(summary.contains("/favicon.ico     404"), "{summary}");
}

#[test]
fn a_slow_app_does_not_slow_the_load_and_its_slowness_shows() {
    let server =
        Server::start(TcpListener::bind("127.0.0.1:0").unwrap(), Duration::from_millis(50));
    let url = server.url();
    // One connection answers 20 requests a second; 40 are asked for. A tool that counts from the
    // moment it finds time to send would report 50 ms for each.
    let (_, summary, _) =
        run(&["--url", &url, "--rate", "40", "--for", "1s", "--connections", "1"]);
    assert_eq!(server.total(), 40);
    let longest = summary.split("max ").nth(1).unwrap_or_default().trim_end();
    assert!(summary.contains("waited for a free connection"), "{summary}");
    let longest = longest.split_whitespace().next().unwrap();
    let longest: f64 = if summary.contains(&format!("max {longest} ms")) {
        longest.parse::<f64>().unwrap() / 1000.0
    } else {
        longest.parse().unwrap()
    };
    assert!(longest > 0.9, "the last request waited a second: {summary}");
}

#[test]
fn each_address_of_a_name_gets_its_share() {
    let first = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = first.local_addr().unwrap().port();
    let both = ("localhost", port)
        .to_socket_addrs()
        .is_ok_and(|found| found.filter(SocketAddr::is_ipv6).count() > 0);
    let Ok(second) = TcpListener::bind(("::1", port)) else {
        println!("skipped: no IPv6 here");
        return;
    };
    if !both {
        println!("skipped: localhost has one address here");
        return;
    }
    let (first, second) =
        (Server::start(first, Duration::ZERO), Server::start(second, Duration::ZERO));
    let (output, ..) =
        run(&["--url", &format!("http://localhost:{port}"), "--rate", "200", "--for", "500ms"]);
    assert!(output.status.success());
    assert_eq!((first.total(), second.total()), (50, 50));
}

#[test]
fn it_outlives_a_restart_of_the_app() {
    let mut server = Server::fast();
    let address = server.address;
    let traffic = Running::start(&["--url", &server.url(), "--rate", "100", "--for", "3s"]);
    wait_until("traffic before the restart", || server.total() > 20);
    server.die();
    let again = Server::start(TcpListener::bind(address).unwrap(), Duration::ZERO);
    wait_until("traffic after the restart", || again.total() > 20);
    let (success, summary) = traffic.end();
    assert!(success);
    // What was under way at the moment of death was counted there, and never answered.
    let answered = table(&summary).values().sum::<u64>();
    let lost = (server.total() + again.total()).checked_sub(answered);
    assert!(lost.is_some_and(|lost| lost <= 5), "{lost:?} lost: {summary}");
}

#[test]
#[cfg(unix)]
fn without_an_end_it_waits_for_the_app_and_stops_within_a_second() {
    let reserved = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = reserved.local_addr().unwrap();
    drop(reserved);
    let mut traffic = Running::start(&[
        "--url",
        &format!("http://{address}"),
        "--for",
        "forever",
        "--rate",
        "50",
    ]);
    let mut errors = BufReader::new(traffic.0.stderr.take().unwrap());
    let mut line = String::new();
    errors.read_line(&mut line).unwrap();
    assert!(line.starts_with("waiting for the app: no app answers"), "{line}");

    let server = Server::start(TcpListener::bind(address).unwrap(), Duration::from_millis(5));
    wait_until("traffic", || server.total() > 10);
    let stopped = Instant::now();
    traffic.terminate();
    let (success, summary) = traffic.end();
    assert!(stopped.elapsed() < Duration::from_millis(1500), "it took {:?}", stopped.elapsed());
    assert!(success, "a stop is no failure: {summary}");
    assert_eq!(table(&summary), server.counts());
}

#[test]
fn each_wrong_target_has_its_words() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ssh = TcpListener::bind("127.0.0.1:0").unwrap();
    let ssh_url = format!("http://{}", ssh.local_addr().unwrap());
    thread::spawn(move || {
        for stream in ssh.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"SSH-2.0-server\r\n");
        }
    });
    // What is closed before all of it was read is reset.
    let resets = TcpListener::bind("127.0.0.1:0").unwrap();
    let resets_url = format!("http://{}", resets.local_addr().unwrap());
    thread::spawn(move || {
        for stream in resets.incoming() {
            let _ = stream.unwrap().peek(&mut [0]);
        }
    });
    for (args, words) in [
        (
            vec!["--url", &format!("http://{nobody}")],
            "connection refused: nothing listens there.\nStart the app",
        ),
        (vec!["--url", &ssh_url], "the answer was not HTTP.\nSomething else listens"),
        (
            vec!["--url", &resets_url],
            "the other side reset the connection.\nSomething else listens",
        ),
        (
            vec!["--url", "http://192.0.2.1:8001"],
            "say so twice: --beyond-this-machine --with-permission",
        ),
        (vec!["--url", "http://192.0.2.1:8001", "--with-permission"], "say so twice"),
        (
            vec!["--url", "http://nowhere.invalid:8001"],
            "no address is known for the name `nowhere.invalid`",
        ),
        (vec!["--url", "https://localhost:8001"], "https, which is not spoken here"),
        (vec!["--rate", "lots"], "a rate is a number of requests a second"),
        (vec!["--for", "ever"], "a time looks like 30s, 5m, 1h, or forever"),
    ] {
        let (output, summary, errors) = run(&args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(errors.contains(words), "{args:?}: {errors}");
        assert_eq!(summary, "");
    }
}

#[test]
fn an_app_that_was_moved_is_found_by_its_setting() {
    let server = Server::fast();
    // The port is the same at all addresses of this machine; the app may listen at all of them.
    let address = format!("0.0.0.0:{}", server.address.port());
    let moved = traffic(&["--rate", "50", "--for", "200ms"])
        .env("TREECOUNTER_ADDR", &address)
        .output()
        .unwrap();
    assert!(moved.status.success(), "{}", String::from_utf8_lossy(&moved.stderr));
    assert_eq!(server.total(), 10);
    assert!(String::from_utf8_lossy(&moved.stderr).contains(&server.url()));
    let scrape = Command::new(env!("CARGO_BIN_EXE_workshop"))
        .args(["scrape", "--once"])
        .env("TREECOUNTER_ADDR", "127.0.0.1:1")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&scrape.stderr).into_owned();
    assert!(errors.contains("http://127.0.0.1:1/metrics: connection refused"), "{errors}");
    assert!(errors.contains("cargo workshop scrape http://localhost:PORT"), "{errors}");
}
