//! What happens on a terminal only: the question, colours, and the live screen; and what happens
//! when nobody reads. `script` lends a terminal.

#![cfg(target_os = "linux")]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::pty::Pty;
use crate::tree::Tree;

const TWO: &str = "section2-counter/src/main.rs";
const MINE: &str = "// my own work\n";
const QUESTION: &[u8] = b"Go on? [y/N] ";

/// What a command shows on a terminal on which this is typed; nothing where there is no `script`.
fn typed(tree: &Tree, line: &str, keys: &str) -> Option<String> {
    typed_after(tree, line, keys, || {})
}

/// The same, with something done once the question is on the screen.
fn typed_after(tree: &Tree, line: &str, keys: &str, act: impl FnOnce()) -> Option<String> {
    let command = format!("{} {line}", env!("CARGO_BIN_EXE_workshop"));
    let child = Command::new("script")
        .args(["--quiet", "--return", "--flush", "--command", &command, "/dev/null"])
        .current_dir(&tree.root)
        .env_remove("CARGO_MANIFEST_DIR")
        .env_remove("NO_COLOR")
        .env("TERM", "xterm-256color")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        assert!(std::env::var_os("CI").is_none(), "there is no `script`");
        println!("skipped: there is no `script`");
        return None;
    };
    let mut screen = Vec::new();
    let mut stdout = child.stdout.take().unwrap();
    let mut byte = [0];
    while !screen.ends_with(QUESTION) && stdout.read(&mut byte).unwrap() == 1 {
        screen.push(byte[0]);
    }
    act();
    child.stdin.take().unwrap().write_all(keys.as_bytes()).unwrap();
    stdout.read_to_end(&mut screen).unwrap();
    child.wait().unwrap();
    Some(String::from_utf8(screen).unwrap())
}

#[test]
fn a_no_changes_nothing_and_a_yes_goes_on() {
    let tree = Tree::new();
    tree.write(TWO, MINE);
    for keys in ["n\n", "\n", "what?\n"] {
        let Some(screen) = typed(&tree, "reset section2", keys) else { return };
        assert!(screen.contains("Go on? [y/N]") && screen.contains("Nothing was changed."));
        assert_eq!(tree.read(TWO), MINE, "{keys:?}");
    }
    let screen = typed(&tree, "reset section2", "y\n").unwrap();
    assert!(screen.contains("To undo it: "), "{screen}");
    assert_ne!(tree.read(TWO), MINE);
    typed(&tree, "undo", "yes\n").unwrap();
    assert_eq!(tree.read(TWO), MINE);
}

#[test]
fn colours_are_for_terminals() {
    let tree = Tree::new();
    let Some(screen) = typed(&tree, "solution section2", "") else { return };
    assert!(screen.contains("\x1b[32m+\x1b[0m    requests: IntCounterVec,"), "{screen}");
    assert!(!tree.run("solution section2").out.contains('\x1b'));
}

const METRICS: &str = "# HELP requests_total Requests.\n# TYPE requests_total counter\n\
    requests_total{status=\"200\",endpoint=\"/treecounter\"} 3\n\
    requests_total{status=\"503\",endpoint=\"\u{1b}[2J\"} 1\n\
    # TYPE process_threads gauge\nprocess_threads 4\n";

/// Answers every request with the same metrics, for as long as the test runs.
fn exposition() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close";
            let length = METRICS.len();
            let _ = write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{METRICS}");
        }
    });
    format!("http://{address}/metrics")
}

fn scrape(after: &str) -> Option<Pty> {
    let workshop = env!("CARGO_BIN_EXE_workshop");
    let line = format!("{workshop} scrape --every 0.2 {}", exposition());
    let line = after.replace("SCRAPE", &line);
    Pty::start(&format!("bash -c '{line}'"), (80, 24), |command| command)
}

const RAW: &str = "-icanon";
const COOKED: &str = " icanon";
const ENTERS: &str = "\x1b[?1049h";
const LEAVES: &str = "\x1b[?1049l";

#[test]
fn the_live_screen_is_drawn_in_place_and_gives_the_terminal_back() {
    for key in ["q", "\x1b", "\x03"] {
        let Some(mut pty) = scrape("SCRAPE; stty -a") else { return };
        let shown = pty.until(0, "process_threads");
        assert!(shown.contains(ENTERS) && shown.contains("requests_total"), "{shown}");
        // The program's own come first, and what it exposes does not act.
        assert!(shown.find("requests_total") < shown.find("process_threads"));
        assert!(shown.contains("\\u{1b}[2J") && !shown.contains("\x1b[2J\""), "{shown:?}");
        pty.press(" ");
        pty.until(0, "paused");
        pty.press(key);
        let (code, shown) = pty.end();
        assert_eq!(code, 0);
        let after = shown.rsplit_once(LEAVES).unwrap().1;
        assert!(after.contains(COOKED) && !after.contains(RAW), "{after}");
    }
}

