//! Watch mode, and what a check does with a program that does not compile: in a small workspace of
//! its own, whose program needs no crate, so that a build takes no time.
#![allow(clippy::unwrap_used)] // A test may end at any mistake.

#[cfg(target_os = "linux")]
#[path = "support/pty.rs"]
mod pty;
mod support;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
use pty::Pty;
use support::{Killed, workshop};

/// A frame may take this long on a busy machine.
const LONG: Duration = Duration::from_secs(30);

/// A learner's program without a crate: it answers every request with the same text.
fn program(status: &str) -> String {
    format!(
        r#"use std::io::{{Read, Write}};
fn main() -> std::io::Result<()> {{
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    println!("Tree counter: http://{{}}/treecounter", listener.local_addr()?);
    for stream in listener.incoming() {{
        std::thread::spawn(move || {{
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let head = "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(head.as_bytes());
        }});
    }}
    Ok(())
}}
"#
    )
}

const WORKSPACE: &str = r#"[workspace]
members = ["section1-expose", "section2-counter"]
resolver = "3"
"#;

/// A workspace that is all the learner's.
struct Learner {
    root: PathBuf,
}

impl Learner {
    fn new(name: &str) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&root);
        let learner = Self { root };
        learner.write("workshop/sections.toml", "");
        learner.write("Cargo.toml", WORKSPACE);
        for package in ["section1-expose", "section2-counter"] {
            let manifest = format!("[package]\nname = \"{package}\"\nedition = \"2024\"\n");
            learner.write(&format!("{package}/Cargo.toml"), &manifest);
            learner.write(&format!("{package}/src/main.rs"), &program("404 Not Found"));
        }
        learner
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Saves as many editors do: a new file takes the old one's place.
    fn replace(&self, path: &str, text: &str) {
        self.write("new.tmp", text);
        std::fs::rename(self.root.join("new.tmp"), self.root.join(path)).unwrap();
    }

    fn workshop(&self, arguments: &[&str]) -> Command {
        let mut command = workshop(arguments);
        command.current_dir(&self.root).env("CARGO_TARGET_DIR", self.root.join("target"));
        command.env_remove("CARGO_MANIFEST_DIR");
        command
    }
}

/// A watch, and what it prints.
struct Watch {
    _process: Killed,
    lines: Receiver<String>,
}

impl Watch {
    fn start(learner: &Learner, arguments: &[&str]) -> Self {
        let mut command = learner.workshop(&[&["check", "--watch"], arguments].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { _process: Killed(child), lines }
    }

    /// Reads on until a line contains this.
    fn until(&self, part: &str) -> String {
        let end = Instant::now() + LONG;
        let mut seen = String::new();
        while let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now()))
        {
            if line.contains(part) {
                return line;
            }
            seen += &line;
            seen.push('\n');
        }
        panic!("no {part:?} in\n{seen}");
    }
}

#[test]
fn a_save_is_checked_and_each_frame_stands_alone() {
    let learner = Learner::new("watch");
    let watch = Watch::start(&learner, &["section1"]);
    watch.until("404: nothing answers");
    watch.until("Ctrl-C ends");

    let saved = Instant::now();
    learner.write("section1-expose/src/main.rs", &program("500 Oh"));
    watch.until("Checking section1");
    let reaction = saved.elapsed();
    // Half a second is promised; the rest is for a machine that does other things as well.
    assert!(reaction < Duration::from_millis(1500), "{reaction:?}");
    watch.until("found     500");
    watch.until("Ctrl-C ends");

    // A file in the old one's place, as editors and `git checkout` leave it.
    learner.replace("section1-expose/src/main.rs", &program("418 Teapot"));
    watch.until("found     418");
    watch.until("Ctrl-C ends");

    // What does not compile is no end, and the next save is checked again.
    learner.write("section1-expose/src/main.rs", "fn main() {");
    watch.until("Ctrl-C ends");
    learner.write("section1-expose/src/main.rs", &program("404 Not Found"));
    watch.until("404: nothing answers");
}

