//! `cargo workshop mystery`: an incident that is found by asking Prometheus.

pub(crate) mod ask;
mod fault;
mod game;
mod healthy;
mod history;
mod incident;
mod live;
mod proof;
mod replica;
mod room;
mod world;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{bail, ensure};

use crate::check::stack::prometheus::noise::Noise;
use crate::check::stack::prometheus::throwaway::OwnPrometheus;
use crate::commands::mystery::fault::Fault;
use crate::commands::mystery::game::Game;
use crate::learner::workspace::Workspace;
use crate::process::{guard, registry};

const DAY: u64 = 24 * 3600;

/// Find out what is wrong with an app, by asking Prometheus
///
/// Three replicas of the tree counter run, made up, with one fault at work. You read what is on the
/// pager, ask what you want, and say what it is and how one sees it. Each line that you type is a
/// query; `graph QUERY` draws it. `answer` says what is wrong, and then proves it; `give up` tells
/// the story, and `quit` ends.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which one, from 1 to 10 [default: one that the seed draws]
    number: Option<usize>,

    /// The same seed makes the same incident
    #[arg(long, conflicts_with = "room")]
    seed: Option<u64>,

    /// The seed of the day: the same for everybody in the room
    #[arg(long)]
    room: bool,

    /// Say at the end how long it took, of so many minutes, and what it is worth
    #[arg(long, value_name = "MINUTES")]
    minutes: Option<u32>,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::find()?;
    ensure!(
        OwnPrometheus::possible(),
        "a mystery needs the programs prometheus and promtool on the PATH: \
         section3-compose/README.md says where to get them"
    );
    let seed = match (args.seed, args.room) {
        (Some(seed), _) => seed,
        (None, true) => live::now() / DAY,
        (None, false) => Noise::new(live::now() ^ u64::from(std::process::id())).below(10_000),
    };
    let incidents = incident::all()?;
    let index = match args.number {
        None => Noise::new(seed).below(incidents.len() as u64) as usize,
        Some(number) if (1..=incidents.len()).contains(&number) => number - 1,
        Some(number) => bail!("there is no mystery {number}; there are 1 to {}", incidents.len()),
    };
    guard::start();
    registry::stop_on_ctrl_c(130)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let limit = args.minutes.map(|minutes| Duration::from_secs(u64::from(minutes) * 60));
    let fault: Fault = incidents[index].fault;
    runtime.block_on(async {
        let game = Game::open(&workspace, index + 1, fault, seed).await?;
        game.play(limit).await
    })
}
