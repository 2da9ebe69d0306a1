//! `--once`: the same as plain text, for pipes and for people without a terminal.

use std::fmt::Write as _;

use crate::commands::scrape::history::History;
use crate::commands::scrape::rows::{Filter, Row};
use crate::commands::scrape::{figures, rows};
use crate::terminal::number::number;
use crate::terminal::text::{chop_series, columns, wrap};

const VALUE: usize = 14;
const BOUND: usize = 12;
const COUNT: usize = 8;
/// The longest name that the column of the names is made for.
const NAME: usize = 60;
/// The longest bar.
const BAR: usize = 40;

/// A family's help and series, a histogram's quantiles and bars. What is wider than a terminal
/// takes several lines.
pub(crate) fn text(history: &History, filter: &Filter, width: usize) -> String {
    let rows = rows::rows(history, filter);
    let names = rows.iter().map(|row| match row {
        Row::Series { name, .. } => columns(name) + 2,
        Row::Lone { name, .. } => columns(name),
        _ => 0,
    });
    let widest = names.max().unwrap_or(0).min(NAME + 2).min(width.saturating_sub(VALUE + 2));
    let mut text = String::new();
    for row in &rows {
        // Writing to a string does not fail.
        let _ = match row {
            Row::Gap => writeln!(text),
            Row::Family { name, kind, help } => {
                let line = format!("{name}  {kind}  {help}");
                let lines = if columns(&line) <= width { vec![line] } else { wrap(&line, width) };
                writeln!(text, "{}", lines.join("\n  "))
            }
            Row::Series { name, value, .. } => {
                named(&mut text, &format!("  {name}"), "", *value, (widest, width))
            }
            Row::Lone { name, value, kind, .. } => {
                named(&mut text, name, kind.name(), *value, (widest, width))
            }
            Row::Quantiles(estimates) => {
                let lines = figures::quantiles(*estimates, |value| format!("{value:.3}"), width);
                lines.iter().try_for_each(|line| writeln!(text, "{line}"))
            }
            Row::Empty { from, to, buckets } => {
                let from = format!("<= {}", figures::bound(*from));
                let to = figures::bound(*to);
                writeln!(text, "  {from:>BOUND$} {buckets} empty buckets, to <= {to}")
            }
            Row::Bucket { bound, count, share } => {
                let room = BAR.min(width.saturating_sub(BOUND + COUNT + 4));
                let bar = "#".repeat((share * room as f64).round() as usize);
                let bound = format!("<= {}", figures::bound(*bound));
                let count = number(*count);
                writeln!(text, "  {bound:>BOUND$} {bar:<room$} {count:>COUNT$}")
            }
        };
    }
    text
}

/// A name and its value: beside it if there is room, else below it.
fn named(
    text: &mut String,
    name: &str,
    kind: &str,
    value: f64,
    (widest, width): (usize, usize),
) -> std::fmt::Result {
    let value = format!("{:>VALUE$}", number(value));
    let pad = |name: &str| " ".repeat(widest.saturating_sub(columns(name)));
    let line = format!("{name}{}  {value}", pad(name));
    let with_kind = format!("{line}  {kind}");
    match () {
        () if columns(&with_kind) <= width => writeln!(text, "{}", with_kind.trim_end()),
        () if columns(&line) <= width => writeln!(text, "{line}"),
        () => {
            chop_series(name, width).iter().try_for_each(|part| writeln!(text, "{part}"))?;
            writeln!(text, "{}  {value}", pad(""))
        }
    }
}
