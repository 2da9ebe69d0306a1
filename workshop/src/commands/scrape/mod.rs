//! `cargo workshop scrape`: what a scraper sees, live, for the time before there is a Prometheus.

mod figures;
mod history;
mod keys;
mod outcome;
mod plain;
mod rows;
mod source;
mod table;
mod view;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use hyper::Uri;

use crate::commands::scrape::history::History;
use crate::commands::scrape::outcome::Outcome;
use crate::commands::scrape::rows::Filter;
use crate::commands::scrape::source::Scrape;
use crate::commands::scrape::view::{ELSEWHERE, Screen};
use crate::http::addresses::Settings;
use crate::http::fetch;
use crate::terminal;
use crate::terminal::live;
use crate::terminal::live::Live;
use crate::terminal::text::printable;

/// An answer that takes longer is worth a word.
const PATIENCE: Duration = Duration::from_secs(2);
const EXAMPLE: &str = "http://localhost:8001/metrics";

/// Show live what a scraper sees at /metrics
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to scrape [default: TREECOUNTER_ADDR, or http://localhost:8001/metrics]
    #[arg(value_name = "URL")]
    url: Option<String>,

    /// Seconds from one scrape to the next
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = every)]
    every: Duration,

    /// Show only series that contain this text
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,

    /// Scrape once and print plain text
    #[arg(long)]
    once: bool,
}

/// Runs the command.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let url = args.url.unwrap_or_else(|| Settings::of_terminal().app_url());
    let mut url = fetch::http_url(&url, EXAMPLE)?;
    if url.path() == "/" {
        // People type where the app is; a scraper knows the rest.
        url = format!(
            "http://{}/metrics",
            url.authority().map_or("", |authority| authority.as_str())
        )
        .parse()?;
    }
    let filter = Filter { text: args.filter, moving: false };
    if args.once || !live::is_possible() {
        return once(&url, &filter);
    }
    let mut screen = Screen::new(url.to_string(), args.every);
    screen.filter = filter;
    let scrapes = source::start(url, args.every)?;
    let live = Live::screen().context("this terminal cannot be drawn on (try --once)")?;
    watch(&live, &mut screen, &scrapes)
}

fn once(url: &Uri, filter: &Filter) -> anyhow::Result<ExitCode> {
    let scrape = source::once(url)?;
    let mut history = History::default();
    match scrape.outcome {
        Ok(page) => {
            if let Some(warning) = &page.warning {
                eprintln!("warning: {}", printable(warning));
            }
            history.take_in(page.exposition, Duration::ZERO);
        }
        Err(words) => bail!("{url}: {}\n{ELSEWHERE}", printable(&words)),
    }
    // Whoever looks for a series with a program wants it on one line.
    let width = if std::io::stdout().is_terminal() { terminal::size().0 } else { usize::MAX };
    print!("{}", plain::text(&history, filter, width));
    Ok(ExitCode::SUCCESS)
}

/// Draws after each scrape and each key, until a key or a signal ends it.
fn watch(
    live: &Live,
    screen: &mut Screen,
    scrapes: &mpsc::Receiver<Option<Scrape>>,
) -> anyhow::Result<ExitCode> {
    let start = Instant::now();
    let mut answered = start;
    let mut changed = true;
    loop {
        if std::mem::take(&mut changed) {
            let lines = screen.frame(terminal::size());
            let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
            live.draw(&lines).context("cannot draw on the terminal")?;
        }
        // Keys are looked at often enough to feel immediate; scrapes come by themselves.
        while let Some(input) = live.input(Duration::ZERO)? {
            changed = true;
            if keys::pressed(screen, input) {
                return Ok(ExitCode::SUCCESS);
            }
        }
        match scrapes.recv_timeout(Duration::from_millis(50)) {
            Ok(Some(scrape)) => {
                changed = true;
                answered = Instant::now();
                take_in(screen, scrape, start);
            }
            Ok(None) | Err(RecvTimeoutError::Disconnected) => return Ok(ExitCode::SUCCESS),
            Err(RecvTimeoutError::Timeout) => {}
        }
        let waited = answered.elapsed();
        let overdue = (waited > screen.every + PATIENCE).then_some(waited.as_secs());
        changed |= overdue != screen.overdue;
        screen.overdue = overdue;
    }
}

fn take_in(screen: &mut Screen, scrape: Scrape, start: Instant) {
    if screen.paused {
        return;
    }
    screen.last = match scrape.outcome {
        Ok(page) => {
            screen.history.take_in(page.exposition, scrape.at.saturating_duration_since(start));
            Outcome::Good { took: scrape.took, bytes: page.bytes, warning: page.warning }
        }
        Err(words) => Outcome::Bad(words),
    };
}

fn every(text: &str) -> Result<Duration, String> {
    text.trim_end_matches('s')
        .parse()
        .ok()
        .filter(|seconds| (0.1..=3600.0).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "a number of seconds, from 0.1 to 3600".to_owned())
}
