//! Whether the buckets of the histogram are well formed and fine enough.

use crate::check::program::assertions::{exposition, last, list, quote};
use crate::check::program::context::Context;
use crate::check::program::metric::{COUNT, HISTOGRAM};
use crate::check::program::mistake::{Hints, Mistake};
use crate::check::verdict::{Finding, Judgement};
use crate::exposition::{Family, Labels, Sample};
use std::collections::BTreeMap;

/// The longest visit of the settings as they are, in seconds. The shortest takes none, and all
/// between are as likely.
const LONGEST: f64 = 1.0;
/// Nearly all visits have to end up in buckets whose bounds are known.
const NEARLY_ALL: f64 = 0.8 * LONGEST;
/// A bucket with this part of all visits or more is worth a remark.
const CROWDED: f64 = 0.5;

/// How many visits fall into the fullest bucket, if that is half of them or more. It is told from
/// the bounds, not from chance.
pub(crate) fn remark(context: &Context<'_>) -> Option<String> {
    let family = last(&context.runs.calm)?.family(HISTOGRAM)?;
    let rows = buckets(family);
    let bounds: Vec<f64> = rows.values().next()?.iter().map(|(bound, _)| *bound).collect();
    let (share, from, to) = fullest(&bounds)?;
    let to = if to.is_finite() { format!("{to} s") } else { "+Inf".to_owned() };
    (share >= CROWDED).then(|| {
        format!(
            "A remark: of 100 visits that take 0 to {LONGEST} s, about {:.0} fall into one bucket, \
             from {from} to {to}. A quantile in there is a guess: a bound or two between them \
             would tell more.",
            share * 100.0
        )
    })
}

/// The part of all visits that falls into the fullest bucket, and its bounds.
fn fullest(bounds: &[f64]) -> Option<(f64, f64, f64)> {
    let lower = std::iter::once(&0.0).chain(bounds);
    let shares = lower.zip(bounds).map(|(&from, &to)| {
        let share = (to.min(LONGEST) - from.min(LONGEST)) / LONGEST;
        (share, from, to)
    });
    shares.max_by(|one, other| one.0.total_cmp(&other.0))
}

/// Buckets are cumulative, end with the count, have a bound between 0.1 and 0.5 s, and one beyond
/// nearly all visits.
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
        let (expected, mistake) = if !bounds.is_empty() && bounds.iter().all(|it| *it < NEARLY_ALL)
        {
            (format!("a bound of {LONGEST} s or more, beyond all visits"), TOO_LOW)
        } else if !bounds.iter().any(|bound| (0.1..0.5).contains(bound)) {
            ("a bound of 0.1 s or more, and below 0.5 s".to_owned(), too_coarse(&bounds))
        } else {
            continue;
        };
        let shown: Vec<String> = bounds.iter().map(ToString::to_string).collect();
        let line = row.first().map_or(0, |(_, sample)| sample.line);
        return finding(expected, format!("le = {}", list(&shown)), line)
            .told(mistake.at(context.source.line_with(&["buckets"])))
            .fail();
    }
    Ok(())
}

/// Why bounds tell nothing of what takes between 0.1 and 0.5 s.
fn too_coarse(bounds: &[f64]) -> Mistake {
    let least = bounds.iter().copied().fold(f64::INFINITY, f64::min);
    let has = |bound: f64| bounds.contains(&bound);
    let thousands = bounds.iter().any(|bound| *bound >= 250.0);
    match least {
        _ if bounds.is_empty() => TOO_COARSE,
        1000.0.. => Mistake::usual(
            "These bounds look like microseconds. Base units are seconds: 0.1, not 100000.",
        ),
        1.0.. if thousands => Mistake::usual(
            "These bounds look like milliseconds. Base units are seconds: 0.1, not 100.",
        ),
        1.0.. => Mistake::naming(
            format!(
                "Bounds are seconds, and the first of these is {least} s. With no bound in \
                 between, all that takes less falls into the same bucket, and that is nearly \
                 every visit."
            ),
            None,
        ),
        0.5.. if has(0.95) || has(0.99) => Mistake::new(QUANTILES, TIMES),
        _ => TOO_COARSE,
    }
}

const TOO_COARSE: Mistake = Mistake::usual(
    "With no bound in between, 0.1 s and 0.5 s fall into the same bucket, and no quantile can tell \
     them apart. `HistogramOpts::buckets` takes a Vec of seconds.",
);

const TOO_LOW: Mistake = Mistake::new(
    "All that takes longer than the last bound falls into +Inf. A quantile in there is told as the \
     last bound, however long it took: put one bound beyond the slowest visit that you expect.",
    [
        "The page takes up to a second. Into which bucket does a visit of 0.9 s fall, and what \
         does the 99th percentile say then?",
        "`+Inf` has no upper bound to estimate with. The last bound that you give lies beyond the \
         slowest visit that you expect.",
    ],
);

const QUANTILES: &str = "Such bounds look like quantiles, and a bound is a time, in seconds: with \
    none in between, 0.1 s and 0.5 s fall into the same bucket. Any quantile is estimated later, \
    from the buckets.";

const TIMES: Hints = [
    "What does `le=\"0.95\"` mean in a bucket at /metrics: 95 of 100 visits, or something else?",
    "`HistogramOpts::buckets` takes times, in seconds. A bucket counts the visits that took that \
     long or less. Which quantile you want to know is asked later, in PromQL; the bounds should \
     lie where the visits do.",
];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fullest_bucket_is_told_from_the_bounds() {
        let all = f64::INFINITY;
        for (bounds, fullest_one) in [
            (&[0.1, 0.25, 0.5, 1.0, 2.5, all][..], (0.5, 0.5, 1.0)),
            (&[0.2, 5.0, all], (0.8, 0.2, 5.0)),
            (&[0.1, all], (0.9, 0.1, all)),
        ] {
            assert_eq!(fullest(bounds), Some(fullest_one));
        }
        assert_eq!(fullest(&[]), None);
    }
}
