//! Judges the checks of section 3: a function for each. It finds the Prometheus that is named, the one
//! at the usual address, or one of its own.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use tokio::runtime::{Builder, Runtime};

use crate::check::stack::alert::rule::LoadedAlerts;
use crate::check::stack::alert::{behaviour, rule, rule_files};
use crate::check::stack::app::{self, App};
use crate::check::stack::grafana::Grafana;
use crate::check::stack::options::Options;
use crate::check::stack::prometheus::api::{ApiError, Instants, Prometheus, Rule};
use crate::check::stack::prometheus::connection::{START, Waiting};
use crate::check::stack::prometheus::throwaway::OwnPrometheus;
use crate::check::stack::prometheus::{backfill, connection};
use crate::check::stack::promql::answers::{self, ANSWERS, FINISHED};
use crate::check::stack::promql::query::Bench;
use crate::check::stack::promql::questions::{self, Question};
use crate::check::verdict::{Finding, Judgement, Trouble};
use crate::http::addresses::Settings;
use crate::http::fetch;
use crate::http::no_answer::NoAnswer;

/// What a URL looks like, when one is none.
const PROMETHEUS: &str = "http://localhost:9090";
const GRAFANA: &str = "http://localhost:3000";

/// How long a fresh Prometheus may take to find its targets and scrape them twice.
const PATIENCE: Duration = Duration::from_secs(8);

/// On how many of the last scrapes answers are compared: a quarter of an hour in the stack.
const SCRAPES: f64 = 180.0;
/// Seconds between two scrapes, when no target says it.
const SCRAPE: f64 = 5.0;

/// Judges the checks of this section, one after the other.
pub struct Judge {
    options: Options,
    runtime: Runtime,
    prometheus: Prometheus,
    /// Kept running, and its history is what answers are compared on.
    own: Option<OwnPrometheus>,
    /// Why none could be started.
    no_own: Option<String>,
    /// Kept running for it.
    app: Option<App>,
    no_app: Option<Box<Trouble>>,
    alert: Option<Alert>,
    settings: Settings,
    /// What there is to say beside the judgements.
    notes: Vec<String>,
}

/// The learner's alert that is judged.
#[derive(Clone)]
struct Alert {
    rule: Rule,
    /// The names of those beside it.
    others: Vec<String>,
}

