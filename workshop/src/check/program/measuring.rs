//! Whether what is observed is what the visitor waits, in seconds.

use crate::check::program::assertions::{answers, changes, exposition, quote};
use crate::check::program::context::Context;
use crate::check::program::life::starts;
use crate::check::program::metric::{COUNT, SUM};
use crate::check::program::observing::observed;
use crate::check::program::run::Run;
use crate::check::program::variety::PAGE;
use crate::check::verdict::{Finding, Judgement, Quote};

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
    .try_with(context.metrics());
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
