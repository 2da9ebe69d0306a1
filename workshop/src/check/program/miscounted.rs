//! Why visits were most likely not counted as they should.

use crate::check::program::assertions::{Change, changes, exposition};
use crate::check::program::context::Context;
use crate::check::program::metric::COUNTER;
use crate::check::program::run::Run;
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
    not_at_all(context, &status)
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
        () if by < visits => (
            "Some visits are not counted. `inc()` adds one; `set` and `reset` do not count.",
            counting(context),
        ),
        () => ("`inc()` adds one, once for each request.", counting(context)),
    };
    (cause.to_owned(), line)
}

/// The page's series of another status rose.
fn by_another_status(context: &Context<'_>, status: &str, other: &str) -> Cause {
    let cause = match other.split_once(' ') {
        Some((code, _)) if code == status => format!(
            "{other:?} is how a StatusCode is displayed. Its code alone is \
             `response.status().as_str()`."
        ),
        _ if other == "200" && counts_too_early(context) => format!(
            "The visit is counted before its answer is known: the count rises while the visitor \
             still waits. Only {status} came back. Count after the `.await`, by \
             `response.status()`."
        ),
        _ => format!(
            "The label says {other} whatever the answer is. Only {status} came back: take the \
             label from `response.status()`."
        ),
    };
    let line = context.source.line_with(&[&format!("\"{other}\"")]);
    (cause, line.or(counting(context)))
}

/// No series of the page rose, nor another in its place.
fn not_at_all(context: &Context<'_>, status: &str) -> Cause {
    let source = context.source;
    if let Some(line) = source.above_main(MADE) {
        let cause = "A counter is made anew for each request here. The one that is registered is \
                     another one, and nothing counts with it.";
        return (cause.to_owned(), Some(line));
    }
    if let Some(line) = source.line_with(&["\"/treecounter\" =>", "return"]) {
        return (RETURNS.to_owned(), Some(line));
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
            "Nothing counts, or what counts is not what was registered: a counter that is made \
             anew, in the handler, is another one. Clones of one counter are the same."
        }
    };
    (cause.to_owned(), counting(context))
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
