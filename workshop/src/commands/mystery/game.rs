//! The conversation: the pager, the questions, the answer in two parts, and the story.

use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::check::stack::prometheus::api::ApiError;
use crate::check::stack::prometheus::noise::Noise;
use crate::commands::mystery::ask;
use crate::commands::mystery::fault::Fault;
use crate::commands::mystery::incident::{self, Incident};
use crate::commands::mystery::proof::{Jury, Proof};
use crate::commands::mystery::room::Room;
use crate::learner::workspace::Workspace;
use crate::terminal;
use crate::terminal::prose;
use crate::terminal::style::{BAD, FRAME, GOOD, TYPE, indent, paint, plural};
use crate::terminal::text::{reflow, wrap};

/// What a solved mystery is worth, and what each wrong answer costs.
const WORTH: u32 = 100;
const COST: u32 = 15;

/// One mystery that is played.
pub(crate) struct Game {
    room: Room,
    number: usize,
    seed: u64,
    incident: &'static Incident,
    /// The choices, in the order in which they are shown.
    choices: Vec<&'static Incident>,
    started: Instant,
    questions: usize,
    wrong: u32,
    /// What is wrong was named rightly: the proof is all that is left.
    is_named: bool,
    /// Who judges the proofs, once there is one.
    jury: Option<Jury>,
    /// The story is told: what is asked now counts no more.
    is_over: bool,
}

/// What came of a line that was typed.
enum Next {
    GoOn,
    Solved,
    GivenUp,
    Left,
}

impl Game {
    /// Makes up the past, and starts what is asked about.
    pub(crate) async fn open(
        workspace: &Workspace,
        number: usize,
        fault: Fault,
        seed: u64,
    ) -> anyhow::Result<Self> {
        println!("{}", paint(FRAME, "An hour of the past is made up ..."));
        let room = Room::open(workspace, fault, seed).await?;
        let mut choices: Vec<&Incident> = incident::all()?.iter().collect();
        let mut noise = Noise::new(seed ^ 2);
        for left in (1..choices.len()).rev() {
            choices.swap(left, noise.below(left as u64 + 1) as usize);
        }
        let incident = incident::of(fault)?;
        let started = Instant::now();
        Ok(Self {
            room,
            number,
            seed,
            incident,
            choices,
            started,
            questions: 0,
            wrong: 0,
            is_named: false,
            jury: None,
            is_over: false,
        })
    }

    /// Reads what is typed. Once the mystery is solved or given up, questions are still answered.
    pub(crate) async fn play(mut self, limit: Option<Duration>) -> anyhow::Result<ExitCode> {
        self.show_pager();
        println!("{}", prose(HELP, 2));
        if let Some(limit) = limit {
            println!("\n{}", indent(&wrapped(&rules(limit)), 2));
        }
        let mut code = ExitCode::from(2);
        let mut lines = std::io::stdin().lock().lines();
        let mut read = |prompt: &str| {
            if std::io::stdin().is_terminal() {
                print!("\n{} ", paint(TYPE, prompt));
                let _ = std::io::stdout().flush();
            }
            lines.next().and_then(Result::ok)
        };
        loop {
            let Some(line) = read("mystery>") else { return Ok(code) };
            let next = match line.trim() {
                "" => Next::GoOn,
                "quit" | "q" | "exit" => Next::Left,
                "help" | "?" => {
                    println!("{}", prose(HELP, 2));
                    Next::GoOn
                }
                "pager" => {
                    self.show_pager();
                    Next::GoOn
                }
                "give up" | "answer" if self.is_over => {
                    say!("  {AFTERWARDS}");
                    Next::GoOn
                }
                "give up" => Next::GivenUp,
                "answer" => self.answer(&mut read).await?,
                line => {
                    self.ask(line).await;
                    Next::GoOn
                }
            };
            match next {
                Next::GoOn => {}
                Next::Solved => {
                    self.tell(limit);
                    code = ExitCode::SUCCESS;
                }
                Next::GivenUp => {
                    self.tell(None);
                    code = ExitCode::from(1);
                }
                Next::Left => return Ok(code),
            }
        }
    }

    fn show_pager(&self) {
        let title = format!("Mystery {}: {}", self.number, self.incident.title);
        say!("\n{}\n", paint(TYPE, title));
        println!("{}\n", prose(&self.incident.pager, 2));
        say!("  Prometheus: {} (seed {})\n", paint(TYPE, self.room.url()), self.seed);
    }

    async fn ask(&mut self, line: &str) {
        self.questions += 1;
        let (query, answer) = match line.strip_prefix("graph ") {
            Some(query) => (query, ask::graph(&self.room.prometheus, query).await),
            None => {
                let query = line.trim_start_matches("ask ");
                (query, ask::table(&self.room.prometheus, query).await)
            }
        };
        match answer {
            Ok(text) => println!("{}", indent(&text, 2)),
            Err(error) => {
                println!("{}", indent(&ask::in_words(&error, self.room.url(), query), 2));
            }
        }
    }

    /// First what it is, then the query that shows it.
    async fn answer(
        &mut self,
        read: &mut impl FnMut(&str) -> Option<String>,
    ) -> anyhow::Result<Next> {
        self.is_named = self.is_named || self.is_named_by(read);
        if !self.is_named {
            return Ok(Next::GoOn);
        }
        println!("\n{}\n", prose(PROOF, 2));
        loop {
            let Some(line) = read("proof>") else { return Ok(Next::GoOn) };
            match line.trim() {
                "" => return Ok(Next::GoOn),
                "give up" => return Ok(Next::GivenUp),
                "quit" | "q" | "exit" => return Ok(Next::Left),
                "help" | "?" | "answer" => println!("{}", prose(PROOF, 2)),
                "pager" => self.show_pager(),
                line if matches!(line.split(' ').next(), Some("graph" | "ask")) => {
                    self.ask(line).await;
                }
                query => match self.refusal(query).await? {
                    None => return Ok(Next::Solved),
                    Some(reason) => refuse(&reason),
                },
            }
        }
    }

