//! Whether answers take the time that they should: visits what the settings say, and all others
//! none, also while visits are slow.

use std::time::Duration;

use crate::check::program::assertions::exposition;
use crate::check::program::clients;
use crate::check::program::context::Context;
use crate::check::program::life::starts;
use crate::check::program::mistake::{Hints, MADE_UP, Mistake, SETTINGS, Sign, given_away};
use crate::check::program::run::Run;
use crate::check::program::source::Source;
use crate::check::program::variety::PAGE;
use crate::check::verdict::{Finding, Judgement};
use crate::http::probe::{Probe, Timed};

/// What waits for nothing is answered within this, also on a busy machine.
const PROMPT: Duration = Duration::from_millis(500);
/// Visits of a printed command: more than a machine has threads, and as many as curl sends at once.
const MANY: usize = 50;
/// So many times the latency is more than one call of the page. Nothing waits for less than it
/// should, and on a busy machine much waits for longer.
const TWICE: f64 = 1.99;

/// Every visit takes its latency, once.
pub(crate) fn as_told(context: &Context<'_>) -> Judgement {
    if context.runs.attached {
        return Ok(());
    }
    context
        .runs
        .all()
        .filter(|run| !run.faults.latency.is_zero())
        .try_for_each(|run| one(context, run))
}

fn one(context: &Context<'_>, run: &Run) -> Judgement {
    let Some(visits) = run.visits.as_ref().filter(|visits| visits.unanswered().is_none()) else {
        // Why there are none, a check of its own says.
        return Ok(());
    };
    let told = run.faults.latency.as_secs_f64();
    let quickest = visits.quickest_seconds();
    if (told * 0.99..told * TWICE).contains(&quickest) {
        return Ok(());
    }
    let mistake = match () {
        () if quickest < told => given_away(context.source, TOO_QUICK).unwrap_or(NOT_AWAITED),
        () if context.source.has("sleep") => SLEEPS.at(context.source.line_with(&["sleep"])),
        () if run.faults.failing => {
            let again = |line: &str| line.contains(".respond(") && !line.contains("let ");
            TRIED_AGAIN.at(context.source.line(again))
        }
        () => TWO_CALLS.at(context.source.line_with_any(&[".respond(", "settings"])),
    };
    Finding::new(
        format!("visits that take {told} s or little more, as the settings say"),
        format!("{quickest:.2} s, for the quickest of them"),
    )
    .told(mistake)
    .try_with(context.start_timed(run.faults))
    .try_with(timed(context, &visits.probe))
    .fail()
}

/// A scrape does not wait for the visits that are under way.
pub(crate) fn scrape_not_delayed(context: &Context<'_>) -> Judgement {
    let run = context.runs.stuck()?;
    starts(context, run)?;
    exposition(run.before.as_ref())?;
    during(context, run)?;
    prompt(context)
}

/// Every scrape beside slow visits was answered, and soon.
pub(crate) fn during(context: &Context<'_>, run: &Run) -> Judgement {
    match run.held_up() {
        None => Ok(()),
        Some((scrape, found)) => {
            let expected = "an answer from /metrics while slow visits are under way";
            Finding::new(expected, found)
                .told(held(context.source))
                .try_with(context.start(run.faults))
                .try_with(format!(
                    "curl -sZ \"http://{}/treecounter?[1-{MANY}]\" &",
                    context.runs.host
                ))
                .try_with(timed(context, &scrape.probe))
                .fail()
        }
    }
}

/// What most likely holds up a scrape while visits are under way.
fn held(source: &Source) -> Mistake {
    if let Some(mistake) = given_away(source, HOLDING) {
        return mistake;
    }
    let choice = source.place(|line| line.contains("match request"));
    let asked = source.line(|line| line.contains("trees.respond(") && line.contains("let "));
    let above = asked.filter(|asked| choice.is_some_and(|choice| asked.line < choice.line));
    above.map_or(SHARED, |line| ASKED_ABOVE.at(line))
}

/// The command of a probe that says how long it took.
fn timed(context: &Context<'_>, probe: &Probe) -> String {
    format!("{} -w \"%{{time_total}}\\n\"", context.curl(probe))
}

/// What waits for nothing is answered at once.
fn prompt(context: &Context<'_>) -> Judgement {
    let waits = context.runs.attached;
    let plain = context.runs.calm.before.as_ref();
    let plain = plain.and_then(|scrape| Some((&scrape.probe, scrape.answer.as_ref().ok()?)));
    if let Some((probe, timed)) = plain.filter(|(_, timed)| timed.took >= PROMPT) {
        return late(context, "a scrape waits", probe, timed);
    }
    for varied in &context.runs.calm.varied {
        let quickest = clients::pairs(varied).min_by_key(|(_, timed)| timed.took);
        let Some((_, timed)) = quickest else { continue };
        if timed.took < PROMPT || (waits && varied.group.endpoint == PAGE) {
            continue;
        }
        let kind = format!("{} wait", varied.group.what);
        return late(context, &kind, &varied.answers.probe, timed);
    }
    Ok(())
}

