//! A Prometheus of the check's own, for those who have the program and no running one: it knows the
//! made-up history, scrapes the learner's app, and is gone when the check is over.

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::check::stack::prometheus::api::Prometheus;
use crate::check::stack::prometheus::programs::{find_program, quoted, scratch};
use crate::check::stack::prometheus::{backfill, connection};
use crate::http::fetch;

/// From the start to the first answer; a slow laptop reads its virus scanner's mind first.
const START_LIMIT: Duration = Duration::from_secs(20);
const GRACE: Duration = Duration::from_secs(2);
/// How often a program is asked whether it has ended.
const GLANCE: Duration = Duration::from_millis(5);

/// What Ctrl-C has to stop and to remove.
static RUNNING: Mutex<Vec<Running>> = Mutex::new(Vec::new());

/// A directory, and the program that works in it just now.
struct Running {
    directory: PathBuf,
    child: Option<Child>,
}

/// A running Prometheus in a directory of its own. Dropping it stops it and removes the directory.
pub(crate) struct OwnPrometheus {
    directory: PathBuf,
    pub(crate) url: String,
}

impl OwnPrometheus {
    /// Whether the programs are installed.
    pub(crate) fn possible() -> bool {
        find_program("prometheus").is_some() && find_program("promtool").is_some()
    }

    /// Starts one that knows the made-up history of a check, scrapes `app` every second, and reads
    /// these rule files.
    pub(crate) async fn start(app: Option<SocketAddr>, rules: &[PathBuf]) -> anyhow::Result<Self> {
        Self::with_history(&backfill::open_metrics(), &job(app), rules).await
    }

    /// Starts one that has this past, in the text that promtool reads, and these jobs besides its own.
    pub(crate) async fn with_history(
        history: &str,
        jobs: &str,
        rules: &[PathBuf],
    ) -> anyhow::Result<Self> {
        let (Some(program), Some(promtool)) =
            (find_program("prometheus"), find_program("promtool"))
        else {
            bail!("the programs prometheus and promtool are not installed");
        };
        let mut own = Self::in_scratch()?;
        own.back_fill(&promtool, history).await?;
        let mut last = None;
        // Another program may take the free port first: try again with another one.
        for _ in 0..3 {
            match own.launch(&program, jobs, rules).await {
                Ok(()) => return Ok(own),
                Err(error) => last = Some(error),
            }
            own.stop();
        }
        Err(last.unwrap_or_else(|| anyhow::anyhow!("Prometheus did not start")))
    }

    fn in_scratch() -> anyhow::Result<Self> {
        let mut running = running();
        let directory = scratch()?;
        running.push(Running { directory: directory.clone(), child: None });
        Ok(Self { directory, url: String::new() })
    }

    async fn back_fill(&self, promtool: &Path, history: &str) -> anyhow::Result<()> {
        let text = self.directory.join("history.txt");
        fs::write(&text, history).context("cannot write the history")?;
        self.spawn(
            Command::new(promtool)
                .args(["tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=48h"])
                .args([text.as_os_str(), self.directory.join("data").as_os_str()]),
        )
        .context("cannot run promtool")?;
        loop {
            match self.ended() {
                Some(Ok(status)) if status.success() => return Ok(()),
                Some(_) => bail!("promtool did not take the history: {}", self.log().trim()),
                None => tokio::time::sleep(GLANCE).await,
            }
        }
    }

