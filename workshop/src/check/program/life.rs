//! Whether the program lives: it starts, answers, and does not panic.

use crate::check::program::context::Context;
use crate::check::program::faults::Faults;
use crate::check::program::last_words::{death, last_words, words};
use crate::check::program::mistake::{Hints, Mistake, Sign, given_away};
use crate::check::program::run::{Answers, Run, Scrape};
use crate::check::program::source::PANIC;
use crate::check::verdict::{Finding, Judgement};
use crate::http::no_answer::NoAnswer;
use crate::http::probe::Probe;
use crate::process::{NoStart, announcement};
use std::process::ExitStatus;

/// The program starts, stays alive, and does not panic.
pub(crate) fn stays_alive(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    // Several programs run side by side. One whose port is its own stands in the others' way.
    // And one that prints without end may have had too little time for it in this run.
    let mut all = context.runs.all();
    if let Some(other) = all.find(|run| is_port_taken(run) || run.output.floods()) {
        starts(context, other)?;
    }
    starts(context, run)?;
    let first = run.before.as_ref().map(|scrape| &scrape.answer);
    if context.runs.attached && matches!(first, Some(Err(NoAnswer::Refused))) {
        return nobody(context);
    }
    let said = run.output.last(usize::MAX).join("\n");
    if !said.contains(PANIC) {
        return Ok(());
    }
    let again = run.scrapes().next().filter(|first| first.status() == Some(200));
    let of_scrapes = run.scrapes().map(|scrape| (&scrape.probe, scrape.status()));
    let answers = run.answers().flat_map(|all| all.probes.iter().zip(&all.answers));
    let of_answers = answers
        .map(|(probe, answer)| (probe, answer.as_ref().ok().map(|timed| timed.answer.status)));
    let panicked = of_scrapes.chain(of_answers).find(|(_, status)| *status == Some(500));
    let found = match panicked {
        Some(_) => "a panic while a request was answered, which therefore got a 500",
        None => "a panic, by its own words",
    };
    let finding = Finding::new("a program that never panics", found)
        .with_last_words(last_words(run))
        .try_with(context.start_plain());
    let curl = panicked.map(|(probe, _)| context.curl(probe)).unwrap_or_default();
    // Where the first of the same was answered, the second shows it.
    let first = again.map(|again| context.curl(&again.probe)).filter(|first| *first == curl);
    let finding = finding.try_with(first.unwrap_or_default()).try_with(curl);
    with_death(finding, context, &said).fail()
}

/// Adds what the program's words tell of its death.
fn with_death(finding: Finding, context: &Context<'_>, words: &str) -> Finding {
    match death(context.source, words) {
        Some(mistake) => finding.told(mistake),
        None => finding,
    }
}

/// The program opens its port, stays alive, and does not print without end.
pub(crate) fn starts(context: &Context<'_>, run: &Run) -> Judgement {
    let start = match run.faults {
        Faults::NONE => context.start_plain(),
        // Which of the runs it happens in is chance.
        _ if run.output.floods() || is_port_taken(run) => context.start_plain(),
        faults => context.start(faults),
    };
    let finding = |found: String| {
        Finding::new("a program that listens and stays alive", found)
            .with_last_words(last_words(run))
            .try_with(start.clone())
    };
    if run.output.floods() {
        let expected = "a program that is quiet between requests";
        return Finding::new(expected, "more than 256 KiB of output")
            .told(FLOODS.at(context.source.line_with_any(&["print", "dbg!"])))
            .with_last_words(last_words(run))
            .try_with(start.clone())
            .fail();
    }
    match &run.trouble {
        None => Ok(()),
        Some(NoStart::NotRun(reason)) => {
            Finding::new("a program that can be started", reason.clone()).could_not_tell()
        }
        Some(NoStart::Died(status)) => {
            // An end of `main` is nobody's request.
            let ends_itself = status.success() && !context.source.has("exit(");
            let request = fatal(run).filter(|_| !ends_itself);
            let mut found = ending(*status);
            if let Some(probe) = request {
                found += &format!(", at a request for {}", probe.path);
            }
            let curl = request.map(|probe| context.curl(probe)).unwrap_or_default();
            let finding = finding(found).try_with(curl);
            let quiet = status.success() || words(run).is_empty();
            match given_away(context.source, EXITS).filter(|_| quiet) {
                Some(mistake) => finding.told(mistake),
                None if status.success() => finding.told(ENDED),
                None => with_death(finding, context, &words(run)),
            }
            .fail()
        }
        Some(NoStart::Silent(limit)) => {
            finding(format!("no open port after {} s", limit.as_secs())).told(SILENT).fail()
        }
        Some(NoStart::Floods) => finding("output without end".to_owned()).told(FLOODS).fail(),
    }
}

/// The request that a program did not live to answer.
fn fatal(run: &Run) -> Option<&Probe> {
    let scrape = run.before.as_ref().filter(|scrape| scrape.answer.is_err());
    if let Some(scrape) = scrape {
        return Some(&scrape.probe);
    }
    run.answers().find_map(Answers::lost)
}