    fn is_named_by(&mut self, read: &mut impl FnMut(&str) -> Option<String>) -> bool {
        println!("What is wrong?\n");
        for (number, choice) in (1..).zip(&self.choices) {
            say!("  {number:>2}  {}", choice.what);
        }
        let Some(line) = read("number>") else { return false };
        let chosen = line.trim().parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let Some(choice) = chosen.and_then(|index| self.choices.get(index).copied()) else {
            println!("  A number from 1 to {} is wanted.", self.choices.len());
            return false;
        };
        if choice.fault != self.incident.fault {
            self.wrong += 1;
            refuse(&format!("If it were this, {}. It is not so here.", choice.shows));
        }
        choice.fault == self.incident.fault
    }

    /// Why a query is no proof. What is no PromQL is no wrong answer either.
    async fn refusal(&mut self, query: &str) -> anyhow::Result<Option<String>> {
        if let Err(ApiError::Refused { message, .. }) = self.room.prometheus.parse(query).await {
            let why = ask::unreadable(&message, query);
            return Ok(Some(format!("This is no PromQL, and is not counted: {why}")));
        }
        say!("{}", paint(FRAME, "It is asked of this fault, of a healthy hour, and of others ..."));
        let jury = match self.jury.take() {
            Some(jury) => jury,
            None => Jury::start(self.seed).await?,
        };
        let proof = jury.judge(self.incident.fault, query).await?;
        self.jury = Some(jury);
        self.wrong += u32::from(proof != Proof::Holds);
        in_words(&proof)
    }

    /// What it was, and how one finds it.
    fn tell(&mut self, limit: Option<Duration>) {
        say!("\n{}\n", paint(GOOD, format!("It was: {}.", self.incident.what)));
        let story = self.incident.story.replace("<instance>", &self.room.victim);
        println!("{}\n", prose(&story, 2));
        let minutes = self.room.since_minutes;
        say!("  It had begun {minutes} minutes before you were called.\n");
        say!("  What somebody with experience would have asked:\n");
        for step in &self.incident.steps {
            println!("{}", indent(&wrapped(&step.tells), 4));
            println!("{}\n", paint(TYPE, indent(&step.query, 6)));
        }
        println!("  A proof:\n\n{}\n", paint(TYPE, indent(&self.incident.proof, 6)));
        let alert = paint(TYPE, indent(&self.incident.alert, 6));
        println!("  An alert on this would have found it:\n\n{alert}\n");
        if let Some(limit) = limit {
            self.score(limit);
        }
        self.is_over = true;
        say!("\n  {AFTERWARDS}");
    }

    fn score(&self, limit: Duration) {
        let taken = self.started.elapsed();
        let late = taken > limit;
        let worth = WORTH.saturating_sub(COST * self.wrong) / if late { 2 } else { 1 };
        println!(
            "  {} of {} minutes, {} asked here, {}: {worth} of {WORTH} points.",
            taken.as_secs() / 60,
            limit.as_secs() / 60,
            plural(self.questions, "question"),
            plural(self.wrong as usize, "wrong answer"),
        );
    }
}

/// What the score is made of.
fn rules(limit: Duration) -> String {
    let minutes = limit.as_secs() / 60;
    format!(
        "You have {WORTH} points. A wrong answer costs {COST}; after {minutes} minutes, what is \
         left is halved."
    )
}

/// Why a proof is none.
fn in_words(proof: &Proof) -> anyhow::Result<Option<String>> {
    Ok(Some(match proof {
        Proof::Holds => return Ok(None),
        Proof::Unreadable(message) => format!("Prometheus does not understand it: {message}"),
        Proof::NamesAMoment => NAMES_A_MOMENT.to_owned(),
        Proof::ShowsNothing => SHOWS_NOTHING.to_owned(),
        Proof::AlsoHealthy(hour) => hour.in_words(),
        Proof::AlsoShows(fault) => {
            let other = &incident::of(*fault)?.what;
            format!("It shows something when {other}, too. What is different here?")
        }
    }))
}

fn refuse(reason: &str) {
    println!("\n  {}", paint(BAD, "No."));
    println!("{}", indent(&reflow(reason, terminal::width() - 6), 2));
}

fn wrapped(text: &str) -> String {
    wrap(text, terminal::width() - 6).join("\n")
}

const HELP: &str = "\
Ask what you like: every line is a query in PromQL, `graph QUERY` draws it. (Or
open the address above in a browser, or type `cargo workshop ask 'QUERY'`
elsewhere.) When you know, type `answer`. `pager` shows the text again,
`give up` tells the story, `quit` ends.";

const AFTERWARDS: &str = "The story is told. Ask on, if you like; `quit` ends.";

const PROOF: &str = "\
Yes. And how does one see it? Write a query that shows something while this is
so, and nothing when all is well or when something else is wrong: a condition,
as in an alert. (`graph QUERY` and `ask QUERY` answer here too, and are no
proof. An empty line goes back to your questions; `answer` comes here again.)";

const NAMES_A_MOMENT: &str = "It names a moment (`@`, or a function of the clock), so it cannot \
                              be asked of another hour. Say how it is while the fault is at work, \
                              whenever that is.";

const SHOWS_NOTHING: &str = "It shows nothing in the last minutes, although the fault is at work: \
                             nothing matches, or the condition is not met (with `absent`: what it \
                             names is there). Look at the values without its comparison: \
                             `ask QUERY`, or `graph QUERY`.";
