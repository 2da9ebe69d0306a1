//! Where a mystery is played: a Prometheus with a past, and replicas that it goes on scraping.
//! While it is open, a file of the workshop says where.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::check::stack::prometheus::api::Prometheus;
use crate::check::stack::prometheus::backfill::INTERVAL;
use crate::check::stack::prometheus::noise::Noise;
use crate::check::stack::prometheus::throwaway::OwnPrometheus;
use crate::commands::mystery::fault::Fault;
use crate::commands::mystery::history::History;
use crate::commands::mystery::live::{self, Replicas};
use crate::commands::mystery::world::World;
use crate::http::fetch::http_url;
use crate::learner::workspace::Workspace;

/// How much of the past there is.
const PAST: u64 = 3600;

/// An open room. It closes when it is dropped.
pub(crate) struct Room {
    own: OwnPrometheus,
    /// For questions.
    pub(crate) prometheus: Prometheus,
    /// The replica that the fault has chosen.
    pub(crate) victim: String,
    /// For how many minutes it has been at work.
    pub(crate) since_minutes: u64,
    file: PathBuf,
}

impl Room {
    /// Makes up a past with the fault in it, and lets it go on.
    pub(crate) async fn open(
        workspace: &Workspace,
        fault: Fault,
        seed: u64,
    ) -> anyhow::Result<Self> {
        let now = live::now() / INTERVAL * INTERVAL;
        let from = now - PAST;
        let since = 25 * 60 + Noise::new(seed ^ 1).below(10 * 60);
        let mut world = World::new(Some(fault), seed, PAST - since, from);
        let victim = world.victim_instance();
        let mut history = History::default();
        history.record(&mut world, from, now);
        let replicas = Replicas::start(world, now + INTERVAL).await?;
        let own =
            OwnPrometheus::with_history(&history.open_metrics(), &replicas.job(), &[]).await?;
        let prometheus = Prometheus::new(&http_url(&own.url, &own.url)?);
        let file = file(workspace);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        fs::write(&file, format!("{}\n", own.url))
            .with_context(|| format!("cannot write {}", file.display()))?;
        Ok(Self { own, prometheus, victim, since_minutes: since / 60, file })
    }

    /// Where its Prometheus is.
    pub(crate) fn url(&self) -> &str {
        &self.own.url
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
    }
}

/// Where the Prometheus of the mystery is that runs, if one does.
pub(crate) fn open(workspace: &Workspace) -> Option<String> {
    let url = fs::read_to_string(file(workspace)).ok()?;
    Some(url.trim().to_owned()).filter(|url| !url.is_empty())
}

fn file(workspace: &Workspace) -> PathBuf {
    workspace.state().join("mystery.txt")
}