#[test]
fn the_live_screen_can_be_suspended_and_resumed() {
    let line = "set -m; SCRAPE; echo STOPPED; stty -a; fg >/dev/null; stty -a";
    let Some(mut pty) = scrape(line) else { return };
    pty.until(0, "process_threads");
    pty.press("\x1a");
    let stopped = pty.until(0, "STOPPED");
    assert!(stopped.contains(LEAVES), "{stopped}");
    let since = stopped.find("STOPPED").unwrap();
    let resumed = pty.until(since, "process_threads");
    let (before, _) = resumed.split_once(ENTERS).unwrap();
    assert!(before.contains(COOKED) && !before.contains(RAW), "{before}");
    pty.press("q");
    let (code, shown) = pty.end();
    assert_eq!(code, 0);
    assert!(!shown.rsplit_once(LEAVES).unwrap().1.contains(RAW), "{shown}");
}

#[test]
fn whoever_kills_the_live_screen_gets_the_terminal_back() {
    let Some(pty) = scrape("(echo PID $BASHPID.; exec SCRAPE); stty -a") else { return };
    let shown = pty.until(0, "process_threads");
    let id = shown.split_once("PID ").unwrap().1.split_once('.').unwrap().0;
    kill(Pid::from_raw(id.parse().unwrap()), Signal::SIGTERM).unwrap();
    let (_, shown) = pty.end();
    let after = shown.rsplit_once(LEAVES).unwrap().1;
    assert!(after.contains(COOKED) && !after.contains(RAW), "{after}");
}

/// In a session of its own it is not told: `nohup` and some terminals in editors do that.
#[test]
fn a_terminal_that_goes_away_ends_the_live_screen() {
    let Some(pty) = scrape("(echo PID $BASHPID.; exec setsid SCRAPE)") else { return };
    let shown = pty.until(0, "process_threads");
    let id = shown.split_once("PID ").unwrap().1.split_once('.').unwrap().0;
    // What has ended and was not waited for has no command line.
    let running = || fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|line| !line.is_empty());
    assert!(running());
    drop(pty);
    for _ in 0..1000 {
        if !running() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = kill(Pid::from_raw(id.parse().unwrap()), Signal::SIGKILL);
    panic!("process {id} lives on");
}

#[test]
fn a_dumb_terminal_gets_plain_text() {
    let line = format!("{} scrape {}", env!("CARGO_BIN_EXE_workshop"), exposition());
    let started = Pty::start(&line, (80, 24), |command| command.env("TERM", "dumb"));
    let Some(pty) = started else { return };
    let (code, shown) = pty.end();
    assert_eq!(code, 0);
    assert!(shown.contains("requests_total") && !shown.contains('\x1b'), "{shown:?}");
}

/// Whoever reads has had enough: nothing is said, and the exit code is the command's own.
#[test]
fn a_reader_that_has_gone_is_no_error() {
    let tree = Tree::new();
    let workshop = env!("CARGO_BIN_EXE_workshop");
    let url = exposition();
    for line in
        ["", "solution section2", "hint section2", "--help", &format!("scrape --once {url}")]
    {
        for taken in ["true", "head -n 1"] {
            let line = format!("set -o pipefail; (sleep 0.1; {workshop} {line}) | {taken}");
            let output = Command::new("bash")
                .args(["-c", &line])
                .current_dir(&tree.root)
                .env_remove("CARGO_MANIFEST_DIR")
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{line}");
            assert_eq!(output.status.code(), Some(0), "{line}");
        }
    }
    let line = format!("{workshop} solution section2 > /dev/full");
    let mut command = Command::new("bash");
    command.args(["-c", &line]).current_dir(&tree.root).env_remove("CARGO_MANIFEST_DIR");
    let ended = crate::tree::end(&mut command);
    ended.expect(2, &["error: the output could not be written: No space left on device"]);
}

#[test]
fn what_is_saved_while_the_question_stands_is_in_the_backup() {
    let saved = "// saved while the question stood\n";
    for command in ["reset section2", "goto section3", "undo"] {
        let tree = Tree::new();
        tree.write(TWO, MINE);
        if command == "undo" {
            tree.run("reset section2 --yes").expect(0, &[]);
        }
        let save = || fs::write(tree.path(TWO), saved).unwrap();
        let Some(screen) = typed_after(&tree, command, "y\n", save) else { return };
        assert!(screen.contains("main.rs was saved meanwhile: the backup has"), "{screen}");
        let kept = tree.run("undo --list").out.lines().last().unwrap().to_owned();
        tree.run(&format!("undo {kept} --yes")).expect(0, &[TWO]);
        assert_eq!(tree.read(TWO), saved, "{command}");
    }
}
