//! What those who define the format take and refuse: promtool, a scrape, and the Python client.
//!
//! A text is good when Prometheus scrapes it and promtool takes it; each of the three is laxer in
//! its own way. Names in quotes, which Prometheus 3 scrapes, are good before promtool knows them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Killed, each_in_parallel, poll, promtool_reads};
use crate::{Case, cases, folder};

/// Whether a tool is there. Says so if not, and fails where all tools have to be.
fn have(tool: &str, found: bool) -> bool {
    if !found {
        assert!(std::env::var_os("CI").is_none(), "{tool} is missing");
        println!("skipped: {tool} is missing");
    }
    found
}

fn runs(command: &mut Command) -> bool {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Compares what somebody else takes with what we take.
fn compare(who: &str, taken: &BTreeMap<String, bool>, more: &[&str], less: &[&str]) {
    let mut differences = String::new();
    for (name, taken) in taken {
        let ours = name.starts_with("good/");
        let expected = (ours || more.contains(&name.as_str())) && !less.contains(&name.as_str());
        if expected != *taken {
            let verb = if *taken { "takes" } else { "refuses" };
            writeln!(differences, "{who} {verb} {name}").unwrap();
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn agrees_with_promtool() {
    if !have("promtool", runs(Command::new("promtool").arg("--version"))) {
        return;
    }
    let cases = cases();
    let taken = each_in_parallel(&cases, |(name, text)| (name.clone(), promtool_reads(text).0));
    let taken: BTreeMap<String, bool> = taken.into_iter().collect();
    compare("promtool", &taken, &TAKEN_BY_PROMTOOL, &REFUSED_BY_PROMTOOL);
}

#[test]
fn agrees_with_the_python_client() {
    let python = if cfg!(windows) { "python" } else { "python3" };
    let python = std::env::var("PYTHON").unwrap_or_else(|_| python.to_owned());
    let installed = runs(Command::new(&python).args(["-c", "import prometheus_client.parser"]));
    if !have("Python's prometheus_client (set PYTHON to an interpreter that has it)", installed) {
        return;
    }
    let script = "import sys\n\
                  from prometheus_client.parser import text_string_to_metric_families as read\n\
                  for name in sys.argv[1:]:\n    \
                      try:\n        \
                          list(read(open(name, 'rb').read().decode('utf-8')))\n        \
                          print('taken', name)\n    \
                      except Exception:\n        \
                          print('refused', name)\n";
    let cases = cases();
    let paths = cases.iter().map(|(name, _)| format!("{name}.txt"));
    let output = Command::new(&python)
        .args(["-c", script])
        .args(paths)
        .current_dir(folder())
        .output()
        .unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let taken: BTreeMap<String, bool> = output
        .lines()
        .map(|line| {
            let (verdict, name) = line.split_once(' ').unwrap();
            (name.trim_end_matches(".txt").to_owned(), verdict == "taken")
        })
        .collect();
    assert_eq!(taken.len(), cases.len());
    compare("Python", &taken, &TAKEN_BY_PYTHON, &REFUSED_BY_PYTHON);
}

/// One Prometheus scrapes each text of the corpus as a target of its own.
#[test]
fn agrees_with_a_real_scrape() {
    if !have("prometheus", runs(Command::new("prometheus").arg("--version"))) {
        return;
    }
    let cases = cases();
    let count = cases.len();
    let served = serve(cases.clone());
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scrape");
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).unwrap();
    let mut config = "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n  \
                      - job_name: corpus\n    static_configs:\n"
        .to_owned();
    for (name, _) in &cases {
        let labels = format!("{{__metrics_path__: '/{name}', case: '{name}'}}");
        writeln!(config, "      - targets: ['{served}']\n        labels: {labels}").unwrap();
    }
    std::fs::write(directory.join("prometheus.yml"), config).unwrap();
    // Prometheus takes no port 0: one that was free a moment ago will do.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let prometheus = Command::new("prometheus")
        .arg("--config.file=prometheus.yml")
        .arg("--storage.tsdb.path=data")
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .current_dir(&directory)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _prometheus = Killed(prometheus);
    let scraped = poll(Duration::from_secs(30), || {
        let answer = get(port, "/api/v1/targets?state=active")?;
        let answer: serde_json::Value = serde_json::from_str(&answer).ok()?;
        let targets = answer["data"]["activeTargets"].as_array()?;
        let known = targets.iter().filter_map(|target| {
            let name = target["labels"]["case"].as_str()?.to_owned();
            match target["health"].as_str()? {
                "up" => Some((name, true)),
                "down" => Some((name, false)),
                _ => None,
            }
        });
        let known: BTreeMap<String, bool> = known.collect();
        (known.len() == count).then_some(known)
    });
    let taken = scraped.expect("each target is scraped");
    compare("a scrape", &taken, &TAKEN_BY_SCRAPES, &[]);
}

/// Serves each case at its name, until the test ends.
fn serve(cases: Vec<Case>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let cases: BTreeMap<String, Vec<u8>> = cases.into_iter().collect();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(stream, &cases);
        }
    });
    address
}

