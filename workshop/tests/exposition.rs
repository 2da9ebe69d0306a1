//! The parser against a corpus of good and bad texts, and against those who define the format:
//! promtool, a Prometheus that scrapes, and the Python client. A missing tool is a printed skip,
//! and a failure where the variable CI is set.
//!
//! Record the errors again with: `SNAPSHOTS=overwrite cargo test -p workshop --test exposition`
#![allow(clippy::unwrap_used)] // A test may end at any mistake.

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use support::{Killed, each_in_parallel, poll, recorded, repository};
use workshop::exposition::{Exposition, Kind, parse};

// A text is good when Prometheus scrapes it and promtool takes it; the others are laxer, each in its
// own way. Names in quotes, which Prometheus 3 scrapes, are good before promtool has learnt them.

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

/// A text of the corpus: `good/counter` or `bad/json`, and its bytes.
type Case = (String, Vec<u8>);

fn folder() -> PathBuf {
    repository().join("workshop/tests/expositions")
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in ["good", "bad"] {
        for entry in std::fs::read_dir(folder().join(kind)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "txt") {
                let name = path.file_stem().unwrap().to_str().unwrap();
                cases.push((format!("{kind}/{name}"), std::fs::read(&path).unwrap()));
            }
        }
    }
    cases.sort();
    assert!(cases.len() > 100);
    cases
}

#[test]
fn good_texts_are_read_and_bad_ones_refused_with_the_place() {
    let mut errors = String::new();
    for (name, text) in cases() {
        match parse(&text) {
            Ok(_) => assert!(name.starts_with("good/"), "{name} is taken"),
            Err(error) => {
                assert!(name.starts_with("bad/"), "{name}: {error}");
                writeln!(errors, "{name}\n{error}\n{}\n", error.excerpt()).unwrap();
            }
        }
    }
    assert_eq!(recorded::differs(&folder().join("errors.txt"), &errors), None);
}

#[test]
fn reads_what_is_there() {
    let text = "# HELP path A \\\\ and\\na feed.\n# TYPE path gauge\npath{p=\"C:\\\\\",q=\"\\\"hi\\\"\\n\"} 1 5\n\
                # TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_sum 0.5\nh_count 2\nh_other 7\n";
    let read = parse(text.as_bytes()).unwrap();
    let path = read.family("path").unwrap();
    assert_eq!(path.help.as_deref(), Some("A \\ and\na feed."));
    assert_eq!((path.kind, path.help_line, path.type_line), (Kind::Gauge, Some(1), Some(2)));
    let sample = &path.samples[0];
    assert_eq!((sample.label("p"), sample.label("q")), (Some("C:\\"), Some("\"hi\"\n")));
    assert_eq!((sample.value, sample.timestamp, sample.line), (1.0, Some(5), 3));
    assert_eq!(read.line(3), Some("path{p=\"C:\\\\\",q=\"\\\"hi\\\"\\n\"} 1 5"));
    let histogram = read.family("h").unwrap();
    assert_eq!(histogram.samples.len(), 3);
    assert_eq!(read.family("h_other").unwrap().kind, Kind::Untyped);
    assert_eq!(read.sample("h_bucket", &[("le", "+Inf")]).unwrap().value, 2.0);
    let error = parse(b"up 1\nup{a=\"b\" c=\"d\"} 1\n").unwrap_err();
    assert_eq!((error.line, error.column), (2, 10));
    assert_eq!(error.excerpt(), "up{a=\"b\" c=\"d\"} 1\n         ^");
}

/// What is read, written again, reads the same.
fn write_again(read: &Exposition) -> String {
    let mut text = String::new();
    for family in &read.families {
        let name = quoted_if_needed(&family.name);
        if let Some(help) = &family.help {
            let help = help.replace('\\', "\\\\").replace('\n', "\\n");
            writeln!(text, "# HELP {name} {help}").unwrap();
        }
        if family.type_line.is_some() {
            writeln!(text, "# TYPE {name} {}", family.kind).unwrap();
        }
        for sample in &family.samples {
            let mut labels: Vec<String> = sample
                .labels
                .iter()
                .map(|(name, value)| match name.contains(':') {
                    true => format!("{}={}", quoted(name), quoted(value)),
                    false => format!("{}={}", quoted_if_needed(name), quoted(value)),
                })
                .collect();
            let plain = quoted_if_needed(&sample.name) == sample.name;
            if !plain {
                labels.insert(0, quoted(&sample.name));
            }
            let name = if plain { sample.name.as_str() } else { "" };
            let value = match sample.value {
                f64::INFINITY => "+Inf".to_owned(),
                f64::NEG_INFINITY => "-Inf".to_owned(),
                value => value.to_string(),
            };
            write!(text, "{name}{{{}}} {value}", labels.join(",")).unwrap();
            match sample.timestamp {
                Some(timestamp) => writeln!(text, " {timestamp}").unwrap(),
                None => text.push('\n'),
            }
        }
    }
    text
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

fn quoted_if_needed(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    match name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        true => name.to_owned(),
        false => quoted(name),
    }
}

