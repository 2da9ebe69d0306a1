//! Whether visits get the tree counter's own answers: the good ones and the failed ones.

use crate::check::program::clients;
use crate::check::program::context::Context;
use crate::check::program::faults::Faults;
use crate::check::program::last_words::{death, last_words, may_have_panicked, words};
use crate::check::program::life::{nobody, silence, starts, unanswered};
use crate::check::program::mistake::{Hints, MADE_UP, Mistake, SETTINGS, Sign, given_away};
use crate::check::program::run::Run;
use crate::check::program::source::{PANIC, Source};
use crate::check::program::variety::PAGE;
use crate::check::program::waits::{self, during};
use crate::check::verdict::{Finding, Judgement};
use crate::http::fetch::Answer;
use crate::http::no_answer::NoAnswer;
use crate::http::probe::Timed;

/// It answers a visit with a page.
pub(crate) fn serves_trees(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let expected = "200 from /treecounter, with failures switched off";
    let visits = match &run.visits {
        Some(visits) => visits,
        // The scrape that comes first was not answered: nothing is.
        None => return unanswered(context, run, "an answer", run.before.as_ref()),
    };
    let finding = |found: String| {
        Finding::new(expected, found)
            .try_with(context.start(Faults::NONE))
            .try_with(context.curl(&visits.probe))
    };
    if let Some(missing) = visits.unanswered() {
        if context.runs.attached && matches!(missing, NoAnswer::Refused) {
            return nobody(context);
        }
        return finding(missing.to_string())
            .told(silence(missing))
            .with_last_words(last_words(run))
            .fail();
    }
    let allowed = |status| status == 200 || (context.runs.attached && status == 503);
    match visits.statuses().find(|status| !allowed(*status)) {
        None => {
            clients::statuses(context, PAGE)?;
            clients::statuses(context, "/")?;
            page(context)?;
            serves_failures(context)?;
            // What holds a thread is better told by the check of scrapes.
            match context.runs.stuck().map(|run| during(context, run)) {
                Ok(Err(_)) => Ok(()),
                _ => waits::as_told(context),
            }
        }
        Some(500) if may_have_panicked(context) => finding("500: the handler panicked".to_owned())
            .told(PANICS)
            .with_last_words(last_words(run))
            .fail(),
        Some(404) => {
            let mistake = clients::missed(context.source, PAGE, NO_ARM);
            finding("404: nothing answers at this path".to_owned()).told(mistake).fail()
        }
        Some(status) => {
            let elsewhere = Mistake::new(MADE_ELSEWHERE, OWN_ANSWER);
            let mistake = given_away(context.source, &[MADE_UP]).unwrap_or(elsewhere);
            finding(status.to_string()).told(mistake).with_last_words(last_words(run)).fail()
        }
    }
}

/// A visit that fails is answered, by the page itself.
fn serves_failures(context: &Context<'_>) -> Judgement {
    let Ok(run) = context.runs.failing() else { return Ok(()) };
    starts(context, run)?;
    // Without a scrape before them there were no visits.
    let Some(visits) = &run.visits else { return Ok(()) };
    let finding = |found: String| {
        Finding::new("503, since every visit fails in this run", found)
            .with_last_words(last_words(run))
            .try_with(context.start(run.faults))
            .try_with(context.curl(&visits.probe))
    };
    if let Some(missing) = visits.unanswered() {
        let mistake = match missing {
            NoAnswer::TimedOut(_) => AGAIN,
            _ => silence(missing),
        };
        let line = context.source.line_with_any(&["loop", "while "]);
        return finding(missing.to_string()).told(mistake.at(line)).fail();
    }
    match visits.statuses().find(|status| *status != 503) {
        None => Ok(()),
        Some(500) if words(run).contains(PANIC) => {
            let line = death(context.source, &words(run)).and_then(|death| death.line);
            finding("500: the handler panicked".to_owned()).told(PANICS_THEN.at(line)).fail()
        }
        Some(status) => finding(status.to_string()).told(failure_changed(context.source)).fail(),
    }
}

/// What most likely makes something else of a failure.
fn failure_changed(source: &Source) -> Mistake {
    given_away(source, CHANGED).unwrap_or_else(|| {
        let telling = ["status_mut", "failure_rate", "503", "status", "trees.respond"];
        REACHES.at(telling.iter().find_map(|part| source.in_handler(part)))
    })
}

