//! Why visits were most likely not counted as they should.

use crate::check::program::assertions::{Change, changes, exposition};
use crate::check::program::clues;
use crate::check::program::context::Context;
use crate::check::program::metric::COUNTER;
use crate::check::program::run::{Run, Scrape};
use crate::check::program::source::Source;
use crate::check::program::variety::PAGE;
use crate::check::verdict::Quote;

/// How a counter is made.
pub(crate) const MADE: &str = "IntCounterVec::new";
/// Of an arm that returns.
pub(crate) const RETURNS: &str = "An arm that returns at once is not counted. Let every arm hand \
    its endpoint and its answer to the lines below the `match`.";

pub(crate) type Cause = (String, Option<Quote>);

/// Why the visits of a run were most likely not counted as they should.
pub(crate) fn miscounted(context: &Context<'_>, run: &Run, rises: &[Change]) -> Cause {
    let visits = run.visits.as_ref().map_or(0, |visits| visits.answers.len()) as f64;
    let status = run.visits.as_ref().and_then(|visits| visits.statuses().next()).unwrap_or(0);
    let status = status.to_string();
    let page = || rises.iter().filter(|change| change.labels.get("endpoint") == Some(PAGE));
    if let Some(change) = page().find(|change| change.labels.get("status") == Some(&status)) {
        return by_another_number(context, change.by(), visits);
    }
    if let Some(other) = page().find_map(|change| change.labels.get("status")) {
        return by_another_status(context, &status, other);
    }
    let elsewhere = rises.iter().find(|change| change.by() >= visits);
    if let Some(endpoint) = elsewhere.and_then(|change| change.labels.get("endpoint")) {
        let cause =
            format!("The endpoint of {PAGE} is {PAGE:?}, letter by letter, not {endpoint:?}.");
        return (cause, context.source.line_with(&[&format!("\"{endpoint}\"")]));
    }
    not_at_all(context, run, &status)
}

/// A local metric, which keeps what it is told to itself.
pub(crate) fn buffered(source: &Source, what: &str) -> Option<(String, Quote)> {
    let line = source.line(|line| line.contains(".local()"))?;
    let cause = format!(
        "A local {what} is a buffer: what it takes arrives in the registered {what} at `flush()`, \
         and not before. Use the {what} itself."
    );
    Some((cause, line))
}

/// The line that counts.
fn counting(context: &Context<'_>) -> Option<Quote> {
    context.source.line_with(&["with_label_values", "inc"])
}

/// The right series rose, by another number than that of the visits.
fn by_another_number(context: &Context<'_>, by: f64, visits: f64) -> Cause {
    let source = context.source;
    let (cause, line) = match () {
        () if source.has("inc_by(") => (
            "`inc_by` adds what it is told. `inc()` adds one, once for each request.",
            source.line_with(&["inc_by("]),
        ),
        () if by == 2.0 * visits => (
            "Each visit is counted twice. Count in one place, where every request passes: below \
             the `match`, and not in its arms as well.",
            source.second_line_with("inc()"),
        ),
        () if by == 1.0 => (
            "The counter stands at 1 however many visits there are: a new one is made for each \
             request. Make it once, in `main`, and keep it in App.",
            source.line_with(&["IntCounterVec::new"]),
        ),
        () if by < visits => {
            if let Some((cause, line)) = clues::told(source, clues::UNCOUNTED) {
                return (cause, Some(line));
            }
            (
                "Some visits are not counted. `inc()` adds one; `set` and `reset` do not count.",
                source.line(|line| line.contains("if ")).or(counting(context)),
            )
        }
        () => ("`inc()` adds one, once for each request.", counting(context)),
    };
    (cause.to_owned(), line)
}

