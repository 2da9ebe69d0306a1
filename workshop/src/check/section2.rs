//! Section 2: requests are counted, by status and endpoint.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;
use super::look::{Change, Found, answers, changes, exposition, last, list, quote, quote_of};
use super::near::nearest;
use super::run::{Run, SCRAPES, STRANGERS};
use super::section1::last_words;
use crate::exposition::{Exposition, Family, Kind, Sample};
use crate::verdict::{Finding, Judgement, Quote};

/// The counter of this section.
pub(super) const COUNTER: &str = "requests_total";
const LABELS: [&str; 2] = ["endpoint", "status"];
const PAGE: &str = "/treecounter";

/// `requests_total` is there, a counter, with help.
pub(super) fn requests_counter(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    exposition(run.after.as_ref())?;
    let Some(read) = last(run) else { return Ok(()) };
    let Some(family) = read.family(COUNTER).filter(|family| !family.samples.is_empty()) else {
        return missing(context, read);
    };
    let finding = |expected: &str, found: String| {
        Finding::new(expected, found)
            .quoting(quote_of(read, COUNTER))
            .try_with(context.start_plain())
            .try_with(metrics(context))
    };
    if family.kind != Kind::Counter {
        let cause = match family.kind {
            Kind::Gauge => {
                "A count of requests only rises. As a gauge, nobody can tell a fall from a restart, \
                 and `rate()` is wrong: use IntCounterVec."
            }
            _ => "A count of requests is a counter: use IntCounterVec.",
        };
        return finding("# TYPE requests_total counter", format!("TYPE {}", family.kind))
            .because(cause)
            .showing(context.source.line_with(&["GaugeVec::new"]))
            .fail();
    }
    if family.help.as_deref().unwrap_or_default().trim().is_empty() {
        return finding("# HELP requests_total, with a sentence", "no help text".to_owned())
            .because("The second argument of `Opts::new` is what others read first.")
            .fail();
    }
    Ok(())
}

/// There is no `requests_total`, even after visits.
fn missing(context: &Context<'_>, read: &Exposition) -> Judgement {
    let expected = format!("a counter {COUNTER} at /metrics");
    if let Some(near) = nearest(read, COUNTER) {
        return Finding::new(expected, format!("{}, a {}", near.name, near.kind))
            .quoting(quote_of(read, &near.name))
            .because(format!("The name is {COUNTER}: the name of a counter ends in _total."))
            .showing(context.source.line_with(&[&format!("\"{}\"", near.name)]))
            .try_with(context.start_plain())
            .try_with(metrics(context))
            .fail();
    }
    let source = context.source;
    let default_registry = source.line(|line| line.contains("register_int_counter"));
    let (cause, line) = match () {
        () if !source.text.is_empty() && !source.has(COUNTER) => (
            "Your file does not name it yet. A counter is made with `IntCounterVec::new`, and \
             registered with the registry that MetricsHandler shows.",
            None,
        ),
        () if default_registry.is_some() => (
            "`register_int_counter_vec!` registers with the crate's own default registry, and \
             /metrics shows yours. Use `registry.register(Box::new(requests.clone()))`.",
            default_registry,
        ),
        () if source.count("Registry::new") > 1 => (
            "There are two registries. The counter has to be in the one that MetricsHandler shows.",
            source.second_line_with("Registry::new"),
        ),
        () if source.has(COUNTER) && !source.has(".register(") => (
            "The counter is made, but not registered: \
             `registry.register(Box::new(requests.clone()))?`.",
            source.line_with(&[COUNTER]),
        ),
        () if source.has(".register(") && !source.has("with_label_values") => (
            "A counter with labels shows nothing until a set of label values is named: \
             `requests.with_label_values(&[\"200\", \"/treecounter\"])`.",
            source.line_with(&[".register("]),
        ),
        () => (
            "Either it is not registered with the registry that MetricsHandler shows, or no set \
             of its label values was named yet: until then a counter with labels shows nothing.",
            None,
        ),
    };
    let visits = context.runs.calm.visits.as_ref().map_or(0, |visits| visits.answers.len());
    Finding::new(expected, format!("none, before and after {visits} visits to {PAGE}"))
        .because(cause)
        .showing(line)
        .try_with(context.start_plain())
        .try_with(metrics(context))
        .fail()
}

