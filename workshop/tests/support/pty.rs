//! A program on a terminal of some size, lent by `script`, and somebody who presses keys.
#![allow(dead_code, unreachable_pub)] // Each test uses its own part of it.
#![allow(clippy::unwrap_used)] // A test may end at any mistake.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A frame may take this long on a busy machine.
const LONG: Duration = Duration::from_secs(60);

pub struct Pty {
    child: Child,
    keys: Option<ChildStdin>,
    shown: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Pty {
    /// Runs a shell's line; nothing where there is no `script`.
    pub fn start(
        line: &str,
        (columns, lines): (u16, u16),
        prepare: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Option<Self> {
        let line = format!("stty cols {columns} rows {lines}; {line}");
        let mut command = Command::new("script");
        command.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
        command.env("TERM", "xterm-256color").env_remove("NO_COLOR");
        prepare(&mut command);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let Ok(mut child) = child else {
            assert!(std::env::var_os("CI").is_none(), "there is no `script`");
            println!("skipped: there is no `script`");
            return None;
        };
        let (keys, mut stdout) = (child.stdin.take(), child.stdout.take().unwrap());
        let shown = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&shown);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = stdout.read(&mut buffer) {
                kept.lock().unwrap().extend_from_slice(&buffer[..read]);
            }
        });
        Some(Self { child, keys, shown, reader: Some(reader) })
    }

    pub fn press(&mut self, keys: &str) {
        let stdin = self.keys.as_mut().unwrap();
        stdin.write_all(keys.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    /// All that was written so far, escapes and all.
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    /// Waits until `part` was written after the first `since` bytes, and returns what was written
    /// since then.
    pub fn until(&self, since: usize, part: &str) -> String {
        let end = Instant::now() + LONG;
        loop {
            let shown = self.shown();
            let new = shown.get(since..).unwrap_or_default();
            if new.contains(part) {
                return new.to_owned();
            }
            assert!(Instant::now() < end, "no {part:?} in\n{new}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The exit code, once the program has ended by itself.
    pub fn end(mut self) -> (i32, String) {
        let end = Instant::now() + LONG;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.reader.take().unwrap().join().unwrap();
                return (status.code().unwrap(), self.shown());
            }
            assert!(Instant::now() < end, "it does not end:\n{}", self.shown());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
