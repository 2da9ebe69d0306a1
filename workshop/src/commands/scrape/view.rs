//! The screen: what was scraped, how it moves, and which keys there are.

use std::time::Duration;

use anstyle::Style;

use crate::commands::scrape::history::History;
use crate::commands::scrape::outcome::Outcome;
use crate::commands::scrape::rows::Filter;
use crate::commands::scrape::{rows, table};
use crate::terminal::style::{BAD, FRAME, Line, TYPE, WARN};
use crate::terminal::text::{chop, columns, fill, printable, wrap};

/// Beside an address that does not answer.
pub(crate) const ELSEWHERE: &str =
    "Does it listen elsewhere? cargo workshop scrape http://localhost:PORT";

/// All that the screen shows.
pub(crate) struct Screen {
    pub(crate) url: String,
    pub(crate) every: Duration,
    pub(crate) history: History,
    /// How the last scrape went.
    pub(crate) last: Outcome,
    /// Seconds since then, when an answer is overdue.
    pub(crate) overdue: Option<u64>,
    pub(crate) filter: Filter,
    /// The filter is being typed.
    pub(crate) typing: bool,
    pub(crate) paused: bool,
    /// The first line of the rows that is shown.
    pub(crate) scroll: usize,
    /// How many lines the last frame had room for: what a page is.
    pub(crate) page: usize,
}

impl Screen {
    pub(crate) fn new(url: String, every: Duration) -> Self {
        Self {
            url,
            every,
            history: History::default(),
            last: Outcome::Pending,
            overdue: None,
            filter: Filter::default(),
            typing: false,
            paused: false,
            scroll: 0,
            page: 1,
        }
    }

    /// The lines from the top to the bottom of a terminal of this size.
    pub(crate) fn frame(&mut self, (width, height): (usize, usize)) -> Vec<Line> {
        let rows = rows::rows(&self.history, &self.filter);
        let body: Vec<Line> = rows.iter().flat_map(|row| table::lines(row, width)).collect();
        let mut frame = self.head(width);
        let mut keys = self.keys(None, width);
        self.page = height.saturating_sub(frame.len() + keys.len()).max(1);
        self.scroll = self.scroll.min(body.len().saturating_sub(self.page));
        if body.len() > self.page {
            let last = (self.scroll + self.page).min(body.len());
            keys = self.keys(Some(format!("{last}/{}", body.len())), width);
        }

        let stale = matches!(self.last, Outcome::Bad(_)) || self.overdue.is_some();
        let shown = body.iter().skip(self.scroll).take(self.page).cloned();
        let shown = shown.map(|line| if stale { line.all_in(FRAME) } else { line });
        let mut shown: Vec<Line> =
            if body.is_empty() { self.nothing(width) } else { shown.collect() };
        shown.resize_with(self.page, Line::default);
        frame.extend(shown);
        frame.extend(keys);
        frame
    }

    /// What is scraped, and how the last scrape went.
    fn head(&self, width: usize) -> Vec<Line> {
        let (style, pace) = match self.paused {
            true => (WARN, "  paused".to_owned()),
            false => (FRAME, format!("  every {} s", self.every.as_secs_f64())),
        };
        let url = chop(&self.url, width).into_iter();
        let mut lines: Vec<Line> = url.map(|part| Line::of(TYPE, part)).collect();
        match lines.pop() {
            Some(last) if last.columns() + columns(&pace) <= width => {
                lines.push(last.and(style, pace));
            }
            last => lines.extend(last.into_iter().chain([Line::of(style, pace)])),
        }
        let (style, words) = self.state();
        lines.extend(wrap(&words, width).into_iter().map(|line| Line::of(style, line)));
        lines.push(table::headings(width));
        lines
    }

    fn state(&self) -> (Style, String) {
        if let Some(seconds) = self.overdue {
            return (BAD, format!("no answer for {seconds} s: does the app hang?"));
        }
        self.last.in_words(&self.history)
    }

    fn nothing(&self, width: usize) -> Vec<Line> {
        let words = match (&self.last, self.history.scrapes()) {
            (Outcome::Bad(_), 0) => &[
                "It is asked again and again: start the app, and its series appear here.",
                ELSEWHERE,
            ][..],
            (_, 0) => &[],
            _ if self.filter != Filter::default() => {
                &["No series passes the filter. Tab and / change it."]
            }
            _ => &["The page holds no series."],
        };
        let lines = words.iter().flat_map(|words| wrap(words, width));
        [String::new()].into_iter().chain(lines).map(|line| Line::of(Style::new(), line)).collect()
    }

