//! A Prometheus of the check's own, for those who have the program and no running one: it knows the
//! made-up history, scrapes the learner's app, and is gone when the check is over.

use std::ffi::OsStr;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::check::stack::prometheus::api::Prometheus;
use crate::check::stack::prometheus::programs::{FOLDER, find_program, quoted};
use crate::check::stack::prometheus::{backfill, connection};
use crate::http::fetch;
use crate::process::guard::Reach;
use crate::process::registry::{self, Child, Folder, GLANCE};

/// From the start to the first answer; on a slow laptop the virus scanner looks at it first.
const START_LIMIT: Duration = Duration::from_secs(20);

/// A running Prometheus in a directory of its own. Dropping it stops it and removes the directory.
pub(crate) struct OwnPrometheus {
    pub(crate) url: String,
    /// The program that works in the folder just now, which is stopped before that is removed.
    child: Option<Child>,
    folder: Folder,
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

    /// Starts one that has this past, in the text that promtool reads, and these jobs besides its
    /// own.
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
        let mut own = Self { url: String::new(), child: None, folder: Folder::new(FOLDER)? };
        own.back_fill(&promtool, history).await?;
        let mut last = None;
        // Another program may take the free port first: try again with another one.
        for _ in 0..3 {
            match own.launch(&program, jobs, rules).await {
                Ok(()) => return Ok(own),
                Err(error) => last = Some(error),
            }
            own.child = None;
        }
        Err(last.unwrap_or_else(|| anyhow::anyhow!("Prometheus did not start")))
    }

    async fn back_fill(&mut self, promtool: &Path, history: &str) -> anyhow::Result<()> {
        let text = self.folder.path().join("history.txt");
        fs::write(&text, history).context("cannot write the history")?;
        let mut command = Command::new(promtool);
        command
            .args(["tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=48h"])
            .args([text.as_os_str(), self.folder.path().join("data").as_os_str()]);
        self.spawn(command).context("cannot run promtool")?;
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
        let config = self.folder.path().join("prometheus.yml");
        fs::write(&config, configuration(jobs, port, rules))
            .context("cannot write the configuration")?;
        let flag = |name: &str, value: &OsStr| {
            let mut flag = std::ffi::OsString::from(name);
            flag.push(value);
            flag
        };
        let mut command = Command::new(program);
        command
            .arg(flag("--config.file=", config.as_os_str()))
            .arg(flag("--storage.tsdb.path=", self.folder.path().join("data").as_os_str()))
            // The history is long past.
            .arg("--storage.tsdb.retention.time=50y")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"));
        self.spawn(command).context("cannot run prometheus")?;
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
    fn spawn(&mut self, mut command: Command) -> anyhow::Result<()> {
        let log =
            fs::File::create(self.folder.path().join("log")).context("cannot write the log")?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.folder.take_temporaries_of(&mut command);
        self.child = Some(registry::spawn(command, Reach::Alone)?);
        Ok(())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn ended(&self) -> Option<std::io::Result<ExitStatus>> {
        self.child.as_ref()?.ended().transpose()
    }
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
