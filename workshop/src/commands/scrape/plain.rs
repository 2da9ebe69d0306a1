//! `--once`: the same as plain text, for pipes and for people without a terminal.

use std::fmt::Write as _;

use crate::commands::scrape::history::History;
use crate::commands::scrape::rows;
use crate::commands::scrape::rows::{Filter, Row};

/// A family's help and series, a histogram's quantiles and bars.
pub(crate) fn text(history: &History, filter: &Filter) -> String {
    let rows = rows::rows(history, filter);
    let name_width = rows
        .iter()
        .map(|row| match row {
            Row::Series { name, .. } | Row::Lone { name, .. } => name.chars().count(),
            _ => 0,
        })
        .max()
        .unwrap_or(0)
        .min(60);
    let mut text = String::new();
    for row in &rows {
        let _ = match row {
            Row::Gap => writeln!(text),
            Row::Family { name, kind, help } => writeln!(text, "{name}  {kind}  {help}"),
            Row::Series { name, value, .. } => {
                writeln!(text, "  {name:<name_width$}  {:>14}", rows::number(*value))
            }
            Row::Lone { name, value, kind, .. } => {
                writeln!(
                    text,
                    "{name:<lone$}  {:>14}  {kind}",
                    rows::number(*value),
                    lone = name_width + 2
                )
            }
            Row::Quantiles([p50, p95, p99]) => {
                writeln!(text, "    estimated  p50 {p50:.3}  p95 {p95:.3}  p99 {p99:.3}")
            }
            Row::Empty { from, to, buckets } => {
                let from = format!("<= {}", rows::bound(*from));
                writeln!(text, "  {from:>12} {buckets} empty buckets, to <= {}", rows::bound(*to))
            }
            Row::Bucket { bound, count, share } => {
                let bar = "#".repeat((share * 40.0).round() as usize);
                writeln!(
                    text,
                    "  {:>12} {bar:<40} {:>8}",
                    format!("<= {}", rows::bound(*bound)),
                    rows::number(*count)
                )
            }
        };
    }
    text
}
