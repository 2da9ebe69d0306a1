//! Section 2: requests are counted, by status and endpoint.

use crate::check::program::assertions::{answers, exposition, last, list, quote, quote_of};
use crate::check::program::blame::{self, Blame};
use crate::check::program::clues;
use crate::check::program::context::Context;
use crate::check::program::counting::{counts, family};
use crate::check::program::life::starts;
use crate::check::program::metric::{COUNTER, HISTOGRAM, REQUESTS};
use crate::check::program::miscounted::{MADE, SWAPPED};
use crate::check::program::similar::nearest;
use crate::check::program::source::Source;
use crate::check::program::tally;
use crate::check::program::variety::PAGE;
use crate::check::verdict::{Finding, Judgement, Quote};
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
            .blaming(another_kind(context, family))
            .fail();
    }
    if family.help.as_deref().unwrap_or_default().trim().is_empty() {
        let cause = "The help text is missing or blank. It is a sentence that says what is \
                     counted: the second argument of `Opts::new`.";
        let line = context.source.line_with(&["Opts::new"]);
        return finding("# HELP requests_total, with a sentence", "no help text".to_owned())
            .quoting(family.help_line.or(family.type_line).and_then(|line| quote(read, line)))
            .blaming(Blame::new(cause, line).hinting(blame::HELP))
            .fail();
    }
    Ok(())
}

fn another_kind(context: &Context<'_>, family: &Family) -> Blame {
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
    let source = context.source;
    let line = match family.type_line {
        None => source.line_with(&[COUNTER]),
        Some(_) => ["GaugeVec::new", "HistogramVec::new", "Gauge::", "Histogram::"]
            .iter()
            .find_map(|made| source.line_with(&[made])),
    };
    Blame::new(cause, line).hinting(blame::KIND)
}

/// There is no `requests_total`, even after visits.
fn missing(context: &Context<'_>, read: &Exposition) -> Judgement {
    let expected = format!("a counter {COUNTER} at /metrics");
    let (found, quote, mistake) = match nearest(read, COUNTER).filter(|it| it.name != HISTOGRAM) {
        Some(near) => (
            format!("{}, a {}", near.name, near.kind),
            quote_of(read, &near.name),
            another_name(context, read, near),
        ),
        None => {
            let visits = context.runs.calm.visits.as_ref().map_or(0, |visits| visits.answers.len());
            (
                format!("none, before and after {visits} visits to {PAGE}"),
                None,
                not_there(context.source),
            )
        }
    };
    Finding::new(expected, found)
        .quoting(quote)
        .try_with(context.start_plain())
        .try_with(context.metrics())
        .blaming(mistake)
        .fail()
}

