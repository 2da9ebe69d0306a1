//! `cargo workshop ask`: one query, answered as a table or as a graph in the terminal.

use std::cmp::Ordering::Equal;
use std::process::ExitCode;

use anyhow::bail;

use crate::check::stack::prometheus::api::{Answered, ApiError, Instants, Prometheus, Series};
use crate::check::stack::promql::refusals::{marked, place_of};
use crate::check::stack::promql::syntax_errors::advice;
use crate::commands::mystery::{live, room};
use crate::http::addresses::Settings;
use crate::http::fetch::http_url;
use crate::learner::workspace::Workspace;
use crate::terminal;
use crate::terminal::number::number;
use crate::terminal::style::{FRAME, indent, paint};
use crate::terminal::text::{printable, reflow};

/// What a URL looks like, when one is none.
const EXAMPLE: &str = "http://localhost:9090";
/// Series that are shown; more would not be read.
const MOST: usize = 20;
/// Remarks of Prometheus that are shown.
const REMARKS: usize = 2;
/// Columns of a graph, and what stands beside them: a margin and the last value.
const COLUMNS: usize = 60;
const BESIDE: usize = 14;
/// Values stand below each other, up to labels of this many characters.
const MAX_WIDTH: usize = 200;
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Ask Prometheus a query: that of the mystery that runs, or your own
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The query, in PromQL
    query: String,

    /// Draw the last half hour, instead of a table of now
    #[arg(long, short)]
    graph: bool,

    /// Where Prometheus is [default: the mystery's, or the one on this machine]
    #[arg(long, value_name = "URL")]
    prometheus: Option<String>,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::find()?;
    let usual = || format!("http://localhost:{}", Settings::read(workspace.root()).prometheus());
    let url = args.prometheus.clone().or_else(|| room::open(&workspace)).unwrap_or_else(usual);
    let prometheus = Prometheus::new(&http_url(&url, EXAMPLE)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let shown = match args.graph {
        true => runtime.block_on(graph(&prometheus, &args.query)),
        false => runtime.block_on(table(&prometheus, &args.query)),
    };
    match shown {
        Ok(text) => println!("{text}"),
        Err(error) => bail!("{}", in_words(&error, &url, &args.query)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Why there is no answer.
pub(crate) fn in_words(error: &ApiError, url: &str, query: &str) -> String {
    match error {
        ApiError::Refused { message, .. } => {
            format!("Prometheus does not take it: {}", unreadable(message, query))
        }
        ApiError::NoAnswer(why) => format!("no Prometheus answers at {url}: {why}"),
        other => format!("{url} does not answer as a Prometheus does ({other:?})"),
    }
}

/// What Prometheus says of a query, the place, and what is likely meant by it.
pub(crate) fn unreadable(message: &str, query: &str) -> String {
    let (place, words) = place_of(message);
    let mut text = printable(words).into_owned();
    if let Some(place) = place {
        text.push_str(&format!("\n\n{}", indent(&marked(query, place), 4)));
    }
    if let Some(advice) = advice(words, query, place) {
        text.push_str(&format!("\n\n{}", reflow(&advice, terminal::width() - BESIDE)));
    }
    text
}

/// The values of now, a line for each series.
pub(crate) async fn table(prometheus: &Prometheus, query: &str) -> Result<String, ApiError> {
    let now = live::now() as f64;
    let at = Instants { start: now, end: now, step: 1.0 };
    let Answered { mut series, remarks } = prometheus.answer(query, at).await?;
    series.retain(|series| !series.points.is_empty());
    series.sort_by(|a, b| last(b).total_cmp(&last(a)));
    sort_buckets(&mut series);
    let rows: Vec<(String, f64)> =
        series.iter().map(|series| (labels(series), last(series))).collect();
    let width = rows.iter().map(|(labels, _)| labels.chars().count()).max().unwrap_or(0);
    let width = width.min(MAX_WIDTH);
    let lines = rows.iter().map(|(labels, value)| format!("{labels:<width$}  {}", number(*value)));
    let text = few(lines.collect(), "no series: nothing matches, or nothing is true");
    Ok(text + &in_lines(&remarks))
}

/// The last half hour, a row of bars for each series.
pub(crate) async fn graph(prometheus: &Prometheus, query: &str) -> Result<String, ApiError> {
    let end = live::now() as f64;
    let columns = COLUMNS.min(terminal::width() - BESIDE);
    let step = 1800.0 / columns as f64;
    let at = Instants { start: end - 1800.0 + step, end, step };
    let Answered { mut series, remarks } = prometheus.answer(query, at).await?;
    sort_buckets(&mut series);
    let values = || series.iter().flat_map(|series| &series.points).map(|(_, value)| *value);
    let top = values().filter(|value| value.is_finite()).fold(0.0, f64::max);
    let lines = series.iter().map(|series| {
        let bars = bars(series, at, top, columns);
        format!("{}\n{bars} {}", labels(series), number(last(series)))
    });
    let scale = format!(
        "from 0 to {}, the last 30 minutes, oldest at the left; at the right, the latest value",
        number(top)
    );
    let text = few(lines.collect(), "no series: nothing matches, or nothing was true");
    let scale = reflow(&scale, terminal::width() - BESIDE);
    Ok(format!("{text}\n{}{}", paint(FRAME, scale), in_lines(&remarks)))
}

/// The latest value.
fn last(series: &Series) -> f64 {
    series.points.last().map_or(f64::NAN, |(_, value)| *value)
}

/// Buckets of a histogram stand together, in the order of their bounds. All else stays as it is.
fn sort_buckets(series: &mut [Series]) {
    let bound = |series: &Series| series.labels.get("le")?.parse::<f64>().ok();
    if !series.iter().all(|series| bound(series).is_some()) {
        return;
    }
    let of = |series: &Series| {
        let mut labels = series.labels.clone();
        labels.remove("le");
        (series.name.clone(), labels)
    };
    series.sort_by(|a, b| of(a).cmp(&of(b)).then(bound(a).partial_cmp(&bound(b)).unwrap_or(Equal)));
}

/// What Prometheus remarks, each from the next line on.
fn in_lines(remarks: &[String]) -> String {
    let width = terminal::width() - BESIDE;
    let remark = |text: &String| {
        let text = format!("Prometheus remarks: {}", shortened(text));
        format!("\n{}", paint(FRAME, reflow(&printable(&text), width)))
    };
    let mut lines: String = remarks.iter().take(REMARKS).map(remark).collect();
    if let Some(more @ 1..) = remarks.len().checked_sub(REMARKS) {
        lines.push_str(&format!("\n... and {more} more"));
    }
    lines
}

/// Without its kind, and without its place: the query is one line, and was just typed.
fn shortened(remark: &str) -> &str {
    let text =
        ["PromQL warning: ", "PromQL info: "].iter().find_map(|kind| remark.strip_prefix(kind));
    let text = text.unwrap_or(remark);
    let is_place = |char: char| char.is_ascii_digit() || ":)".contains(char);
    let text = match text.rsplit_once(" (") {
        Some((text, place)) if place.chars().all(is_place) => text,
        _ => text,
    };
    text.trim_end_matches(" for metric name \"\"").trim_end_matches(" of \"\"")
}

fn bars(series: &Series, at: Instants, top: f64, columns: usize) -> String {
    let column = |index: usize| {
        let from = at.start + index as f64 * at.step;
        let near = |(when, _): &&(f64, f64)| (when - from).abs() < at.step / 2.0;
        let Some((_, value)) = series.points.iter().find(near) else { return ' ' };
        let height = (value / top.max(f64::MIN_POSITIVE) * 7.0).round().clamp(0.0, 7.0);
        HEIGHTS[height as usize]
    };
    (0..columns).map(column).collect()
}

/// A series as it is written in a query.
pub(crate) fn labels(series: &Series) -> String {
    let pairs: Vec<String> =
        series.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    let name = &series.name;
    let text = match pairs.is_empty() && !name.is_empty() {
        true => name.clone(),
        false => format!("{name}{{{}}}", pairs.join(", ")),
    };
    printable(&text).into_owned()
}

fn few(lines: Vec<String>, none: &str) -> String {
    if lines.is_empty() {
        return none.to_owned();
    }
    let more = lines.len().saturating_sub(MOST);
    let mut text = lines[..lines.len() - more].join("\n");
    if more > 0 {
        text.push_str(&format!("\n... and {more} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_stand_in_the_order_of_their_bounds() {
        let bucket = |endpoint: &str, le: &str| {
            let pairs = [("endpoint", endpoint), ("le", le)];
            let labels = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            Series { name: String::new(), labels, points: vec![(0.0, 1.0)] }
        };
        let mut series = ["+Inf", "10.0", "2.5", "1.0"].map(|le| bucket("/", le)).to_vec();
        series.insert(0, bucket("/a", "0.5"));
        sort_buckets(&mut series);
        let bounds: Vec<&str> = series.iter().map(|series| series.labels["le"].as_str()).collect();
        assert_eq!(bounds, ["1.0", "2.5", "10.0", "+Inf", "0.5"]);
    }

    #[test]
    fn a_remark_is_shown_without_its_kind_and_place() {
        for (remark, shown) in [
            (
                "PromQL warning: bucket label \"le\" is missing or has a malformed value \
                 of \"\" for metric name \"\" (1:26)",
                "bucket label \"le\" is missing or has a malformed value",
            ),
            (
                "PromQL info: metric might not be a counter: \"a\" (1:6)",
                "metric might not be a counter: \"a\"",
            ),
            ("a remark (of another kind)", "a remark (of another kind)"),
        ] {
            assert_eq!(shortened(remark), shown);
        }
        let three = ["a", "b", "c"].map(str::to_owned);
        assert!(in_lines(&three).ends_with("\n... and 1 more"));
        assert_eq!(in_lines(&[]), "");
    }
}
