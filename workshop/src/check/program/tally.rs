//! Whether requests of every kind have raised a metric as they should, series by series.

use std::collections::BTreeMap;

use crate::check::program::assertions::{Change, changes, exposition, quote};
use crate::check::program::context::Context;
use crate::check::program::metric::Metric;
use crate::check::program::run::Varied;
use crate::check::program::variety::Group;
use crate::check::verdict::{Finding, Judgement, Quote};
use crate::exposition::Exposition;
use crate::http::probe::Probe;

type Key = (String, String);

/// Every group of requests has raised the metric once for each answer, where it belongs.
pub(crate) fn every_kind(context: &Context<'_>, metric: Metric) -> Judgement {
    let run = &context.runs.calm;
    let mut before = exposition(run.end.as_ref())?;
    for varied in &run.varied {
        let after = exposition(Some(&varied.after))?;
        one_kind(context, metric, varied, &changes(before, after, metric.name), after)?;
        before = after;
    }
    Ok(())
}

fn one_kind(
    context: &Context<'_>,
    metric: Metric,
    varied: &Varied,
    rises: &[Change],
    after: &Exposition,
) -> Judgement {
    let group = varied.group;
    let mut sent: BTreeMap<Key, f64> = BTreeMap::new();
    let mut add = |endpoint: &str, status: u16| {
        let status = if metric.by_status { status.to_string() } else { String::new() };
        *sent.entry((endpoint.to_owned(), status)).or_default() += 1.0;
    };
    // The scrape that came before is counted after its answer.
    add("/metrics", 200);
    varied.answers.statuses().for_each(|status| add(group.endpoint, status));
    let mut risen: BTreeMap<Key, f64> = BTreeMap::new();
    for change in rises {
        let label = |name| change.labels.get(name).unwrap_or_default().to_owned();
        let status = if metric.by_status { label("status") } else { String::new() };
        *risen.entry((label("endpoint"), status)).or_default() += change.by();
    }
    let mut wrong = sent.iter().filter(|(key, by)| risen.get(*key).unwrap_or(&0.0) != *by);
    let extra = risen.iter().find(|(key, by)| **by > 0.0 && !sent.contains_key(*key));
    let Some(((endpoint, status), by)) = wrong.next() else {
        return match extra {
            None => Ok(()),
            Some((key, _)) => {
                let expected = format!("no other series that rises after {}", many(varied));
                let found = format!("{}{} rose", metric.name, shown(key));
                fail(
                    context,
                    metric,
                    varied,
                    Finding::new(expected, found),
                    extra.map(|(key, _)| key),
                )
            }
        };
    };
    let key = (endpoint.clone(), status.clone());
    let expected = format!("{}{} rises by {by} after {}", metric.name, shown(&key), many(varied));
    let instead = extra.map(|(key, by)| format!("; {} rose by {by}", shown(key)));
    let found = match risen.get(&key) {
        None => format!("it did not rise{}", instead.unwrap_or_default()),
        Some(by) => format!("it rose by {by}{}", instead.unwrap_or_default()),
    };
    let line = rises.iter().find(|change| change.labels.get("endpoint") == Some(endpoint.as_str()));
    let line = extra
        .and_then(|(key, _)| rises.iter().find(|it| it.labels.get("endpoint") == Some(&*key.0)))
        .or(line);
    let finding =
        Finding::new(expected, found).quoting(line.and_then(|change| quote(after, change.line)));
    fail(context, metric, varied, finding, extra.map(|(key, _)| key))
}

