//! Bonus: how long requests take, in a histogram.

use std::collections::BTreeMap;

use crate::check::program::assertions::{
    answers, changes, exposition, last, list, quote, quote_of,
};
use crate::check::program::context::Context;
use crate::check::program::experiment::{PAGE, Run, STRANGERS};
use crate::check::program::section1::{last_words, starts};
use crate::check::program::section2;
use crate::check::program::section2::metrics;
use crate::check::program::similar::nearest;
use crate::check::program::tally::{self, Metric};
use crate::check::verdict::{Finding, Judgement, Quote};
use crate::exposition::{Exposition, Family, Kind, Labels, Sample};

/// The histogram of this section.
const HISTOGRAM: &str = "request_latency_seconds";
const COUNT: &str = "request_latency_seconds_count";
const SUM: &str = "request_latency_seconds_sum";
const OBSERVATIONS: Metric = Metric { name: COUNT, by_status: false, done: "`observe`" };

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
            .try_with(metrics(context))
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
                    "HistogramVec::new(opts, &[\"endpoint\"]) makes one histogram for each endpoint."
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

/// The page's histogram is there before anybody came.
fn visible_before(context: &Context<'_>, run: &Run) -> Judgement {
    let before = exposition(run.before.as_ref())?;
    if before.sample(COUNT, &[("endpoint", PAGE)]).is_some() {
        return Ok(());
    }
    Finding::new(
        format!("{COUNT}{{endpoint=\"{PAGE}\"}} 0"),
        "no such series before the first visit",
    )
    .because(
        "As with the counter: a series appears when its label values are first named, and what \
         happens before is invisible to `rate()`. Name them in `main`, before `serve`: \
         `latency.with_label_values(&[\"/treecounter\"])`.",
    )
    .try_with(context.start_plain())
    .try_with(metrics(context))
    .fail()
}

/// Unknown paths do not make histograms of their own.
fn bounded(context: &Context<'_>, run: &Run) -> Judgement {
    let before = exposition(run.scraped.as_ref())?;
    let after = exposition(run.end.as_ref())?;
    let new = changes(before, after, COUNT);
    let new: Vec<_> = new.iter().filter(|change| change.before.is_none()).collect();
    // One for the unknown paths, one for the front page, and one for the scrape if that is the first
    // of its kind.
    if new.len() <= 3 {
        return Ok(());
    }
    Finding::new(
        format!("one histogram more, at most, after {STRANGERS} unknown paths"),
        format!("{} new ones", new.len()),
    )
    .quoting(new.last().and_then(|change| quote(after, change.line)))
    .because(
        "The path itself is the label's value, so strangers decide how many rows of buckets there \
         are. Use the endpoint that the `match` has chosen.",
    )
    .showing(context.source.line_with(&["observe", ".path()"]))
    .try_with(context.start_plain())
    .try_with(context.curl_strangers())
    .try_with(metrics(context))
    .fail()
}

