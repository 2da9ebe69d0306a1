//! Whether what is observed is what the visitor waits, in seconds.

use crate::check::program::assertions::{answers, changes, exposition, quote};
use crate::check::program::clues;
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
    let (cause, source) = mismeasured(context, measured / waited, sum);
    finding.because(cause).showing(source).fail()
}

type Cause = (String, Option<Quote>);

/// Why something else was measured; `ratio` says how much of the wait, and 1 would be right.
fn mismeasured(context: &Context<'_>, ratio: f64, sum: f64) -> Cause {
    let source = context.source;
    if let Some((cause, line)) = clues::told(source, clues::MISMEASURED) {
        return (cause, Some(line));
    }
    let telling = ["as_millis", "as_micros", "as_nanos", "subsec", "observe(", "elapsed"];
    let line = telling.iter().find_map(|part| source.line_with(&[part]));
    // Too little may also be a clock that was not there: a line has to say otherwise.
    let converted = ratio > 1.0 || line.is_some() || source.text.is_empty();
    if let Some(cause) = unit(ratio).filter(|_| converted) {
        return (cause, line);
    }
    if ratio > 1.0 {
        let cause = "More than a visitor waits cannot be measured. Is the clock started anew for \
                     each request?";
        return (cause.to_owned(), source.line_with(&["Instant::now"]));
    }
    let dropped = source.line(|line| line.contains("let _ =") && line.contains("start_timer"));
    if dropped.is_some() {
        let cause = "`let _ =` drops the timer at once, and a dropped timer observes. A name keeps \
                     it to the end of the block: `let _timer = ...`.";
        return (cause.to_owned(), dropped);
    }
    let whole = source.line_with(&["as_secs()"]);
    if sum == 0.0 && (whole.is_some() || source.text.is_empty()) {
        let cause =
            "A sum of exactly 0: whole seconds lose everything below one. Use `as_secs_f64()`.";
        return (cause.to_owned(), whole);
    }
    if source.count("Instant::now()") > 1 {
        let cause = "The clock is started a second time: `Instant::now()`. Once, above the \
                     `match`, is enough.";
        return (cause.to_owned(), source.second_line_with("Instant::now()"));
    }
    let place = |part: &str| source.text.find(part);
    if let (Some(clock), Some(page)) = (place("Instant::now()"), place("match request.uri()"))
        && clock < page
        && place("elapsed()").is_some_and(|read| page < read)
    {
        return (AROUND.to_owned(), source.line_with(&[".observe("]));
    }
    let line = source.line_with(&["start_timer"]).or(source.line_with(&["Instant::now"]));
    (OUTSIDE.to_owned(), line)
}

const AROUND: &str = "The clock is started above the `match` and read below it, as it should be: \
    so what is observed is not what it shows for this request. Look at what becomes of \
    `started.elapsed()` on its way into `observe`.";

const OUTSIDE: &str = "The wait is outside of what is measured. Start the clock above the `match` \
    and read it below: the `.await` of the page has to lie between. A timer that is dropped early \
    stops early.";

/// The unit that makes this ratio, if one does.
fn unit(ratio: f64) -> Option<String> {
    const UNITS: [(f64, &str); 4] = [
        (1e3, "These are milliseconds."),
        (1e6, "These are microseconds."),
        (1e9, "These are nanoseconds."),
        (1.0 / 60.0, "These are minutes: each has 60 seconds."),
    ];
    const FACTORS: [(f64, &str); 4] = [
        (10.0, "10 times too much is observed."),
        (0.1, "10 times too little is observed."),
        (0.01, "100 times too little is observed."),
        (0.001, "1000 times too little is observed."),
    ];
    let near = |factor: f64| (0.8..1.25).contains(&(ratio / factor));
    let found = UNITS.iter().chain(&FACTORS).find(|(factor, _)| near(*factor))?;
    Some(format!(
        "{} Base units are seconds, in every metric: `started.elapsed().as_secs_f64()` gives them.",
        found.1
    ))
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
