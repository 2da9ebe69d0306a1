//! `cargo workshop traffic`: an open-loop load, so that graphs move.

mod drive;
mod figures;
mod latency;
mod mix;
mod progress;
mod schedule;
mod send;
mod target;

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use hyper::Uri;
use tokio::task::LocalSet;

use crate::commands::traffic::drive::{Controls, Load};
use crate::commands::traffic::figures::Figures;
use crate::commands::traffic::mix::Mix;
use crate::commands::traffic::progress::ProgressLine;
use crate::commands::traffic::schedule::{Schedule, Shape};
use crate::commands::traffic::send::Pool;
use crate::commands::traffic::target::Target;
use crate::http::addresses::Settings;
use crate::http::no_answer::NoAnswer;
use crate::terminal;

const MOST_PER_SECOND: f64 = 20_000.0;

/// Send requests at a steady rate, however slow the answers are
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the app listens [default: TREECOUNTER_ADDR, or http://localhost:8001]
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// Requests a second
    #[arg(long, value_name = "NUMBER", default_value = "10", value_parser = rate)]
    rate: f64,

    /// How long: 30s, 5m, 1h, or forever
    #[arg(long = "for", value_name = "TIME", default_value = "1m", value_parser = length)]
    length: Length,

    /// Let the rate swing by half, up and down, every four minutes
    #[arg(long)]
    wave: bool,

    /// Ten times the rate for five seconds, this often (on a terminal, Enter does it once)
    #[arg(long, value_name = "TIME", value_parser = burst)]
    burst_every: Option<Duration>,

    /// Ask for this path only instead of a mix; repeat it for several in turn
    #[arg(long = "path", value_name = "PATH")]
    paths: Vec<String>,

    /// The most requests under way at once
    #[arg(long, value_name = "NUMBER", default_value = "200")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=10_000))]
    connections: u16,

    /// First of two flags that a target beyond this machine and this stack needs
    #[arg(long)]
    beyond_this_machine: bool,

    /// Second of them: you run that server, or those who do have agreed
    #[arg(long)]
    with_permission: bool,
}

/// How long the load goes on; `None` is until it is stopped.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Length(Option<Duration>);

/// Runs the command.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let url = args.url.clone().unwrap_or_else(|| Settings::of_terminal().app_url());
    let target = Target::parse(&url)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the async runtime")?;
    let result = LocalSet::new().block_on(&runtime, run_load(args, target));
    // A name lookup that hangs in the system must not keep the process.
    runtime.shutdown_background();
    result
}

async fn run_load(args: Args, target: Target) -> anyhow::Result<ExitCode> {
    let anywhere = args.beyond_this_machine && args.with_permission;
    let mix = Mix::new(&args.paths, |path| target.path(path))?;
    let addresses = reach(&target, anywhere, args.length.0.is_none()).await?;

    let shape = Shape {
        rate: args.rate,
        wave: args.wave,
        burst_every: args.burst_every,
        length: args.length.0,
    };
    let progress = ProgressLine::new(args.length.0);
    let controls = Arc::new(Controls::default());
    let mut keys = "Ctrl-C: end";
    if progress.on_terminal() && std::io::stdin().is_terminal() {
        keys = "Enter: burst, Ctrl-C: end";
        burst_on_enter(Arc::clone(&controls));
    }
    let begins = format!("{} requests a second to {target}. {keys}.", args.rate);
    eprintln!("{}", terminal::flow(&begins));

    let load = Load {
        target: target.clone(),
        mix,
        schedule: Schedule::new(shape),
        connections: args.connections.into(),
        anywhere,
    };
    let (figures, took) = drive::run(load, &addresses, controls, progress).await?;
    print!("{}", terminal::flow(&figures.summary(&target.to_string(), took)));
    verdict(&figures, &target)
}

