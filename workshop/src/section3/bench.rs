//! A Prometheus of the check's own, for those who have the program and no running one: it knows the
//! made-up history, scrapes the learner's app, and is gone when the check is over.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::api::Prometheus;
use super::{history, reach};
use crate::fetch;

/// From the start to the first answer; a slow laptop reads its virus scanner's mind first.
const START_LIMIT: Duration = Duration::from_secs(20);
const GRACE: Duration = Duration::from_secs(2);

/// Those that run, each with its directory: what Ctrl-C has to stop.
static RUNNING: Mutex<Vec<(PathBuf, Child)>> = Mutex::new(Vec::new());

/// A running Prometheus in a directory of its own. Dropping it stops it and removes the directory.
pub(super) struct OwnPrometheus {
    directory: PathBuf,
    pub(super) url: String,
}

/// Where a program is, if it is installed. On Windows its name ends in `.exe`.
pub(super) fn find_program(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|dir| dir.join(&file))
        .find(|path| path.is_file())
}

impl OwnPrometheus {
    /// Whether the programs are installed.
    pub(super) fn possible() -> bool {
        find_program("prometheus").is_some() && find_program("promtool").is_some()
    }

    /// Starts one that scrapes `app` every second and reads these rule files.
    pub(super) async fn start(app: Option<SocketAddr>, rules: &[PathBuf]) -> anyhow::Result<Self> {
        let (Some(program), Some(promtool)) =
            (find_program("prometheus"), find_program("promtool"))
        else {
            bail!("the programs prometheus and promtool are not installed");
        };
        let mut own = Self { directory: scratch()?, url: String::new() };
        own.back_fill(&promtool)?;
        let mut last = None;
        // Another program may take the free port first: try again with another one.
        for _ in 0..3 {
            match own.launch(&program, app, rules).await {
                Ok(()) => return Ok(own),
                Err(error) => last = Some(error),
            }
            own.stop();
        }
        Err(last.unwrap_or_else(|| anyhow::anyhow!("Prometheus did not start")))
    }

    fn back_fill(&self, promtool: &Path) -> anyhow::Result<()> {
        let text = self.directory.join("history.txt");
        fs::write(&text, history::open_metrics()).context("cannot write the history")?;
        let done = Command::new(promtool)
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args([text.as_os_str(), self.directory.join("data").as_os_str()])
            .stdin(Stdio::null())
            .output()
            .context("cannot run promtool")?;
        if !done.status.success() {
            bail!(
                "promtool did not take the history: {}",
                String::from_utf8_lossy(&done.stderr).trim()
            );
        }
        Ok(())
    }

    async fn launch(
        &mut self,
        program: &Path,
        app: Option<SocketAddr>,
        rules: &[PathBuf],
    ) -> anyhow::Result<()> {
        let port = free_port()?;
        self.url = format!("http://127.0.0.1:{port}");
        let config = self.directory.join("prometheus.yml");
        fs::write(&config, configuration(app, port, rules))
            .context("cannot write the configuration")?;
        let log = fs::File::create(self.directory.join("log")).context("cannot write the log")?;
        let flag = |name: &str, value: &OsStr| {
            let mut flag = std::ffi::OsString::from(name);
            flag.push(value);
            flag
        };
        let child = Command::new(program)
            .arg(flag("--config.file=", config.as_os_str()))
            .arg(flag("--storage.tsdb.path=", self.directory.join("data").as_os_str()))
            // The history is long past.
            .arg("--storage.tsdb.retention.time=50y")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot run prometheus")?;
        running().push((self.directory.clone(), child));
        let prometheus = Prometheus::new(&fetch::http_url(&self.url, &self.url)?);
        let end = Instant::now() + START_LIMIT;
        while prometheus.version().await.is_err() {
            if self.ended() {
                let log = fs::read_to_string(self.directory.join("log")).unwrap_or_default();
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

    fn ended(&self) -> bool {
        let mut running = running();
        let own = running.iter_mut().find(|(directory, _)| *directory == self.directory);
        own.is_none_or(|(_, child)| !matches!(child.try_wait(), Ok(None)))
    }

    fn stop(&self) {
        let mut running = running();
        let own = running.iter().position(|(directory, _)| *directory == self.directory);
        let own = own.map(|place| running.swap_remove(place));
        drop(running);
        if let Some((_, child)) = own {
            kill(child);
        }
    }
}

impl Drop for OwnPrometheus {
    fn drop(&mut self) {
        self.stop();
        // Left behind, it would only take room in the system's own directory for such things.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Stops every Prometheus that this process has started.
pub fn stop() {
    for (directory, child) in std::mem::take(&mut *running()) {
        kill(child);
        let _ = fs::remove_dir_all(directory);
    }
}

fn running() -> MutexGuard<'static, Vec<(PathBuf, Child)>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn kill(mut child: Child) {
    // There is nothing that it would have to save.
    let _ = child.kill();
    let end = Instant::now() + GRACE;
    while matches!(child.try_wait(), Ok(None)) && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A directory that nobody else uses.
fn scratch() -> anyhow::Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let directory =
        std::env::temp_dir().join(format!("workshop-prometheus-{}-{count}", std::process::id()));
    fs::create_dir_all(&directory)
        .with_context(|| format!("cannot make {}", directory.display()))?;
    Ok(directory)
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port is free")?;
    Ok(listener.local_addr()?.port())
}

/// Like deploy/prometheus, but quicker: nobody wants to wait for a check.
fn configuration(app: Option<SocketAddr>, port: u16, rules: &[PathBuf]) -> String {
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
    if let Some(app) = app {
        text.push_str(&format!(
            "  - job_name: {}\n    static_configs: [{{targets: ['{app}']}}]\n",
            reach::JOB
        ));
    }
    text
}

/// A text in YAML.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Runs promtool on a file that is written for it.
pub(super) fn promtool(
    promtool: &Path,
    args: &[&str],
    file: &str,
    contents: &str,
) -> anyhow::Result<(bool, String)> {
    let directory = scratch()?;
    let path = directory.join(file);
    let run = || -> anyhow::Result<(bool, String)> {
        fs::File::create(&path)?.write_all(contents.as_bytes())?;
        let done = Command::new(promtool).args(args).arg(&path).stdin(Stdio::null()).output()?;
        let words = [done.stdout, done.stderr]
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .concat();
        Ok((done.status.success(), words))
    };
    let result = run().context("cannot run promtool");
    let _ = fs::remove_dir_all(&directory);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_for_yaml() {
        let rules = [PathBuf::from("/it's here/*.yml")];
        let text = configuration(Some(([127, 0, 0, 1], 8001).into()), 9999, &rules);
        assert!(text.contains("  - '/it''s here/*.yml'\n"), "{text}");
        assert!(
            text.contains("job_name: treecounter") && text.contains("['127.0.0.1:8001']"),
            "{text}"
        );
        assert!(!configuration(None, 1, &[]).contains("treecounter"));
    }
}