/// The family, which an earlier check has found.
fn family(read: &Exposition) -> Found<&Family> {
    match read.family(COUNTER) {
        Some(family) => Ok(family),
        None => Finding::new(format!("{COUNTER} at /metrics"), "none").fail(),
    }
}

/// Its labels are `status` and `endpoint`, and their values stand in the right place.
pub(super) fn labels(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let read = exposition(run.after.as_ref())?;
    let read = last(run).unwrap_or(read);
    let finding = |sample: &Sample, expected: String, found: String| {
        Finding::new(expected, found)
            .quoting(quote(read, sample.line))
            .try_with(context.start_plain())
            .try_with(metrics(context))
    };
    for sample in &family(read)?.samples {
        let names: BTreeSet<&str> = sample.labels.names().collect();
        if names != BTreeSet::from(LABELS) {
            let found: Vec<&str> = sample.labels.names().collect();
            let cause = match names.is_superset(&BTreeSet::from(LABELS)) {
                true => "Each further label multiplies the series. These two are enough here.",
                false => {
                    "The names are declared once: `IntCounterVec::new(opts, &[\"status\", \"endpoint\"])`."
                }
            };
            return finding(sample, "the labels status and endpoint".into(), list(&found))
                .because(cause)
                .showing(context.source.line_with(&["IntCounterVec::new", "&["]))
                .fail();
        }
        let status = sample.label("status").unwrap_or_default();
        if status.starts_with('/') || status == "other" {
            return finding(
                sample,
                "a status as status, and a path as endpoint".into(),
                format!("status={status:?}"),
            )
            .because(
                "The values stand in each other's place: `with_label_values` takes them in the \
                 order in which the names were declared.",
            )
            .showing(context.source.line_with(&["with_label_values"]))
            .fail();
        }
    }
    Ok(())
}

/// Both series of the page are there, at 0, before anybody came.
pub(super) fn pre_created(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let read = exposition(run.before.as_ref())?;
    for status in ["200", "503"] {
        let series = format!("{COUNTER}{{endpoint=\"{PAGE}\",status=\"{status}\"}}");
        let finding = |found: String| {
            Finding::new(format!("{series} 0"), found)
                .try_with(context.start_plain())
                .try_with(metrics(context))
        };
        let sample = read.sample(COUNTER, &[("status", status), ("endpoint", PAGE)]);
        match sample {
            Some(sample) if sample.value == 0.0 || context.runs.attached => {}
            Some(sample) => {
                return finding(format!("{} before the first visit", sample.value))
                    .quoting(quote(read, sample.line))
                    .because(
                        "`with_label_values` alone creates a series at 0; `inc()` is for requests.",
                    )
                    .showing(context.source.line_with(&["with_label_values", "inc()"]))
                    .fail();
            }
            None => {
                let (cause, line) = match context.source.above_main(MADE) {
                    Some(line) => (MADE_ANEW, Some(line)),
                    None => (ABSENT, None),
                };
                return finding(absent(read)).because(cause).showing(line).fail();
            }
        }
    }
    Ok(())
}

/// How a counter is made.
const MADE: &str = "IntCounterVec::new";

const MADE_ANEW: &str = "A counter is made anew for each request here. Make it once, in `main`, \
    keep it in App, and name the series that you know will come before `serve`.";

const ABSENT: &str = "A series appears when its label values are first named. An increase from \
    nothing to 1 is invisible to `rate()`, so the series that you know will come are named in \
    `main`, before `serve`.";

fn absent(read: &Exposition) -> String {
    let samples = read.family(COUNTER).map(|family| family.samples.as_slice()).unwrap_or_default();
    let series: Vec<String> = samples.iter().map(|s| format!("{}{}", s.name, s.labels)).collect();
    match series.as_slice() {
        [] => format!("no series of {COUNTER} before the first visit"),
        some => format!("before the first visit only {}", list(some)),
    }
}

