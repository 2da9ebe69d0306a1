//! Bonus: how long requests take, in a histogram.

use crate::check::program::assertions::{exposition, last, list, quote, quote_of};
use crate::check::program::context::Context;
use crate::check::program::life::starts;
use crate::check::program::measuring::measured;
use crate::check::program::metric::{COUNT, COUNTER, HISTOGRAM, OBSERVATIONS, SUM};
use crate::check::program::observing::observed;
use crate::check::program::pre_created::visible_before;
use crate::check::program::similar::nearest;
use crate::check::program::tally;
use crate::check::program::unknown_paths::bounded;
use crate::check::verdict::{Finding, Judgement};
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
        return finding(
            "# TYPE request_latency_seconds histogram",
            format!("TYPE {}", family.kind),
        )
        .because("Quantiles and averages need buckets, a sum and a count: use HistogramVec.")
        .fail();
    }
    if family.help.as_deref().unwrap_or_default().trim().is_empty() {
        return finding("# HELP request_latency_seconds, with a sentence", "no help text".into())
            .because("The second argument of `HistogramOpts::new` is what others read first.")
            .fail();
    }
    let wrong =
        family.samples.iter().find(|sample| sample.labels.without("le").names().ne(["endpoint"]));
    match wrong {
        None => {
            visible_before(context, run)?;
            bounded(context, run)
        }
        Some(sample) => {
            let labels = sample.labels.without("le");
            let found: Vec<&str> = labels.names().collect();
            let cause = match found.is_empty() {
                true => {
                    "HistogramVec::new(opts, &[\"endpoint\"]) makes one histogram for each \
                     endpoint."
                }
                false => {
                    "Each label value costs a whole row of buckets: `endpoint` alone is enough."
                }
            };
            finding("the label endpoint, besides le", list(&found))
                .quoting(quote(read, sample.line))
                .because(cause)
                .fail()
        }
    }
}

fn missing(context: &Context<'_>, read: &Exposition) -> Judgement {
    let expected = format!("a histogram {HISTOGRAM} at /metrics");
    let near = nearest(read, HISTOGRAM).filter(|family| family.name != COUNTER);
    if let Some(near) = near {
        return Finding::new(expected, format!("{}, a {}", near.name, near.kind))
            .quoting(quote_of(read, &near.name))
            .because(match near.name.as_str() {
                SUM | COUNT => format!(
                    "{} is one of the series of a histogram, made by hand. HistogramVec makes all: \
                     sum, count and buckets.",
                    near.name
                ),
                _ => format!("The name is {HISTOGRAM}: a name ends with its base unit, seconds."),
            })
            .showing(context.source.line_with(&[&format!("\"{}\"", near.name)]))
            .try_with(context.start_plain())
            .try_with(context.metrics())
            .fail();
    }
    let source = context.source;
    let cause = match () {
        () if !source.text.is_empty() && !source.has(HISTOGRAM) => {
            "Your file does not name it yet. A histogram is made with `HistogramVec::new`, and \
             registered as the counter is."
        }
        () if source.line(|line| line.contains("register_histogram")).is_some() => {
            "`register_histogram_vec!` registers with the crate's own default registry, and \
             /metrics shows yours. Use `registry.register(Box::new(latency.clone()))`."
        }
        () if source.has(HISTOGRAM) && source.count(".register(") < 2 => {
            "The histogram is made, but not registered: \
             `registry.register(Box::new(latency.clone()))?`."
        }
        () if source.has(HISTOGRAM) && !source.has("observe") && !source.has("start_timer") => {
            "A histogram with labels shows nothing until a set of label values is named: \
             `latency.with_label_values(&[\"/treecounter\"])` in `main`, before `serve`."
        }
        () => {
            "Either it is not registered with the registry that MetricsHandler shows, or no set of \
             its label values was named yet: until then a histogram with labels shows nothing."
        }
    };
    Finding::new(expected, "none, before and after the visits")
        .because(cause)
        .showing(source.line_with(&[HISTOGRAM]))
        .try_with(context.start_plain())
        .try_with(context.metrics())
        .fail()
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