/// The page's series of another status rose.
fn by_another_status(context: &Context<'_>, status: &str, other: &str) -> Cause {
    if let Some(line) = context.source.line_with(&["failure_rate"]) {
        let cause = "The status is guessed from the settings here. It is that of the answer: \
                     `response.status().as_str()`.";
        return (cause.to_owned(), Some(line));
    }
    let is_number = other.len() == 3 && other.bytes().all(|byte| byte.is_ascii_digit());
    let cause = match other.split_once(' ') {
        _ if other.ends_with("xx") => format!(
            "{other:?} is the class of the status. The label is the status itself, so that 404 \
             and 405 stay apart: `response.status().as_str()`."
        ),
        Some((code, _)) if code == status => format!(
            "{other:?} is how a StatusCode is displayed. Its code alone is \
             `response.status().as_str()`."
        ),
        _ if other == "200" && counts_too_early(context) => format!(
            "The visit is counted before its answer is known: the count rises while the visitor \
             still waits. Only {status} came back. Count after the `.await`, by \
             `response.status()`."
        ),
        _ if !is_number => format!(
            "status={other:?} is made from the answer, and is not its number. Only {status} came \
             back: `response.status().as_str()` gives it as text."
        ),
        _ => format!(
            "The label says {other} whatever the answer is. Only {status} came back: take the \
             label from `response.status()`."
        ),
    };
    let line = context.source.line_with(&[&format!("\"{other}\"")]);
    let status = || context.source.line_with(&["status"]);
    (cause, line.or_else(status).or_else(|| counting(context)))
}

/// No series of the page rose, nor another in its place.
fn not_at_all(context: &Context<'_>, run: &Run, status: &str) -> Cause {
    let source = context.source;
    if let Some((cause, line)) = buffered(source, "counter") {
        return (cause, Some(line));
    }
    if let Some((cause, line)) = clues::told(source, clues::UNCOUNTED) {
        return (cause, Some(line));
    }
    if let Some((header, line)) = source.header() {
        let cause = format!(
            "Visits are left out by a header, {header}. Every answer counts, whoever has asked: \
             count below the `match`, without an `if` around it."
        );
        return (cause, Some(line));
    }
    if let Some(line) = source.in_handler(MADE) {
        let cause = "A counter is made anew for each request here. The one that is registered is \
                     another one, and nothing counts with it.";
        return (cause.to_owned(), Some(line));
    }
    if let Some(line) = source.line_with(&["\"/treecounter\" =>", "return"]) {
        return (RETURNS.to_owned(), Some(line));
    }
    if source.count(MADE) > 1 {
        let cause = "Two counters are made, and only one is registered. Make one, register a clone \
                     of it, and count with it.";
        return (cause.to_owned(), source.second_line_with(MADE));
    }
    if is_kept(run) {
        return (
            KEPT.to_owned(),
            source.line(|line| line.contains("gather") || line.contains("elapsed")),
        );
    }
    let cause = match () {
        () if status == "503" => {
            "Failures are not counted. Count below the `match`, where every answer passes, and \
             without an `if` around it."
        }
        () if !source.text.is_empty() && !source.has("inc") => {
            "Nothing counts yet. Below the `match`, where every answer passes, one line counts \
             them all, by `response.status()` and endpoint."
        }
        () => {
            "Nothing counts these visits, or what counts is not what was registered. Count below \
             the `match`, with a clone of the counter that was registered in `main`."
        }
    };
    (cause.to_owned(), source.line(|line| line.contains("if ")).or(counting(context)))
}

const KEPT: &str = "Both scrapes are the same text, to the last byte: the exposition is kept from \
    earlier. Make it anew for each scrape: `self.metrics.respond(request)`.";

/// Whether the exposition after the visits is that from before.
fn is_kept(run: &Run) -> bool {
    let body =
        |scrape: &Option<Scrape>| Some(scrape.as_ref()?.answer.as_ref().ok()?.answer.body.clone());
    body(&run.before).is_some_and(|before| Some(before) == body(&run.after))
}

/// Whether the count rises while visitors still wait.
fn counts_too_early(context: &Context<'_>) -> bool {
    let Ok(run) = context.runs.stuck() else { return false };
    let before = exposition(run.before.as_ref());
    let during =
        run.during.iter().rev().find_map(|scrape| scrape.exposition.as_ref()?.as_ref().ok());
    let (Ok(before), Some(during)) = (before, during) else { return false };
    changes(before, during, COUNTER)
        .iter()
        .any(|change| change.labels.get("endpoint") == Some(PAGE) && change.by() >= 1.0)
}
