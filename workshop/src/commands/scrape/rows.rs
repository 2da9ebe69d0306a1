//! The rows to show: each family, its series below it, its histograms as bars.

use crate::commands::scrape::history::{History, Mark, Trend, histograms};
use crate::exposition::{Family, Kind};
use crate::terminal::text::printable;

/// How the names of the base metrics begin.
const BASE: [&str; 3] = ["process_", "tokio_", "treecounter_"];

/// One row, still without a width.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Row {
    Family {
        name: String,
        kind: Kind,
        help: String,
    },
    /// A family of one series without labels: a line of its own would only repeat the name.
    Lone {
        name: String,
        kind: Kind,
        value: f64,
        trend: Trend,
    },
    Series {
        name: String,
        value: f64,
        trend: Trend,
    },
    /// p50, p95 and p99 of the histogram above.
    Quantiles([f64; 3]),
    Bucket {
        bound: f64,
        count: f64,
        share: f64,
    },
    /// Neighbouring buckets that hold nothing, by the first and the last bound.
    Empty {
        from: f64,
        to: f64,
        buckets: usize,
    },
    Gap,
}

/// What to leave out.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Filter {
    /// Only series that contain this text, in any case.
    pub(crate) text: String,
    /// Only series that moved lately.
    pub(crate) moving: bool,
}

impl Filter {
    fn lets_through(&self, series: &str, trend: &Trend) -> bool {
        (!self.moving || is_moving(trend))
            && (self.text.is_empty() || series.to_lowercase().contains(&self.text.to_lowercase()))
    }
}

fn is_moving(trend: &Trend) -> bool {
    // For a gauge the course is its values, of which the change says whether the last ones differ.
    trend.change.is_some_and(|change| change != 0.0)
        || trend.rate.is_some_and(|rate| rate != 0.0)
        || trend.mark == Some(Mark::Reset)
}

/// All rows that pass the filter.
pub(crate) fn rows(history: &History, filter: &Filter) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for family in in_order(history.families()) {
        if let Some(lone) = lone_row(history, family) {
            if filter.lets_through(&family.name, &lone.1) {
                if matches!(rows.last(), Some(row) if !matches!(row, Row::Lone { .. })) {
                    rows.push(Row::Gap);
                }
                rows.push(lone.0);
            }
            continue;
        }
        let below = match family.kind {
            Kind::Histogram => histogram_rows(history, family, filter),
            _ => series_rows(history, family, filter),
        };
        if below.is_empty() {
            continue;
        }
        if !rows.is_empty() {
            rows.push(Row::Gap);
        }
        rows.push(Row::Family {
            name: shown(&family.name),
            kind: family.kind,
            help: shown(family.help.as_deref().unwrap_or_default()),
        });
        rows.extend(below);
    }
    rows
}

/// What the program itself tells, before what every program tells.
fn in_order(families: &[Family]) -> impl Iterator<Item = &Family> {
    let is_base = |family: &&Family| BASE.iter().any(|base| family.name.starts_with(base));
    let own = families.iter().filter(move |family| !is_base(family));
    own.chain(families.iter().filter(is_base))
}

fn lone_row(history: &History, family: &Family) -> Option<(Row, Trend)> {
    match &family.samples[..] {
        [sample] if sample.labels.0.is_empty() && sample.name == family.name => {
            let trend = history.trend(sample);
            let row = Row::Lone {
                name: shown(&family.name),
                kind: family.kind,
                value: sample.value,
                trend: trend.clone(),
            };
            Some((row, trend))
        }
        _ => None,
    }
}

/// Text of the program, which must not play with the terminal.
fn shown(text: &str) -> String {
    printable(text).into_owned()
}

fn series_rows(history: &History, family: &Family, filter: &Filter) -> Vec<Row> {
    let mut rows = Vec::new();
    for sample in &family.samples {
        let trend = history.trend(sample);
        let series = format!("{}{}", sample.name, sample.labels);
        if filter.lets_through(&series, &trend) {
            // The family's name stands above; what is left tells the series apart.
            let name = if sample.labels.0.is_empty() || sample.name != family.name {
                shown(&series)
            } else {
                shown(&sample.labels.to_string())
            };
            rows.push(Row::Series { name, value: sample.value, trend });
        }
    }
    rows
}

fn histogram_rows(history: &History, family: &Family, filter: &Filter) -> Vec<Row> {
    let mut rows = Vec::new();
    for histogram in histograms(family) {
        let count = histogram.count.map(|index| &family.samples[index]);
        let trend = count.map_or_else(Trend::default, |sample| history.trend(sample));
        if !filter.lets_through(&format!("{}{}", family.name, histogram.labels), &trend) {
            continue;
        }
        let labels = &histogram.labels;
        rows.push(Row::Series {
            name: if labels.0.is_empty() {
                shown(&family.name)
            } else {
                shown(&labels.to_string())
            },
            value: count.map_or(0.0, |sample| sample.value),
            trend,
        });
        let quantiles = || {
            Some([histogram.quantile(0.5)?, histogram.quantile(0.95)?, histogram.quantile(0.99)?])
        };
        rows.extend(quantiles().map(Row::Quantiles));
        rows.extend(bucket_rows(&histogram.buckets));
    }
    rows
}