fn fail(
    context: &Context<'_>,
    metric: Metric,
    varied: &Varied,
    finding: Finding,
    elsewhere: Option<&Key>,
) -> Judgement {
    let group = varied.group;
    let finding = finding
        .try_with(context.start_plain())
        .try_with(first(context, &varied.answers.probes))
        .try_with(context.metrics());
    if context.runs.attached {
        return finding
            .because("Somebody else may be visiting as well. Without --attach, the check is alone.")
            .could_not_tell();
    }
    let header = context.source.header().filter(|_| group.endpoint == "other");
    if let (Some(_), Some((name, line))) = (elsewhere, header) {
        let cause = format!(
            "The endpoint is taken from a header, {name}. Take the one that the arm names: \
             \"other\"."
        );
        return finding.because(cause).showing(Some(line)).fail();
    }
    let cause = match elsewhere {
        Some((endpoint, _)) if endpoint.is_empty() => format!(
            "An empty endpoint is no label at all, to Prometheus. Theirs is {:?}.",
            group.endpoint
        ),
        Some((endpoint, _)) if *endpoint != group.endpoint && group.endpoint == "other" => format!(
            "These paths are nobody's, and they are counted as {endpoint:?}. All paths that are \
             not yours share one endpoint, \"other\", whatever they look like."
        ),
        Some((endpoint, _)) if *endpoint != group.endpoint => format!(
            "They belong to {:?} and are counted as {endpoint:?}. The endpoint is what the arm of \
             the `match` says, and not made from the request.",
            group.endpoint
        ),
        Some((_, status)) => format!(
            "The label says {status}. It comes from `response.status()`, whatever the request was."
        ),
        None => {
            let (cause, line) = left_out(context, metric);
            let line = line.or(context.source.line_with(&[group.arm]));
            return finding.because(cause).showing(line).fail();
        }
    };
    let line = context.source.line(decides).or(context.source.line_with(&[group.arm]));
    finding.because(cause).showing(line).fail()
}

/// Why requests were answered, and not counted.
fn left_out(context: &Context<'_>, metric: Metric) -> (String, Option<Quote>) {
    let done = metric.done;
    if let Some((header, line)) = context.source.header() {
        let cause = format!(
            "They are left out by a header, {header}. They are answered, so they count: {done} \
             below the `match`, without an `if`."
        );
        return (cause, Some(line));
    }
    let cause = format!(
        "They are answered, so they are counted: {done} below the `match`, without an `if` that \
         asks for the method, a header, the status or the path."
    );
    (cause, context.source.line(decides))
}

/// A line that tells requests apart.
fn decides(line: &str) -> bool {
    ["if ", "is_", "matches!"].iter().any(|part| line.contains(part))
}

fn many(varied: &Varied) -> String {
    let Group { what, .. } = varied.group;
    match varied.answers.answers.len() {
        1 => format!("one of the {what}"),
        count => format!("{count} {what}"),
    }
}

fn first(context: &Context<'_>, probes: &[Probe]) -> String {
    probes.first().map(|probe| context.curl(probe)).unwrap_or_default()
}

fn shown((endpoint, status): &Key) -> String {
    match status.as_str() {
        "" => format!("{{endpoint={endpoint:?}}}"),
        status => format!("{{endpoint={endpoint:?},status={status:?}}}"),
    }
}

/// No counter falls or vanishes from one scrape to the next.
pub(crate) fn never_falls(context: &Context<'_>, metric: Metric) -> Judgement {
    let run = &context.runs.calm;
    let early = [&run.before, &run.after, &run.scraped, &run.end];
    let scrapes = early.into_iter().flatten().chain(run.varied.iter().map(|varied| &varied.after));
    let readings: Vec<&Exposition> =
        scrapes.filter_map(|scrape| scrape.exposition.as_ref()?.as_ref().ok()).collect();
    for pair in readings.windows(2) {
        for sample in pair[0].samples(metric.name) {
            let labels: Vec<(&str, &str)> = sample.labels.iter().collect();
            let now = pair[1].sample(metric.name, &labels).map(|sample| sample.value);
            let found = match now {
                Some(now) if now >= sample.value => continue,
                Some(now) => format!("it fell from {} to {now}", sample.value),
                None => "the series is gone".to_owned(),
            };
            if context.runs.attached {
                continue;
            }
            let lowering = ["reset()", "remove", "clear", ".set("];
            return Finding::new(format!("{} never falls", sample.series()), found)
                .quoting(quote(pair[0], sample.line))
                .because(
                    "A counter only rises, for as long as the program runs, and a series that was \
                     shown stays: Prometheus takes every fall for a restart.",
                )
                .showing(context.source.line(|line| lowering.iter().any(|it| line.contains(it))))
                .try_with(context.start_plain())
                .try_with(context.metrics())
                .try_with(context.metrics())
                .fail();
        }
    }
    Ok(())
}
