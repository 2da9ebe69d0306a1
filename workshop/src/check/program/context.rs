//! What a check is given to judge by.

use crate::check::program::experiment::{STRANGERS, VISITS};
use crate::check::program::experiments::Runs;
use crate::check::program::faults::Faults;
use crate::check::program::run::{Run, Scrape};
use crate::check::program::source::Source;
use crate::check::report::Asked;
use crate::http::probe::Probe;

/// The runs, and what messages need to name.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// What was seen.
    pub runs: &'a Runs,
    /// The learner's file.
    pub source: &'a Source,
    /// How the learner starts the program: `cargo run -p section2-counter`.
    pub cargo_run: &'a str,
}

impl Context<'_> {
    /// The command that starts the program with these faults.
    pub(crate) fn start(&self, faults: Faults) -> String {
        match self.runs.attached {
            true => String::new(),
            false => faults.command(self.cargo_run),
        }
    }

    /// The same, where it matters how long visits take, also such as fail.
    pub(crate) fn start_timed(&self, faults: Faults) -> String {
        match self.runs.attached {
            true => String::new(),
            false => faults.timed_command(self.cargo_run),
        }
    }

    /// The command that starts the program, when its faults do not matter.
    pub(crate) fn start_plain(&self) -> String {
        match self.runs.attached {
            true => String::new(),
            false => self.cargo_run.to_owned(),
        }
    }

    /// The command that does what a probe did.
    pub(crate) fn curl(&self, probe: &Probe) -> String {
        probe.curl(&self.runs.host)
    }

    /// The command that shows the exposition.
    pub(crate) fn metrics(&self) -> String {
        format!("curl -s http://{}/metrics", self.runs.host)
    }

    /// The commands that start the program, do this, and look at /metrics.
    pub(crate) fn seen_after(&self, requests: impl Into<String>) -> Vec<String> {
        let commands = [self.start_plain(), requests.into(), self.metrics()];
        commands.into_iter().filter(|command| !command.is_empty()).collect()
    }

    /// What was asked, run by run.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        let runs = self.runs.all();
        runs.map(|run| Asked { start: self.start(run.faults), requests: self.requests(run) })
            .collect()
    }

    /// The requests of a run, in order. A `&` lets those go on while the next are sent.
    fn requests(&self, run: &Run) -> Vec<String> {
        let scrape =
            |scrape: &Option<Scrape>| scrape.as_ref().map(|scrape| self.curl(&scrape.probe));
        let during = run.during.first().map(|scrape| self.curl(&scrape.probe));
        let parts = [
            scrape(&run.before),
            during.as_ref().map(|_| format!("{} &", self.curl_visits())),
            during,
            run.visits.as_ref().map(|_| self.curl_visits()),
            scrape(&run.after),
            scrape(&run.scraped),
            run.front.as_ref().map(|front| self.curl(&front.probe)),
            run.strangers.as_ref().map(|_| self.curl_strangers()),
            scrape(&run.end),
        ];
        parts.into_iter().flatten().collect()
    }

    /// All visits of an experiment, by curl's own counting.
    pub(crate) fn curl_visits(&self) -> String {
        format!("curl -s \"http://{}/treecounter?[1-{VISITS}]\"", self.runs.host)
    }

    /// The same, all under way at the same time.
    pub(crate) fn curl_visits_at_once(&self) -> String {
        self.curl_visits().replacen("-s", "-s -Z", 1)
    }

    /// A request for the front page.
    pub(crate) fn curl_front(&self) -> String {
        format!("curl -s http://{}/", self.runs.host)
    }

    /// All unknown paths of an experiment.
    pub(crate) fn curl_strangers(&self) -> String {
        format!("curl -s \"http://{}/no-such-tree/[1-{STRANGERS}]\"", self.runs.host)
    }
}