impl Alert {
    /// Says, of several, why it is this one that is in trouble.
    fn told<T>(&self, judgement: Judgement<T>) -> Judgement<T> {
        judgement.map_err(|mut trouble| {
            if !self.others.is_empty() {
                let why = format!(
                    "Of your alerts {} comes nearest to what is asked for; beside it stands {}, \
                     which may stay.",
                    self.rule.name,
                    self.others.join(", "),
                );
                trouble.finding.cause = Some(match trouble.finding.cause {
                    Some(cause) => format!("{cause} {why}"),
                    None => why,
                });
            }
            trouble
        })
    }
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
                        "Nothing answers at {}, so your answers are judged by a Prometheus of the check's own, \
                         on made-up visits. For your own stack: {START}, or --prometheus \
                         http://localhost:PORT.",
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
            no_own,
            app,
            no_app,
            alert: None,
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
        self.patiently(|| self.runtime.block_on(connection::targets_up(&self.prometheus)))
    }

    /// The counter is there, and rises.
    pub fn requests_arrive(&mut self) -> Judgement {
        let url = match (&self.own, self.options.app.or(self.app.as_ref().map(|app| app.address))) {
            (Some(_), Some(address)) => format!("http://{address}"),
            _ => format!("http://localhost:{}", self.settings.gateway()),
        };
        self.patiently(|| {
            self.runtime.block_on(connection::requests_arrive(&self.prometheus, &url, now()))
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

    /// The alert that is judged: valid, and loaded.
    fn alert(&mut self) -> Judgement<Alert> {
        if let Some(alert) = &self.alert {
            return Ok(alert.clone());
        }
        let page = self.prometheus.page("/query");
        rule::valid(&self.options.root, self.options.solution, &page)?;
        let LoadedAlerts { mut rules, all } = self.runtime.block_on(rule::loaded(
            &self.prometheus,
            &self.options,
            self.own.is_some(),
        ))?;
        let mut index = 0;
        if rules.len() > 1 || all.is_err() {
            let nearest = behaviour::nearest(&self.prometheus, &self.options, &rules, now());
            let (nearest, passes) = self.runtime.block_on(nearest);
            if !passes {
                // The one that was asked for may be the one that is not loaded.
                all?;
            }
            index = nearest;
        }
        let rule = rules.remove(index);
        let others = rules.into_iter().map(|rule| rule.name).collect();
        let alert = Alert { rule, others };
        self.alert = Some(alert.clone());
        Ok(alert)
    }

    /// The rule files are valid, and the alert is loaded.
    pub fn alert_valid(&mut self) -> Judgement {
        self.alert().map(|_| ())
    }

    /// The alert says what somebody who is woken by it needs.
    pub fn alert_described(&mut self) -> Judgement {
        let alert = self.alert()?;
        alert.told(rule::described(&alert.rule))?;
        let read = behaviour::read(&self.prometheus, &self.options, &alert.rule, now());
        alert.told(self.runtime.block_on(read))
    }

    /// The alert is quiet on a good day.
    pub fn alert_quiet(&mut self) -> Judgement {
        let alert = self.alert()?;
        let quiet = behaviour::quiet(&self.prometheus, &self.options, &alert.rule, now());
        alert.told(self.runtime.block_on(quiet))
    }

    /// The alert fires on a bad day.
    pub fn alert_fires(&mut self) -> Judgement {
        let alert = self.alert()?;
        let fires = behaviour::fires(&self.prometheus, &self.options, &alert.rule, now());
        let note = alert.told(self.runtime.block_on(fires))?;
        self.notes.extend(note);
        Ok(())
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

    /// The answer to a question says what the finished one says.
    pub(crate) fn answer(&mut self, question: Question) -> Judgement {
        let name = question.name;
        let file = if self.options.solution { FINISHED } else { ANSWERS };
        let found = answers::load(&self.options.root, file)?;
        let Some(answer) = found.get(name) else {
            let strange: Vec<&str> =
                found.names().filter(|name| questions::find(name).is_none()).collect();
            let instead = match strange.first() {
                Some(strange) => format!(", but one that is not known: [{strange}]"),
                None => String::new(),
            };
            return Finding::new(
                question.asked(),
                format!("{file} has no question [{name}]{instead}"),
            )
            .because(format!("Put it back, as a comment above your query: # [{name}]"))
            .fail();
        };
        if answer.query.is_empty() {
            if question.bonus {
                return Finding::new(question.asked(), "not answered yet").left_out();
            }
            let found = if answer.comments.iter().any(|comment| questions::is_learners(comment)) {
                "not answered yet (a line that begins with # is a comment)"
            } else {
                "not answered yet"
            };
            return Finding::new(question.asked(), found)
                .because(format!("Write the query into {file}, below line {}.", answer.line))
                .fail();
        }
        self.runtime.block_on(async {
            let (interval, instants) = if self.own.is_some() {
                (backfill::INTERVAL as f64, backfill::INSTANTS)
            } else {
                let interval =
                    connection::scrape_interval(&self.prometheus).await.unwrap_or(SCRAPE);
                (interval, last_scrapes(interval))
            };
            let bench = Bench { prometheus: &self.prometheus, instants, interval, file };
            bench.judge(&question, answer).await
        })
    }
}

/// The instants of the last scrapes of a running stack. The newest two are left out: between two
/// queries another one may come.
fn last_scrapes(interval: f64) -> Instants {
    let step = interval.clamp(1.0, 60.0);
    let end = ((now() - 2.0 * step) / step).floor() * step;
    Instants { start: end - SCRAPES * step, end, step }
}

/// The kit's rule files, and the learner's when Prometheus would take them.
fn rule_files(root: &Path, solution: bool) -> Vec<PathBuf> {
    let mut files = rule_files::kit_files(root);
    if rule::valid(root, solution, "").is_ok() {
        files.extend(rule_files::files(root, solution).into_iter().map(|file| file.path));
    }
    files
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
