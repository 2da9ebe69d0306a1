//! Servers that do what no server should: whatever comes, a scrape, a check and traffic end in
//! time, in little memory, and with words.
#![allow(clippy::unwrap_used)] // A test may end at any mistake.
#![cfg(target_os = "linux")] // Only here is the memory of a process that has ended known.

mod support;

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use support::{each_in_parallel, poll, share, workshop};

/// A scrape waits 10 s for an answer, and a check has several to wait for. On a busy machine an
/// unoptimized build reads 15 MiB of lines in nearly 20 s.
const LIMIT: Duration = Duration::from_secs(60);
/// Of resident memory. An answer of 16 MiB is read, and kept with what was read from it.
const MEMORY_LIMIT: u64 = 256 << 20;

type Serve = fn(&mut TcpStream) -> std::io::Result<()>;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n";

/// The hostile servers by their names.
const SERVERS: &[(&str, Serve)] = &[
    ("closes at once", |_| Ok(())),
    ("never answers", |stream| stream.read(&mut [0]).map(drop)),
    ("resets", |stream| {
        // What was sent is not read: the system resets the connection.
        stream.set_nonblocking(true)
    }),
    ("garbage", |stream| stream.write_all(&[0xff; 5000])),
    ("another protocol", |stream| stream.write_all(b"SSH-2.0-server\r\n")),
    ("an empty line for ever", |stream| for_ever(stream, b"\r\n")),
    ("half a status line", |stream| stream.write_all(b"HTTP/1.1 2")),
    ("a status that is none", |stream| stream.write_all(b"HTTP/1.1 99999 Much\r\n\r\n")),
    ("status 0", |stream| stream.write_all(b"HTTP/1.1 000 Nothing\r\n\r\n")),
    ("HTTP/9.9", |stream| stream.write_all(b"HTTP/9.9 200 OK\r\n\r\nup 1\n")),
    ("a reason for ever", |stream| {
        stream.write_all(b"HTTP/1.1 200 ")?;
        for_ever(stream, b"because ")
    }),
    ("headers for ever", |stream| {
        stream.write_all(OK)?;
        for_ever(stream, b"X-More: and more\r\n")
    }),
    ("one header for ever", |stream| {
        stream.write_all(OK)?;
        stream.write_all(b"X-More: ")?;
        for_ever(stream, b"and more ")
    }),
    ("headers a byte at a time", |stream| slowly(stream, OK)),
    ("a body a byte at a time", |stream| {
        stream.write_all(OK)?;
        stream.write_all(b"\r\n")?;
        slowly(stream, b"up 1\n")
    }),
    ("a body for ever", |stream| {
        stream.write_all(OK)?;
        stream.write_all(b"\r\n")?;
        for_ever(stream, &b"up 1\n".repeat(2000))
    }),
    ("continue for ever", |stream| for_ever(stream, b"HTTP/1.1 100 Continue\r\n\r\n")),
    ("early hints for ever", |stream| {
        for_ever(stream, b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
    }),
    ("too few bytes", |stream| answer(stream, "Content-Length: 1000\r\n", b"up 1\n")),
    ("too many bytes", |stream| answer(stream, "Content-Length: 3\r\n", b"up 1\nup 2\n")),
    ("no length that is one", |stream| answer(stream, "Content-Length: much\r\n", b"up 1\n")),
    ("less than nothing", |stream| answer(stream, "Content-Length: -1\r\n", b"up 1\n")),
    ("two lengths", |stream| {
        answer(stream, "Content-Length: 5\r\nContent-Length: 6\r\n", b"up 1\n")
    }),
    ("all the bytes there are", |stream| {
        answer(stream, "Content-Length: 18446744073709551615\r\n", b"up 1\n")
    }),
    ("a huge chunk", |stream| answer(stream, CHUNKED, b"ffffffffffffffff\r\nup 1\n")),
    ("no chunk", |stream| answer(stream, CHUNKED, b"zz\r\nup 1\n")),
    ("chunks of one byte", |stream| {
        answer(stream, CHUNKED, &b"1\r\n#\r\n".repeat(1_000_000))?;
        stream.write_all(b"1\r\n\n\r\n0\r\n\r\n")
    }),
    ("a chunk's extension for ever", |stream| {
        answer(stream, CHUNKED, b"5;")?;
        for_ever(stream, b"a=b;")
    }),
    ("trailers for ever", |stream| {
        answer(stream, CHUNKED, b"5\r\nup 1\n\r\n0\r\n")?;
        for_ever(stream, b"X-More: and more\r\n")
    }),
    ("a redirect in a circle", |stream| {
        stream.write_all(b"HTTP/1.1 302 Found\r\nLocation: /metrics\r\nContent-Length: 0\r\n\r\n")
    }),
    ("compressed, though nobody asked", |stream| {
        answer(stream, "Content-Encoding: gzip\r\n", b"\x1f\x8b\x08\0\0\0\0\0\0\x03")
    }),
    ("zeros", |stream| answer(stream, "", &vec![0; 15 << 20])),
    ("one line of 15 MiB", |stream| answer(stream, "", &vec![b'a'; 15 << 20])),
    ("one value of 15 MiB", |stream| {
        let mut text = b"up ".to_vec();
        text.resize(15 << 20, b'1');
        answer(stream, "", &text)
    }),
    ("empty lines of 15 MiB", |stream| answer(stream, "", &vec![b'\n'; 15 << 20])),
    ("comments of 15 MiB", |stream| answer(stream, "", &b"# a\n".repeat(15 << 18))),
    ("tiny series of 15 MiB", |stream| answer(stream, "", &b"a 1\n".repeat(15 << 18))),
    ("families of 15 MiB", |stream| answer(stream, "", text(|n| format!("f{n} 1\n")).as_bytes())),
    ("types of 15 MiB", |stream| {
        answer(stream, "", text(|n| format!("# TYPE f{n} gauge\n")).as_bytes())
    }),
    ("200,000 labels", |stream| {
        let labels: Vec<String> = (0..200_000).map(|n| format!("l{n}=\"\"")).collect();
        answer(stream, "", format!("up{{{}}} 1\n", labels.join(",")).as_bytes())
    }),
    ("30,000 series of the counter", |stream| {
        let mut text = "# TYPE requests_total counter\n".to_owned();
        for n in 0..30_000 {
            writeln!(text, "requests_total{{status=\"{n}\",endpoint=\"/\"}} {n}").unwrap();
        }
        answer(stream, "", text.as_bytes())
    }),
];

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

/// 15 MiB of lines.
fn text(line: fn(usize) -> String) -> String {
    let mut text = String::new();
    let mut number = 0;
    while text.len() < 15 << 20 {
        text += &line(number);
        number += 1;
    }
    text
}

fn answer(stream: &mut TcpStream, header: &str, body: &[u8]) -> std::io::Result<()> {
    stream.write_all(OK)?;
    stream.write_all(header.as_bytes())?;
    stream.write_all(b"\r\n")?;
    stream.write_all(body)
}

fn for_ever(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    let many = bytes.repeat((1 << 16) / bytes.len() + 1);
    loop {
        stream.write_all(&many)?;
    }
}

fn slowly(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    for byte in bytes.iter().cycle() {
        stream.write_all(&[*byte])?;
        thread::sleep(Duration::from_millis(300));
    }
    Ok(())
}

/// Starts a server that is hostile on every connection. It ends with the test.
fn start(serve: Serve) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(mut stream), serve) = (stream, Arc::clone(&serve)) else { return };
            thread::spawn(move || {
                let mut head = [0; 2048];
                if !matches!(stream.read(&mut head), Ok(1..)) {
                    return;
                }
                // Whoever has enough closes the connection.
                let _ = serve(&mut stream);
            });
        }
    });
    address
}

