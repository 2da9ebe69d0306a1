//! Scrapes again and again on a thread of its own, so that a slow app never freezes the screen.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::Context;
use hyper::Uri;
use tokio::runtime::{Builder, Runtime};
use tokio::time::MissedTickBehavior;

use crate::exposition;
use crate::exposition::Exposition;
use crate::http::fetch::{Answer, Fetch};
use crate::http::no_answer::NoAnswer;
use crate::process::termination::terminated;

/// As long as Prometheus waits by default.
const LIMIT: Duration = Duration::from_secs(10);
/// What Prometheus would take, in the only format that is spoken here.
const ACCEPT: &str = "text/plain;version=0.0.4;q=1,*/*;q=0.1";

/// One attempt.
pub(crate) struct Scrape {
    pub(crate) at: Instant,
    pub(crate) took: Duration,
    /// The page, or in plain words why there is none.
    pub(crate) outcome: Result<ScrapedPage, String>,
}

/// A page that could be read.
pub(crate) struct ScrapedPage {
    pub(crate) exposition: Exposition,
    pub(crate) bytes: usize,
    pub(crate) warning: Option<String>,
}

/// Scrapes until the receiver is dropped. `None` says that this process was asked to end.
pub(crate) fn start(url: Uri, every: Duration) -> anyhow::Result<mpsc::Receiver<Option<Scrape>>> {
    let (sender, receiver) = mpsc::channel();
    let runtime = runtime()?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            let mut next = tokio::time::interval(every);
            next.set_missed_tick_behavior(MissedTickBehavior::Delay);
            tokio::select! {
                () = terminated() => {
                    let _ = sender.send(None);
                }
                () = async {
                    loop {
                        next.tick().await;
                        if sender.send(Some(scrape(&url).await)).is_err() {
                            return;
                        }
                    }
                } => {}
            }
        });
        runtime.shutdown_background();
    });
    Ok(receiver)
}

/// One scrape.
pub(crate) fn once(url: &Uri) -> anyhow::Result<Scrape> {
    let runtime = runtime()?;
    let scrape = runtime.block_on(scrape(url));
    runtime.shutdown_background();
    Ok(scrape)
}

fn runtime() -> anyhow::Result<Runtime> {
    Builder::new_current_thread().enable_all().build().context("cannot start the async runtime")
}

async fn scrape(url: &Uri) -> Scrape {
    let at = Instant::now();
    let answer = Fetch { accept: ACCEPT, limit: LIMIT, ..Fetch::get(url) }.send().await;
    let took = at.elapsed();
    Scrape {
        at,
        took,
        outcome: answer.map_err(|none| no_page(&none)).and_then(|answer| page(&answer)),
    }
}

fn no_page(none: &NoAnswer) -> String {
    match none {
        NoAnswer::Refused => "connection refused: is the app running?".to_owned(),
        other => format!("{other}."),
    }
}

fn page(answer: &Answer) -> Result<ScrapedPage, String> {
    match answer.status {
        200 => {}
        404 => return Err("404: no page there. Does the app answer /metrics already?".to_owned()),
        300..400 => return Err(redirect(answer)),
        status => return Err(format!("status {status}: a scraper takes nothing but 200.")),
    }
    let looks_like_html = answer.body.trim_ascii_start().first() == Some(&b'<');
    if looks_like_html {
        return Err("HTML came back instead of metrics: is this the app's /metrics?".to_owned());
    }
    let exposition = exposition::parse(&answer.body).map_err(|error| {
        format!("line {}: expected {}, found {}.", error.line, error.expected, error.found)
    })?;
    Ok(ScrapedPage { exposition, bytes: answer.body.len(), warning: warning(&answer.content_type) })
}

/// Prometheus follows redirects, unless its configuration says `follow_redirects: false`.
fn redirect(answer: &Answer) -> String {
    let place = answer.location.as_deref().map(|place| format!(" to {place}")).unwrap_or_default();
    format!(
        "status {}, a redirect{place}: Prometheus follows it, and this command does not. Scrape \
         where it leads.",
        answer.status
    )
}

/// Prometheus 3 fails a scrape whose type is blank or unknown.
fn warning(content_type: &str) -> Option<String> {
    let name = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match name.as_str() {
        "text/plain" | "application/openmetrics-text" => None,
        "" => Some("no Content-Type: Prometheus refuses it".to_owned()),
        _ => Some(format!("Content-Type {name}: Prometheus refuses it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, content_type: &str, body: &str) -> Result<Option<String>, String> {
        let answer = Answer {
            status,
            content_type: content_type.to_owned(),
            content_encoding: String::new(),
            location: None,
            body: body.into(),
        };
        page(&answer).map(|page| page.warning)
    }

    #[test]
    fn a_page_that_a_scraper_would_not_take_is_said_so() {
        let text = "text/plain; version=0.0.4; charset=utf-8";
        assert_eq!(outcome(200, text, "a 1\n"), Ok(None));
        for (found, words) in [
            (outcome(404, text, ""), "Does the app answer /metrics already?"),
            (outcome(302, text, ""), "Prometheus follows it"),
            (outcome(500, text, "a 1\n"), "status 500"),
            (outcome(200, "text/html", "\n<html>"), "HTML came back"),
            (outcome(200, text, "a 1\nb{ 2\n"), "line 2: expected"),
        ] {
            let error = found.unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        assert!(outcome(200, "", "a 1\n").unwrap().unwrap().contains("no Content-Type"));
        assert!(
            outcome(200, "Application/JSON", "a 1\n")
                .unwrap()
                .unwrap()
                .contains("application/json")
        );
    }
}
