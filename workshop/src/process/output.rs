//! What the learner's program writes: kept in part, counted in full, and always read, since a
//! program whose pipe is full would stand still.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Lines kept from the beginning.
const FIRST: usize = 200;
/// Lines kept from the end, once there are more.
const LAST: usize = 20;
/// Bytes kept of a line.
const WIDTH: usize = 2000;
/// More bytes or lines than this within a check is a program that never stops printing.
const FLOOD: u64 = 256 << 10;
const FLOOD_LINES: u64 = 5000;

/// What a program has written to its standard output and error, still growing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Output {
    shared: Arc<(Mutex<Excerpt>, Condvar)>,
}

#[derive(Debug, Default)]
struct Excerpt {
    first: Vec<String>,
    last: VecDeque<String>,
    bytes: u64,
    lines: u64,
    /// Streams still open.
    open: usize,
}

impl Output {
    /// Reads a stream to its end, on a thread of its own.
    pub(crate) fn follow(&self, stream: impl Read + Send + 'static) {
        self.lock().open += 1;
        let output = self.clone();
        std::thread::spawn(move || output.read(stream));
    }

    fn read(&self, mut stream: impl Read) {
        let mut buffer = [0; 1 << 14];
        let mut line = Vec::new();
        loop {
            let read = match stream.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(read) => read,
            };
            let mut kept = self.lock();
            kept.bytes += read as u64;
            for part in buffer[..read].split_inclusive(|byte| *byte == b'\n') {
                let room = WIDTH.saturating_sub(line.len()).min(part.len());
                line.extend_from_slice(&part[..room]);
                if part.ends_with(b"\n") {
                    kept.push(&line);
                    line.clear();
                }
            }
            drop(kept);
            self.shared.1.notify_all();
        }
        let mut kept = self.lock();
        if !line.is_empty() {
            kept.push(&line);
        }
        kept.open -= 1;
        drop(kept);
        self.shared.1.notify_all();
    }

    /// Waits until `found` finds something in the first lines, for at most this long.
    pub(crate) fn wait_for<T>(
        &self,
        until: Instant,
        mut found: impl FnMut(&[String]) -> Option<T>,
    ) -> Option<T> {
        let mut kept = self.lock();
        loop {
            if let Some(found) = found(&kept.first) {
                return Some(found);
            }
            let left = until.checked_duration_since(Instant::now())?;
            let (next, _) =
                self.shared.1.wait_timeout(kept, left).unwrap_or_else(PoisonError::into_inner);
            kept = next;
        }
    }

    /// Waits for the streams to end, but not for long: a grandchild may hold them open.
    pub(crate) fn drain(&self, limit: Duration) {
        let kept = self.lock();
        drop(self.shared.1.wait_timeout_while(kept, limit, |kept| kept.open > 0));
    }

    /// Whether the program writes without end.
    pub(crate) fn floods(&self) -> bool {
        let kept = self.lock();
        kept.bytes > FLOOD || kept.lines > FLOOD_LINES
    }

    /// The first lines, at most `most`, and how many more there were.
    pub(crate) fn first(&self, most: usize) -> (Vec<String>, u64) {
        let kept = self.lock();
        let lines: Vec<String> = kept.first.iter().take(most).cloned().collect();
        let more = kept.lines - lines.len() as u64;
        (lines, more)
    }

    /// The last lines, at most `most`.
    pub(crate) fn last(&self, most: usize) -> Vec<String> {
        let kept = self.lock();
        let all = kept.first.iter().chain(&kept.last);
        let count = kept.first.len() + kept.last.len();
        all.skip(count.saturating_sub(most)).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Excerpt> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Excerpt {
    fn push(&mut self, line: &[u8]) {
        let text = printable(&String::from_utf8_lossy(line));
        self.lines += 1;
        if self.first.len() < FIRST {
            self.first.push(text);
            return;
        }
        if self.last.len() == LAST {
            self.last.pop_front();
        }
        self.last.push_back(text);
    }
}

/// A line without what would move the cursor or change the colours of the terminal.
fn printable(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut characters = line.trim_end().chars();
    while let Some(character) = characters.next() {
        match character {
            // An escape sequence: up to its final letter.
            '\u{1b}' => drop(characters.find(char::is_ascii_alphabetic)),
            '\t' => text.push_str("    "),
            _ if character.is_control() => {}
            _ => text.push(character),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_both_ends_of_a_long_output() {
        let output = Output::default();
        let text: String = (0..1000).map(|n| format!("line {n}\n")).collect();
        output.lock().open += 1;
        output.read(text.as_bytes());
        assert_eq!(output.first(2), (vec!["line 0".to_owned(), "line 1".to_owned()], 998));
        assert_eq!(output.last(2), ["line 998", "line 999"]);
        assert!(!output.floods());
        output.lock().open += 1;
        output.read("one more\n".repeat(4001).as_bytes());
        assert!(output.floods());
    }

    #[test]
    fn keeps_little_of_an_endless_line() {
        let output = Output::default();
        output.lock().open += 1;
        output.read(std::io::repeat(b'x').take(5 << 20));
        assert!(output.floods());
        assert_eq!(output.last(1)[0].len(), WIDTH);
    }

    #[test]
    fn leaves_out_what_would_move_the_cursor() {
        assert_eq!(printable("\u{1b}[31mred\u{1b}[0m\u{7}\tback\rspace\n"), "red    backspace");
    }
}