    /// The keys, and at the end which lines of all are shown.
    fn keys(&self, position: Option<String>, width: usize) -> Vec<Line> {
        if self.typing {
            let filter = format!("filter: {}▏", printable(&self.filter.text));
            let keys = "Enter: done  Esc: no filter".to_owned();
            return fill([filter, keys], width)
                .into_iter()
                .map(|line| Line::of(WARN, line))
                .collect();
        }
        let moving = if self.filter.moving { "Tab: all series" } else { "Tab: only moving" };
        let paused = if self.paused { "Space: go on" } else { "Space: pause" };
        let filter = match self.filter.text.as_str() {
            "" => "/: filter".to_owned(),
            text => format!("/: filter \"{}\"", printable(text)),
        };
        let mut keys = vec!["q: quit".to_owned(), paused.to_owned(), moving.to_owned(), filter];
        keys.push("↑↓: scroll".to_owned());
        // A second blank between two of them; the first is that of the line.
        let keys = keys.iter().map(|key| format!("{key} "));
        let mut lines = fill(keys, width);
        if let (Some(position), Some(last)) = (position, lines.last_mut()) {
            let room = width.saturating_sub(columns(last));
            if columns(&position) <= room {
                *last += &format!("{position:>room$}");
            }
        }
        lines.into_iter().map(|line| Line::of(FRAME, line)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::scrape::keys;
    use crate::exposition::parse;
    use crate::terminal::live::Input;
    use crossterm::event::KeyCode;

    const PAGE: &str = "\
        # HELP requests_total Requests answered.\n# TYPE requests_total counter\n\
        requests_total{endpoint=\"/treecounter\",status=\"200\"} 1200\n\
        requests_total{endpoint=\"/treecounter\",status=\"503\"} 7\n\
        # TYPE tokio_workers gauge\ntokio_workers 2\n\
        # HELP latency_seconds Time.\n# TYPE latency_seconds histogram\n\
        latency_seconds_bucket{le=\"0.1\"} 1\nlatency_seconds_bucket{le=\"0.5\"} 4\n\
        latency_seconds_bucket{le=\"+Inf\"} 4\nlatency_seconds_sum 1\nlatency_seconds_count 4\n";

    fn screen(pages: &[&str]) -> Screen {
        let mut screen =
            Screen::new("http://localhost:8001/metrics".to_owned(), Duration::from_secs(1));
        for (second, page) in pages.iter().enumerate() {
            screen
                .history
                .take_in(parse(page.as_bytes()).unwrap(), Duration::from_secs(second as u64));
            screen.last =
                Outcome::Good { took: Duration::from_millis(2), bytes: page.len(), warning: None };
        }
        screen
    }

    /// What stands on a terminal of that size, without the blanks at the ends.
    fn shown(screen: &mut Screen, width: usize, height: usize) -> Vec<String> {
        let frame = screen.frame((width, height));
        let lines = frame.iter().map(|line| {
            assert!(width < 40 || line.columns() <= width, "wider than {width}: {line}");
            anstream::adapter::strip_str(&line.to_string()).to_string().trim_end().to_owned()
        });
        lines.collect()
    }

    fn press(screen: &mut Screen, code: KeyCode) -> bool {
        keys::pressed(screen, Input::Key(code))
    }

    #[test]
    fn at_80_columns_all_that_matters_fits() {
        let later = PAGE.replace(" 1200", " 1203");
        let rows = shown(&mut screen(&[PAGE, &later]), 80, 20);
        let shown: Vec<String> = rows[..14].iter().map(|row| row.replace('█', "#")).collect();
        assert_eq!(
            shown,
            [
                "http://localhost:8001/metrics  every 1 s",
                "200 in 2.0 ms, 441 bytes, 8 series",
                "series                                          value   change      rate  trend",
                "requests_total  counter  Requests answered.",
                "  {endpoint=\"/treecounter\",status=\"200\"}        1,203       +3       3/s  ▁",
                "  {endpoint=\"/treecounter\",status=\"503\"}            7                0/s  ▁",
                "",
                "latency_seconds  histogram  Time.",
                "  latency_seconds                                   4                0/s  ▁",
                "    estimated  p50 0.2333  p95 0.4733  p99 0.4947",
                "       ≤ 0.1 #################▍                                             1",
                "       ≤ 0.5 ####################################################           3",
                "      ≤ +Inf                                                                0",
                "",
            ]
        );
        let keys = "q: quit  Space: pause  Tab: only moving  /: filter  ↑↓: scroll";
        assert!(rows[19].starts_with(keys), "{}", rows[19]);
    }

    #[test]
    fn a_restart_shows_and_a_dead_app_keeps_its_last_figures() {
        let mut screen = screen(&[PAGE, &PAGE.replace(" 1200", " 5")]);
        assert!(
            shown(&mut screen, 80, 24)[4].contains("5  ↺ reset       5/s"),
            "{:?}",
            shown(&mut screen, 80, 24)[4]
        );
        screen.last = Outcome::Bad("connection refused: is the app running?".to_owned());
        let rows = shown(&mut screen, 80, 24);
        assert_eq!(rows[1], "connection refused: is the app running? Below: what it said last.");
        assert!(rows[4].contains("↺ reset"));
    }

    #[test]
    fn an_app_that_hangs_is_told_while_it_does() {
        let mut screen = screen(&[PAGE]);
        screen.overdue = Some(4);
        assert_eq!(shown(&mut screen, 80, 24)[1], "no answer for 4 s: does the app hang?");
    }

    #[test]
    fn nothing_there_yet() {
        let mut screen = screen(&[]);
        assert_eq!(shown(&mut screen, 80, 24)[1], "waiting for the first answer ...");
        screen.last = Outcome::Bad("connection refused: is the app running?".to_owned());
        let rows = shown(&mut screen, 80, 24);
        assert!(rows[4].starts_with("It is asked again and again"));
        assert_eq!(rows[5], ELSEWHERE);
    }

    #[test]
    fn typing_filters_and_escape_clears_before_it_quits() {
        let mut screen = screen(&[PAGE]);
        for letter in "/5o3".chars() {
            assert!(!press(&mut screen, KeyCode::Char(letter)));
        }
        assert!(shown(&mut screen, 80, 24)[4].starts_with("No series passes the filter"));
        press(&mut screen, KeyCode::Backspace);
        press(&mut screen, KeyCode::Backspace);
        press(&mut screen, KeyCode::Char('0'));
        let rows = shown(&mut screen, 80, 24);
        assert!(rows[4].contains("status=\"503\"") && rows[5].is_empty(), "{rows:?}");
        assert!(rows[23].starts_with("filter: 50▏ Enter: done"), "{}", rows[23]);
        assert!(!press(&mut screen, KeyCode::Esc));
        assert!(screen.filter.text.is_empty());
        assert!(press(&mut screen, KeyCode::Esc));
    }

    #[test]
    fn scrolling_stays_inside() {
        let many: String = (0..2000).map(|n| format!("many{{n=\"{n}\"}} {n}\n")).collect();
        let mut screen = screen(&[&many]);
        press(&mut screen, KeyCode::Up);
        shown(&mut screen, 80, 24);
        press(&mut screen, KeyCode::PageDown);
        assert!(shown(&mut screen, 80, 24)[3].contains("n=\"19\""));
        press(&mut screen, KeyCode::End);
        let rows = shown(&mut screen, 80, 24);
        assert!(rows[22].contains("n=\"1999\"") && rows[23].ends_with("2001/2001"), "{rows:?}");
        press(&mut screen, KeyCode::Char('/'));
        press(&mut screen, KeyCode::Char('1'));
        assert_eq!(screen.scroll, 0);
    }

    #[test]
    fn what_has_no_room_beside_its_figures_stands_above_them() {
        let rows = shown(&mut screen(&[PAGE]), 40, 30);
        assert_eq!(
            rows[..15],
            [
                "http://localhost:8001/metrics  every 1 s",
                "200 in 2.0 ms, 441 bytes, 8 series",
                "        value   change      rate  trend",
                "requests_total  counter",
                "  Requests answered.",
                "  {endpoint=\"/treecounter\",status=\"200\"}",
                "        1,200",
                "  {endpoint=\"/treecounter\",status=\"503\"}",
                "            7",
                "",
                "latency_seconds  histogram  Time.",
                "  latency_seconds",
                "            4",
                "    estimated  p50 0.2333  p95 0.4733",
                "    p99 0.4947",
            ]
        );
    }

    #[test]
    fn any_size_will_do() {
        let long = format!(
            "a{{b=\"{}\"}} 1\nlong_name_{} 12345678901234\n",
            "ü".repeat(300),
            "x".repeat(300)
        );
        let mut screen = screen(&[PAGE, &long]);
        for (width, height) in
            [(1, 1), (5, 3), (20, 10), (79, 24), (110, 30), (200, 50), (500, 200)]
        {
            shown(&mut screen, width, height);
        }
    }
}