fn is_port_taken(run: &Run) -> bool {
    matches!(run.trouble, Some(NoStart::Died(_))) && words(run).contains(announcement::PORT_IN_USE)
}

/// How a program ended, in the same words on every system.
fn ending(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("it ended, with status {code}"),
        None => format!("it ended: {status}"),
    }
}

/// Nothing listens where the check should attach to: that tells nothing of any program.
pub(crate) fn nobody(context: &Context<'_>) -> Judgement {
    let found = format!("nothing that listens at {}", context.runs.host);
    Finding::new("a running program to attach to", found)
        .because("Start it first, and give --attach the address that it prints.")
        .could_not_tell()
}

pub(crate) fn unanswered(
    context: &Context<'_>,
    run: &Run,
    expected: &str,
    scrape: Option<&Scrape>,
) -> Judgement {
    let Some(scrape) = scrape else {
        return Finding::new(expected, "a run that broke off").could_not_tell();
    };
    let Err(missing) = &scrape.answer else { return Ok(()) };
    if context.runs.attached && matches!(missing, NoAnswer::Refused) {
        return nobody(context);
    }
    Finding::new(format!("{expected} from /metrics"), missing.to_string())
        .told(silence(missing))
        .with_last_words(last_words(run))
        .try_with(match run.faults {
            Faults::NONE => context.start_plain(),
            faults => context.start(faults),
        })
        .try_with(context.curl(&scrape.probe))
        .fail()
}

/// What it means that there was no answer.
pub(crate) fn silence(missing: &NoAnswer) -> Mistake {
    match missing {
        NoAnswer::TimedOut(_) => NEVER_RETURNS,
        NoAnswer::Refused => {
            Mistake::new("The program no longer listens: it may have ended.", GONE)
        }
        NoAnswer::NotHttp => Mistake::usual("What came back is not HTTP."),
        NoAnswer::OnlyInformational => {
            Mistake::usual("An answer should have a status of 200 or more.")
        }
        NoAnswer::TooLarge(_) => Mistake::usual("An answer should end."),
        _ => Mistake::new(
            "The program broke the connection off: it may have ended, or panicked.",
            GONE,
        ),
    }
}

/// What ends a program although nothing went wrong.
const EXITS: &[Sign] = &[
    (
        &["exit("],
        Mistake::new(
            "`std::process::exit` ends the whole program, for everybody who asks it. It should \
             run until it is stopped.",
            [
                "Which line of your file can end the program, and when does it get there?",
                "`exit` ends all of the program at once, also the answers that others wait for. \
                 `handle` returns a response in every arm; for a path that nobody serves, that \
                 is `not_found()`.",
            ],
        ),
    ),
    (
        &["spawn(", "serve("],
        Mistake::new(
            "`spawn` starts a task and does not wait for it: `main` goes on to its end, and the \
             program ends with it. Await `serve` in `main` itself.",
            MAIN_ENDS,
        ),
    ),
    (
        &["timeout", "serve("],
        Mistake::new(
            "`timeout` ends `serve` when its time is over. Await `serve` alone: it runs until the \
             program is stopped.",
            MAIN_ENDS,
        ),
    ),
];

const ENDED: Mistake = Mistake::new(
    "`main` came to its end. `serve(&settings, app).await?` runs until the program is stopped; \
     without the `.await`, it does not even start.",
    MAIN_ENDS,
);

const MAIN_ENDS: Hints = [
    "What does `main` wait for at its end, and how long does that take?",
    "A program ends when its `main` does, whatever else is still under way. `serve` gives a \
     future: it serves only while it is awaited, and `main` stays alive only while it awaits.",
];

const SILENT: Mistake = Mistake::new(
    "`serve` opens the port and says where it listens. What runs before it in `main`, and does \
     that ever end?",
    [
        "If nothing is printed when you start it: what runs before `serve`, and does each line of \
         that come to an end?",
        "`main` runs from top to bottom, and the port is open once it has got to `serve`. Above \
         it, nothing may wait for what never comes, and no loop may go on for ever.",
    ],
);

const FLOODS: Mistake = Mistake::new(
    "Something prints in a loop that never waits.",
    [
        "What is printed again and again, and by which line of your file?",
        "Look for `println!`, `eprintln!` and `dbg!`: is there a loop around one of them, and \
         what would end it? A program that serves has nothing to print between two requests.",
    ],
);

const NEVER_RETURNS: Mistake = Mistake::new(
    "`handle` never returns: a loop without an end, a lock that is taken twice, or an `.await` of \
     something that never comes.",
    [
        "What does a request for this path wait for, on its way through `handle`?",
        "Read `handle` from its first line to the arm of this path. Each `.await` there should \
         come to an end by itself, as that of `self.trees.respond(request)` does; a loop needs a \
         way out, and a lock that is held cannot be taken again.",
    ],
);

const GONE: Hints = [
    "Does the program still run after this request, and what has it printed last?",
    "What ends the program in the middle of a request is a panic, an `exit`, or an end of `main`. \
     Start it in one terminal, send the request from another, and read what the first one says.",
];