/// An answer that is late, though its kind waits for nothing.
fn late(context: &Context<'_>, kind: &str, probe: &Probe, late: &Timed) -> Judgement {
    let line = context.source.line_with_any(&["sleep", "block_on", "interval", "timeout"]);
    Finding::new(
        format!("an answer at once: {kind} for nothing in this run"),
        format!("{:.1} s, for the quickest", late.took.as_secs_f64()),
    )
    .told(WAITS_BY_ITSELF.at(line))
    .try_with(context.start_plain())
    .try_with(timed(context, probe))
    .fail()
}

/// Why a visit takes less time than it should.
const TOO_QUICK: &[Sign] = &[
    MADE_UP,
    (
        &["settings.latency"],
        Mistake::new(
            "The latency is set here, whatever the environment says. Leave the settings as \
             `Settings::from_env()?` gives them.",
            SETTINGS,
        ),
    ),
    (
        &["timeout("],
        Mistake::new(
            "`timeout` gives the page up before it is there. A visit waits for \
             `self.trees.respond(request).await` as long as that takes.",
            [
                "How long does your program wait for the page, and who has decided that?",
                "A slow page is part of the exercise, and it is what a histogram should show. \
                 `self.trees.respond(request).await` ends by itself: nothing has to end it \
                 before.",
            ],
        ),
    ),
];

const NOT_AWAITED: Mistake = Mistake::new(
    "The program does not wait for its page, or does not take its settings from the environment: \
     `self.trees.respond(request).await` for each visit, and `Settings::from_env()?` as it is.",
    SETTINGS,
);

const SLEEPS: Mistake = Mistake::new(
    "Something in `handle` waits by itself. The latency is the tree counter's alone.",
    WAITING,
);

const WAITS_BY_ITSELF: Mistake = Mistake::new(
    "The latency is the tree counter's, and this run sets it to 0. Something in `handle` waits by \
     itself: a `sleep`, or a lock that others hold.",
    WAITING,
);

const WAITING: Hints = [
    "What does this request wait for, on its way through `handle`?",
    "The tree counter takes the time that the settings say, and nothing else needs any. Look for \
     a `sleep` and for every other `.await`, above the `match` and in the arm: what is it for?",
];

const TWO_CALLS: Mistake = Mistake::new(
    "The page is asked for twice, and each call of `self.trees.respond(request)` takes the whole \
     latency. Once for each visit is enough.",
    ONE_CALL,
);

const TRIED_AGAIN: Mistake = Mistake::new(
    "A visit that fails takes longer than one call: the page is asked for again. A failure has to \
     reach the visitor, after one call of `self.trees.respond(request)`.",
    ONE_CALL,
);

const ONE_CALL: Hints = [
    "How often is the tree counter asked, for one visit?",
    "Each `self.trees.respond(request).await` is a visit of its own, with the latency of one, and \
     may fail by itself. Follow one request through `handle`, and count the calls on its way.",
];

/// What holds up others.
const HOLDING: &[Sign] = &[
    (
        &["thread::sleep"],
        Mistake::new(
            "`std::thread::sleep` holds its thread while it sleeps, and threads are few: the \
             scrape waits for one. `tokio::time::sleep(...).await` holds none.",
            HELD_THREAD,
        ),
    ),
    (
        &["block_on("],
        Mistake::new(
            "`block_on` holds its thread until it has its answer, and threads are few: the scrape \
             waits for one. `.await` holds none.",
            HELD_THREAD,
        ),
    ),
    (&[".lock()"], Mistake::new(LOCKED, HELD_LOCK)),
    (&[".write().await"], Mistake::new(LOCKED, HELD_LOCK)),
    (
        &[".acquire"],
        Mistake::new(
            "A permit is kept over an `.await` here. Who waits for a page keeps it as long, and \
             the scrape waits for it.",
            HELD_LOCK,
        ),
    ),
    (&["while ", "elapsed"], Mistake::new(COMPUTES, HELD_THREAD)),
    (&["loop {"], Mistake::new(COMPUTES, HELD_THREAD)),
];

const LOCKED: &str = "The visits hold something that the scrape waits for: a lock kept over an \
    `.await`. Neither `handle` nor a metric needs a lock.";
const COMPUTES: &str = "A loop without an `.await` holds its thread as long as it runs, and \
    threads are few: the scrape waits for one.";

const ASKED_ABOVE: Mistake = Mistake::new(
    "Every request asks for a page here, a scrape as well, and waits for it. Let the arm of \
     \"/treecounter\" do that, with its own `.await`.",
    [
        "Which lines of `handle` does a scrape run through, before it gets to its arm?",
        "What stands above the `match` is done for every request. An `.await` there is waited for \
         by all of them; in an arm, by those alone that the arm is for.",
    ],
);

const SHARED: Mistake = Mistake::usual(
    "The scrape waits for something that slow visits hold, or asks for a page itself: look for a \
     lock kept over an `.await`, a thread that is held, and an `.await` above the `match`.",
);

const HELD_THREAD: Hints = [
    "While a visit is in this line, can its thread do anything else?",
    "tokio runs all requests on a few threads, as a rule one for each core. At an `.await` a task \
     lets its thread go, as at `tokio::time::sleep(...).await`; whatever takes long without one \
     keeps it, and when all are kept, nobody is answered.",
];

const HELD_LOCK: Hints = [
    "What does a visit hold while it waits for its page, and who else needs that?",
    "A lock or a permit is held until its guard is dropped, at the end of the block. With an \
     `.await` in between, all others wait that long. `handle` takes `&self`, and needs none.",
];
