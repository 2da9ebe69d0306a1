//! Bonus: how long requests take, in a histogram.

use crate::check::program::assertions::{exposition, last, list, quote, quote_of};
use crate::check::program::context::Context;
use crate::check::program::counter_hints;
use crate::check::program::life::starts;
use crate::check::program::measuring::measured;
use crate::check::program::metric::{COUNT, COUNTER, HISTOGRAM, OBSERVATIONS, SUM};
use crate::check::program::mistake::{Hints, Mistake};
use crate::check::program::observing::observed;
use crate::check::program::pre_created::visible_before;
use crate::check::program::registration::not_there;
use crate::check::program::similar::nearest;
use crate::check::program::source::Source;
use crate::check::program::tally;
use crate::check::program::unknown_paths::bounded;
use crate::check::verdict::{Finding, Judgement, Quote};
use crate::exposition::{Exposition, Kind};

/// It is there, a histogram by endpoint, with help.
pub(crate) fn latency_histogram(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    exposition(run.after.as_ref())?;
    let Some(read) = last(run) else { return Ok(()) };
    let Some(family) = read.family(HISTOGRAM).filter(|family| !family.samples.is_empty()) else {
        return missing(context, read);
    };
    let finding = |expected: &str, found: String| {
        Finding::new(expected, found)
            .quoting(quote_of(read, HISTOGRAM))
            .try_with(context.start_plain())
            .try_with(context.metrics())
    };
    if family.kind != Kind::Histogram {
        let expected = "# TYPE request_latency_seconds histogram";
        return finding(expected, format!("TYPE {}", family.kind))
            .told(other_kind(context.source, read, family.kind))
            .fail();
    }
    if family.help.as_deref().unwrap_or_default().trim().is_empty() {
        return finding("# HELP request_latency_seconds, with a sentence", "no help text".into())
            .told(NO_HELP)
            .fail();
    }
    let wrong =
        family.samples.iter().find(|sample| sample.labels.without("le").names().ne(["endpoint"]));
    match wrong {
        None => {
            visible_before(context, run)?;
            bounded(context)
        }
        Some(sample) => {
            let labels = sample.labels.without("le");
            let found: Vec<&str> = labels.names().collect();
            Finding::new("the label endpoint, besides le", list(&found))
                .quoting(quote(read, sample.line))
                .told(other_labels(context.source, &found))
                .try_with(context.start_plain())
                .try_with(context.curl_front())
                .try_with(context.metrics())
                .fail()
        }
    }
}

/// The line that declares what the histogram should be.
fn declared(source: &Source) -> Option<Quote> {
    ["Vec::new(", "::with_opts(", "::new(\"request_latency"]
        .iter()
        .find_map(|part| source.line_with(&[part]))
}

/// Why a metric of this name is none that has buckets.
fn other_kind(source: &Source, read: &Exposition, kind: Kind) -> Mistake {
    let swapped = read.family(COUNTER).is_some_and(|other| other.kind == Kind::Histogram);
    if swapped {
        let line = source.line_with(&["HistogramOpts::new", COUNTER]);
        return SWAPPED.at(line.or(source.line_with(&[HISTOGRAM])));
    }
    let cause = format!(
        "A {kind} has one number for each series. Quantiles and averages need buckets, a sum and a \
         count: use HistogramVec."
    );
    let by_hand = kind == Kind::Untyped;
    let mistake = if by_hand { Mistake::usual(UNTYPED) } else { Mistake::naming(cause, None) };
    mistake.at(declared(source).or(source.line_with(&[HISTOGRAM])))
}

/// Why the histogram has other labels.
fn other_labels(source: &Source, found: &[&str]) -> Mistake {
    let mistake = match found {
        [] => Mistake::usual(ALONE),
        [_, _, ..] if found.contains(&"endpoint") => match source.line_with(&["const_label"]) {
            Some(line) => CONSTANT.at(line),
            None => Mistake::usual(FURTHER),
        },
        _ => {
            let cause = format!(
                "The name of the label is `endpoint`, not {}. Its value is the endpoint that the \
                 `match` has chosen, so that latency can be asked for page by page.",
                list(found)
            );
            Mistake::naming(cause, None)
        }
    };
    mistake.or_at(|| declared(source))
}

fn missing(context: &Context<'_>, read: &Exposition) -> Judgement {
    let expected = format!("a histogram {HISTOGRAM} at /metrics");
    let near = nearest(read, HISTOGRAM).filter(|family| family.name != COUNTER);
    let (finding, mistake) = match near {
        Some(near) => {
            let finding = Finding::new(expected, format!("{}, a {}", near.name, near.kind));
            (finding.quoting(quote_of(read, &near.name)), misnamed(context.source, &near.name))
        }
        None => {
            let finding = Finding::new(expected, "none, before and after the visits");
            (finding, not_there(context.source, OBSERVATIONS))
        }
    };
    finding.told(mistake).try_with(context.start_plain()).try_with(context.metrics()).fail()
}

