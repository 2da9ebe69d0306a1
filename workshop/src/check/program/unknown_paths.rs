//! Whether unknown paths share one series: strangers do not decide how many there are.

use crate::check::program::assertions::{Change, changes, exposition, list, quote};
use crate::check::program::context::Context;
use crate::check::program::experiment::STRANGERS;
use crate::check::program::metric::{COUNT, COUNTER};
use crate::check::program::run::Run;
use crate::check::program::variety::PAGE;
use crate::check::verdict::{Finding, Judgement};
use crate::exposition::Sample;

/// Unknown paths share one series.
pub(crate) fn bounded_paths(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let before = exposition(run.scraped.as_ref())?;
    let after = exposition(run.end.as_ref())?;
    let new: Vec<Change> = changes(before, after, COUNTER)
        .into_iter()
        .filter(|change| change.before.is_none())
        .collect();
    // One for the unknown paths, one for the front page, and one for the scrape if that is the
    // first of its kind.
    if new.len() <= 3 {
        return bounded_shapes(context);
    }
    let shown = new.last().and_then(|change| quote(after, change.line));
    Finding::new(
        format!("one series more, at most, after {STRANGERS} unknown paths"),
        format!("{} new series", new.len()),
    )
    .quoting(shown)
    .because(
        "The path itself is the label's value, so strangers decide how many series there are. \
         Give all paths that are not yours one endpoint, \"other\".",
    )
    .showing(context.source.line(|line| {
        line.contains(".path()") && !line.contains("match") || line.contains("uri().to_string()")
    }))
    .try_with(context.start_plain())
    .try_with(context.curl_strangers())
    .try_with(context.metrics())
    .fail()
}

/// Unknown paths share one series whatever they look like.
fn bounded_shapes(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let Some(varied) = run.varied.iter().find(|varied| varied.group.endpoint == "other") else {
        return Ok(());
    };
    let read = exposition(Some(&varied.after))?;
    // What is wrong with a status is told by a later check.
    let known = |sample: &Sample| matches!(sample.label("endpoint"), Some("/" | PAGE | "/metrics"));
    let samples = read.samples(COUNTER).filter(|sample| !known(sample));
    let unknown: Vec<&Sample> =
        samples.filter(|sample| sample.label("status") == Some("404")).collect();
    let [_, .., another] = unknown[..] else { return Ok(()) };
    let values: Vec<&str> =
        unknown.iter().take(4).filter_map(|sample| sample.label("endpoint")).collect();
    let shape = || {
        let telling = [".path()", ".len()", "split", "starts_with", "path =>", "path if"];
        context.source.line(|line| telling.iter().any(|part| line.contains(part)))
    };
    let (what, line) = match context.source.header() {
        Some((header, line)) => (format!("A header, {header},"), Some(line)),
        None => ("A part of the path, or its shape,".to_owned(), shape()),
    };
    Finding::new(
        "one endpoint for all unknown paths",
        format!("{} of them: {}", unknown.len(), list(&values)),
    )
    .quoting(quote(read, another.line))
    .because(format!(
        "{what} is still the label's value, so strangers decide how many series there are. Give \
         all paths that are not yours one endpoint, \"other\"."
    ))
    .showing(line)
    .try_with(context.start_plain())
    .try_with(varied.answers.probes.last().map(|probe| context.curl(probe)).unwrap_or_default())
    .try_with(context.metrics())
    .fail()
}

/// Unknown paths do not make histograms of their own.
pub(crate) fn bounded(context: &Context<'_>, run: &Run) -> Judgement {
    let before = exposition(run.scraped.as_ref())?;
    let after = exposition(run.end.as_ref())?;
    let new = changes(before, after, COUNT);
    let new: Vec<_> = new.iter().filter(|change| change.before.is_none()).collect();
    // One for the unknown paths, one for the front page, and one for the scrape if that is the
    // first of its kind.
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
    .try_with(context.metrics())
    .fail()
}