/// Finds the target's addresses and makes sure that an HTTP server answers there. A load without
/// an end belongs to a stack, whose app may come later or restart: it waits.
async fn reach(target: &Target, anywhere: bool, wait: bool) -> anyhow::Result<Vec<SocketAddr>> {
    let mut told = false;
    loop {
        let error = match try_reach(target, anywhere).await {
            Ok(addresses) => return Ok(addresses),
            Err(NoTarget::ForGood(error)) => return Err(error),
            Err(NoTarget::ForNow(error)) if wait => error,
            Err(NoTarget::ForNow(error)) => return Err(error),
        };
        if !told {
            eprintln!("waiting for the app: {error:#}");
            told = true;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

enum NoTarget {
    ForNow(anyhow::Error),
    ForGood(anyhow::Error),
}

async fn try_reach(target: &Target, anywhere: bool) -> Result<Vec<SocketAddr>, NoTarget> {
    let addresses = target.resolve().await.map_err(NoTarget::ForNow)?;
    if !anywhere && !target.is_ours(&addresses) {
        return Err(NoTarget::ForGood(not_ours(target)));
    }
    // The health check is answered by the server itself and never counted, so that the figures of
    // both sides still agree.
    let ask = async {
        let path: Uri = target.path("/healthz").parse()?;
        anyhow::Ok(Pool::new(target, &addresses)?.get(&path).await)
    };
    match ask.await.map_err(NoTarget::ForGood)? {
        Ok(_) => Ok(addresses),
        Err(failure) => Err(NoTarget::ForNow(no_app(target, &failure))),
    }
}

fn no_app(target: &Target, failure: &NoAnswer) -> anyhow::Error {
    let advice = match failure {
        NoAnswer::Refused | NoAnswer::NotConnected(_) | NoAnswer::ConnectTimedOut(_) => {
            "Start the app in another terminal, for example:\n    cargo run -p section2-counter\n\
             or say where it listens: --url http://localhost:PORT"
        }
        NoAnswer::NotHttp | NoAnswer::OnlyInformational | NoAnswer::Reset | NoAnswer::Closed => {
            "Something else listens on that port. Say where the app listens: --url \
             http://localhost:PORT"
        }
        _ => "Something holds that port and does not answer. Is the app stuck? Restart it.",
    };
    anyhow::anyhow!("no app answers at {target}: {failure}.\n{advice}")
}

fn not_ours(target: &Target) -> anyhow::Error {
    anyhow::anyhow!(
        "{target} is neither this machine nor the app of this stack, and load on somebody else's \
         server is an attack.\nIf it is yours, say so twice: \
         --beyond-this-machine --with-permission"
    )
}

/// Whatever the answers were, the load was sent; without any answer there was none to speak of.
fn verdict(figures: &Figures, target: &Target) -> anyhow::Result<ExitCode> {
    match figures.main_failure() {
        Some(failure) if figures.answered() == 0 && *failure != NoAnswer::Stopped => {
            bail!("not one request was answered by {target}: {failure}")
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Each line typed is a burst. The thread ends with the process.
fn burst_on_enter(controls: Arc<Controls>) {
    std::thread::spawn(move || {
        let mut line = String::new();
        while std::io::stdin().read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
            controls.burst();
        }
    });
}

fn rate(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|rate| (0.001..=MOST_PER_SECOND).contains(rate)).ok_or_else(|| {
        format!("a rate is a number of requests a second, up to {MOST_PER_SECOND}: 10, 0.5")
    })
}

fn length(text: &str) -> Result<Length, String> {
    if text == "forever" {
        return Ok(Length(None));
    }
    duration(text)
        .map(|length| Length(Some(length)))
        .ok_or_else(|| "a time looks like 30s, 5m, 1h, or forever".to_owned())
}

fn burst(text: &str) -> Result<Duration, String> {
    duration(text)
        .filter(|every| every.as_secs() > 5)
        .ok_or_else(|| "a burst takes 5 s, so they come at most every 6s: 30s, 2m".to_owned())
}

/// A whole or broken number and its unit. Above zero, and at most a week.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim() {
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    let seconds = number.parse::<f64>().ok()? * unit;
    (seconds > 0.0 && seconds <= 7.0 * 86_400.0).then(|| Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times_as_people_write_them() {
        for (text, seconds) in [
            ("30s", 30.0),
            ("5m", 300.0),
            ("1h", 3600.0),
            ("1.5m", 90.0),
            ("250ms", 0.25),
            ("2 s", 2.0),
        ] {
            assert_eq!(length(text), Ok(Length(Some(Duration::from_secs_f64(seconds)))), "{text}");
        }
        assert_eq!(length("forever"), Ok(Length(None)));
        for text in ["", "30", "s", "0s", "-5s", "5 days", "1h30m", "1e9h", "inf s", "nan s"] {
            assert!(length(text).unwrap_err().contains("30s"), "{text}");
        }
    }

    #[test]
    fn reads_rates_and_refuses_the_absurd() {
        assert_eq!(rate("10"), Ok(10.0));
        assert_eq!(rate("0.5"), Ok(0.5));
        for text in ["0", "-1", "ten", "inf", "NaN", "1000000", ""] {
            assert!(rate(text).unwrap_err().contains("requests a second"), "{text}");
        }
    }

    #[test]
    fn bursts_leave_room_for_each_other() {
        assert_eq!(burst("30s"), Ok(Duration::from_secs(30)));
        assert!(burst("5s").is_err() && burst("often").is_err());
    }
}
