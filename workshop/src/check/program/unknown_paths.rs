//! Whether unknown paths share one series: strangers do not decide how many there are.

use crate::check::program::assertions::{changes, exposition, list, quote};
use crate::check::program::context::Context;
use crate::check::program::experiment::STRANGERS;
use crate::check::program::metric::{COUNT, COUNTER};
use crate::check::program::mistake::Mistake;
use crate::check::program::source::Source;
use crate::check::program::variety::{METRICS, OTHER, PAGE};
use crate::check::verdict::{Finding, Judgement, Quote};
use crate::exposition::{Labels, Sample};

/// Unknown paths share one series.
pub(crate) fn bounded_paths(context: &Context<'_>) -> Judgement {
    few(context, COUNTER, ["series", "series"], |value| {
        let what = match value.contains("/no-such-tree/") {
            true => "The path itself is",
            false => "What is made from the path is",
        };
        Mistake::naming(format!("{what} the label's value, {}", decided(context.source)), None)
    })?;
    bounded_shapes(context)
}

/// Unknown paths do not make histograms of their own.
pub(crate) fn bounded(context: &Context<'_>) -> Judgement {
    few(context, COUNT, ["histogram", "ones"], |_| BY_PATH)
}

/// Few series of a name are new after unknown paths. `one` and `ones` are what these are called,
/// and `mistake` is what is said of an endpoint too many.
fn few(
    context: &Context<'_>,
    name: &str,
    [one, ones]: [&str; 2],
    mistake: impl Fn(&str) -> Mistake,
) -> Judgement {
    let run = &context.runs.calm;
    let before = exposition(run.scraped.as_ref())?;
    let after = exposition(run.end.as_ref())?;
    let mut new = changes(before, after, name);
    new.retain(|change| change.before.is_none());
    // One for the unknown paths, one for the front page, and one for the scrape if that is the
    // first of its kind.
    if new.len() <= 3 {
        return Ok(());
    }
    new.retain(|it| !is_known(&it.labels) && it.labels.get("endpoint") != Some(OTHER));
    let Some(last) = new.last() else { return Ok(()) };
    let value = last.labels.get("endpoint").unwrap_or_default();
    Finding::new(
        format!("one {one} more, at most, after {STRANGERS} unknown paths"),
        format!("{} new {ones}", new.len()),
    )
    .quoting(quote(after, last.line))
    .told(mistake(value).at(kept_in(context.source)))
    .try_with(context.start_plain())
    .try_with(context.curl_strangers())
    .try_with(context.metrics())
    .fail()
}

/// What is wrong with that, and what to do.
fn decided(source: &Source) -> String {
    let named = source.place(|line| line.contains("=> (\"other\","));
    let again = source.line_with(&["let endpoint ="]);
    let is_again = named.zip(again).is_some_and(|(named, again)| named.line < again.line);
    let cure = if is_again { AS_NAMED } else { ONE_FOR_ALL };
    format!("so strangers decide how many series there are. {cure}")
}

const ONE_FOR_ALL: &str = "Give all paths that are not yours one endpoint, \"other\".";
const AS_NAMED: &str = "The `match` has named \"other\" already, and `endpoint` is named again \
    below it: take that out.";

/// Whether the endpoint is one of those that are served. What is wrong with them is told by others.
fn is_known(labels: &Labels) -> bool {
    matches!(labels.get("endpoint"), Some("/" | PAGE | METRICS))
}

/// The line that makes an endpoint from what was asked for. Only to read the path is no mistake.
fn kept_in(source: &Source) -> Option<Quote> {
    let asks = |line: &str| ["path", "query", "uri()"].iter().any(|part| line.contains(part));
    let reads = |line: &str| {
        let line = line.trim();
        line.starts_with("let ") && line.ends_with(".path();") || line.starts_with("match ")
    };
    let named = source.line(|line| line.contains("let endpoint =") && asks(line));
    let made = || source.line(|line| asks(line) && !reads(line));
    named.or_else(made).or_else(|| source.line(asks))
}

/// Unknown paths share one series whatever they look like.
fn bounded_shapes(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let Some(varied) = run.varied.iter().find(|varied| varied.group.endpoint == OTHER) else {
        return Ok(());
    };
    let read = exposition(Some(&varied.after))?;
    let samples = read.samples(COUNTER).filter(|sample| !is_known(&sample.labels));
    // What is wrong with a status is told by a later check.
    let unknown: Vec<&Sample> =
        samples.filter(|sample| sample.label("status") == Some("404")).collect();
    let [_, .., _] = unknown[..] else { return Ok(()) };
    let endpoint = |sample: &&Sample| sample.label("endpoint").unwrap_or_default().to_owned();
    let values: Vec<String> = unknown.iter().map(endpoint).collect();
    let found = match values.as_slice() {
        [first, second, third, _, _, ..] => {
            format!("{} of them, such as {first}, {second} and {third}", values.len())
        }
        few => format!("{} of them: {}", few.len(), list(few)),
    };
    let kept: Vec<&str> =
        values.iter().map(String::as_str).filter(|value| *value != OTHER).collect();
    // The last that should not be there, and what was asked for to make it.
    let another = unknown.iter().rev().find(|sample| sample.label("endpoint") != Some(OTHER));
    let probes = &varied.answers.probes;
    let last = kept.last().copied().unwrap_or_default();
    let probe = probes.iter().find(|probe| probe.path.contains(last)).or(probes.first());
    let strangers = run.strangers.iter().flat_map(|strangers| &strangers.probes);
    let asked: Vec<&str> = probes.iter().chain(strangers).map(|probe| &*probe.path).collect();
    let (what, line) = match context.source.header() {
        Some((header, line)) => (format!("A header, {header},"), Some(line)),
        None => (made_from(&kept, &asked).to_owned(), kept_in(context.source)),
    };
    Finding::new("one endpoint for all unknown paths", found)
        .quoting(another.and_then(|sample| quote(read, sample.line)))
        .because(format!("{what} is still the label's value, {}", decided(context.source)))
        .showing(line)
        .try_with(context.start_plain())
        .try_with(probe.map(|probe| context.curl(probe)).unwrap_or_default())
        .try_with(context.metrics())
        .fail()
}

/// What of the requests has become the endpoint.
fn made_from(kept: &[&str], asked: &[&str]) -> &'static str {
    let (paths, queries): (Vec<&str>, Vec<&str>) =
        asked.iter().map(|asked| asked.split_once('?').unwrap_or((asked, ""))).unzip();
    match () {
        () if kept.iter().all(|value| queries.contains(value)) => "The query of some paths",
        () if kept.iter().all(|value| paths.contains(value)) => {
            "The path itself, of some requests,"
        }
        () if kept.iter().all(|value| paths.iter().any(|path| path.contains(value))) => {
            "A part of the path"
        }
        () => "What is made from the path",
    }
}

const BY_PATH: Mistake = Mistake::new(
    "The path itself is the label's value, so strangers decide how many rows of buckets there are. \
     Use the endpoint that the `match` has chosen.",
    [
        "Ask for two paths that do not exist, and look at /metrics. How many rows of buckets are \
         there now, and who has decided that?",
        "The `match` has chosen an endpoint for each request, and \"other\" for all paths that are \
         not yours. `with_label_values(&[endpoint])` takes that as it is. What it is given here is \
         made from the request.",
    ],
);
