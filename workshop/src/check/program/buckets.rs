//! Whether the buckets of the histogram are well formed and fine enough.

use crate::check::program::assertions::{exposition, last, list, quote};
use crate::check::program::context::Context;
use crate::check::program::metric::{COUNT, HISTOGRAM};
use crate::check::verdict::{Finding, Judgement};
use crate::exposition::{Family, Labels, Sample};
use std::collections::BTreeMap;

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
            .try_with(context.metrics())
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
