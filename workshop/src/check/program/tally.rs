//! Whether requests of every kind have raised a metric as they should, series by series.

use std::collections::BTreeMap;

use crate::check::program::assertions::{Change, changes, exposition, others_visit, quote};
use crate::check::program::context::Context;
use crate::check::program::counter_hints::{CONDITION, ENDPOINT, FALLS, STATUS, TWICE};
use crate::check::program::metric::Metric;
use crate::check::program::mistake::Mistake;
use crate::check::program::run::Varied;
use crate::check::program::source::Source;
use crate::check::program::uncounted::{ONLY_RISES, lowered, returned};
use crate::check::program::variety::{Group, METRICS, OTHER, arm};
use crate::check::verdict::{Finding, Judgement};
use crate::exposition::Exposition;

/// An endpoint, and a status where that is a label.
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
    add(METRICS, 200);
    varied.answers.statuses().for_each(|status| add(group.endpoint, status));
    let mut risen: BTreeMap<Key, f64> = BTreeMap::new();
    for change in rises {
        let label = |name| change.labels.get(name).unwrap_or_default().to_owned();
        let status = if metric.by_status { label("status") } else { String::new() };
        *risen.entry((label("endpoint"), status)).or_default() += change.by();
    }
    let mut wrong = sent.iter().filter(|(key, by)| risen.get(*key).unwrap_or(&0.0) != *by);
    let extra = risen.iter().find(|(key, by)| **by > 0.0 && !sent.contains_key(*key));
    let elsewhere = extra.map(|(key, _)| key);
    let Some((key, by)) = wrong.next() else {
        let Some(also) = elsewhere else { return Ok(()) };
        let expected = format!("no other series that rises after {}", many(varied));
        let found = format!("{}{} rose", metric.name, shown(also));
        let cause = format!(
            "They are counted where they belong, and once more as {}. Every request raises one \
             series.",
            shown(also)
        );
        let mistake = Mistake::naming(cause, TWICE).at(context.source.literal(&also.0));
        let (finding, kind) = (Finding::new(expected, found), Kind::of(context, varied));
        return fail(context, metric, finding, &kind, mistake);
    };
    // Without the group's own, it is the scrape before them.
    let kind = match key.0 == group.endpoint {
        true => Kind::of(context, varied),
        false => Kind::scrape(context),
    };
    let expected = format!("{}{} rises by {by} after {}", metric.name, shown(key), kind.what);
    let instead = extra.map(|(key, by)| format!("; {} rose by {by}", shown(key)));
    let found = match risen.get(key) {
        None => format!("it did not rise{}", instead.unwrap_or_default()),
        Some(by) => format!("it rose by {by}{}", instead.unwrap_or_default()),
    };
    let of = |key: &Key| rises.iter().find(|it| it.labels.get("endpoint") == Some(&*key.0));
    let line = elsewhere.and_then(of).or(of(key));
    let finding =
        Finding::new(expected, found).quoting(line.and_then(|change| quote(after, change.line)));
    let mistake = match elsewhere {
        Some(elsewhere) => counted_as(context, &kind, key, elsewhere),
        None if risen.get(key).is_some_and(|risen| *risen > *by) => more_than_once(metric),
        None => left_out(context.source, metric, kind.endpoint),
    };
    fail(context, metric, finding, &kind, mistake)
}

/// Why requests of a kind were counted too often.
fn more_than_once(metric: Metric) -> Mistake {
    let cause = format!(
        "They raise it more than once. One {} for each request is enough: below the `match`, and \
         nowhere else.",
        metric.done
    );
    Mistake::naming(cause, TWICE)
}

/// Requests of one kind.
struct Kind {
    what: String,
    endpoint: &'static str,
    /// How to make one.
    curl: String,
}

impl Kind {
    fn of(context: &Context<'_>, varied: &Varied) -> Self {
        let curl = varied.answers.probes.first().map(|probe| context.curl(probe));
        let endpoint = varied.group.endpoint;
        Self { what: many(varied), endpoint, curl: curl.unwrap_or_default() }
    }

    fn scrape(context: &Context<'_>) -> Self {
        Self { what: "a scrape".to_owned(), endpoint: METRICS, curl: context.metrics() }
    }
}