/// The samples of an exposition, without their places. NaN is not equal to itself, so it is text.
fn content(read: &Exposition) -> Vec<String> {
    let families = read.families.iter().filter(|family| !family.samples.is_empty());
    families
        .flat_map(|family| {
            let head = format!("{} {} {:?}", family.name, family.kind, family.help);
            let samples = family.samples.iter();
            let samples =
                samples.map(|s| format!("{} {:?} {:?}", s.series(), s.value, s.timestamp));
            std::iter::once(head).chain(samples)
        })
        .collect()
}

/// Texts that nobody thought of: the corpus, torn apart and put together by a generator that is
/// the same in every run. Whatever comes out is read or refused, and what is read is understood.
#[test]
fn survives_mutation() {
    let corpus: Vec<Vec<u8>> = cases().into_iter().map(|(_, text)| text).collect();
    let rounds: usize =
        std::env::var("MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(60_000);
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..rounds {
        let text = mutated(&corpus, &mut random);
        match parse(&text) {
            Ok(read) => {
                taken += 1;
                let again = write_again(&read);
                let read_again = parse(again.as_bytes())
                    .unwrap_or_else(|error| panic!("{error}\n{again}\n{text:?}"));
                assert_eq!(content(&read), content(&read_again), "{text:?}\n{again}");
            }
            Err(error) => {
                refused += 1;
                // The place is in the text, whatever the text is.
                let lines = String::from_utf8_lossy(&text).split('\n').count();
                assert!((1..=lines).contains(&error.line), "{error} in {text:?}");
                assert!(error.column <= error.text.chars().count() + 1, "{error} in {text:?}");
                assert!(error.excerpt().lines().count() == 2, "{error:?}");
            }
        }
    }
    assert!(taken > rounds / 20 && refused > rounds / 20, "{taken} taken, {refused} refused");
}

struct Random(u64);

impl Random {
    /// A number below `limit`.
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

fn mutated(corpus: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    const PIECES: [&[u8]; 16] = [
        b"\n",
        b"{",
        b"}",
        b"\"",
        b"\\",
        b",",
        b"=",
        b" ",
        b"\t",
        b"# TYPE ",
        b"# HELP ",
        b"le=\"",
        b"NaN",
        b"\xff",
        "🌲".as_bytes(),
        b"_bucket",
    ];
    let mut text = corpus[random.below(corpus.len())].clone();
    text.truncate(600);
    for _ in 0..=random.below(4) {
        let at = random.below(text.len() + 1);
        match random.below(5) {
            0 => text.truncate(at),
            1 if at < text.len() => drop(text.remove(at)),
            2 if at < text.len() => text[at] = random.below(256) as u8,
            3 => {
                let other = &corpus[random.below(corpus.len())];
                let from = random.below(other.len() + 1);
                let to = from + random.below((other.len() - from).min(80) + 1);
                text.splice(at..at, other[from..to].iter().copied());
            }
            _ => {
                let piece = PIECES[random.below(PIECES.len())];
                text.splice(at..at, piece.iter().copied());
            }
        }
    }
    text
}

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
    let taken = each_in_parallel(&cases, |(name, text)| {
        let mut promtool = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        promtool.stdin.take().unwrap().write_all(text).unwrap();
        let output = promtool.wait_with_output().unwrap();
        // Status 3 is a matter of style: the text itself was understood.
        let taken = matches!(output.status.code(), Some(0 | 3));
        (name.clone(), taken)
    });
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
        writeln!(config, "      - targets: ['{served}']\n        labels: {{__metrics_path__: '/{name}', case: '{name}'}}").unwrap();
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
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
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
