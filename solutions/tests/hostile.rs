//! Requests that nobody should send. Each gets an answer that fits or a closed connection, whole or
//! in pieces, and afterwards the server still answers and has counted exactly what it answered.

#![allow(clippy::unwrap_used)] // A test ends at the first thing that goes wrong.

mod support;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use support::{CALM, Program};

/// One shape a line: the answers that fit, two blanks, and the bytes, as [`bytes`] reads them.
/// Answers are statuses in their order, `405 404`, with `16*404` for many, or `none`; there may be
/// several that fit, `none|400`.
const FAMILIES: [(&str, &str); 8] = [
    ("methods", include_str!("hostile/methods.txt")),
    ("targets", include_str!("hostile/targets.txt")),
    ("versions", include_str!("hostile/versions.txt")),
    ("headers", include_str!("hostile/headers.txt")),
    ("bodies", include_str!("hostile/bodies.txt")),
    ("smuggling", include_str!("hostile/smuggling.txt")),
    ("pipelines", include_str!("hostile/pipelines.txt")),
    ("halves", include_str!("hostile/halves.txt")),
];

/// How the bytes arrive.
#[derive(Debug, Clone, Copy)]
enum Delivery {
    Whole,
    InHalves,
    ByteByByte,
}

/// Longer shapes are not sent byte by byte, which would take long and show little.
const MAX_BYTEWISE: usize = 200;

/// Between two pieces, so that the server reads them apart.
const PAUSE: Duration = Duration::from_micros(200);

#[test]
fn hostile_requests_get_what_fits_and_are_counted_exactly() {
    let program = Program::start("bonus", &CALM);
    let mut answered = BTreeMap::new();
    let mut shapes = 0;
    let of_families = thread::scope(|scope| {
        let send = |(family, lines)| send_each(&program.addr, family, lines);
        let clients = FAMILIES.map(|family| scope.spawn(move || send(family)));
        clients.map(|client| client.join().unwrap())
    });
    for (sent, of_family) in of_families {
        shapes += sent;
        for (status, count) in of_family {
            *answered.entry(status).or_insert(0) += count;
        }
    }
    assert!(shapes >= 250, "there are but {shapes} shapes");
    let (_, exposition) = program.get("/metrics?name[]=requests_total");
    let mut counted = BTreeMap::new();
    for line in exposition.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let status = series.split("status=\"").nth(1).unwrap()[..3].parse().unwrap();
        *counted.entry(status).or_insert(0) += value.parse::<u64>().unwrap();
    }
    counted.retain(|_, count| *count > 0);
    assert_eq!(counted, answered);
    leave_at_once(&program);
}

/// Sends each shape of a family in every way. How many there are, and the answers that count.
fn send_each(addr: &str, family: &str, lines: &str) -> (usize, BTreeMap<u16, u64>) {
    let mut answered = BTreeMap::new();
    let mut shapes = 0;
    for line in lines.lines().filter(|line| !line.starts_with('#')) {
        let (fitting, text) = line.split_once("  ").expect("answers, two blanks, a shape");
        let shape = bytes(text);
        shapes += 1;
        for delivery in [Delivery::Whole, Delivery::InHalves, Delivery::ByteByByte] {
            if matches!(delivery, Delivery::ByteByByte) && shape.len() > MAX_BYTEWISE {
                continue;
            }
            let answers = statuses(&exchange(addr, &shape, delivery));
            assert!(
                fitting.split('|').any(|fitting| fitting == shown(&answers)),
                "{family}, {delivery:?}: {text}\nexpected {fitting}, got {}",
                shown(&answers)
            );
            count(&mut answered, &answers, text);
        }
    }
    (shapes, answered)
}

/// Adds those answers that are the program's: the server refuses the rest, and answers probes,
/// without asking it.
fn count(answered: &mut BTreeMap<u16, u64>, answers: &[u16], text: &str) {
    let mut answers = answers.iter();
    if text.contains(" /healthz ") || text.contains(" /healthz?") {
        answers.next();
    }
    for status in answers.filter(|status| matches!(status, 200 | 404 | 405)) {
        *answered.entry(*status).or_insert(0) += 1;
    }
}

/// All shapes once more, from clients who do not wait for the answer.
fn leave_at_once(program: &Program) {
    for line in FAMILIES.iter().flat_map(|(_, lines)| lines.lines()) {
        let (_, text) = line.split_once("  ").unwrap_or_default();
        let mut stream = TcpStream::connect(&program.addr).unwrap();
        let _ = stream.write_all(&bytes(text));
    }
    let (status, metrics) = program.get("/metrics");
    assert_eq!(status, 200);
    assert!(metrics.contains("\nrequests_total{"), "{metrics}");
}

/// What a shape stands for: `\r`, `\n`, `\t`, `\0`, `\\` and `\x1b` are bytes, and `{9*text}` is a
/// text so many times.
fn bytes(text: &str) -> Vec<u8> {
    let mut rest = text;
    let mut bytes = Vec::new();
    while let Some((before, after)) = rest.split_once('{') {
        let (repeated, after) = after.split_once('}').expect("a } for each {");
        let (times, repeated) = repeated.split_once('*').expect("{times*text}");
        bytes.extend(unescaped(before));
        bytes.extend(unescaped(repeated).repeat(times.parse().expect("times")));
        rest = after;
    }
    bytes.extend(unescaped(rest));
    bytes
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next().expect("a letter behind each \\") {
                b'r' => b'\r',
                b'n' => b'\n',
                b't' => b'\t',
                b'0' => 0,
                b'\\' => b'\\',
                b'x' => {
                    let mut digit = || (rest.next().unwrap() as char).to_digit(16).unwrap() as u8;
                    digit() * 16 + digit()
                }
                other => panic!("\\{} stands for nothing", other as char),
            },
            byte => byte,
        });
    }
    bytes
}

/// Sends a shape, says that nothing follows, and reads until the server closes.
fn exchange(addr: &str, shape: &[u8], delivery: Delivery) -> Vec<u8> {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let piece = match delivery {
        Delivery::Whole => shape.len(),
        Delivery::InHalves => shape.len().div_ceil(2),
        Delivery::ByteByByte => 1,
    };
    for piece in shape.chunks(piece.max(1)) {
        // A server that has seen enough may close before all is sent.
        if stream.write_all(piece).is_err() {
            break;
        }
        if piece.len() < shape.len() {
            thread::sleep(PAUSE);
        }
    }
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let mut chunk = [0; 16 * 1024];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => return answer,
            Ok(read) => answer.extend(&chunk[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return answer,
            Err(error) => panic!("no end of the answer: {error}"),
        }
    }
}

/// The statuses of all answers. No body here has what begins a status line.
fn statuses(answers: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(answers);
    let lines = text.match_indices("HTTP/1.").map(|(start, _)| &text[start..]);
    lines.filter_map(|line| line.get(9..12)?.parse().ok()).collect()
}

/// Statuses as the data has them.
fn shown(statuses: &[u16]) -> String {
    if statuses.is_empty() {
        return "none".to_owned();
    }
    let runs = statuses.chunk_by(|first, second| first == second).map(|run| match run.len() {
        1 => run[0].to_string(),
        times => format!("{times}*{}", run[0]),
    });
    runs.collect::<Vec<_>>().join(" ")
}
