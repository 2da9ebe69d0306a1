//! The experiments: what is done to one running program.

use crate::check::program::faults::Faults;
use crate::check::program::run::{Answers, Run, Scrape, Varied};
use crate::check::program::variety::{GROUPS, PAGE};
use crate::exposition;
use crate::http::no_answer::NoAnswer;
use crate::http::probe::{Address, Probe, Timed};
use crate::process::{NoStart, Program};
use std::num::NonZero;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Visits of one experiment. Not a round number, so that it is recognised in a message.
pub(crate) const VISITS: usize = 7;
/// Scrapes between two looks at the counters.
pub(crate) const SCRAPES: usize = 3;
/// Unknown paths that are asked for.
pub(crate) const STRANGERS: usize = 50;
/// How long a program may take to open its port.
const START: Duration = Duration::from_secs(10);
/// How long a program may take to its end once it has broken off a connection.
const ENDING: Duration = Duration::from_secs(1);
/// How long an answer may take, beyond the latency that the program was told to have.
const ANSWER: Duration = Duration::from_secs(5);
/// How long a scrape may take while visits are under way: less than they take.
const MEANWHILE: Duration = Duration::from_millis(1500);
/// Requests under way at the same time. Fewer than the visits, so that some come later: a clock
/// that was started with the program, and not with the request, is found out.
const AT_ONCE: usize = 3;
/// Visits that take this long are made once, side by side.
const LONG: Duration = Duration::from_secs(1);
/// How long after the one before each of those begins: a clock that they share is found out.
const APART: Duration = Duration::from_millis(100);
/// For how long /metrics is asked for once the visits have got there.
const MIDST: Duration = Duration::from_millis(100);
/// When they must have got there, also on a busy machine, if the program does not tell.
const LATE: Duration = Duration::from_secs(3);
/// Between two of those scrapes.
const PAUSE: Duration = Duration::from_millis(10);

/// How to start the program.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    /// The executable.
    pub executable: PathBuf,
    /// The directory it is started in.
    pub directory: PathBuf,
}

/// What is done to a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Experiment {
    /// Visits between two scrapes.
    Visits,
    /// The same, then scrapes alone, then unknown paths.
    Everything,
    /// Scrapes while visits are under way.
    ScrapeMeanwhile,
}

impl Run {
    /// Starts a program with these faults, does an experiment with it, and stops it.
    pub(crate) fn launch(launch: &Launch, faults: Faults, experiment: Experiment) -> Self {
        let mut run = Self::new(faults);
        let started = Program::start(&launch.executable, &launch.directory, &faults.settings());
        let program = match started {
            Ok(program) => program,
            Err(trouble) => return Self { trouble: Some(trouble), ..run },
        };
        run.output = program.output.clone();
        match program.wait_until_listening(START) {
            Ok(addr) => run.experiment(experiment, &Address::from(addr)),
            Err(trouble) => run.trouble = Some(trouble),
        }
        if run.trouble.is_none() {
            let limit = if run.broke_off() { ENDING } else { Duration::ZERO };
            run.trouble = program.died_within(limit).map(NoStart::Died);
        }
        match experiment {
            // Its visits are still under way, and would make a graceful stop a long one.
            Experiment::ScrapeMeanwhile => program.kill(),
            _ => program.stop(),
        }
        run
    }

    /// Does an experiment with a program that somebody else has started.
    pub(crate) fn attach(address: &Address) -> Self {
        let mut run = Self::new(Faults::NONE);
        run.experiment(Experiment::Everything, address);
        run
    }

