//! Section 2: requests are counted, by status and endpoint.

use crate::check::program::assertions::{answers, exposition, last, list, quote, quote_of};
use crate::check::program::clues;
use crate::check::program::context::Context;
use crate::check::program::counting::{counts, family};
use crate::check::program::life::starts;
use crate::check::program::metric::{COUNTER, HISTOGRAM, REQUESTS};
use crate::check::program::miscounted::MADE;
use crate::check::program::similar::nearest;
use crate::check::program::tally;
use crate::check::program::variety::PAGE;
use crate::check::verdict::{Finding, Judgement, Quote};
use crate::exposition::{Exposition, Kind, Sample};
use std::collections::BTreeSet;

const LABELS: [&str; 2] = ["endpoint", "status"];

/// `requests_total` is there, a counter, with help.
pub(crate) fn requests_counter(context: &Context<'_>) -> Judgement {
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
            .try_with(context.metrics())
    };
    if family.kind != Kind::Counter {
        let cause = match family.kind {
            Kind::Gauge => {
                "A count of requests only rises. As a gauge, nobody can tell a fall from a \
                 restart, and `rate()` is wrong: use IntCounterVec."
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
    if let Some(near) = nearest(read, COUNTER).filter(|near| near.name != HISTOGRAM) {
        return Finding::new(expected, format!("{}, a {}", near.name, near.kind))
            .quoting(quote_of(read, &near.name))
            .because(format!("The name is {COUNTER}: the name of a counter ends in _total."))
            .showing(context.source.line_with(&[&format!("\"{}\"", near.name)]))
            .try_with(context.start_plain())
            .try_with(context.metrics())
            .fail();
    }
    let source = context.source;
    if let Some((cause, line)) = clues::told(source, clues::UNREGISTERED) {
        return none(context, expected, &cause, Some(line));
    }
    let serve = source.place(|line| line.contains("serve(&"));
    let late = source.line_with(&[".register("]);
    let is_below = |serve: &Quote, line: &Quote| {
        // A function below `main` is no part of it.
        let mut between = source.text.lines().take(line.line).skip(serve.line);
        serve.line < line.line && between.all(|line| line != "}")
    };
    let late = late.filter(|line| serve.is_some_and(|serve| is_below(&serve, line)));
    let (cause, line) = match () {
        () if !source.text.is_empty() && !source.has(COUNTER) => (
            "Your file does not name it yet. A counter is made with `IntCounterVec::new`, and \
             registered with the registry that MetricsHandler shows.",
            None,
        ),
        () if late.is_some() => (
            "This stands below `serve`, which runs until the program is stopped. What the program \
             needs is made and registered above.",
            late,
        ),
        () if source.count(MADE) > 1 => (
            "Two counters are made. The one that is registered is another one than yours: register \
             a clone of yours, `registry.register(Box::new(requests.clone()))?`.",
            source.second_line_with(MADE),
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
    none(context, expected, cause, line)
}

/// Nothing is there that could be meant.
fn none(context: &Context<'_>, expected: String, cause: &str, line: Option<Quote>) -> Judgement {
    let visits = context.runs.calm.visits.as_ref().map_or(0, |visits| visits.answers.len());
    Finding::new(expected, format!("none, before and after {visits} visits to {PAGE}"))
        .because(cause)
        .showing(line)
        .try_with(context.start_plain())
        .try_with(context.metrics())
        .fail()
}

/// Its labels are `status` and `endpoint`, and their values stand in the right place.
pub(crate) fn labels(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let read = exposition(run.after.as_ref())?;
    let read = last(run).unwrap_or(read);
    let finding = |sample: &Sample, expected: String, found: String| {
        Finding::new(expected, found)
            .quoting(quote(read, sample.line))
            .try_with(context.start_plain())
            .try_with(context.metrics())
    };
    for sample in &family(read)?.samples {
        if let Some((name, _)) = sample.labels.iter().find(|(_, value)| value.is_empty()) {
            return finding(
                sample,
                "label values that say something".into(),
                format!("{name}=\"\""),
            )
            .because("An empty value is the same as no label at all, to Prometheus.")
            .fail();
        }
        let names: BTreeSet<&str> = sample.labels.names().collect();
        if names != BTreeSet::from(LABELS) {
            let found: Vec<&str> = sample.labels.names().collect();
            let cause = match names.is_superset(&BTreeSet::from(LABELS)) {
                true => "Each further label multiplies the series. These two are enough here.",
                false => {
                    "The names are declared once: `IntCounterVec::new(opts, &[\"status\", \
                     \"endpoint\"])`."
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

/// N visits raise the series of their status by N, and no other.
pub(crate) fn counts_visits(context: &Context<'_>) -> Judgement {
    counts(context, &context.runs.calm)?;
    tally::never_falls(context, REQUESTS)
}

/// With failures forced on, the 503 series rises and the 200 series does not.
pub(crate) fn status_from_response(context: &Context<'_>) -> Judgement {
    if context.runs.attached {
        let visits = answers(context.runs.calm.visits.as_ref())?;
        if visits.statuses().any(|status| status == 503) {
            return counts(context, &context.runs.calm);
        }
    }
    let run = context.runs.failing()?;
    starts(context, run)?;
    counts(context, run)
}