/// The page is the tree counter's: as a page for a browser, as JSON for who asks for it.
fn page(context: &Context<'_>) -> Judgement {
    for varied in clients::groups(&context.runs.calm, PAGE) {
        let answers = clients::pairs(varied).filter(|(_, timed)| timed.answer.status == 200);
        for (probe, Timed { answer, .. }) in answers {
            let is_head = probe.method == hyper::Method::HEAD;
            let asks_json = probe.headers.iter().any(|(_, value)| *value == "application/json");
            let found = match () {
                () if is_head => continue,
                () if answer.body.is_empty() => "an empty body".to_owned(),
                () if asks_json && !is_count(answer) => beginning(answer),
                () => continue,
            };
            let expected = match asks_json {
                true => "a count in JSON, {\"count\":…}, from the tree counter",
                false => "the tree counter's page",
            };
            let later = changes_later(&context.runs.calm);
            let cause = match () {
                () if answer.body.starts_with(b"# ") => EXPOSITION,
                () if later => FIRST_ALONE,
                () => MADE_ELSEWHERE,
            };
            let made = context.source.in_handler("Response::");
            let curl = context.curl(probe);
            return Finding::new(expected, found)
                .told(Mistake::naming(cause.to_owned(), OWN_ANSWER).at(made))
                .try_with(context.start_plain())
                .try_with(if later { curl.as_str() } else { "" })
                .try_with(curl.as_str())
                .fail();
        }
    }
    Ok(())
}

fn is_count(answer: &Answer) -> bool {
    let json = serde_json::from_slice::<serde_json::Value>(&answer.body);
    json.is_ok_and(|json| json["count"].as_u64().is_some_and(|count| count > 0))
}

fn beginning(answer: &Answer) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    let text = text.trim();
    let start: String = text.chars().take(40).collect();
    let more = if start.len() < text.len() { " ..." } else { "" };
    format!("{start:?}{more}")
}

/// Whether the last visits have the same answer, and the first had another: a page tells the time
/// of day nowhere, but the count of trees rises.
fn changes_later(run: &Run) -> bool {
    let answers = run.visits.iter().flat_map(|visits| &visits.answers).flatten();
    let bodies: Vec<_> = answers.map(|timed| &timed.answer.body).collect();
    matches!(&bodies[..], [first, .., before, last] if before == last && first != last)
}

const NO_ARM: &str = "`handle` needs an arm for \"/treecounter\" that calls `self.trees.respond`.";
const EXPOSITION: &str = "This is the exposition, which `self.metrics` gives. A visit is answered \
    by `self.trees.respond(request).await`. Have two arms each other's answer?";
const FIRST_ALONE: &str = "The first visit gets the page of `self.trees`, and later ones another \
    answer. Each is answered by `self.trees.respond(request).await`, made anew.";
const MADE_ELSEWHERE: &str = "This is not what the tree counter answers. Send what \
    `self.trees.respond(request).await` gives, for every visit and as it is.";

const OWN_ANSWER: Hints = [
    "Who makes the answer that a visit gets here, and who should make it?",
    "`self.trees.respond(request).await` is the whole answer: its status, its headers and its \
     body. The arm of \"/treecounter\" needs nothing else. Asking for it and sending something \
     else, or keeping an answer for the next visit, is another page.",
];

const PANICS: Mistake = Mistake::new(
    "The program's own words name the line.",
    [
        "Which line of your file do the last words name, and what does it take for granted?",
        "A panic in `handle` costs that visit its answer: it gets a 500. `expect`, `unwrap`, \
         `assert!` and the like panic; the arm of \"/treecounter\" needs none of them.",
    ],
);

const PANICS_THEN: Mistake = Mistake::new(
    "It panics when a visit fails. The program's own words name the line.",
    [
        "What does the line that panicked take for granted, and is that so when a visit fails?",
        "Failures are part of the exercise: `self.trees.respond(request)` then gives a 503, which \
         is an answer like others. Nothing in `handle` should insist on a good one, with an \
         `assert!` or an `expect`.",
    ],
);

const REACHES: Mistake = Mistake::new(
    "A failed answer has to reach the visitor as it is, status and all: send what \
     `self.trees.respond(request)` gives.",
    [
        "A visit may fail, with a 503. What becomes of that status on its way out of `handle`?",
        "Follow the answer from `self.trees.respond(request).await` to the end of `handle`. Its \
         status, `response.status()`, may be read; it is not set, and no other answer is made of \
         it.",
    ],
);

const CHANGED: &[Sign] = &[
    (
        &["settings.failure_rate"],
        Mistake::new(
            "The failure rate is set here, whatever TREECOUNTER_FAILURE_RATE says. Leave the \
             settings as `Settings::from_env()?` gives them.",
            SETTINGS,
        ),
    ),
    MADE_UP,
];

const AGAIN: Mistake = Mistake::new(
    "A failed visit gets no answer. Is it tried again until it is good? A 503 has to reach the \
     visitor as it is: `self.trees.respond(request)` gives it.",
    [
        "In this run every visit fails. What does your program do with a visit that has failed?",
        "`self.trees.respond(request).await` always gives an answer, and a 503 is one. Await it \
         once, outside of any loop, and send what it gives.",
    ],
);
