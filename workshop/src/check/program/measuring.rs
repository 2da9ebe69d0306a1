//! Whether what is observed is what the visitor waits, in seconds.

use crate::check::program::assertions::{answers, changes, exposition, quote};
use crate::check::program::context::Context;
use crate::check::program::life::starts;
use crate::check::program::metric::{COUNT, SUM};
use crate::check::program::mismeasured::{is_shared, mismeasured, mismeasured_failure};
use crate::check::program::observing::observed;
use crate::check::program::run::Run;
use crate::check::program::variety::PAGE;
use crate::check::verdict::{Finding, Judgement};

pub(crate) fn measured(context: &Context<'_>, run: &Run) -> Judgement {
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
    let mistake = match run.faults.failing {
        true => mismeasured_failure(context.source, measured / waited),
        false => mismeasured(context.source, measured / waited, sum),
    };
    // A clock that is shared is right as long as nobody else asks.
    let visit = match is_shared(context.source, &mistake) {
        true => context.curl_visits().replacen("-s", "-sZ", 1),
        false => format!("{} -w \"%{{time_total}}\\n\"", context.curl(&visits.probe)),
    };
    Finding::new(
        format!("{:.3} to {waited:.3} s a visit, which is what they took", least.max(0.0)),
        format!(
            "{} s a visit (_sum rose by {}, _count by {count})",
            rounded(measured),
            rounded(sum)
        ),
    )
    .quoting(line.and_then(|sample| quote(after, sample.line)))
    .told(mistake)
    .try_with(context.start_timed(run.faults))
    .try_with(visit)
    .try_with(context.metrics())
    .fail()
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