    fn experiment(&mut self, experiment: Experiment, address: &Address) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => {
                // What is not reached stays `None`; the judgement says which answer was missing.
                let _ = runtime.block_on(self.conduct(experiment, address));
            }
            Err(error) => self.trouble = Some(NoStart::NotRun(error.to_string())),
        }
    }

    async fn conduct(&mut self, experiment: Experiment, address: &Address) -> Option<()> {
        let scraped = scrape(address).await.keep(&mut self.before);
        if scraped.is_none() && experiment == Experiment::Everything {
            // Is it /metrics alone that does not answer, or everything?
            self.visits = Some(together(address, 1, |_| self.visit()).await);
        }
        scraped?;
        match experiment {
            Experiment::Visits => {
                // All at once where each takes long: a check is waited for.
                match self.faults.latency > LONG {
                    true => self.visits_between(AT_ONCE, APART, address).await,
                    false => self.visits_between(VISITS, Duration::ZERO, address).await,
                }
            }
            Experiment::Everything => {
                self.visits_between(VISITS, Duration::ZERO, address).await?;
                self.scrapes_and_others(address).await?;
                self.what_one_does_not_think_of(address).await
            }
            Experiment::ScrapeMeanwhile => self.scrapes_beside_visits(address).await,
        }
    }

    fn visit(&self) -> Probe {
        Probe::get(PAGE, ANSWER + self.faults.latency)
    }

    async fn visits_between(
        &mut self,
        count: usize,
        apart: Duration,
        address: &Address,
    ) -> Option<()> {
        let visits = one_after_the_other(address, count, apart, |_| self.visit()).await;
        visits.keep(&mut self.visits)?;
        scrape(address).await.keep(&mut self.after)
    }

    async fn scrapes_and_others(&mut self, address: &Address) -> Option<()> {
        for _ in 1..SCRAPES {
            scrape(address).await.keep(&mut None)?;
        }
        scrape(address).await.keep(&mut self.scraped)?;
        let front = |_| Probe::get("/", ANSWER);
        together(address, 1, front).await.keep(&mut self.front)?;
        let stranger = |index| Probe::get(format!("/no-such-tree/{}", index + 1), ANSWER);
        together(address, STRANGERS, stranger).await.keep(&mut self.strangers)?;
        scrape(address).await.keep(&mut self.end)
    }

    async fn what_one_does_not_think_of(&mut self, address: &Address) -> Option<()> {
        for group in GROUPS {
            // What is flooded with lines is told so before; this would only hold more of it.
            if self.end.as_ref().is_none_or(Scrape::is_huge) {
                break;
            }
            let probes = group.probes();
            let answers = together(address, probes.len(), |index| probes[index].clone()).await;
            let answered = answers.answered();
            let after = scrape(address).await;
            self.varied.push(Varied { group, answers, after });
            answered.then_some(())?;
        }
        Some(())
    }

    async fn scrapes_beside_visits(&mut self, address: &Address) -> Option<()> {
        // Without an exposition, an earlier check fails.
        self.before.as_ref()?.exposition.as_ref()?.as_ref().ok()?;
        let mut visits = JoinSet::new();
        // Many more than the program has threads, so that visits that hold theirs leave none to a
        // scrape for a long time, wherever in the queue that is.
        let threads = thread::available_parallelism().map_or(2, NonZero::get);
        let count = 4 * threads;
        for _ in 0..count {
            let (probe, address) = (self.visit(), address.clone());
            visits.spawn(async move { probe.send(&address).await });
        }
        // Dropping the visits at the end closes their connections.
        let (start, mut arrived) = (Instant::now(), None);
        while arrived.is_none_or(|arrival: Instant| arrival.elapsed() < MIDST) {
            let scrape = scrape_within(address, MEANWHILE).await;
            // One that is late took up the time in which others would have been seen.
            let there = match arrived {
                None => connections(&scrape) > count || start.elapsed() > LATE,
                Some(_) => self.is_late(&scrape),
            };
            if there {
                arrived = Some(Instant::now());
            }
            self.during.push(scrape);
            if self.held_up().is_some() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        Some(())
    }
}

/// What an experiment keeps; it ends when an answer is missing, since more would be missing too.
trait Keep: Sized {
    fn answered(&self) -> bool;

    fn keep(self, place: &mut Option<Self>) -> Option<()> {
        let answered = self.answered();
        *place = Some(self);
        answered.then_some(())
    }
}

impl Keep for Scrape {
    fn answered(&self) -> bool {
        self.answer.is_ok()
    }
}

impl Keep for Answers {
    fn answered(&self) -> bool {
        self.unanswered().is_none()
    }
}

async fn scrape(address: &Address) -> Scrape {
    scrape_within(address, ANSWER).await
}

async fn scrape_within(address: &Address, limit: Duration) -> Scrape {
    let probe = Probe::get("/metrics", limit);
    let answer = probe.send(address).await;
    let body = answer.as_ref().ok().filter(|timed| timed.answer.status == 200);
    let exposition = body.map(|timed| exposition::parse(&timed.answer.body));
    Scrape { probe, answer, exposition }
}

/// How many connections the program has, the scrape's own among them, if its base metrics tell.
fn connections(scrape: &Scrape) -> usize {
    let exposition = scrape.exposition.as_ref().and_then(|parsed| parsed.as_ref().ok());
    let tasks = exposition.and_then(|exposition| exposition.sample("tokio_alive_tasks", &[]));
    tasks.map_or(0, |sample| sample.value as usize)
}

/// Sends requests, several at a time, until all are answered or one is not.
async fn together(address: &Address, count: usize, probe: impl Fn(usize) -> Probe) -> Answers {
    one_after_the_other(address, count, Duration::ZERO, probe).await
}

/// The same, where each waits for so long before it is sent, times its place in the row.
async fn one_after_the_other(
    address: &Address,
    count: usize,
    apart: Duration,
    probe: impl Fn(usize) -> Probe,
) -> Answers {
    let mut answers: Vec<Option<Result<Timed, NoAnswer>>> = vec![None; count];
    let mut under_way = JoinSet::new();
    let mut next = 0;
    loop {
        while next < count && under_way.len() < AT_ONCE {
            let (index, probe, address) = (next, probe(next), address.clone());
            let wait = apart.saturating_mul(u32::try_from(index).unwrap_or(u32::MAX));
            under_way.spawn(async move {
                if !wait.is_zero() {
                    tokio::time::sleep(wait).await;
                }
                (index, probe.send(&address).await)
            });
            next += 1;
        }
        let Some(Ok((index, answer))) = under_way.join_next().await else { break };
        let missing = answer.is_err();
        answers[index] = Some(answer);
        if missing {
            break;
        }
    }
    // Some are left without an end, once one has gone wrong.
    let ended = (0..count).map(&probe).zip(answers);
    let (probes, answers) = ended.filter_map(|(probe, answer)| Some((probe, answer?))).unzip();
    Answers { probe: probe(0), probes, answers }
}
