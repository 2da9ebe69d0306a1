//! What was seen of one running program. Judging comes later, from what is kept here, and needs no
//! program.

use crate::check::program::faults::Faults;
use crate::check::program::variety::Group;
use crate::exposition::{Exposition, ParseError};
use crate::http::no_answer::NoAnswer;
use crate::http::probe::{Probe, Timed};
use crate::process::{NoStart, Output};

/// An exposition of more bytes is none of the workshop's: theirs have some ten thousand.
const HUGE: usize = 1 << 20;

/// What was seen of one program, in the order in which it happened. What is `None` was not reached.
#[derive(Debug)]
pub(crate) struct Run {
    /// What the program was told to do.
    pub faults: Faults,
    /// What the program has written.
    pub output: Output,
    /// Why it does not listen, or how it ended in the middle.
    pub trouble: Option<NoStart>,
    /// /metrics before the first visit.
    pub before: Option<Scrape>,
    /// The visits to /treecounter.
    pub visits: Option<Answers>,
    /// /metrics after the visits.
    pub after: Option<Scrape>,
    /// /metrics after some scrapes and nothing else.
    pub scraped: Option<Scrape>,
    /// A request for the front page.
    pub front: Option<Answers>,
    /// Requests for paths that do not exist.
    pub strangers: Option<Answers>,
    /// /metrics after both.
    pub end: Option<Scrape>,
    /// Requests that one does not think of.
    pub varied: Vec<Varied>,
    /// Scrapes while visits were under way.
    pub during: Vec<Scrape>,
}

impl Run {
    /// A run of which nothing was seen yet.
    pub(crate) fn new(faults: Faults) -> Self {
        Self {
            faults,
            output: Output::default(),
            trouble: None,
            before: None,
            visits: None,
            after: None,
            scraped: None,
            front: None,
            strangers: None,
            end: None,
            varied: Vec::new(),
            during: Vec::new(),
        }
    }

    /// Whether a connection broke, as those of a program do that ends.
    pub(crate) fn broke_off(&self) -> bool {
        let mut missing = self
            .scrapes()
            .chain(&self.during)
            .filter_map(|scrape| scrape.answer.as_ref().err())
            .chain(self.answers().filter_map(Answers::unanswered));
        missing.any(|missing| {
            matches!(missing, NoAnswer::Refused | NoAnswer::Reset | NoAnswer::Closed)
        })
    }

    /// The scrape that visits held up, and what became of it: no answer, or a late one that is not
    /// the first. A busy machine is late as well, but once.
    pub(crate) fn held_up(&self) -> Option<(&Scrape, String)> {
        let missing = |scrape: &Scrape| scrape.answer.as_ref().err().map(NoAnswer::to_string);
        let missing = self.during.iter().find_map(|scrape| Some((scrape, missing(scrape)?)));
        missing.or_else(|| {
            let late = |scrape: &&Scrape| self.is_late(scrape);
            let late = self.during.iter().filter(late).nth(1)?;
            let seconds = late.answer.as_ref().ok()?.took.as_secs_f64();
            Some((late, format!("answers after {seconds:.1} s")))
        })
    }

    /// Whether a scrape beside visits took longer than the one before them, by half of what it may
    /// take. Some are always slow, and not for the visits.
    pub(crate) fn is_late(&self, scrape: &Scrape) -> bool {
        let took = |scrape: &Scrape| scrape.answer.as_ref().ok().map(|timed| timed.took);
        let usual = self.before.as_ref().and_then(took).unwrap_or_default();
        took(scrape).is_some_and(|took| took > usual + scrape.probe.limit / 2)
    }

    /// The scrapes, one after the other.
    pub(crate) fn scrapes(&self) -> impl Iterator<Item = &Scrape> {
        let first = [&self.before, &self.after, &self.scraped, &self.end].into_iter().flatten();
        first.chain(self.varied.iter().map(|varied| &varied.after))
    }

    /// All that was answered but scrapes, in the order in which it was asked for.
    pub(crate) fn answers(&self) -> impl Iterator<Item = &Answers> {
        let answers = [&self.visits, &self.front, &self.strangers].into_iter().flatten();
        answers.chain(self.varied.iter().map(|varied| &varied.answers))
    }
}

/// The answers to requests for the same thing.
#[derive(Debug)]
pub(crate) struct Answers {
    /// The first of the requests.
    pub probe: Probe,
    /// All that came to an end.
    pub probes: Vec<Probe>,
    /// What came back for each, in the order in which they were sent.
    pub answers: Vec<Result<Timed, NoAnswer>>,
}

impl Answers {
    /// The status codes, of those that were answered.
    pub(crate) fn statuses(&self) -> impl Iterator<Item = u16> {
        self.answers.iter().flatten().map(|timed| timed.answer.status)
    }

    /// The first request that was not answered.
    pub(crate) fn unanswered(&self) -> Option<&NoAnswer> {
        self.answers.iter().find_map(|answer| answer.as_ref().err())
    }

    /// The request that it was.
    pub(crate) fn lost(&self) -> Option<&Probe> {
        self.probes.iter().zip(&self.answers).find(|(_, answer)| answer.is_err()).map(|(it, _)| it)
    }

    /// How long the quickest of them took.
    pub(crate) fn quickest_seconds(&self) -> f64 {
        let seconds = self.answers.iter().flatten().map(|answer| answer.took.as_secs_f64());
        seconds.fold(f64::INFINITY, f64::min)
    }

    /// How long the answers took, on average, as a visitor sees it.
    pub(crate) fn mean_seconds(&self) -> f64 {
        let seconds = self.answers.iter().flatten().map(|answer| answer.took.as_secs_f64());
        seconds.sum::<f64>() / self.answers.len() as f64
    }
}

/// One reading of /metrics.
#[derive(Debug)]
pub(crate) struct Scrape {
    /// The request.
    pub probe: Probe,
    /// What came back.
    pub answer: Result<Timed, NoAnswer>,
    /// The body of a 200, parsed.
    pub exposition: Option<Result<Exposition, ParseError>>,
}

impl Scrape {
    /// More than any program of the workshop has to say.
    pub(crate) fn is_huge(&self) -> bool {
        self.body().is_some_and(|body| body.len() > HUGE)
    }

    /// The body of its answer, if there is one.
    pub(crate) fn body(&self) -> Option<&[u8]> {
        Some(&self.answer.as_ref().ok()?.answer.body)
    }

    /// The status code, if it was answered.
    pub(crate) fn status(&self) -> Option<u16> {
        Some(self.answer.as_ref().ok()?.answer.status)
    }
}

/// What was seen of one group.
#[derive(Debug)]
pub(crate) struct Varied {
    pub(crate) group: &'static Group,
    pub(crate) answers: Answers,
    /// /metrics after them.
    pub(crate) after: Scrape,
}
