//! `cargo workshop ask`: one query, answered as a table or as a graph in the terminal.

use std::process::ExitCode;

use anyhow::bail;

use crate::check::stack::prometheus::api::{ApiError, Instants, Prometheus, Series};
use crate::commands::mystery::{live, room};
use crate::http::addresses::Settings;
use crate::http::fetch::http_url;
use crate::learner::workspace::Workspace;
use crate::terminal;
use crate::terminal::style::{FRAME, paint};
use crate::terminal::text::{printable, reflow};

/// What a URL looks like, when one is none.
const EXAMPLE: &str = "http://localhost:9090";
/// Series that are shown; more would not be read.
const MOST: usize = 20;
/// Columns of a graph, and what stands beside them: a margin and the last value.
const COLUMNS: usize = 60;
const BESIDE: usize = 14;
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
        Err(error) => bail!("{}", in_words(&error, &url)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Why there is no answer.
pub(crate) fn in_words(error: &ApiError, url: &str) -> String {
    match error {
        ApiError::Refused { message, .. } => format!("Prometheus does not take it: {message}"),
        ApiError::NoAnswer(why) => format!("no Prometheus answers at {url}: {why}"),
        other => format!("{url} does not answer as a Prometheus does ({other:?})"),
    }
}

/// The values of now, a line for each series.
pub(crate) async fn table(prometheus: &Prometheus, query: &str) -> Result<String, ApiError> {
    let now = live::now() as f64;
    let at = Instants { start: now, end: now, step: 1.0 };
    let mut rows: Vec<(String, f64)> = series(prometheus, query, at)
        .await?
        .iter()
        .filter_map(|series| Some((labels(series), series.points.last()?.1)))
        .collect();
    rows.sort_by(|a, b| b.1.total_cmp(&a.1));
    let width = rows.iter().map(|(labels, _)| labels.chars().count()).max().unwrap_or(0);
    let lines = rows.iter().map(|(labels, value)| format!("{labels:<width$}  {}", rounded(*value)));
    Ok(few(lines.collect(), "no series: nothing matches, or nothing is true"))
}

/// The last half hour, a row of bars for each series.
pub(crate) async fn graph(prometheus: &Prometheus, query: &str) -> Result<String, ApiError> {
    let end = live::now() as f64;
    let columns = COLUMNS.min(terminal::width() - BESIDE);
    let step = 1800.0 / columns as f64;
    let at = Instants { start: end - 1800.0 + step, end, step };
    let series = series(prometheus, query, at).await?;
    let values = || series.iter().flat_map(|series| &series.points).map(|(_, value)| *value);
    let top = values().filter(|value| value.is_finite()).fold(0.0, f64::max);
    let lines = series.iter().map(|series| {
        let last = series.points.last().map_or(f64::NAN, |(_, value)| *value);
        format!("{}\n{} {}", labels(series), bars(series, at, top, columns), rounded(last))
    });
    let scale = format!("from 0 to {}, the last 30 minutes, oldest at the left", rounded(top));
    let text = few(lines.collect(), "no series: nothing matches, or nothing was true");
    let scale = reflow(&scale, terminal::width() - BESIDE);
    Ok(format!("{text}\n{}", paint(FRAME, scale)))
}

async fn series(
    prometheus: &Prometheus,
    query: &str,
    at: Instants,
) -> Result<Vec<Series>, ApiError> {
    prometheus.range(query, at).await
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

fn labels(series: &Series) -> String {
    let pairs: Vec<String> =
        series.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    let name = &series.name;
    let text = match pairs.is_empty() && !name.is_empty() {
        true => name.clone(),
        false => format!("{name}{{{}}}", pairs.join(", ")),
    };
    printable(&text).into_owned()
}

fn rounded(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        ..1e6 if value.fract() == 0.0 => format!("{value}"),
        1e6.. => format!("{value:.4e}"),
        100.0.. => format!("{value:.1}"),
        _ => format!("{value:.4}"),
    }
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
