//! Judges the checks of section 3: a function for each. It finds the Prometheus that is named, the
//! one at the usual address, or one of its own.

mod alert;
mod answer;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use tokio::runtime::{Builder, Runtime};

use crate::check::stack::alert::chosen::Alert;
use crate::check::stack::alert::{rule, rule_files};
use crate::check::stack::app::{self, App};
use crate::check::stack::grafana::Grafana;
use crate::check::stack::options::Options;
use crate::check::stack::prometheus::api::{ApiError, Prometheus};
use crate::check::stack::prometheus::connection;
use crate::check::stack::prometheus::connection::{START, Waiting};
use crate::check::stack::prometheus::made_up::MadeUp;
use crate::check::stack::prometheus::promtool::Promtool;
use crate::check::stack::prometheus::targets;
use crate::check::stack::prometheus::throwaway::OwnPrometheus;
use crate::check::verdict::{Finding, Judgement, Trouble};
use crate::http::addresses::Settings;
use crate::http::fetch;
use crate::http::no_answer::NoAnswer;

/// What a URL looks like, when one is none.
const PROMETHEUS: &str = "http://localhost:9090";
const GRAFANA: &str = "http://localhost:3000";

/// How long a fresh Prometheus may take to find its targets and scrape them twice.
const PATIENCE: Duration = Duration::from_secs(8);

/// Judges the checks of this section, one after the other.
pub struct Judge {
    options: Options,
    runtime: Runtime,
    prometheus: Prometheus,
    /// Kept running, and its history is what answers are compared on.
    own: Option<OwnPrometheus>,
    /// One beside the stack's, kept running, so that everybody's answers are judged on the same.
    beside: Option<Option<OwnPrometheus>>,
    /// Without one: what promtool alone says of the answers.
    made_up: Option<Option<MadeUp>>,
    /// Why none could be started.
    no_own: Option<String>,
    /// Kept running for it.
    app: Option<App>,
    no_app: Option<Box<Trouble>>,
    alert: Option<Alert>,
    /// Asked for once, when an alert is judged.
    promtool: Option<Option<Promtool>>,
    settings: Settings,
    /// What there is to say beside the judgements.
    notes: Vec<String>,
}