/// What a command came to: how it ended, what it said, and its most resident memory.
struct Ended {
    code: Option<i32>,
    words: String,
    memory: u64,
}

/// Runs a command to its end; `None` when it does not end within this time.
fn run(mut command: Command, limit: Duration) -> Option<Ended> {
    // A process that has ended has no memory left to look at: it is looked at while it runs.
    let file = tempfile(&command);
    let output = std::fs::File::create(&file).unwrap();
    command.stdout(output.try_clone().unwrap()).stderr(output).stdin(Stdio::null());
    let mut child = support::Killed(command.spawn().unwrap());
    let process = std::path::PathBuf::from(format!("/proc/{}", child.0.id()));
    let mut memory = 0;
    let code = poll(limit, || {
        // For an instant a new process still has the memory, and the name, of the one that made it.
        let is_new = process.join("exe").read_link().ok() == std::env::current_exe().ok();
        let status = match is_new {
            true => String::new(),
            false => std::fs::read_to_string(process.join("status")).unwrap_or_default(),
        };
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse().ok());
        memory = memory.max(peak.unwrap_or(0_u64) << 10);
        child.0.try_wait().unwrap()
    })?;
    let words = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
    std::fs::remove_file(file).unwrap();
    Some(Ended { code: code.code(), words, memory })
}

fn tempfile(command: &Command) -> std::path::PathBuf {
    let name = command.get_args().map(|argument| argument.to_string_lossy().replace('/', "-"));
    let name = name.collect::<Vec<_>>().join("_").replace(':', "-");
    std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("hostile-{name}"))
}

/// Runs a command against each server, and gives what was wrong with it.
fn trouble(command: impl Fn(&str) -> Command + Sync) -> String {
    let troubles = each_in_parallel(&share(SERVERS.to_vec(), 6), |(name, serve)| {
        let url = format!("http://{}", start(*serve));
        let started = Instant::now();
        let Some(Ended { code, words, memory }) = run(command(&url), LIMIT) else {
            return format!("{name}: it has not ended within {LIMIT:?}\n");
        };
        println!(
            "{name}: {code:?} after {:.1} s with {} MiB",
            started.elapsed().as_secs_f64(),
            memory >> 20
        );
        let mut trouble = String::new();
        if memory > MEMORY_LIMIT {
            writeln!(trouble, "{name}: {} MiB of memory", memory >> 20).unwrap();
        }
        if words.contains("panicked at") || !matches!(code, Some(0..=2)) {
            writeln!(trouble, "{name}: {code:?}, {words}").unwrap();
        }
        // An exposition without a series is shown as nothing.
        if code != Some(0) && !(1..10_000).contains(&words.len()) {
            writeln!(trouble, "{name}: {} bytes of words", words.len()).unwrap();
        }
        trouble
    });
    troubles.concat()
}

#[test]
fn a_scrape_ends_whatever_comes() {
    let trouble = trouble(|url| workshop(&["scrape", "--once", &format!("{url}/metrics")]));
    assert!(trouble.is_empty(), "{trouble}");
}

#[test]
fn a_check_ends_whatever_comes() {
    let trouble = trouble(|url| workshop(&["check", "section2", "--attach", url]));
    assert!(trouble.is_empty(), "{trouble}");
}

#[test]
fn traffic_ends_whatever_comes() {
    let trouble =
        trouble(|url| workshop(&["traffic", "--url", url, "--rate", "5", "--for", "300ms"]));
    assert!(trouble.is_empty(), "{trouble}");
}