/// N visits raise the series of their status by N, and no other.
pub(super) fn counts_visits(context: &Context<'_>) -> Judgement {
    counts(context, &context.runs.calm)
}

/// The visits of a run are counted by the status that the visitor saw.
pub(super) fn counts(context: &Context<'_>, run: &Run) -> Judgement {
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

/// With failures forced on, the 503 series rises and the 200 series does not.
pub(super) fn status_from_response(context: &Context<'_>) -> Judgement {
    if context.runs.attached {
        let visits = answers(context.runs.calm.visits.as_ref())?;
        if visits.statuses().any(|status| status == 503) {
            return counts(context, &context.runs.calm);
        }
    }
    let run = context.runs.failing()?;
    super::section1::starts(context, run)?;
    let visits = answers(run.visits.as_ref())?;
    if let Some(missing) = visits.unanswered() {
        return Finding::new("503, since every visit fails in this run", missing.to_string())
            .with_last_words(last_words(run))
            .try_with(context.start(run.faults))
            .try_with(context.curl(&visits.probe))
            .fail();
    }
    if let Some(status) = visits.statuses().find(|status| *status != 503) {
        return Finding::new("503, since every visit fails in this run", status.to_string())
            .because(
                "A failed answer has to reach the visitor as it is: `self.trees.respond(request)` \
                 gives it.",
            )
            .with_last_words(last_words(run))
            .try_with(context.start(run.faults))
            .try_with(context.curl(&visits.probe))
            .fail();
    }
    counts(context, run)
}

/// Scrapes do not raise the series of the page.
pub(super) fn scrapes_apart(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let before = exposition(run.after.as_ref())?;
    let after = exposition(run.scraped.as_ref())?;
    let rises = changes(before, after, COUNTER);
    let Some(change) = rises.iter().find(|change| change.labels.get("endpoint") == Some(PAGE))
    else {
        return Ok(());
    };
    let finding = Finding::new(
        format!("no visit to {PAGE} counted after {SCRAPES} scrapes"),
        format!("{} rose by {}", change.labels, change.by()),
    )
    .quoting(quote(after, change.line))
    .try_with(context.start_plain())
    .try_with(metrics(context))
    .try_with(metrics(context));
    if context.runs.attached {
        return finding
            .because("Somebody else may be visiting as well. Without --attach, the check is alone.")
            .could_not_tell();
    }
    finding
        .because(
            "Every request is counted as a visit to the page. Each arm of the `match` names its \
             own endpoint: a scrape's is \"/metrics\".",
        )
        .showing(context.source.line_with(&["with_label_values", "\"/treecounter\""]))
        .fail()
}

/// Unknown paths share one series.
pub(super) fn bounded_paths(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let before = exposition(run.scraped.as_ref())?;
    let after = exposition(run.end.as_ref())?;
    let new: Vec<Change> = changes(before, after, COUNTER)
        .into_iter()
        .filter(|change| change.before.is_none())
        .collect();
    // One for the unknown paths, and one for the scrape if that is the first of its kind.
    if new.len() <= 2 {
        return Ok(());
    }
    let shown = new.last().and_then(|change| quote(after, change.line));
    Finding::new(
        format!("one series more, at most, after {STRANGERS} unknown paths"),
        format!("{} new series", new.len()),
    )
    .quoting(shown)
    .because(
        "The path itself is the label's value, so strangers decide how many series there are. \
         Give all paths that are not yours one endpoint, \"other\".",
    )
    .showing(context.source.line(|line| {
        line.contains(".path()") && !line.contains("match") || line.contains("uri().to_string()")
    }))
    .try_with(context.start_plain())
    .try_with(context.curl_strangers())
    .try_with(metrics(context))
    .fail()
}

/// The command that shows the exposition.
pub(super) fn metrics(context: &Context<'_>) -> String {
    format!("curl -s http://{}/metrics", context.runs.host)
}
