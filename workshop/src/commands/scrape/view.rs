//! The screen: what was scraped, how it moves, and which keys there are.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::commands::scrape::history::{History, Mark, Trend};
use crate::commands::scrape::rows::{Filter, Row};
use crate::commands::scrape::{ELSEWHERE, rows};

const VALUE: usize = 12;
const CHANGE: usize = 9;
const RATE: usize = 10;
const BOUND: usize = 12;

/// How the last scrape went.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Last {
    /// None has come back so far.
    Pending,
    Good {
        took: Duration,
        bytes: usize,
        /// What a scraper would not take, although it could be shown.
        warning: Option<String>,
    },
    /// In plain words; the rows are those of the last good scrape.
    Bad(String),
}

/// All that the screen shows.
pub(crate) struct Screen {
    pub(crate) url: String,
    pub(crate) every: Duration,
    pub(crate) history: History,
    pub(crate) last: Last,
    /// Seconds since then, when an answer is overdue.
    pub(crate) overdue: Option<u64>,
    pub(crate) filter: Filter,
    pub(crate) paused: bool,
    /// The first row that is shown.
    pub(crate) scroll: usize,
    /// How many rows the last frame had room for: what a page is.
    pub(crate) page: usize,
}

impl Screen {
    pub(crate) fn new(url: String, every: Duration) -> Self {
        Self {
            url,
            every,
            history: History::default(),
            last: Last::Pending,
            overdue: None,
            filter: Filter::default(),
            paused: false,
            scroll: 0,
            page: 1,
        }
    }

    pub(crate) fn draw(&mut self, frame: &mut Frame<'_>) {
        let [title, state, head, body, keys] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Min(1),
            Constraint::Length(1),
        ])
        .areas(frame.area());
        let rows = rows::rows(&self.history, &self.filter);
        self.page = usize::from(body.height).max(1);
        self.scroll = self.scroll.min(rows.len().saturating_sub(self.page));
        let width = usize::from(body.width);

        frame.render_widget(self.title(), title);
        frame.render_widget(self.state(), state);
        frame.render_widget(Line::styled(headings(width), dim()), head);
        let stale = matches!(self.last, Last::Bad(_)) || self.overdue.is_some();
        let lines: Vec<Line<'_>> = rows
            .iter()
            .skip(self.scroll)
            .take(self.page)
            .map(|row| line(row, width, stale))
            .collect();
        if lines.is_empty() {
            frame.render_widget(Paragraph::new(self.nothing()), body);
        } else {
            frame.render_widget(Paragraph::new(lines), body);
        }
        frame.render_widget(self.keys(rows.len(), width), keys);
    }

    fn title(&self) -> Line<'_> {
        let pace = if self.paused {
            Span::styled("  paused", warn())
        } else {
            Span::styled(format!("  every {} s", self.every.as_secs_f64()), dim())
        };
        Line::from(vec![Span::styled(self.url.as_str(), bold()), pace])
    }

    fn state(&self) -> Line<'_> {
        if let Some(seconds) = self.overdue {
            return Line::styled(format!("no answer for {seconds} s: does the app hang?"), bad());
        }
        match &self.last {
            Last::Pending => Line::styled("waiting for the first answer ...", dim()),
            Last::Good { took, bytes, warning } => {
                let mut spans = vec![Span::raw(format!(
                    "200 in {:.1} ms, {} bytes, {} series",
                    took.as_secs_f64() * 1000.0,
                    rows::number(*bytes as f64),
                    rows::number(self.history.series_count() as f64),
                ))];
                if let Some(warning) = warning {
                    spans.push(Span::styled(format!("   {warning}"), warn()));
                }
                Line::from(spans)
            }
            Last::Bad(words) => {
                let old =
                    if self.history.scrapes() > 0 { " Below: what it said last." } else { "" };
                Line::styled(format!("{words}{old}"), bad())
            }
        }
    }

    fn nothing(&self) -> Vec<Line<'_>> {
        let words = match (&self.last, self.history.scrapes()) {
            (Last::Bad(_), 0) => {
                "It is asked again and again: start the app, and its series appear here."
            }
            (_, 0) => "",
            _ if self.filter != Filter::default() => "No series passes the filter. Esc clears it.",
            _ => "The page holds no series.",
        };
        let elsewhere = match (&self.last, self.history.scrapes()) {
            (Last::Bad(_), 0) => ELSEWHERE,
            _ => "",
        };
        vec![Line::raw(""), Line::raw(words), Line::raw(elsewhere)]
    }

    fn keys(&self, rows: usize, width: usize) -> Line<'_> {
        let mut spans = Vec::new();
        let key = |name: &'static str, what: &'static str| {
            [Span::styled(name, bold()), Span::styled(format!(" {what}  "), dim())]
        };
        if self.filter.text.is_empty() {
            spans.extend(key("type", "to filter"));
        } else {
            spans.push(Span::styled("filter: ", dim()));
            spans.push(Span::styled(format!("{}▏ ", self.filter.text), warn()));
        }
        spans.extend(key("Tab", if self.filter.moving { "all series" } else { "only moving" }));
        spans.extend(key("Space", if self.paused { "go on" } else { "pause" }));
        spans.extend(key("↑↓", "scroll"));
        spans.extend(key("Esc", if self.filter.text.is_empty() { "quit" } else { "clear" }));
        let position = if rows > self.page {
            format!("{}/{rows}", (self.scroll + self.page).min(rows))
        } else {
            String::new()
        };
        let used: usize = spans.iter().map(Span::width).sum();
        let room = width.saturating_sub(used);
        spans.push(Span::styled(format!("{position:>room$}"), dim()));
        Line::from(spans)
    }
}

