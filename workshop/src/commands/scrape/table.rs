//! The rows as lines of a terminal: names at the left, figures in columns at the right.

use anstyle::Style;

use crate::commands::scrape::figures;
use crate::commands::scrape::history::{Mark, Trend};
use crate::commands::scrape::rows::Row;
use crate::terminal::number::number;
use crate::terminal::style::{BAD, FRAME, GOOD, Line, TYPE, WARN};
use crate::terminal::text::{chop, chop_series, columns, wrap};

const VALUE: usize = 12;
const CHANGE: usize = 9;
const RATE: usize = 10;
const BOUND: usize = 12;
/// The longest bar.
const BAR: usize = 100;
const PLAIN: Style = Style::new();

/// How wide the last column is. At 80 columns `{endpoint="/treecounter",status="503"}` must fit.
fn trend_width(width: usize) -> usize {
    match width {
        150.. => 60,
        110.. => 30,
        _ => 6,
    }
}

/// What the figures leave for the names.
fn name_width(width: usize) -> usize {
    width.saturating_sub(VALUE + CHANGE + RATE + trend_width(width) + 2)
}

/// What stands above the columns.
pub(crate) fn headings(width: usize) -> Line {
    let name = name_width(width);
    let series = if name > columns("series") { "series" } else { "" };
    let figures = format!("{:>VALUE$}{:>CHANGE$}{:>RATE$}  trend", "value", "change", "rate");
    Line::of(FRAME, format!("{series:name$}{figures}"))
}

/// A row's lines. A name that has no room beside its figures stands above them.
pub(crate) fn lines(row: &Row, width: usize) -> Vec<Line> {
    match row {
        Row::Gap => vec![Line::default()],
        Row::Family { name, kind, help } => family(name, kind.name(), help, width),
        Row::Lone { name, kind, value, trend } => {
            let with_kind = Line::of(TYPE, name.as_str()).and(FRAME, format!("  {kind}"));
            match with_kind.columns() < name_width(width) {
                true => vec![figures_beside(with_kind, *value, trend, width)],
                false => series(TYPE, name, *value, trend, width),
            }
        }
        Row::Series { name, value, trend } => {
            series(PLAIN, &format!("  {name}"), *value, trend, width)
        }
        Row::Quantiles(estimates) => {
            let lines = figures::quantiles(*estimates, number, width);
            lines.into_iter().map(|line| Line::of(PLAIN, line)).collect()
        }
        Row::Empty { from, to, buckets } => {
            let from = format!("≤ {}", figures::bound(*from));
            let words = format!("{buckets} empty buckets, to ≤ {}", figures::bound(*to));
            let lines = wrap(&words, width.saturating_sub(BOUND + 1)).into_iter().enumerate();
            let lines = lines.map(|(index, words)| match index {
                0 => format!("{from:>BOUND$} {words}"),
                _ => format!("{:BOUND$} {words}", ""),
            });
            lines.map(|line| Line::of(FRAME, line)).collect()
        }
        Row::Bucket { bound, count, share } => {
            let room = width.saturating_sub(BOUND + VALUE + 4).min(BAR);
            let bound = format!("≤ {}", figures::bound(*bound));
            let bar = figures::bar(*share, room);
            let count = number(*count);
            let line =
                Line::of(FRAME, format!("{bound:>BOUND$} ")).and(PLAIN, format!("{bar:<room$}"));
            vec![line.and(PLAIN, format!(" {count:>w$}", w = VALUE - 1))]
        }
    }
}

/// A family's name and kind, and what it says of itself, on lines of its own where it must.
fn family(name: &str, kind: &str, help: &str, width: usize) -> Vec<Line> {
    let head = Line::of(TYPE, name).and(FRAME, format!("  {kind}"));
    if head.columns() + 2 + columns(help) <= width {
        return vec![head.and(FRAME, format!("  {help}"))];
    }
    let below = |text: &str| -> Vec<Line> {
        let room = width.saturating_sub(2);
        let lines = wrap(text, room).into_iter().flat_map(|line| chop(&line, room));
        lines.map(|line| Line::of(FRAME, format!("  {line}"))).collect()
    };
    if head.columns() <= width {
        return [vec![head], below(help)].concat();
    }
    let name = chop(name, width).into_iter().map(|part| Line::of(TYPE, part));
    [name.collect(), below(kind), below(help)].concat()
}

/// A name and its figures, beside it if there is room.
fn series(style: Style, name: &str, value: f64, trend: &Trend, width: usize) -> Vec<Line> {
    // A long number takes from the room of the name.
    let more = columns(&number(value)).saturating_sub(VALUE);
    if columns(name) + more < name_width(width) {
        return vec![figures_beside(Line::of(style, name), value, trend, width)];
    }
    let name = chop_series(name, width).into_iter();
    let mut lines: Vec<Line> = name.map(|part| Line::of(style, part)).collect();
    lines.push(figures_beside(Line::default(), value, trend, width));
    lines
}

fn figures_beside(name: Line, value: f64, trend: &Trend, width: usize) -> Line {
    let moved = trend.change.is_some_and(|change| change != 0.0);
    let style = if moved { GOOD } else { PLAIN };
    let (mark, change) = match trend.mark {
        Some(Mark::Reset) => (BAD, "↺ reset".to_owned()),
        Some(Mark::New) => (WARN, "new".to_owned()),
        None => (style, figures::change(trend)),
    };
    let room = (name_width(width) + VALUE).saturating_sub(name.columns());
    name.and(style, format!("{:>room$}", number(value)))
        .and(mark, format!("{change:>CHANGE$}"))
        .and(PLAIN, format!("{:>RATE$}", figures::rate(trend)))
        .and(PLAIN, format!("  {}", figures::sparkline(&trend.course, trend_width(width))))
}