fn fail(
    context: &Context<'_>,
    metric: Metric,
    finding: Finding,
    kind: &Kind,
    mistake: Mistake,
) -> Judgement {
    let finding =
        finding.try_with(context.start_plain()).try_with(&*kind.curl).try_with(context.metrics());
    if context.runs.attached {
        return others_visit(finding);
    }
    let arm = || context.source.line_with(&[&arm(kind.endpoint)]);
    let finding = finding.told(mistake.or_at(|| context.source.line(decides)).or_at(arm));
    match metric.by_status {
        true => finding.fail(),
        // The hints are the counter's.
        false => Finding { hints: None, ..finding }.fail(),
    }
}

/// Why requests of a kind were counted as others.
fn counted_as(context: &Context<'_>, kind: &Kind, own: &Key, elsewhere: &Key) -> Mistake {
    let source = context.source;
    let (endpoint, status) = elsewhere;
    if endpoint == kind.endpoint {
        let cause = format!(
            "They were answered with {}, and are counted as {status}. The label is the status of \
             the answer, whatever it is: `response.status().as_str()`.",
            own.1
        );
        return Mistake::naming(cause, STATUS);
    }
    let header = source.header().filter(|_| kind.endpoint == OTHER);
    if let Some((name, line)) = header {
        let cause = format!(
            "The endpoint is taken from a header, {name}. Take the one that the arm names: \
             \"other\"."
        );
        return Mistake::naming(cause, ENDPOINT).at(line);
    }
    let arm = source.line_with(&[&arm(kind.endpoint), &format!("\"{endpoint}\"")]);
    let cause = match () {
        () if endpoint.is_empty() => format!(
            "An empty endpoint is no label at all, to Prometheus. Theirs is {:?}.",
            kind.endpoint
        ),
        () if kind.endpoint == OTHER => format!(
            "These paths are nobody's, and they are counted as {endpoint:?}. All paths that are \
             not yours share one endpoint, \"other\", whatever they look like."
        ),
        () if arm.is_some() => format!(
            "They belong to {:?}, and their arm of the `match` names {endpoint:?}.",
            kind.endpoint
        ),
        () => format!(
            "They belong to {:?} and are counted as {endpoint:?}. The endpoint is what the arm of \
             the `match` names, as it is, and not made from the request.",
            kind.endpoint
        ),
    };
    Mistake::naming(cause, ENDPOINT).at(arm)
}

/// Why requests were answered, and not counted.
fn left_out(source: &Source, metric: Metric, endpoint: &str) -> Mistake {
    let done = metric.done;
    if let Some((header, line)) = source.header() {
        let cause = format!(
            "They are left out by a header, {header}. They are answered, so they count: {done} \
             below the `match`, without an `if`."
        );
        return Mistake::naming(cause, CONDITION).at(line);
    }
    if let Some(mistake) = returned(source, endpoint) {
        return mistake;
    }
    let cause = format!(
        "They are answered, so they are counted: {done} below the `match`, where every answer \
         passes. Neither the method nor the query, a header, the status or the path decides."
    );
    Mistake::naming(cause, CONDITION).at(source.line(decides))
}

/// A line that tells requests apart.
fn decides(line: &str) -> bool {
    ["if ", "is_", "matches!"].iter().any(|part| line.contains(part))
}

fn many(varied: &Varied) -> String {
    let Group { what, endpoint, .. } = *varied.group;
    // The scrape before them is counted when they are.
    let before = if endpoint == METRICS { ", and the scrape before" } else { "" };
    match varied.answers.answers.len() {
        1 => format!("one of the {what}{before}"),
        count => format!("{count} {what}{before}"),
    }
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
    let readings: Vec<&Exposition> =
        run.scrapes().filter_map(|scrape| scrape.exposition.as_ref()?.as_ref().ok()).collect();
    for pair in readings.windows(2) {
        for sample in pair[0].samples(metric.name) {
            let labels: Vec<(&str, &str)> = sample.labels.iter().collect();
            let now = pair[1].sample(metric.name, &labels).map(|sample| sample.value);
            let found = match now {
                Some(now) if now >= sample.value => continue,
                Some(now) => {
                    format!("at the next scrape it had fallen from {} to {now}", sample.value)
                }
                None => "at the next scrape it was gone".to_owned(),
            };
            if context.runs.attached {
                continue;
            }
            return Finding::new(format!("{} never falls", sample.series()), found)
                .quoting(quote(pair[0], sample.line))
                .try_with(context.start_plain())
                .try_with(context.metrics())
                .try_with(context.curl_visits())
                .try_with(context.metrics())
                .try_with(context.metrics())
                .told(lowered(context.source).unwrap_or(Mistake::new(ONLY_RISES, FALLS)))
                .fail();
        }
    }
    Ok(())
}