impl Judge {
    /// Finds a Prometheus, or starts one if none runs and the program is installed.
    ///
    /// # Errors
    /// When a URL is no URL.
    pub fn new(options: Options) -> anyhow::Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the async runtime")?;
        let settings = Settings::read(&options.root);
        let usual = format!("http://localhost:{}", settings.prometheus());
        let url = options.prometheus.as_deref().unwrap_or(&usual);
        let mut prometheus = Prometheus::new(&fetch::http_url(url, PROMETHEUS)?);
        let mut notes = Vec::new();
        if let Some(grafana) = &options.grafana {
            fetch::http_url(grafana, GRAFANA)?;
        }
        let (mut own, mut no_own, mut app, mut no_app) = (None, None, None, None);
        let refused = |error: &ApiError| *error == ApiError::NoAnswer(NoAnswer::Refused);
        let none_there =
            || runtime.block_on(prometheus.version()).is_err_and(|error| refused(&error));
        if options.fresh || (options.prometheus.is_none() && none_there()) {
            if options.app.is_none() && options.start_app && OwnPrometheus::possible() {
                match app::find_or_start(&options.root, options.solution, settings.app()) {
                    Ok(found) => app = Some(found),
                    Err(trouble) => no_app = Some(trouble),
                }
            }
            let address = options.app.or(app.as_ref().map(|app| app.address));
            let rules = rule_files(&options.root, options.solution);
            match runtime.block_on(OwnPrometheus::start(address, &rules)) {
                Ok(started) => {
                    notes.push(format!(
                        "Nothing answers at {}, so your answers are judged by a Prometheus of the \
                         check's own, on made-up visits. For your own stack: {START}, or \
                         --prometheus http://localhost:PORT.",
                        prometheus.base()
                    ));
                    prometheus = Prometheus::passing(&fetch::http_url(&started.url, PROMETHEUS)?);
                    own = Some(started);
                }
                Err(error) => no_own = Some(format!("{error:#}")),
            }
        }
        Ok(Self {
            options,
            runtime,
            prometheus,
            own,
            beside: None,
            made_up: None,
            no_own,
            app,
            no_app,
            alert: None,
            promtool: None,
            settings,
            notes,
        })
    }

    /// Where the Prometheus is that judges.
    #[must_use]
    pub fn url(&self) -> &str {
        self.prometheus.base()
    }

    /// Whether it was started for this check.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// What there is to say beside the judgements so far.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Prometheus answers.
    pub fn reachable(&mut self) -> Judgement {
        let judgement = self.runtime.block_on(connection::reachable(&self.prometheus));
        match (&self.no_own, judgement) {
            (Some(reason), Err(mut trouble)) => {
                trouble.finding.found =
                    format!("{}; and none could be started: {reason}", trouble.finding.found);
                Err(trouble)
            }
            (_, judgement) => judgement,
        }
    }

    /// The target is up. A fresh Prometheus needs a moment for its first scrapes.
    pub fn target_up(&mut self) -> Judgement {
        if let Some(trouble) = &self.no_app {
            return Err(trouble.clone());
        }
        self.patiently(|| self.runtime.block_on(targets::targets_up(&self.prometheus)))
    }

    /// The counter is there, and rises.
    pub fn requests_arrive(&mut self) -> Judgement {
        let url = match (&self.own, self.options.app.or(self.app.as_ref().map(|app| app.address))) {
            (Some(_), Some(address)) => format!("http://{address}"),
            _ => format!("http://localhost:{}", self.settings.gateway()),
        };
        self.patiently(|| {
            self.runtime.block_on(targets::requests_arrive(&self.prometheus, &url, now()))
        })
    }

    /// Looks again for some seconds, while waiting may help.
    fn patiently(&self, look: impl Fn() -> (Waiting, Judgement)) -> Judgement {
        let end = Instant::now() + PATIENCE;
        let scrapes_come = self.own.is_some() && (self.options.app.is_some() || self.app.is_some());
        loop {
            let (waiting, judgement) = look();
            let helps = match waiting {
                _ if judgement.is_ok() => false,
                Waiting::Vain => false,
                Waiting::ForFirstScrapes => scrapes_come,
                Waiting::ForAMoment => true,
            };
            if !helps || Instant::now() >= end {
                return judgement;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// A dashboard of Grafana's shows the counter, if there is a Grafana.
    pub fn grafana_panel(&mut self) -> Judgement {
        let named = self.options.grafana.as_deref();
        let usual = format!("http://localhost:{}", self.settings.grafana());
        let Ok(url) = fetch::http_url(named.unwrap_or(&usual), GRAFANA) else { return Ok(()) };
        let grafana = Grafana::new(&url);
        if self.runtime.block_on(grafana.reachable()) {
            return self.runtime.block_on(grafana.judge(&self.options.root));
        }
        // Without Docker there is none, and nobody has to have one.
        match named {
            None => Finding::new("a panel in Grafana", "no Grafana").left_out(),
            Some(url) => {
                Finding::new(format!("Grafana at {url}"), "none answers there").could_not_tell()
            }
        }
    }
}

/// The kit's rule files, and the learner's when Prometheus would take them.
fn rule_files(root: &Path, solution: bool) -> Vec<PathBuf> {
    let mut files = rule_files::kit_files(root);
    if !OwnPrometheus::possible() {
        return files;
    }
    if rule::valid(root, solution, Promtool::find(root).as_ref(), "").is_ok() {
        files.extend(rule_files::files(root, solution).into_iter().map(|file| file.path));
    }
    files
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