/// How wide the last column is. At 80 columns `{endpoint="/treecounter",status="503"}` must fit.
fn spark_width(width: usize) -> usize {
    if width >= 150 {
        60
    } else if width >= 110 {
        30
    } else {
        6
    }
}

fn name_width(width: usize) -> usize {
    width.saturating_sub(VALUE + CHANGE + RATE + spark_width(width) + 2).max(10)
}

fn headings(width: usize) -> String {
    format!(
        "{:name$}{:>VALUE$}{:>CHANGE$}{:>RATE$}  {}",
        "series",
        "value",
        "change",
        "rate",
        "trend",
        name = name_width(width)
    )
}

fn line(row: &Row, width: usize, stale: bool) -> Line<'static> {
    let line = match row {
        Row::Gap => Line::default(),
        Row::Family { name, kind, help } => Line::from(vec![
            Span::styled(name.clone(), bold()),
            Span::styled(format!("  {kind}  "), Style::new().fg(Color::Cyan)),
            Span::styled(
                cut(help, width.saturating_sub(name.chars().count() + kind.name().len() + 5)),
                dim(),
            ),
        ]),
        Row::Lone { name, kind, value, trend } => {
            let mut line = series(&format!("  {name}"), *value, trend, width);
            let room = line.spans[0].width();
            let named = name.chars().count();
            // The kind stands beside the name as far as there is room.
            let kind = cut(&format!("  {kind}"), room.saturating_sub(named + 1));
            let kind = if kind.ends_with('…') { String::new() } else { kind };
            let rest = room.saturating_sub(named);
            line.spans[0] =
                Span::styled(fit(name, room.min(named + 1)).trim_end().to_owned(), bold());
            line.spans
                .insert(1, Span::styled(format!("{kind:<rest$}"), Style::new().fg(Color::Cyan)));
            line
        }
        Row::Series { name, value, trend } => series(&format!("  {name}"), *value, trend, width),
        Row::Quantiles([p50, p95, p99]) => Line::styled(
            format!(
                "    estimated  p50 {}  p95 {}  p99 {}",
                rows::number(*p50),
                rows::number(*p95),
                rows::number(*p99)
            ),
            Style::new().fg(Color::Cyan),
        ),
        Row::Empty { from, to, buckets } => Line::styled(
            format!(
                "{:>BOUND$} {buckets} empty buckets, to ≤ {}",
                format!("≤ {}", rows::bound(*from)),
                rows::bound(*to)
            ),
            dim(),
        ),
        Row::Bucket { bound, count, share } => {
            let room = width.saturating_sub(BOUND + VALUE + 4).min(100);
            Line::from(vec![
                Span::styled(format!("{:>BOUND$} ", format!("≤ {}", rows::bound(*bound))), dim()),
                Span::styled(format!("{:<room$}", bar(*share, room)), Style::new().fg(Color::Cyan)),
                Span::raw(format!(" {:>w$}", rows::number(*count), w = VALUE - 1)),
            ])
        }
    };
    if stale { line.style(dim()) } else { line }
}

fn series(name: &str, value: f64, trend: &Trend, width: usize) -> Line<'static> {
    let moved = trend.change.is_some_and(|change| change != 0.0);
    let style = if moved { Style::new().fg(Color::Green) } else { Style::new() };
    let number = rows::number(value);
    // A long number takes from the room of the name.
    let more = number.chars().count().saturating_sub(VALUE);
    let mut spans = vec![
        Span::raw(fit(name, name_width(width) - more)),
        Span::styled(format!("{number:>VALUE$}"), style),
    ];
    match trend.mark {
        Some(Mark::Reset) => spans.push(Span::styled(format!("{:>CHANGE$}", "↺ reset"), bad())),
        Some(Mark::New) => spans.push(Span::styled(format!("{:>CHANGE$}", "new"), warn())),
        None => spans.push(Span::styled(format!("{:>CHANGE$}", rows::change(trend)), style)),
    }
    spans.push(Span::raw(format!("{:>RATE$}", rows::rate(trend))));
    spans.push(Span::styled(
        format!("  {}", rows::sparkline(&trend.course, spark_width(width))),
        Style::new().fg(Color::Cyan),
    ));
    Line::from(spans)
}