fn missing(context: &Context<'_>, read: &Exposition) -> Judgement {
    let expected = format!("a histogram {HISTOGRAM} at /metrics");
    let near = nearest(read, HISTOGRAM).filter(|family| family.name != section2::COUNTER);
    if let Some(near) = near {
        return Finding::new(expected, format!("{}, a {}", near.name, near.kind))
            .quoting(quote_of(read, &near.name))
            .because(format!("The name is {HISTOGRAM}: a name ends with its base unit, seconds."))
            .showing(context.source.line_with(&[&format!("\"{}\"", near.name)]))
            .try_with(context.start_plain())
            .try_with(metrics(context))
            .fail();
    }
    let source = context.source;
    let cause = match () {
        () if source.line(|line| line.contains("register_histogram")).is_some() => {
            "`register_histogram_vec!` registers with the crate's own default registry, and \
             /metrics shows yours. Use `registry.register(Box::new(latency.clone()))`."
        }
        () if source.has(HISTOGRAM) && source.count(".register(") < 2 => {
            "The histogram is made, but not registered: `registry.register(Box::new(latency.clone()))?`."
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
        .try_with(metrics(context))
        .fail()
}

/// The buckets of one label set, by their bound.
fn buckets(family: &Family) -> BTreeMap<Labels, Vec<(f64, &Sample)>> {
    let mut rows: BTreeMap<Labels, Vec<(f64, &Sample)>> = BTreeMap::new();
    for sample in family.samples.iter().filter(|sample| sample.name.ends_with("_bucket")) {
        // The parser has made sure that `le` is a number; without one there is no bound.
        let bound = sample.label("le").and_then(|le| le.parse().ok()).unwrap_or(f64::NAN);
        rows.entry(sample.labels.without("le")).or_default().push((bound, sample));
    }
    rows
}

/// No page takes longer, in seconds: bounds beyond it are in another unit.
const MINUTE: f64 = 60.0;

/// Buckets are cumulative, end with the count, and have a bound between 0.1 and 0.5 s.
pub(crate) fn fine_buckets(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    exposition(run.after.as_ref())?;
    let Some(read) = last(run) else { return Ok(()) };
    let Some(family) = read.family(HISTOGRAM) else { return Ok(()) };
    let finding = |expected: String, found: String, line: usize| {
        Finding::new(expected, found)
            .quoting(quote(read, line))
            .try_with(context.start_plain())
            .try_with(metrics(context))
    };
    for (labels, row) in buckets(family) {
        if let Some(pair) = row.windows(2).find(|pair| pair[1].1.value < pair[0].1.value) {
            let (found, line) = (pair[1].1.to_string(), pair[1].1.line);
            return finding("buckets that include those below them".into(), found, line)
                .because("A bucket counts all that took `le` or less.")
                .fail();
        }
        let last = row.last().filter(|(bound, _)| *bound == f64::INFINITY);
        let pairs: Vec<(&str, &str)> = labels.iter().collect();
        let count = read.sample(COUNT, &pairs);
        match (last, count) {
            (Some((_, last)), Some(count)) if last.value == count.value => {}
            (Some((_, last)), Some(count)) => {
                let expected = format!("a bucket le=\"+Inf\" equal to _count, {}", count.value);
                return finding(expected, last.value.to_string(), last.line).fail();
            }
            _ => {
                let line = row.first().map_or(0, |(_, sample)| sample.line);
                let expected = "a last bucket le=\"+Inf\", and a _count".to_owned();
                return finding(expected, "none".into(), line).fail();
            }
        }
        let bounds: Vec<f64> =
            row.iter().map(|(bound, _)| *bound).filter(|b| b.is_finite()).collect();
        if bounds.iter().any(|bound| (0.1..0.5).contains(bound)) {
            continue;
        }
        let shown: Vec<String> = bounds.iter().map(ToString::to_string).collect();
        let milliseconds =
            bounds.iter().all(|bound| *bound >= 1.0) && bounds.iter().any(|bound| *bound > MINUTE);
        let cause = match milliseconds {
            true => "These bounds look like milliseconds. Base units are seconds: 0.1, not 100.",
            false => {
                "With no bound in between, 0.1 s and 0.5 s fall into the same bucket, and no \
                 quantile can tell them apart. `HistogramOpts::buckets` takes a Vec of seconds."
            }
        };
        let line = row.first().map_or(0, |(_, sample)| sample.line);
        return finding(
            "a bound from 0.1 up to 0.5 s".into(),
            format!("le = {}", list(&shown)),
            line,
        )
        .because(cause)
        .showing(context.source.line(|line| line.contains("buckets")))
        .fail();
    }
    Ok(())
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

fn observed(context: &Context<'_>, run: &Run) -> Judgement {
    let visits = answers(run.visits.as_ref())?;
    let before = exposition(run.before.as_ref())?;
    let after = exposition(run.after.as_ref())?;
    let sent = visits.answers.len() as f64;
    let rises = changes(before, after, COUNT);
    let of_page = rises.iter().find(|change| change.labels.get("endpoint") == Some(PAGE));
    let by = of_page.map_or(0.0, crate::check::program::assertions::Change::by);
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
    let finding = Finding::new(format!("{COUNT}{{endpoint=\"{PAGE}\"}} rises by {sent}"), found)
        .quoting(line.and_then(|line| quote(after, line)))
        .with_last_words(last_words(run))
        .try_with(context.start(run.faults))
        .try_with(context.curl_visits())
        .try_with(metrics(context));
    if context.runs.attached && by > sent {
        return finding
            .because("Somebody else may be visiting as well. Without --attach, the check is alone.")
            .could_not_tell();
    }
    let failing = visits.statuses().all(|status| status == 503);
    let cause = match () {
        () if by == 2.0 * sent && !context.source.has("start_timer") => {
            "Each visit is observed twice. Once is enough, below the `match`, and not in its arms \
             as well."
        }
        () if by == 2.0 * sent => {
            "Each visit is observed twice. A timer observes when it is dropped: with `observe` as \
             well, that makes two."
        }
        () if by == sent + 1.0 => {
            "A scrape is observed as a visit. Each arm of the `match` names its own endpoint."
        }
        () if by == 0.0 && other.is_some() => {
            "The endpoint of the page is \"/treecounter\", letter by letter."
        }
        () if by == 0.0 && failing => {
            "Failed visits are not observed. Observe below the `match`, where every answer passes, \
             and without an `if` around it."
        }
        () if by == 0.0 => {
            "Nothing is observed, or what observes is not what was registered. Below the `match`, \
             where every answer passes, one `observe` times them all."
        }
        () => "Observe once for each request, below the `match`.",
    };
    let line =
        context.source.line(|line| line.contains(".observe(") || line.contains("start_timer"));
    finding.because(cause).showing(line).fail()
}

/// What is measured is what the visitor waits, in seconds.
pub(crate) fn measures_latency(context: &Context<'_>) -> Judgement {
    if context.runs.attached {
        return measured(context, &context.runs.calm);
    }
    measured(context, context.runs.slow()?)?;
    measured(context, context.runs.long()?)
}

fn measured(context: &Context<'_>, run: &Run) -> Judgement {
    starts(context, run)?;
    let visits = answers(run.visits.as_ref())?;
    let before = exposition(run.before.as_ref())?;
    let after = exposition(run.after.as_ref())?;
    let rise = |name| {
        let rises = changes(before, after, name);
        rises.into_iter().find(|change| change.labels.get("endpoint") == Some(PAGE))
    };
    let count = rise(COUNT).map_or(0.0, |change| change.by());
    if count == 0.0 {
        return observed(context, run);
    }
    let sum = rise(SUM).map_or(0.0, |change| change.by());
    let measured = sum / count;
    let waited = visits.mean_seconds();
    // Nobody can measure less than the wait, nor more than a visitor on the outside. Clocks are
    // read in different places, so a hundredth is allowed.
    let least = match context.runs.attached {
        // The wait is not known; most of what the visitor sees should be it.
        true => waited * 0.5 - 0.02,
        false => run.faults.latency.as_secs_f64() * 0.99,
    };
    let most = waited * 1.01 + 0.001;
    if (least..=most).contains(&measured) {
        return Ok(());
    }
    let line = after.samples(SUM).find(|sample| sample.label("endpoint") == Some(PAGE));
    let finding = Finding::new(
        format!("{:.3} to {waited:.3} s a visit, which is what they took", least.max(0.0)),
        format!(
            "{} s a visit (_sum rose by {}, _count by {count})",
            rounded(measured),
            rounded(sum)
        ),
    )
    .quoting(line.and_then(|sample| quote(after, sample.line)))
    .try_with(context.start(run.faults))
    .try_with(format!("{} -w \"%{{time_total}}\\n\"", context.curl(&visits.probe)))
    .try_with(metrics(context));
    let real = if context.runs.attached { waited } else { run.faults.latency.as_secs_f64() };
    let (cause, source) = mismeasured(context, measured / real, sum);
    finding.because(cause).showing(source).fail()
}

fn mismeasured(context: &Context<'_>, ratio: f64, sum: f64) -> (&'static str, Option<Quote>) {
    let source = context.source;
    if ratio > 1.0 {
        let line = source.line(|line| {
            ["as_millis", "as_micros", "as_nanos", "1000", "1e3", "1_000"]
                .iter()
                .any(|p| line.contains(p))
        });
        return match ratio {
            100.0..20_000.0 => (
                "These are milliseconds. Base units are seconds, in every metric: \
                 `started.elapsed().as_secs_f64()`.",
                line,
            ),
            20_000.0.. => ("Base units are seconds: `started.elapsed().as_secs_f64()`.", line),
            _ => (
                "More than a visitor waits cannot be measured. Is the clock started anew for each \
                 request?",
                source.line_with(&["Instant::now"]),
            ),
        };
    }
    let dropped = source.line(|line| line.contains("let _ =") && line.contains("start_timer"));
    if dropped.is_some() {
        return (
            "`let _ =` drops the timer at once, and a dropped timer observes. A name keeps it to \
             the end of the block: `let _timer = ...`.",
            dropped,
        );
    }
    let whole = source.line_with(&["as_secs()"]);
    if sum == 0.0 && (whole.is_some() || source.text.is_empty()) {
        return (
            "A sum of exactly 0: whole seconds lose everything below one. Use `as_secs_f64()`.",
            whole,
        );
    }
    (
        "The wait is outside of what is measured. Start the clock above the `match` and read it \
         below: the `.await` of the page has to lie between. A timer that is dropped early stops \
         early.",
        source.line_with(&["start_timer"]).or(source.line_with(&["Instant::now"])),
    )
}

/// A number with as many digits as it deserves.
fn rounded(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        ..0.001 => format!("{value:.6}"),
        ..10.0 => format!("{value:.3}"),
        _ => format!("{value:.1}"),
    }
}

/// Failed visits are observed as well.
pub(crate) fn failed_observed(context: &Context<'_>) -> Judgement {
    let run = context.runs.failing()?;
    starts(context, run)?;
    observed(context, run)?;
    measured(context, run)
}
