//! Whether visits are counted, and if not, why most likely: of section 2, and still of the bonus.

use std::collections::BTreeMap;

use crate::check::program::assertions::{Change, answers, changes, exposition, list, quote};
use crate::check::program::context::Context;
use crate::check::program::experiment::{PAGE, Run, SCRAPES};
use crate::check::program::section1::last_words;
use crate::check::program::section2::{COUNTER, MADE, RETURNS, family, metrics};
use crate::check::verdict::{Finding, Judgement, Quote};
use crate::exposition::Exposition;

/// The visits of a run are counted by the status that the visitor saw.
pub(crate) fn counts(context: &Context<'_>, run: &Run) -> Judgement {
    let visits = answers(run.visits.as_ref())?;
    let before = exposition(run.before.as_ref())?;
    let after = exposition(run.after.as_ref())?;
    family(after)?;
    let rises = changes(before, after, COUNTER);
    let page = |change: &&Change| change.labels.get("endpoint") == Some(PAGE);
    let mut sent: BTreeMap<String, f64> = BTreeMap::new();
    for status in visits.statuses() {
        *sent.entry(status.to_string()).or_default() += 1.0;
    }
    // A scrape that is counted as a visit is the business of a later check.
    let by_scrape = scrapes_counted_as(&context.runs.calm, PAGE);
    let counted: BTreeMap<String, f64> = rises
        .iter()
        .filter(page)
        .map(|change| (change.labels.get("status").unwrap_or_default().to_owned(), change.by()))
        .collect();
    let right = sent.keys().chain(counted.keys()).all(|status| {
        let counted = counted.get(status).copied().unwrap_or(0.0);
        let sent = sent.get(status).copied().unwrap_or(0.0);
        counted == sent || (status == "200" && counted == sent + by_scrape)
    });
    // Elsewhere, one scrape may have been counted, and nothing else.
    let elsewhere = rises.iter().find(|change| !page(change) && change.by() > 1.0);
    if right && elsewhere.is_none() {
        return Ok(());
    }
    let shown = rises.iter().find(|change| !right && page(change)).or(elsewhere);
    let line = shown.map(|change| change.line);
    let line = line.or_else(|| expected_line(after, sent.keys().next()?)).or(first_line(after));
    let finding = Finding::new(told(&sent), found(&rises, after))
        .quoting(line.and_then(|line| quote(after, line)))
        .with_last_words(last_words(run))
        .try_with(context.start(run.faults))
        .try_with(context.curl_visits())
        .try_with(metrics(context));
    if context.runs.attached && rises.iter().any(|change| change.by() > 0.0) {
        return finding
            .because("Somebody else may be visiting as well. Without --attach, the check is alone.")
            .could_not_tell();
    }
    let (cause, source) = miscounted(context, run, &rises);
    finding.because(cause).showing(source).fail()
}

/// By how much one scrape raises the series of an endpoint.
fn scrapes_counted_as(run: &Run, endpoint: &str) -> f64 {
    let (Ok(after), Ok(scraped)) =
        (exposition(run.after.as_ref()), exposition(run.scraped.as_ref()))
    else {
        return 0.0;
    };
    let rises = changes(after, scraped, COUNTER);
    let of_endpoint = rises.iter().filter(|change| change.labels.get("endpoint") == Some(endpoint));
    of_endpoint.map(Change::by).sum::<f64>() / SCRAPES as f64
}

/// The series that should have risen.
fn expected_line(read: &Exposition, status: &str) -> Option<usize> {
    Some(read.sample(COUNTER, &[("status", status), ("endpoint", PAGE)])?.line)
}

fn first_line(read: &Exposition) -> Option<usize> {
    let samples = &read.family(COUNTER)?.samples;
    let page = samples.iter().find(|sample| sample.label("endpoint") == Some(PAGE));
    page.or(samples.first()).map(|sample| sample.line)
}

fn told(sent: &BTreeMap<String, f64>) -> String {
    let parts: Vec<String> = sent
        .iter()
        .map(|(status, count)| {
            format!("{{endpoint=\"{PAGE}\",status=\"{status}\"}} rises by {count}")
        })
        .collect();
    format!("{}, and no other", list(&parts))
}

fn found(rises: &[Change], after: &Exposition) -> String {
    let told: Vec<String> = rises
        .iter()
        .filter(|change| change.labels.get("endpoint") != Some("/metrics"))
        .map(|change| match change.by() {
            by if by < 0.0 => format!("{} fell by {}", change.labels, -by),
            by => format!("{} rose by {by}", change.labels),
        })
        .collect();
    match (told.as_slice(), first_line(after)) {
        ([], _) => "none of its series rose".to_owned(),
        (told, _) => list(told),
    }
}

type Cause = (String, Option<Quote>);

/// Why the visits were not counted as they should.
fn miscounted(context: &Context<'_>, run: &Run, rises: &[Change]) -> Cause {
    let source = context.source;
    let visits = run.visits.as_ref().map_or(0, |visits| visits.answers.len()) as f64;
    let status = run.visits.as_ref().and_then(|visits| visits.statuses().next()).unwrap_or(0);
    let status = status.to_string();
    let page = || rises.iter().filter(|change| change.labels.get("endpoint") == Some(PAGE));
    let counting = source.line_with(&["with_label_values", "inc"]);
    if let Some(change) = page().find(|change| change.labels.get("status") == Some(&status)) {
        let by = change.by();
        return match () {
            () if source.has("inc_by(") => (
                "`inc_by` adds what it is told. `inc()` adds one, once for each request."
                    .to_owned(),
                source.line_with(&["inc_by("]),
            ),
            () if by == 2.0 * visits => (
                "Each visit is counted twice. Count in one place, where every request passes: \
                 below the `match`, and not in its arms as well."
                    .to_owned(),
                source.second_line_with("inc()"),
            ),
            () if by == 1.0 => (
                "The counter stands at 1 however many visits there are: a new one is made for \
                 each request. Make it once, in `main`, and keep it in App."
                    .to_owned(),
                source.line_with(&["IntCounterVec::new"]),
            ),
            () if by < visits => (
                "Some visits are not counted. `inc()` adds one; `set` and `reset` do not count."
                    .to_owned(),
                counting,
            ),
            () => ("`inc()` adds one, once for each request.".to_owned(), counting),
        };
    }
    let other = page().find_map(|change| change.labels.get("status").map(str::to_owned));
    if let Some(other) = other {
        let cause = match other.split_once(' ') {
            Some((code, _)) if code == status => format!(
                "{other:?} is how a StatusCode is displayed. Its code alone is \
                 `response.status().as_str()`."
            ),
            _ if other == "200" && counts_too_early(context) => format!(
                "The visit is counted before its answer is known: the count rises while the \
                 visitor still waits. Only {status} came back. Count after the `.await`, by \
                 `response.status()`."
            ),
            _ => format!(
                "The label says {other} whatever the answer is. Only {status} came back: take the \
                 label from `response.status()`."
            ),
        };
        return (cause, source.line_with(&[&format!("\"{other}\"")]).or(counting));
    }
    let elsewhere = rises.iter().find(|change| change.by() >= visits);
    if let Some(endpoint) = elsewhere.and_then(|change| change.labels.get("endpoint")) {
        let cause =
            format!("The endpoint of {PAGE} is {PAGE:?}, letter by letter, not {endpoint:?}.");
        return (cause, source.line_with(&[&format!("\"{endpoint}\"")]));
    }
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
    (cause.to_owned(), counting)
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
