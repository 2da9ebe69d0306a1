//! Whether each visit is observed, once.

use crate::check::program::assertions::{
    Change, answers, changes, exposition, others_visit, quote,
};
use crate::check::program::context::Context;
use crate::check::program::experiment::VISITS;
use crate::check::program::last_words::last_words;
use crate::check::program::metric::COUNT;
use crate::check::program::mistake::{Hints, Mistake, Sign, given_away};
use crate::check::program::run::Run;
use crate::check::program::source::{PANIC, Source};
use crate::check::program::uncounted::buffered;
use crate::check::program::variety::PAGE;
use crate::check::verdict::{Finding, Judgement};

pub(crate) fn observed(context: &Context<'_>, run: &Run) -> Judgement {
    let visits = answers(run.visits.as_ref())?;
    let before = exposition(run.before.as_ref())?;
    let after = exposition(run.after.as_ref())?;
    let sent = visits.answers.len() as f64;
    let rises = changes(before, after, COUNT);
    let of_page = rises.iter().find(|change| change.labels.get("endpoint") == Some(PAGE));
    let by = of_page.map_or(0.0, Change::by);
    if by == sent {
        return Ok(());
    }
    let other = rises.iter().find(|change| change.by() >= sent && Some(*change) != of_page);
    let found = match (of_page, other) {
        (None, Some(other)) => format!("{COUNT}{} rose by {}", other.labels, other.by()),
        (None, None) => "it did not rise".to_owned(),
        (Some(_), _) => format!("it rose by {by}"),
    };
    let line = of_page.or(other).map(|change| change.line);
    let line = line.or_else(|| Some(after.sample(COUNT, &[("endpoint", PAGE)])?.line));
    let words = last_words(run);
    let panics = words.iter().any(|line| line.contains(PANIC));
    let finding = Finding::new(format!("{COUNT}{{endpoint=\"{PAGE}\"}} rises by {sent}"), found)
        .quoting(line.and_then(|line| quote(after, line)))
        .with_last_words(words);
    let lost = by < sent && other.is_none();
    let elsewhere = other.and_then(|change| change.labels.get("endpoint"));
    let mistake = match (elsewhere, run.faults.failing) {
        (Some(endpoint), _) => observed_as(context.source, endpoint),
        _ if lost && panics => PANICS,
        (None, failing) if lost => unobserved(context.source, [by, sent], failing),
        (None, failing) => too_often(context.source, [by, sent], failing),
    };
    let start = match mistake.is_at("if ") && asks_time(&mistake) {
        true => context.start_timed(run.faults),
        false => context.start(run.faults),
    };
    // A scrape that is observed shows at the next one.
    let again = if by == sent + 1.0 { context.metrics() } else { String::new() };
    let finding = finding
        .try_with(start)
        .try_with(context.curl_visits().replace(&format!("-{VISITS}]"), &format!("-{sent}]")))
        .try_with(context.metrics())
        .try_with(again);
    if context.runs.attached && by > sent {
        return others_visit(finding);
    }
    finding.told(mistake).fail()
}

/// Whether its line asks how long something took.
fn asks_time(mistake: &Mistake) -> bool {
    ["elapsed", "as_millis", "as_secs"].iter().any(|part| mistake.is_at(part))
}

/// A line that observes.
fn observes(line: &str) -> bool {
    line.contains(".observe(") || line.contains("start_timer")
}

/// Why what should be observed of the page was observed of something else.
fn observed_as(source: &Source, endpoint: &str) -> Mistake {
    let cause = match endpoint.parse::<u16>() {
        Ok(_) => format!(
            "{endpoint:?} is a status, and it stands where the endpoint belongs. The label is \
             {PAGE:?} for the page, whatever the answer is: the endpoint that its arm names."
        ),
        Err(_) => format!(
            "These visits are observed as {endpoint:?}. The endpoint of the page is {PAGE:?}, \
             letter by letter, whatever the answer is: the one that its arm of the `match` names."
        ),
    };
    let line = source.literal(endpoint).or(source.line_with(&["let endpoint ="]));
    Mistake::naming(cause, ENDPOINT).at(line.or(source.line(observes)))
}

/// Why visits were not observed at all.
fn unobserved(source: &Source, [by, sent]: [f64; 2], failing: bool) -> Mistake {
    let observes_nothing = source.place(observes).is_none();
    if by == 0.0 && observes_nothing && !source.text.is_empty() && !source.has("closure_duration") {
        return NOTHING;
    }
    let buffered = buffered(source, "histogram", AT_ONCE);
    if let Some(mistake) = buffered.or_else(|| given_away(source, UNOBSERVED)) {
        return mistake;
    }
    // Where the others were observed, nothing is wrong with the histogram itself.
    if let Some(line) = source.in_handler("HistogramVec::new").filter(|_| !failing) {
        return MADE_ANEW.at(line);
    }
    let condition = source.line(|line| line.contains("if "));
    let mistake = match () {
        () if failing => FAILED,
        () if by > 0.0 => Mistake::naming(
            format!(
                "{by} of {sent} visits are observed, so something decides which. Observe every \
                 visit: one `observe` below the `match`, without an `if` around it."
            ),
            CONDITION,
        ),
        () if condition.is_some() => CONDITIONAL,
        () => NOTHING_REGISTERED,
    };
    mistake.at(condition.or(source.line(observes)))
}

