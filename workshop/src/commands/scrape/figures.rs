//! Figures in few columns: numbers, changes, rates, and bars of different heights.

use crate::commands::scrape::history::Trend;
use crate::terminal::number::number;
use crate::terminal::text::fill;

/// Where the quantiles stand.
const MARGIN: usize = 4;

/// A histogram's quantiles, on as many lines as they need.
pub(crate) fn quantiles(
    estimates: [f64; 3],
    shown: impl Fn(f64) -> String,
    width: usize,
) -> Vec<String> {
    let [p50, p95, p99] = estimates.map(shown);
    let words = [format!("estimated  p50 {p50} "), format!("p95 {p95} "), format!("p99 {p99}")];
    let lines = fill(words, width.saturating_sub(MARGIN));
    lines.iter().map(|line| format!("{:MARGIN$}{}", "", line.trim_end())).collect()
}

/// A change with its sign; nothing while there is none.
pub(crate) fn change(trend: &Trend) -> String {
    match trend.change {
        Some(change) if change > 0.0 => format!("+{}", number(change)),
        Some(change) if change < 0.0 => number(change),
        _ => String::new(),
    }
}

pub(crate) fn rate(trend: &Trend) -> String {
    match trend.rate {
        Some(rate) if rate >= 100.0 => format!("{}/s", number(rate.round())),
        Some(rate) if rate > 0.0 && rate < 0.01 => "<0.01/s".to_owned(),
        Some(rate) => format!("{}/s", number((rate * 100.0).round() / 100.0)),
        None => String::new(),
    }
}

/// The last steps as bars of different heights, newest at the right.
pub(crate) fn sparkline(course: &[f64], width: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let shown = &course[course.len().saturating_sub(width)..];
    let finite = || shown.iter().copied().filter(|value| value.is_finite());
    let (low, high) =
        (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    // What never moves is a flat line, however large it is.
    shown
        .iter()
        .map(|value| {
            if !value.is_finite() || high <= low {
                return BARS[0];
            }
            BARS[(((value - low) / (high - low)) * 7.0).round() as usize]
        })
        .collect()
}

/// A bound as PromQL writes it.
pub(crate) fn bound(bound: f64) -> String {
    if bound.is_infinite() { "+Inf".to_owned() } else { format!("{bound}") }
}

/// A bar with eighths of a cell, so that small differences show.
pub(crate) fn bar(share: f64, width: usize) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share * width as f64 * 8.0).round() as usize;
    // What is not empty can be seen.
    let eighths = if share > 0.0 { eighths.max(1) } else { 0 };
    format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparklines_stretch_from_the_lowest_to_the_highest() {
        assert_eq!(sparkline(&[1.0, 8.0, 4.5], 10), "▁█▅");
        assert_eq!(sparkline(&[1.0, 2.0, 3.0], 2), "▁█");
        assert_eq!(sparkline(&[5.0, 5.0], 9), "▁▁");
        assert_eq!(sparkline(&[f64::NAN, 1.0], 9), "▁▁");
        assert_eq!(sparkline(&[], 9), "");
    }
}