/// What is wrong with a name that is nearly the right one.
fn misnamed(source: &Source, name: &str) -> Mistake {
    let line = source.line_with(&[&format!("\"{name}\"")]);
    let prefix = name.strip_suffix(HISTOGRAM);
    let suffix = name.strip_prefix(HISTOGRAM).filter(|end| ["_bucket", "_sum"].contains(end));
    let cause = match (name, prefix, suffix) {
        (SUM | COUNT, ..) => {
            let cause = format!(
                "{name} is one of the series of a histogram, made by hand. HistogramVec makes all: \
                 sum, count and buckets."
            );
            return Mistake::naming(cause, None).at(line);
        }
        (_, Some(prefix), _) => {
            let puts = ["namespace(", "subsystem(", "new_custom("];
            let put = puts.iter().find_map(|part| source.line_with(&[part]));
            let cause = format!("The name is {HISTOGRAM}, without {prefix:?} before it.");
            return Mistake::naming(cause, NAME).at(put.or(line));
        }
        (_, _, Some(suffix)) => format!(
            "The name is {HISTOGRAM}. The series of a histogram get {suffix} by themselves, so the \
             name does not have it."
        ),
        _ if !name.ends_with("_seconds") => {
            format!("The name is {HISTOGRAM}: a name ends with its base unit, seconds.")
        }
        _ => format!("The name is {HISTOGRAM}, letter by letter. {name} is another metric."),
    };
    Mistake::naming(cause, NAME).at(line)
}

/// N visits raise `_count` by N.
pub(crate) fn counts_observations(context: &Context<'_>) -> Judgement {
    observed(context, &context.runs.calm)?;
    tally::never_falls(context, OBSERVATIONS)?;
    // What is wrong with every observation, or with those of failures, a later check says.
    if measures_latency(context).is_err() || failed_observed(context).is_err() {
        return Ok(());
    }
    tally::every_kind(context, OBSERVATIONS)
}

/// What is measured is what the visitor waits, in seconds.
pub(crate) fn measures_latency(context: &Context<'_>) -> Judgement {
    if context.runs.attached {
        return measured(context, &context.runs.calm);
    }
    measured(context, context.runs.slow()?)?;
    measured(context, context.runs.long()?)
}

/// Failed visits are observed as well.
pub(crate) fn failed_observed(context: &Context<'_>) -> Judgement {
    let run = context.runs.failing()?;
    starts(context, run)?;
    observed(context, run)?;
    measured(context, run)
}

const NAME: Hints = [
    counter_hints::NAME[0],
    "`HistogramOpts::new` takes the name. A namespace, a subsystem or a registry with a prefix \
     puts a word before it, and the crate puts `_bucket`, `_sum` and `_count` behind it. A name \
     ends with its base unit, and times are in seconds.",
];

const NO_HELP: Mistake = Mistake::new(
    "The help text is empty or blank: the second argument of `HistogramOpts::new`. It is the first \
     thing that others read.",
    [
        "Somebody who does not know your program reads the name at /metrics. What tells them what \
         is measured, and in which unit?",
        "`HistogramOpts::new(name, help)`: the second argument becomes the line `# HELP`. A short \
         sentence is enough.",
    ],
);
const SWAPPED: Mistake = Mistake::new(
    "Counter and histogram have each other's names: the histogram is called requests_total here.",
    [
        "Which name stands at /metrics behind `# TYPE` in the line of the histogram, and which in \
         that of the counter?",
        "The first argument of `Opts::new` and of `HistogramOpts::new` is the name. A count of \
         requests ends in _total, and a latency in _seconds.",
    ],
);
const UNTYPED: &str = "Nothing says what kind of metric this is. Quantiles and averages need \
    buckets, a sum and a count: use HistogramVec, which writes its TYPE as well.";
const ALONE: &str = "One histogram for all requests cannot tell one page from another. \
    `HistogramVec::new(opts, &[\"endpoint\"])` makes one for each endpoint.";
const FURTHER: &str = "Each further label multiplies the series, and each label value costs a \
    whole row of buckets: `endpoint` alone is enough.";
const CONSTANT: Mistake = Mistake::new(
    "A constant label has the same value on every series, so it tells none from another. Leave it \
     out: `endpoint` alone is enough.",
    [
        "Which name stands between the braces at /metrics that the lesson does not have, and does \
         its value ever change?",
        "Labels come from the names in `HistogramVec::new`, and from `const_label` or \
         `const_labels` of its HistogramOpts. A unit belongs into the name, and a sentence into \
         the help text.",
    ],
);
