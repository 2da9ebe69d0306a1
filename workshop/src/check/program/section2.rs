//! Section 2: requests are counted, by status and endpoint.

use crate::check::program::assertions::{answers, exposition, last, list, quote, quote_of};
use crate::check::program::context::Context;
use crate::check::program::counter_hints;
use crate::check::program::counting::{counts, family};
use crate::check::program::life::starts;
use crate::check::program::metric::{COUNTER, HISTOGRAM, MADE, REQUESTS};
use crate::check::program::miscounted::SWAPPED;
use crate::check::program::mistake::Mistake;
use crate::check::program::registration::not_there;
use crate::check::program::similar::nearest;
use crate::check::program::source::Source;
use crate::check::program::tally;
use crate::check::program::variety::PAGE;
use crate::check::verdict::{Finding, Judgement};
use crate::exposition::{Exposition, Family, Kind, Sample};
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
        let found = match family.type_line {
            Some(_) => format!("# TYPE {COUNTER} {}", family.kind),
            None => "no line # TYPE".to_owned(),
        };
        return finding("# TYPE requests_total counter", found)
            .told(another_kind(context.source, family))
            .fail();
    }
    if family.help.as_deref().unwrap_or_default().trim().is_empty() {
        return finding("# HELP requests_total, with a sentence", "no help text".to_owned())
            .quoting(family.help_line.or(family.type_line).and_then(|line| quote(read, line)))
            .told(NO_HELP.at(context.source.line_with(&["Opts::new"])))
            .fail();
    }
    Ok(())
}

const NO_HELP: Mistake = Mistake::new(
    "The help text is missing or blank. It is a sentence that says what is counted: the second \
     argument of `Opts::new`.",
    [
        "Somebody who does not know your program reads the name at /metrics. What tells them what \
         is counted, and what does it say?",
        "`Opts::new(name, help)`: the second argument becomes the line `# HELP`. A short sentence \
         is enough.",
    ],
);

fn another_kind(source: &Source, family: &Family) -> Mistake {
    let cause = match family.kind {
        Kind::Gauge => {
            "A count of requests only rises. A gauge may fall as well, so nobody can tell its fall \
             from a restart, and `rate()` of it is wrong: use IntCounterVec."
        }
        _ if family.type_line.is_none() => {
            "These lines have no TYPE of their own. An IntCounterVec that is registered has one, \
             and a HELP: nobody has to write its lines."
        }
        _ => "A count of requests is a counter: use IntCounterVec.",
    };
    let line = match family.type_line {
        None => source.line_with(&[COUNTER]),
        Some(_) => ["GaugeVec::new", "HistogramVec::new", "Gauge::", "Histogram::"]
            .iter()
            .find_map(|made| source.line_with(&[made])),
    };
    Mistake::new(cause, counter_hints::KIND).at(line)
}

/// There is no `requests_total`, even after visits.
fn missing(context: &Context<'_>, read: &Exposition) -> Judgement {
    let expected = format!("a counter {COUNTER} at /metrics");
    // A metric of another name that the file has besides is another metric.
    let named = |name: &str| context.source.has(&format!("{name:?}"));
    let other = |name: &str| name == HISTOGRAM || (named(COUNTER) && named(name));
    let (found, quote, mistake) = match nearest(read, COUNTER).filter(|it| !other(&it.name)) {
        Some(near) => (
            format!("{}, a {}", near.name, near.kind),
            quote_of(read, &near.name),
            another_name(context.source, read, near),
        ),
        None => {
            let visits = context.runs.calm.visits.as_ref().map_or(0, |visits| visits.answers.len());
            (
                format!("none, before and after {visits} visits to {PAGE}"),
                None,
                not_there(context.source, REQUESTS),
            )
        }
    };
    Finding::new(expected, found)
        .quoting(quote)
        .try_with(context.start_plain())
        .try_with(context.metrics())
        .told(mistake)
        .fail()
}

/// It is there under another name, or spread over several.
fn another_name(source: &Source, read: &Exposition, near: &Family) -> Mistake {
    let line = source.line_with(&[&format!("\"{}\"", near.name)]);
    let is_one = |family: &&Family| family.kind == Kind::Counter && family.name.contains("request");
    let several: Vec<&str> =
        read.families.iter().filter(is_one).map(|family| family.name.as_str()).collect();
    if let [_, _, ..] = several[..] {
        let cause = format!(
            "{} are counters of their own. {COUNTER} is one for all requests: what tells them \
             apart is the value of a label, status or endpoint.",
            list(&several)
        );
        return Mistake::naming(cause, counter_hints::SPLIT).at(line);
    }
    let prefix = near.name.strip_suffix(COUNTER).filter(|_| line.is_none());
    let cause = match prefix.map(|prefix| prefix.trim_end_matches('_')) {
        Some(prefix) if source.has(COUNTER) => format!(
            "Something puts {prefix:?} before the name: a namespace, a subsystem, or the prefix \
             of a registry. Here the name is {COUNTER} alone."
        ),
        _ if near.name.ends_with("_total") => {
            format!("The name is {COUNTER}, letter by letter, and not {}.", near.name)
        }
        _ => format!("The name is {COUNTER}: the name of a counter ends in _total."),
    };
    let puts = ["namespace", "subsystem", "new_custom"];
    Mistake::naming(cause, counter_hints::NAME)
        .at(line)
        .or_at(|| puts.iter().find_map(|part| source.line_with(&[part])))
}

