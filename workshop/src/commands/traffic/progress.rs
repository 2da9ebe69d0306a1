//! How far the load is: one line that is drawn again and again on a terminal, plain lines now and
//! then anywhere else.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use crate::commands::traffic::figures::Figures;
use crate::terminal;

/// How often the line on a terminal is drawn.
const REDRAW: Duration = Duration::from_millis(200);
const BAR: usize = 10;
const SHORTEST_BAR: usize = 4;

pub(crate) struct ProgressLine {
    /// The whole run, unless it goes on until stopped.
    length: Option<Duration>,
    terminal: bool,
    /// Requests and time at the last sights, for the rate of the last seconds.
    sights: Vec<(Duration, u64)>,
}

impl ProgressLine {
    pub(crate) fn new(length: Option<Duration>) -> Self {
        Self { length, terminal: std::io::stderr().is_terminal(), sights: Vec::new() }
    }

    pub(crate) fn on_terminal(&self) -> bool {
        self.terminal
    }

    pub(crate) fn interval(&self) -> Duration {
        if self.terminal {
            REDRAW
        } else if self.length.is_some() {
            Duration::from_secs(10)
        } else {
            Duration::from_secs(60)
        }
    }

    pub(crate) fn show(&mut self, figures: &Figures, elapsed: Duration) {
        let line = self.line(figures, elapsed);
        // A progress line that cannot be written is no reason to stop the load.
        let mut out = std::io::stderr().lock();
        let _ = if self.terminal {
            let width = terminal::size().0;
            let line = self.with_bar(&line, elapsed, width.saturating_sub(1));
            // Carriage return, the line, and the rest of an older and longer line cleared.
            write!(out, "\r{line}\x1b[K").and_then(|()| out.flush())
        } else {
            writeln!(out, "{line}")
        };
    }

    /// Leaves the terminal on a fresh line.
    pub(crate) fn end(&self) {
        if self.terminal {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }

    fn line(&mut self, figures: &Figures, elapsed: Duration) -> String {
        let recent = self.recent_rate(figures.total(), elapsed);
        let time = match self.length {
            Some(length) => format!("{} of {}", clock(elapsed.min(length)), clock(length)),
            None => clock(elapsed),
        };
        format!("{time}  {recent:.1}/s  {}", figures.line())
    }

    /// The line with a bar before it, if there is room: the figures say more than the bar, and
    /// more than how long it will take.
    fn with_bar(&self, line: &str, elapsed: Duration, width: usize) -> String {
        let end = self.length.map_or(String::new(), |length| format!(" of {}", clock(length)));
        let line = match line.chars().count() > width {
            true => line.replacen(&end, "", 1),
            false => line.to_owned(),
        };
        let room = width.saturating_sub(line.chars().count() + 1).min(BAR);
        let bar = match self.length {
            Some(length) if room >= SHORTEST_BAR => {
                let done = (elapsed.as_secs_f64() / length.as_secs_f64().max(1e-9)).min(1.0);
                let filled = (done * room as f64) as usize;
                format!("{}{} ", "━".repeat(filled), "╌".repeat(room - filled))
            }
            _ => String::new(),
        };
        bar.chars().chain(line.chars()).take(width).collect()
    }

    fn recent_rate(&mut self, total: u64, elapsed: Duration) -> f64 {
        let horizon = elapsed.saturating_sub(Duration::from_secs(3).max(self.interval()));
        // Keep one sight that is as old as the horizon, to count from.
        while self.sights.len() > 1 && self.sights[1].0 <= horizon {
            self.sights.remove(0);
        }
        let (since, before) = self.sights.first().copied().unwrap_or_default();
        self.sights.push((elapsed, total));
        (total - before) as f64 / (elapsed - since).as_secs_f64().max(1e-3)
    }
}

/// Minutes and seconds.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}:{:02} h", seconds / 3600, seconds / 60 % 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(length: Option<u64>, terminal: bool) -> ProgressLine {
        ProgressLine { length: length.map(Duration::from_secs), terminal, sights: Vec::new() }
    }

    fn figures(count: u64) -> Figures {
        let mut figures = Figures::new();
        for _ in 0..count {
            figures.record("/", Ok(200), Duration::from_millis(20));
        }
        figures
    }

    #[test]
    fn a_bar_on_a_terminal_fits_80_columns() {
        let quarter = Duration::from_secs(15);
        let drawn = |figures: &Figures, width| {
            let mut progress = progress(Some(60), true);
            let line = progress.line(figures, quarter);
            progress.with_bar(&line, quarter, width)
        };
        let line = drawn(&figures(150), 79);
        let text = "15 s of 1:00 min  10.0/s  150 sent  200: 100 %  p95 20.0 ms";
        assert_eq!(line, format!("━━╌╌╌╌╌╌╌╌ {text}"));
        let mut failing = figures(125);
        for (status, count) in [(404, 8), (503, 17)] {
            for _ in 0..count {
                failing.record("/treecounter", Ok(status), Duration::from_millis(900));
            }
        }
        let line = drawn(&failing, 79);
        assert_eq!(
            line,
            "15 s of 1:00 min  10.0/s  150 sent  200: 83 %  404: 5 %  503: 11 %  p95 899 ms"
        );
        assert!(line.chars().count() <= 79, "{line}");
        assert_eq!(
            drawn(&failing, 70),
            "15 s  10.0/s  150 sent  200: 83 %  404: 5 %  503: 11 %  p95 899 ms"
        );
    }

    #[test]
    fn plain_lines_elsewhere() {
        let line = progress(None, false).line(&figures(600), Duration::from_secs(3725));
        assert_eq!(line, "1:02:05 h  0.2/s  600 sent  200: 100 %  p95 20.0 ms");
    }

    #[test]
    fn the_rate_is_of_the_last_seconds() {
        let mut progress = progress(None, true);
        for second in 1..=10 {
            progress.recent_rate(second * 10, Duration::from_secs(second));
        }
        let rate = progress.recent_rate(100 + 300, Duration::from_secs(13));
        assert!((99.0..=101.0).contains(&rate), "{rate}");
    }
}