/// Without a section named, the one that is edited is checked.
#[test]
fn the_watch_follows_the_learner() {
    let learner = Learner::new("follow");
    let watch = Watch::start(&learner, &[]);
    watch.until("section1: Expose /metrics");
    watch.until("Ctrl-C ends");
    learner.write("section2-counter/src/main.rs", &program("500 Oh"));
    watch.until("Checking section2");
    watch.until("Ctrl-C ends");
}

#[cfg(target_os = "linux")]
#[test]
fn a_watch_rests_between_saves() {
    let learner = Learner::new("rest");
    let watch = Watch::start(&learner, &["section1"]);
    watch.until("Ctrl-C ends");
    // User and system time, in hundredths of a second: see proc_pid_stat(5).
    let busy = || -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", watch._process.0.id()));
        let stat = stat.unwrap();
        let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
        fields.skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum()
    };
    let before = busy();
    std::thread::sleep(Duration::from_secs(1));
    let worked = busy() - before;
    assert!(worked < 10, "{worked} of 100");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_watch_well() {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    let learner = Learner::new("interrupt");
    let mut watch = Watch::start(&learner, &["section1"]);
    watch.until("Ctrl-C ends");
    kill(Pid::from_raw(watch._process.0.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let ended = support::poll(LONG, || watch._process.0.try_wait().unwrap());
    assert_eq!(ended.unwrap().code(), Some(0));
}

/// A build error is cargo's to show: nothing is added.
#[test]
fn a_build_error_is_shown_as_cargo_shows_it() {
    let learner = Learner::new("build-error");
    let broken = "fn main() {\n    let trees: u32 = \"many\";\n}\n";
    learner.write("section1-expose/src/main.rs", broken);
    let check = learner.workshop(&["check", "section1"]).output().unwrap();
    let cargo = Command::new(env!("CARGO"))
        .args(["build", "-p", "section1-expose"])
        .current_dir(&learner.root)
        .env("CARGO_TARGET_DIR", learner.root.join("target"))
        .output()
        .unwrap();
    assert_eq!(check.status.code(), Some(1));
    let frame = String::from_utf8_lossy(&check.stdout);
    for part in ["E0308: mismatched types", "line 2", "cargo workshop hint section1"] {
        assert!(frame.contains(part), "{part:?} is not in\n{frame}");
    }
    let shown = without_waits(&check.stderr);
    assert!(shown.contains("mismatched types"), "{shown}");
    // Cargo's second run has less to say of what it compiles.
    let expected = without_waits(&cargo.stderr);
    assert!(shown.ends_with(&expected), "{shown}\n---\n{expected}");
}

/// The check that it builds is section 1's; that a program does not is no mistake of section 1.
#[test]
fn a_build_error_is_the_sections_own() {
    let learner = Learner::new("own-build-error");
    learner.write("section2-counter/src/main.rs", "fn main() {\n    many;\n}\n");
    let [frame, hint] = ["check", "hint"].map(|command| {
        let output = learner.workshop(&[command, "section2"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    });
    assert!(frame.contains("requests\n\n    FAIL the program builds\n"), "{frame}");
    let end = "\nsection2: the program does not build. Nothing else was checked.\n";
    assert!(frame.contains(end), "{frame}");
    assert!(hint.starts_with("section2") && !hint.contains("section1"), "{hint}");
}

/// What cargo printed, without what it says while another cargo holds its lock.
fn without_waits(printed: &[u8]) -> String {
    let printed = String::from_utf8_lossy(printed);
    printed.split_inclusive('\n').filter(|line| !line.contains("Blocking waiting")).collect()
}

#[cfg(target_os = "linux")]
/// What stands on the screen since it was last cleared, without colours, line by line.
fn frame(shown: &str) -> Vec<String> {
    let (_, frame) = shown.rsplit_once("\x1b[H\x1b[J").unwrap();
    let frame = frame.replace("\r\n", "\n").replace('\r', "");
    let mut plain = String::new();
    let mut rest = frame.as_str();
    while let Some((before, escape)) = rest.split_once('\x1b') {
        plain += before;
        let end = escape.find(|char: char| char.is_ascii_alphabetic()).unwrap();
        rest = &escape[end + 1..];
    }
    (plain + rest).lines().map(str::to_owned).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_the_frame_fits_and_keys_do_what_commands_do() {
    let learner = Learner::new("keys");
    let line = format!("{} check --watch section1; stty -a", env!("CARGO_BIN_EXE_workshop"));
    let prepare = |command: &mut Command| {
        command
            .current_dir(&learner.root)
            .env("CARGO_TARGET_DIR", learner.root.join("target"))
            .env_remove("CARGO_MANIFEST_DIR");
    };
    for (columns, lines) in [(80, 24), (60, 20), (40, 15)] {
        let started = Pty::start(&line, (columns, lines), |command| {
            prepare(command);
            command
        });
        let Some(mut pty) = started else { return };
        let shown = pty.until(0, "q quit");
        let screen = frame(&shown);
        assert!(screen.len() <= usize::from(lines), "{screen:#?}");
        assert!(screen.iter().all(|line| line.chars().count() <= columns.into()), "{screen:#?}");
        let text = screen.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [
            "FAIL /treecounter answers with a page",
            "expected ",
            "found 404",
            "calls `self.trees.respond`",
        ] {
            assert!(text.contains(part), "{part:?} is not in\n{}", screen.join("\n"));
        }
        assert!(text.contains(" checks pass") || lines < 20, "{screen:#?}");
        // What stood on the screen before is scrolled away, not wiped.
        assert!(!shown.contains("\x1b[3J"), "{shown:?}");

        let since = pty.shown().len();
        pty.press("h");
        pty.until(since, "Hint 1 of 3");
        pty.until(since, "q quit");
        let since = pty.shown().len();
        pty.press("h");
        pty.until(since, "Hint 2 of 3");
        pty.until(since, "q quit");
        std::fs::remove_dir_all(learner.root.join(".workshop")).unwrap();
        let since = pty.shown().len();
        pty.press("s");
        pty.until(since, "(yours)");
        pty.until(since, "q quit");
        let since = pty.shown().len();
        pty.press("r");
        pty.until(since, "404: nothing answers");
        pty.until(since, "q quit");
        let since = pty.shown().len();
        pty.press("n");
        pty.until(since, "Checking section2");
        pty.until(since, "q quit");
        pty.press("q");
        let (code, shown) = pty.end();
        assert_eq!(code, 0);
        assert!(shown.contains(" icanon ") && shown.contains(" echo "), "raw: {shown}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_does_not_compile_is_said_below_what_cargo_says() {
    let learner = Learner::new("keys-build-error");
    learner
        .write("section1-expose/src/main.rs", "fn main() {\n    let trees: u32 = \"many\";\n}\n");
    let line = format!("{} check --watch section1; stty -a", env!("CARGO_BIN_EXE_workshop"));
    let started = Pty::start(&line, (80, 24), |command| {
        let command = command.current_dir(&learner.root).env_remove("CARGO_MANIFEST_DIR");
        command.env("CARGO_TARGET_DIR", learner.root.join("target"))
    });
    let Some(mut pty) = started else { return };
    let shown = pty.until(0, "q quit");
    let [error, words] =
        ["mismatched types", "section1: Expose /metrics"].map(|part| shown.find(part));
    assert!(error.is_some() && error < words, "{shown}");
    // Ctrl-C, as a key: while nothing is checked the keys are the watch's.
    pty.press("\x03");
    let (code, shown) = pty.end();
    assert_eq!(code, 0);
    assert!(shown.contains(" icanon "), "{shown}");
}