fn answer(mut stream: TcpStream, cases: &BTreeMap<String, Vec<u8>>) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(read) => request.extend_from_slice(&buffer[..read]),
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split_whitespace().nth(1).unwrap_or_default().trim_start_matches('/');
    let body = cases.get(path).cloned().unwrap_or_default();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}

/// The body that a server on this machine answers with.
fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer.split_once("\r\n\r\n")?.1.to_owned())
}

const TAKEN_BY_PROMTOOL: [&str; 9] = [
    "bad/help-blank-name",
    "bad/latin1-help",
    "bad/negative-timestamp",
    "bad/plus-timestamp",
    "bad/type-blank-kind",
    "bad/type-blank-name",
    "bad/type-no-kind",
    "bad/type-two-blanks",
    "bad/type-upper-case",
];
const REFUSED_BY_PROMTOOL: [&str; 3] =
    ["good/quoted-label", "good/quoted-label-plain-name", "good/quoted-name"];

const TAKEN_BY_SCRAPES: [&str; 19] = [
    "bad/comment-without-feed",
    "bad/cut-in-value",
    "bad/feed-in-label",
    "bad/help-bad-name",
    "bad/help-escape",
    "bad/help-twice",
    "bad/help-without-feed",
    "bad/le-unit",
    "bad/le-word",
    "bad/no-comma",
    "bad/no-final-feed",
    "bad/other-escape",
    "bad/quantile-word",
    "bad/trailing-blank",
    "bad/trailing-blank-after-timestamp",
    "bad/type-after-sample",
    "bad/type-of-a-part",
    "bad/type-twice",
    "bad/type-without-blank",
];

const TAKEN_BY_PYTHON: [&str; 34] = [
    "bad/comment-without-feed",
    "bad/crlf",
    "bad/crlf-sample",
    "bad/cut-in-value",
    "bad/float-timestamp",
    "bad/help-blank-name",
    "bad/help-escape",
    "bad/help-twice",
    "bad/help-without-feed",
    "bad/huge-timestamp",
    "bad/info-type",
    "bad/label-colon",
    "bad/le-unit",
    "bad/le-word",
    "bad/leading-comma",
    "bad/negative-timestamp",
    "bad/no-final-feed",
    "bad/openmetrics-exemplar",
    "bad/other-escape",
    "bad/plus-timestamp",
    "bad/quantile-word",
    "bad/signed-nan",
    "bad/text-after-timestamp",
    "bad/text-after-value",
    "bad/too-large",
    "bad/trailing-blank",
    "bad/trailing-blank-after-timestamp",
    "bad/two-on-a-line",
    "bad/type-after-sample",
    "bad/type-of-a-part",
    "bad/type-trailing",
    "bad/type-twice",
    "bad/type-two-blanks",
    "bad/type-without-blank",
];
const REFUSED_BY_PYTHON: [&str; 1] = ["good/type-no-name"];