/// It is there under another name, or spread over several.
fn another_name(context: &Context<'_>, read: &Exposition, near: &Family) -> Blame {
    let source = context.source;
    let line = source.line_with(&[&format!("\"{}\"", near.name)]);
    let is_one = |family: &&Family| {
        family.kind == Kind::Counter && family.name.contains("request") && family.name != HISTOGRAM
    };
    let several: Vec<&str> =
        read.families.iter().filter(is_one).map(|family| family.name.as_str()).collect();
    if let [_, _, ..] = several[..] {
        let cause = format!(
            "{} are counters of their own. {COUNTER} is one for all requests: what tells them \
             apart is the value of a label, status or endpoint.",
            list(&several)
        );
        return Blame::new(cause, line).hinting(blame::SPLIT);
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
    Blame::new(cause, line)
        .or_at(|| puts.iter().find_map(|part| source.line_with(&[part])))
        .hinting(blame::NAME)
}

/// Why nothing is there that could be meant, most likely.
fn not_there(source: &Source) -> Blame {
    let told = |cause: &str, line, hints| Blame::new(cause, line).hinting(hints);
    if let Some((cause, line)) = clues::told(source, clues::UNREGISTERED) {
        return told(&cause, Some(line), blame::REGISTERED);
    }
    if !source.text.is_empty() && !source.has(COUNTER) {
        return Blame::new(NOT_YET, None);
    }
    if let Some(line) = below_serve(source, ".register(") {
        return told(BELOW_SERVE, Some(line), blame::LATE);
    }
    if source.count(MADE) > 1 {
        return told(ANOTHER, source.second_line_with(MADE), blame::REGISTERED);
    }
    if source.count("Registry::new") > 1 {
        return told(TWO, source.second_line_with("Registry::new"), blame::REGISTERED);
    }
    if source.has(COUNTER) && is_unregistered(source) {
        return told(UNREGISTERED, source.line_with(&[COUNTER]), blame::REGISTERED);
    }
    if source.has(".register(") && !source.has("with_label_values") {
        return told(UNNAMED, source.line_with(&[".register("]), blame::NAMED);
    }
    Blame::new(EITHER_OR, None)
}

/// Whether no line registers what `IntCounterVec::new` makes.
fn is_unregistered(source: &Source) -> bool {
    let made = source.place(|line| line.contains(MADE) && line.contains("let "));
    let name = made.and_then(|line| {
        let (_, behind) = line.text.split_once("let ")?;
        let (name, _) = behind.trim_start_matches("mut ").split_once([' ', ':'])?;
        Some(name.to_owned())
    });
    let registers = |line: &str| line.contains("register") || line.contains("Box::new(");
    match name {
        Some(name) => source.place(|line| registers(line) && line.contains(&name)).is_none(),
        None => !source.has(".register("),
    }
}

/// What stands below `serve` in `main`.
pub(crate) fn below_serve(source: &Source, part: &str) -> Option<Quote> {
    let serve = source.place(|line| line.contains("serve(&"))?;
    let line = source.line_with(&[part])?;
    // A function below `main` is no part of it.
    let mut between = source.text.lines().take(line.line).skip(serve.line);
    (serve.line < line.line && between.all(|line| line != "}")).then_some(line)
}

/// Of what stands there.
pub(crate) const BELOW_SERVE: &str = "This stands below `serve`, which runs until the program is \
    stopped. What the program needs is made ready above.";
const NOT_YET: &str = "Your file does not name it yet. A counter is made with \
    `IntCounterVec::new`, and registered with the registry that MetricsHandler shows.";
const ANOTHER: &str = "Two counters are made, and the one that is registered is not the one that \
    counts. Make one, and register a clone of it: \
    `registry.register(Box::new(requests.clone()))?`.";
const TWO: &str = "There are two registries. The counter has to be in the one that MetricsHandler \
    shows.";
const UNREGISTERED: &str = "The counter is made, but not registered: \
    `registry.register(Box::new(requests.clone()))?`.";
const UNNAMED: &str = "A counter with labels shows nothing until a set of label values is named: \
    `requests.with_label_values(&[\"200\", \"/treecounter\"])`.";
const EITHER_OR: &str = "Either it is not registered with the registry that MetricsHandler shows, \
    or no set of its label values was named yet: until then a counter with labels shows nothing.";

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
        return finding.try_with(context.metrics()).blaming(mistake).fail();
    }
    Ok(())
}

/// What should be there, what is, and why.
fn mislabelled(source: &Source, sample: &Sample) -> Option<(&'static str, String, Blame)> {
    if let Some((name, _)) = sample.labels.iter().find(|(_, value)| value.is_empty()) {
        let mistake = Blame::new(EMPTY, None).hinting(blame::ENDPOINT);
        return Some(("label values that say something", format!("{name}=\"\""), mistake));
    }
    let found: Vec<&str> = sample.labels.names().collect();
    if found.iter().copied().collect::<BTreeSet<_>>() != BTreeSet::from(LABELS) {
        let mistake = other_labels(source, &found);
        return Some(("the labels status and endpoint", list(&found), mistake));
    }
    let status = sample.label("status").unwrap_or_default();
    (status.starts_with('/') || status == "other").then(|| {
        let line = source.line_with(&["with_label_values"]);
        let mistake = Blame::new(SWAPPED, line).hinting(blame::SWAPPED);
        ("a status as status, and a path as endpoint", format!("status={status:?}"), mistake)
    })
}

const EMPTY: &str = "An empty value is the same as no label at all, to Prometheus. An endpoint is \
    the path of what is served, and \"other\" for all the rest.";

/// Where other labels come from.
fn other_labels(source: &Source, found: &[&str]) -> Blame {
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
            _ => return Blame::new(ENOUGH, None).hinting(blame::FURTHER),
        };
        return Blame::new(format!("{cause} {ENOUGH}"), line).hinting(blame::FURTHER);
    }
    if found.is_empty() {
        let line = source.line_with(&["Counter::"]);
        return Blame::new(NO_LABELS, line).hinting(blame::ALONE);
    }
    let cause = match missing[..] {
        [one] if found.len() == 1 => format!("`{one}` is missing. {DECLARED}"),
        _ if found.iter().all(|name| LABELS.contains(&&*name.to_lowercase())) => {
            format!("Capitals are other letters, to Prometheus. {DECLARED}")
        }
        _ => DECLARED.to_owned(),
    };
    Blame::new(cause, declared)
}

const ENOUGH: &str = "`status` and `endpoint` are enough here.";
const DECLARED: &str = "The names are declared once, letter by letter: \
    `IntCounterVec::new(opts, &[\"status\", \"endpoint\"])`.";
const NO_LABELS: &str = "This counter has no labels: it is one number for all requests. An \
    IntCounterVec has one for each set of label values. The names are declared once: \
    `IntCounterVec::new(opts, &[\"status\", \"endpoint\"])`.";

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