/// A bar for each bucket; many empty ones in a row take one row.
fn bucket_rows(buckets: &[(f64, f64)]) -> Vec<Row> {
    // The fullest bucket gets the longest bar.
    let fullest = buckets.iter().map(|(_, count)| *count).fold(0.0, f64::max);
    let mut rows = Vec::new();
    for run in buckets.chunk_by(|a, b| a.1 == 0.0 && b.1 == 0.0) {
        match run {
            [(from, count), .., (to, _)] if *count == 0.0 => {
                rows.push(Row::Empty { from: *from, to: *to, buckets: run.len() });
            }
            _ => rows.extend(run.iter().map(|&(bound, count)| {
                let share = if fullest > 0.0 { (count / fullest).clamp(0.0, 1.0) } else { 0.0 };
                Row::Bucket { bound, count, share }
            })),
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::parse;
    use std::time::Duration;

    fn history(texts: &[&str]) -> History {
        let mut history = History::default();
        for (second, text) in texts.iter().enumerate() {
            history.take_in(parse(text.as_bytes()).unwrap(), Duration::from_secs(second as u64));
        }
        history
    }

    fn names(rows: &[Row]) -> Vec<&str> {
        rows.iter()
            .filter_map(|row| match row {
                Row::Family { name, .. } | Row::Series { name, .. } | Row::Lone { name, .. } => {
                    Some(name.as_str())
                }
                _ => None,
            })
            .collect()
    }

    #[test]
    fn families_head_their_series_and_a_filter_drops_empty_families() {
        let history =
            history(&["# TYPE a counter\na{x=\"1\"} 1\na{x=\"2\"} 2\n# TYPE b gauge\nb 3\n"]);
        assert_eq!(
            names(&rows(&history, &Filter::default())),
            ["a", "{x=\"1\"}", "{x=\"2\"}", "b"]
        );
        let filter = Filter { text: "X=\"2".to_owned(), moving: false };
        assert_eq!(names(&rows(&history, &filter)), ["a", "{x=\"2\"}"]);
        let by_name = Filter { text: "b".to_owned(), moving: false };
        assert_eq!(names(&rows(&history, &by_name)), ["b"]);
    }

    #[test]
    fn the_programs_own_come_first() {
        let history = history(&["process_threads 2\ntreecounter_build_info 1\nrequests_total 1\n\
             tokio_workers 2\ntrees 3\n"]);
        assert_eq!(
            names(&rows(&history, &Filter::default())),
            [
                "requests_total",
                "trees",
                "process_threads",
                "treecounter_build_info",
                "tokio_workers"
            ]
        );
    }

    #[test]
    fn only_what_moves() {
        let before = "# TYPE a counter\na{x=\"1\"} 1\na{x=\"2\"} 2\n# TYPE b gauge\nb 3\n";
        let after = "# TYPE a counter\na{x=\"1\"} 1\na{x=\"2\"} 5\n# TYPE b gauge\nb 3\n";
        let filter = Filter { text: String::new(), moving: true };
        assert_eq!(names(&rows(&history(&[before, after]), &filter)), ["a", "{x=\"2\"}"]);
    }

    #[test]
    fn a_summary_and_a_histogram_without_labels() {
        let history = history(&["# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 2\ns_count 3\n\
             # TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\n\
             h_sum 3\nh_count 2\n"]);
        let rows = rows(&history, &Filter::default());
        assert_eq!(names(&rows), ["s", "{quantile=\"0.5\"}", "s_sum", "s_count", "h", "h"]);
        assert!(matches!(rows.last(), Some(Row::Bucket { count: 1.0, share: 1.0, .. })));
    }

    #[test]
    fn empty_buckets_in_a_row_take_one_row() {
        let rows = bucket_rows(&[
            (0.1, 0.0),
            (0.2, 0.0),
            (0.3, 0.0),
            (0.5, 8.0),
            (1.0, 0.0),
            (f64::INFINITY, 2.0),
        ]);
        assert_eq!(
            rows,
            [
                Row::Empty { from: 0.1, to: 0.3, buckets: 3 },
                Row::Bucket { bound: 0.5, count: 8.0, share: 1.0 },
                Row::Bucket { bound: 1.0, count: 0.0, share: 0.0 },
                Row::Bucket { bound: f64::INFINITY, count: 2.0, share: 0.25 },
            ]
        );
    }
}