/// Why there are more observations of the page than visits.
fn too_often(source: &Source, [by, sent]: [f64; 2], failing: bool) -> Mistake {
    let again = || source.second_line_with(".observe(").or(source.line(observes));
    match () {
        () if by == 2.0 * sent && source.has("start_timer") => {
            TIMED_TWICE.at(source.line_with(&["start_timer"]))
        }
        () if by == 2.0 * sent && failing => FAILURES_TWICE.at(again()),
        () if by == 2.0 * sent => TWICE.at(again()),
        () if by == sent + 1.0 => SCRAPE_AS_VISIT.at(source.line(observes)),
        () => OFTEN.at(source.line(observes)),
    }
}

const HOW_OFTEN: Hints = [
    "Follow one request through `handle`, and count the observations on its way. How many are \
     there?",
    "Each `observe` is one, and so is each timer that is dropped or stopped. One for each request \
     is enough, below the `match`, where all of them pass.",
];

const ENDPOINT: Hints = [
    "Which endpoint does /metrics show for your visits, and which one should it be?",
    "The `match` has chosen an endpoint for each request: the path of the page, if it is one that \
     you serve, and \"other\" for all the rest. `with_label_values` takes that, as it is.",
];

const CONDITION: Hints = [
    "Which visits raise _count, and which do not? What is different about those?",
    "All answers are observed: quick and slow ones, good and bad ones. Look at what stands around \
     the line that observes, and for every `return` above it.",
];

const AT_ONCE: Hints = [
    "This line is reached for every visit. Where does its observation go, and when does it arrive \
     at /metrics?",
    "docs.rs/prometheus: `observe` on the registered histogram shows at once. A timer observes \
     when it is dropped, or at `stop_and_record()`; a task and a buffer do so at a time of their \
     own.",
];

const PANICS: Mistake = Mistake::new(
    "`handle` panics, and what stands below is not reached. The program's own words say where, \
     and why.",
    [
        "What does the program say about these visits while it runs?",
        "A panic ends the request where it happens: the visitor gets no page, and nothing below \
         that line is done. `assert!`, `unwrap` and `expect` are for what can never be.",
    ],
);
const MADE_ANEW: Mistake = Mistake::new(
    "A histogram is made anew for each request here, and nobody sees what it observes. Make it \
     once, in `main`, register it, and keep it in App.",
    [
        "How many histograms does your program make while it runs, and which of them does the \
         registry have?",
        "Each `HistogramVec::new` makes another histogram, which begins with nothing. A clone is \
         the same one: what is registered and what observes are clones of each other.",
    ],
);
const FAILED: Mistake = Mistake::usual(
    "Failed visits are not observed. Observe below the `match`, where every answer passes, and \
     without an `if` around it.",
);
const CONDITIONAL: Mistake = Mistake::new(
    "Something decides here which visits are observed. Observe every one: one `observe` below the \
     `match`, without an `if` around it.",
    CONDITION,
);
const NOTHING: Mistake = Mistake::usual(
    "Nothing is observed yet. Below the `match`, where every answer passes, one `observe` times \
     them all.",
);
const NOTHING_REGISTERED: Mistake = Mistake::usual(
    "Nothing is observed, or what observes is not what was registered. Below the `match`, where \
     every answer passes, one `observe` times them all.",
);
const TIMED_TWICE: Mistake = Mistake::new(
    "Each visit is observed twice. A timer observes when it is dropped: with `observe` as well, \
     that makes two.",
    HOW_OFTEN,
);
const TWICE: Mistake = Mistake::new(
    "Each visit is observed twice. Once is enough, below the `match`, and not in its arms as well.",
    HOW_OFTEN,
);
const FAILURES_TWICE: Mistake = Mistake::new(
    "A failed visit is observed twice, and others once. One `observe` below the `match` is enough \
     for all: take the other out.",
    HOW_OFTEN,
);
const SCRAPE_AS_VISIT: Mistake = Mistake::new(
    "The scrape in between is observed as a visit of the page. Use the endpoint that the `match` \
     has chosen: each arm names its own.",
    ENDPOINT,
);
const OFTEN: Mistake = Mistake::new("Observe once for each request, below the `match`.", HOW_OFTEN);

/// Where visits are not observed.
const UNOBSERVED: &[Sign] = &[
    (
        &["stop_and_discard"],
        Mistake::new(
            "`stop_and_discard` ends the timer without an observation; `stop_and_record` or a drop \
             makes one.",
            AT_ONCE,
        ),
    ),
    (
        &["forget("],
        Mistake::new(
            "A timer observes when it is dropped, and what is given to `forget` never is.",
            AT_ONCE,
        ),
    ),
    (
        &["spawn"],
        Mistake::new(
            "A task of its own observes, at a time of its own. Observe at once, below the `match`.",
            AT_ONCE,
        ),
    ),
    (
        &["if ", "%"],
        Mistake::new(
            "`%` decides here which answers are observed. Observe each, without an `if`.",
            CONDITION,
        ),
    ),
    (&["if ", "as_millis"], Mistake::new(BY_TIME, CONDITION)),
    (&["if ", "as_secs"], Mistake::new(BY_TIME, CONDITION)),
    (&["if ", "elapsed"], Mistake::new(BY_TIME, CONDITION)),
    (
        &["return"],
        Mistake::new(
            "What returns here is not observed. Every answer has to reach the line that observes, \
             below the `match`, and is returned after that.",
            CONDITION,
        ),
    ),
];

const BY_TIME: &str = "A time decides here what is observed. Quick answers and slow ones count \
    alike: without them, every quantile is wrong.";