    async fn launch(
        &mut self,
        program: &Path,
        jobs: &str,
        rules: &[PathBuf],
    ) -> anyhow::Result<()> {
        let port = free_port()?;
        self.url = format!("http://127.0.0.1:{port}");
        let config = self.directory.join("prometheus.yml");
        fs::write(&config, configuration(jobs, port, rules))
            .context("cannot write the configuration")?;
        let flag = |name: &str, value: &OsStr| {
            let mut flag = std::ffi::OsString::from(name);
            flag.push(value);
            flag
        };
        self.spawn(
            Command::new(program)
                .arg(flag("--config.file=", config.as_os_str()))
                .arg(flag("--storage.tsdb.path=", self.directory.join("data").as_os_str()))
                // The history is long past.
                .arg("--storage.tsdb.retention.time=50y")
                .arg(format!("--web.listen-address=127.0.0.1:{port}")),
        )
        .context("cannot run prometheus")?;
        let prometheus = Prometheus::new(&fetch::http_url(&self.url, &self.url)?);
        let end = Instant::now() + START_LIMIT;
        while prometheus.version().await.is_err() {
            if self.ended().is_some() {
                let log = self.log();
                let words = log.lines().rfind(|line| line.contains("level=ERROR"));
                bail!(
                    "Prometheus ended at once: {}",
                    words.or(log.lines().last()).unwrap_or("without a word")
                );
            }
            if Instant::now() > end {
                bail!("Prometheus did not answer within {} s", START_LIMIT.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        Ok(())
    }

    /// Starts a program that works in the directory; what it says goes to the log.
    fn spawn(&self, command: &mut Command) -> anyhow::Result<()> {
        let log = fs::File::create(self.directory.join("log")).context("cannot write the log")?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // Held while it starts, so that Ctrl-C finds it or comes before it.
        let mut running = running();
        let own = running.iter_mut().find(|running| running.directory == self.directory);
        own.context("it was stopped")?.child = Some(command.spawn()?);
        Ok(())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    fn ended(&self) -> Option<std::io::Result<ExitStatus>> {
        let mut running = running();
        let own = running.iter_mut().find(|running| running.directory == self.directory);
        own?.child.as_mut()?.try_wait().transpose()
    }

    fn stop(&self) {
        let mut running = running();
        let own = running.iter_mut().find(|running| running.directory == self.directory);
        if let Some(own) = own {
            own.stop();
        }
    }
}

impl Drop for OwnPrometheus {
    fn drop(&mut self) {
        self.stop();
        remove(&self.directory);
        running().retain(|running| running.directory != self.directory);
    }
}

impl Running {
    fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // There is nothing that it would have to save.
        let _ = child.kill();
        let end = Instant::now() + GRACE;
        while matches!(child.try_wait(), Ok(None)) && Instant::now() < end {
            std::thread::sleep(GLANCE);
        }
    }
}

/// Stops every Prometheus that this process has started.
pub fn stop_all() {
    // Held on: nothing can be started any more, since this is the end.
    let mut running = running();
    for own in running.iter_mut() {
        own.stop();
        remove(&own.directory);
    }
    std::mem::forget(running);
}

/// Removes a directory, also while this process's last file is being written there. Left behind, it
/// would only take room among other such things.
fn remove(directory: &Path) {
    let end = Instant::now() + GRACE;
    while fs::remove_dir_all(directory).is_err_and(|error| error.kind() != ErrorKind::NotFound)
        && Instant::now() < end
    {
        std::thread::sleep(GLANCE);
    }
}

fn running() -> MutexGuard<'static, Vec<Running>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port is free")?;
    Ok(listener.local_addr()?.port())
}

/// Like deploy/prometheus, but quicker: nobody wants to wait for a check.
fn configuration(jobs: &str, port: u16, rules: &[PathBuf]) -> String {
    let mut text = String::from(
        "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n",
    );
    if !rules.is_empty() {
        text.push_str("rule_files:\n");
        for file in rules {
            text.push_str(&format!("  - {}\n", quoted(&file.to_string_lossy())));
        }
    }
    text.push_str("scrape_configs:\n");
    text.push_str(&format!(
        "  - job_name: prometheus\n    static_configs: [{{targets: ['localhost:{port}']}}]\n"
    ));
    text.push_str(jobs);
    text
}

/// The job of the learner's app, if it runs.
fn job(app: Option<SocketAddr>) -> String {
    let Some(app) = app else { return String::new() };
    let name = connection::JOB;
    format!("  - job_name: {name}\n    static_configs: [{{targets: ['{app}']}}]\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_for_yaml() {
        let rules = [PathBuf::from("/it's here/*.yml")];
        let text = configuration(&job(Some(([127, 0, 0, 1], 8001).into())), 9999, &rules);
        assert!(text.contains("  - '/it''s here/*.yml'\n"), "{text}");
        assert!(
            text.contains("job_name: treecounter") && text.contains("['127.0.0.1:8001']"),
            "{text}"
        );
        assert!(!configuration(&job(None), 1, &[]).contains("treecounter"));
    }
}