/// Its labels are `status` and `endpoint`, and their values stand in the right place.
pub(crate) fn labels(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let after = exposition(run.after.as_ref())?;
    let after = last(run).unwrap_or(after);
    family(after)?;
    // What is seen without a request is shown first.
    let before = exposition(run.before.as_ref()).ok();
    let readings = before.into_iter().chain([after]);
    let samples = readings.flat_map(|read| read.samples(COUNTER).map(move |it| (read, it)));
    for (read, sample) in samples {
        let Some((expected, found, mistake)) = mislabelled(context.source, sample) else {
            continue;
        };
        let finding = Finding::new(expected, found)
            .quoting(quote(read, sample.line))
            .try_with(context.start_plain());
        let finding = match before.is_some_and(|before| std::ptr::eq(before, read)) {
            true => finding,
            false => finding.try_with(context.curl_front()).try_with(context.curl_strangers()),
        };
        return finding.try_with(context.metrics()).told(mistake).fail();
    }
    Ok(())
}

/// What should be there, what is, and why.
fn mislabelled(source: &Source, sample: &Sample) -> Option<(&'static str, String, Mistake)> {
    let empty = [("endpoint", EMPTY_ENDPOINT), ("status", EMPTY_STATUS)];
    if let Some((name, mistake)) = empty.into_iter().find(|it| sample.label(it.0) == Some("")) {
        return Some(("label values that say something", format!("{name}=\"\""), mistake));
    }
    let found: Vec<&str> = sample.labels.names().collect();
    if found.iter().copied().collect::<BTreeSet<_>>() != BTreeSet::from(LABELS) {
        let mistake = other_labels(source, &found);
        return Some(("the labels status and endpoint", list(&found), mistake));
    }
    let status = sample.label("status").unwrap_or_default();
    (status.starts_with('/') || status == "other").then(|| {
        let mistake = SWAPPED.at(source.line_with(&["with_label_values"]));
        ("a status as status, and a path as endpoint", format!("status={status:?}"), mistake)
    })
}

const EMPTY_ENDPOINT: Mistake = Mistake::new(
    "An empty value is the same as no label at all, to Prometheus. An endpoint is the path of what \
     is served, and \"other\" for all the rest.",
    counter_hints::ENDPOINT,
);
const EMPTY_STATUS: Mistake = Mistake::new(
    "An empty value is the same as no label at all, to Prometheus. The status is that of the \
     answer, as a number: `response.status().as_str()`.",
    counter_hints::STATUS,
);

/// Where other labels come from.
fn other_labels(source: &Source, found: &[&str]) -> Mistake {
    let missing: Vec<&str> = LABELS.iter().filter(|it| !found.contains(it)).copied().collect();
    let declared = source.line_with(&[MADE, "&["]);
    if missing.is_empty() {
        let further: Vec<&str> = found.iter().filter(|it| !LABELS.contains(it)).copied().collect();
        let (further, adds) = (list(&further), |part| source.line_with(&[part]));
        let (cause, line) = match (adds("const_label"), adds("new_custom"), declared) {
            (_, _, Some(line)) => (
                format!("Not asked for: {further}. Each further label multiplies the series."),
                line,
            ),
            (Some(line), ..) => (
                format!("`const_label` adds {further}. With one value for all, it tells nothing."),
                line,
            ),
            (_, Some(line), _) => {
                (format!("The registry adds {further} to all that it shows."), line)
            }
            _ => return Mistake::new(ENOUGH, counter_hints::FURTHER),
        };
        return Mistake::naming(format!("{cause} {ENOUGH}"), counter_hints::FURTHER).at(line);
    }
    if found.is_empty() {
        return NO_LABELS.at(source.line_with(&["Counter::"]));
    }
    let cause = match missing[..] {
        [one] if found.len() == 1 => format!("`{one}` is missing. {DECLARED}"),
        _ if found.iter().all(|name| LABELS.contains(&&*name.to_lowercase())) => {
            format!("Capitals are other letters, to Prometheus. {DECLARED}")
        }
        _ => DECLARED.to_owned(),
    };
    Mistake::naming(cause, None).at(declared)
}

const ENOUGH: &str = "`status` and `endpoint` are enough here.";
const DECLARED: &str = "The names are declared once, letter by letter: \
    `IntCounterVec::new(opts, &[\"status\", \"endpoint\"])`.";
const NO_LABELS: Mistake = Mistake::new(
    "This counter has no labels: it is one number for all requests. An IntCounterVec has one for \
     each set of label values. The names are declared once: `IntCounterVec::new(opts, \
     &[\"status\", \"endpoint\"])`.",
    [
        "How would you ask this counter how many visits have failed?",
        "docs.rs/prometheus: a type with `Vec` in its name has a series for each set of label \
         values. It takes the names when it is made, and the values in `with_label_values`, each \
         time it counts.",
    ],
);

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