/// A bar with eighths of a cell, so that small differences show.
fn bar(share: f64, width: usize) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share * width as f64 * 8.0).round() as usize;
    // What is not empty can be seen.
    let eighths = if share > 0.0 { eighths.max(1) } else { 0 };
    format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
}

/// Exactly so wide: cut, or filled up.
fn fit(text: &str, width: usize) -> String {
    format!("{:<width$}", cut(text, width.saturating_sub(1)))
}

/// At most so wide, with a sign that something is missing.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

fn warn() -> Style {
    Style::new().fg(Color::Yellow)
}

fn bad() -> Style {
    Style::new().fg(Color::Red)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::scrape::keys;
    use crate::exposition::parse;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

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
                Last::Good { took: Duration::from_millis(2), bytes: page.len(), warning: None };
        }
        screen
    }

    /// What stands on a terminal of that size, without the blanks at the ends.
    fn shown(screen: &mut Screen, width: u16, height: u16) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| screen.draw(frame)).unwrap();
        let buffer = terminal.backend().buffer();
        let rows = buffer.content().chunks(usize::from(width));
        rows.map(|row| {
            row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>().trim_end().to_owned()
        })
        .collect()
    }

    fn press(screen: &mut Screen, code: KeyCode) -> bool {
        keys::pressed(screen, &Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
    }

    #[test]
    fn at_80_columns_all_that_matters_fits() {
        let later = PAGE.replace(" 1200", " 1203");
        let rows = shown(&mut screen(&[PAGE, &later]), 80, 20);
        assert_eq!(
            rows[..14],
            [
                "http://localhost:8001/metrics  every 1 s",
                "200 in 2.0 ms, 441 bytes, 8 series",
                "series                                          value   change      rate  trend",
                "requests_total  counter  Requests answered.",
                "  {endpoint=\"/treecounter\",status=\"200\"}        1,203       +3       3/s  ▁",
                "  {endpoint=\"/treecounter\",status=\"503\"}            7                0/s  ▁",
                "",
                "tokio_workers  gauge                                2                     ▁▁",
                "",
                "latency_seconds  histogram  Time.",
                "  latency_seconds                                   4                0/s  ▁",
                "    estimated  p50 0.2333  p95 0.4733  p99 0.4947",
                "       ≤ 0.1 █████████████████▍                                             1",
                "       ≤ 0.5 ████████████████████████████████████████████████████           3",
            ]
        );
        assert!(
            rows[19].starts_with("type to filter  Tab only moving  Space pause"),
            "{}",
            rows[19]
        );
    }

    #[test]
    fn a_restart_shows_and_a_dead_app_keeps_its_last_figures() {
        let mut screen = screen(&[PAGE, &PAGE.replace(" 1200", " 5")]);
        assert!(
            shown(&mut screen, 80, 24)[4].contains("5  ↺ reset       5/s"),
            "{:?}",
            shown(&mut screen, 80, 24)[4]
        );
        screen.last = Last::Bad("connection refused: is the app running?".to_owned());
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
        screen.last = Last::Bad("connection refused: is the app running?".to_owned());
        let rows = shown(&mut screen, 80, 24);
        assert!(rows[4].starts_with("It is asked again and again"));
        assert_eq!(rows[5], ELSEWHERE);
    }

    #[test]
    fn typing_filters_and_escape_clears_before_it_quits() {
        let mut screen = screen(&[PAGE]);
        for letter in "5o3".chars() {
            assert!(!press(&mut screen, KeyCode::Char(letter)));
        }
        assert!(shown(&mut screen, 80, 24)[4].starts_with("No series passes the filter"));
        press(&mut screen, KeyCode::Backspace);
        press(&mut screen, KeyCode::Backspace);
        press(&mut screen, KeyCode::Char('0'));
        let rows = shown(&mut screen, 80, 24);
        assert!(rows[4].contains("status=\"503\"") && rows[5].is_empty(), "{rows:?}");
        assert!(rows[23].starts_with("filter: 50▏"), "{}", rows[23]);
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
        press(&mut screen, KeyCode::Char('1'));
        assert_eq!(screen.scroll, 0);
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
