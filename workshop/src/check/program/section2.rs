//! Section 2: requests are counted, by status and endpoint.

use std::collections::BTreeSet;

use crate::check::program::assertions::{
    Change, answers, changes, exposition, last, list, quote, quote_of,
};
use crate::check::program::context::Context;
use crate::check::program::counting::counts;
use crate::check::program::experiment::{PAGE, SCRAPES, STRANGERS};
use crate::check::program::section1::last_words;
use crate::check::program::similar::nearest;
use crate::check::program::tally::{self, Metric};
use crate::check::verdict::{Finding, Judgement};
use crate::exposition::{Exposition, Family, Kind, Sample};

/// The counter of this section.
pub(crate) const COUNTER: &str = "requests_total";
const REQUESTS: Metric = Metric { name: COUNTER, by_status: true, done: "`inc()`" };
const LABELS: [&str; 2] = ["endpoint", "status"];

/// `requests_total` is there, a counter, with help.
pub(crate) fn requests_counter(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    exposition(run.after.as_ref())?;
    let Some(read) = last(run) else { return Ok(()) };
    let Some(family) = read.family(COUNTER).filter(|family| !family.samples.is_empty()) else {
        return missing(context, read);
    };
    let finding = |expected: &str, found: String| {
        Finding::new(expected, found)
            .quoting(quote_of(read, COUNTER))
            .try_with(context.start_plain())
            .try_with(metrics(context))
    };
    if family.kind != Kind::Counter {
        let cause = match family.kind {
            Kind::Gauge => {
                "A count of requests only rises. As a gauge, nobody can tell a fall from a restart, \
                 and `rate()` is wrong: use IntCounterVec."
            }
            _ => "A count of requests is a counter: use IntCounterVec.",
        };
        return finding("# TYPE requests_total counter", format!("TYPE {}", family.kind))
            .because(cause)
            .showing(context.source.line_with(&["GaugeVec::new"]))
            .fail();
    }
    if family.help.as_deref().unwrap_or_default().trim().is_empty() {
        return finding("# HELP requests_total, with a sentence", "no help text".to_owned())
            .because("The second argument of `Opts::new` is what others read first.")
            .fail();
    }
    Ok(())
}

/// There is no `requests_total`, even after visits.
fn missing(context: &Context<'_>, read: &Exposition) -> Judgement {
    let expected = format!("a counter {COUNTER} at /metrics");
    if let Some(near) = nearest(read, COUNTER) {
        return Finding::new(expected, format!("{}, a {}", near.name, near.kind))
            .quoting(quote_of(read, &near.name))
            .because(format!("The name is {COUNTER}: the name of a counter ends in _total."))
            .showing(context.source.line_with(&[&format!("\"{}\"", near.name)]))
            .try_with(context.start_plain())
            .try_with(metrics(context))
            .fail();
    }
    let source = context.source;
    let default_registry = source.line(|line| line.contains("register_int_counter"));
    let (cause, line) = match () {
        () if !source.text.is_empty() && !source.has(COUNTER) => (
            "Your file does not name it yet. A counter is made with `IntCounterVec::new`, and \
             registered with the registry that MetricsHandler shows.",
            None,
        ),
        () if default_registry.is_some() => (
            "`register_int_counter_vec!` registers with the crate's own default registry, and \
             /metrics shows yours. Use `registry.register(Box::new(requests.clone()))`.",
            default_registry,
        ),
        () if source.count(MADE) > 1 => (
            "Two counters are made. The one that is registered is another one than yours: register \
             a clone of yours, `registry.register(Box::new(requests.clone()))?`.",
            source.second_line_with(MADE),
        ),
        () if source.count("Registry::new") > 1 => (
            "There are two registries. The counter has to be in the one that MetricsHandler shows.",
            source.second_line_with("Registry::new"),
        ),
        () if source.has(COUNTER) && !source.has(".register(") => (
            "The counter is made, but not registered: \
             `registry.register(Box::new(requests.clone()))?`.",
            source.line_with(&[COUNTER]),
        ),
        () if source.has(".register(") && !source.has("with_label_values") => (
            "A counter with labels shows nothing until a set of label values is named: \
             `requests.with_label_values(&[\"200\", \"/treecounter\"])`.",
            source.line_with(&[".register("]),
        ),
        () => (
            "Either it is not registered with the registry that MetricsHandler shows, or no set \
             of its label values was named yet: until then a counter with labels shows nothing.",
            None,
        ),
    };
    let visits = context.runs.calm.visits.as_ref().map_or(0, |visits| visits.answers.len());
    Finding::new(expected, format!("none, before and after {visits} visits to {PAGE}"))
        .because(cause)
        .showing(line)
        .try_with(context.start_plain())
        .try_with(metrics(context))
        .fail()
}

/// The family, which an earlier check has found.
pub(crate) fn family(read: &Exposition) -> Judgement<&Family> {
    match read.family(COUNTER) {
        Some(family) => Ok(family),
        None => Finding::new(format!("{COUNTER} at /metrics"), "none").fail(),
    }
}

/// Its labels are `status` and `endpoint`, and their values stand in the right place.
pub(crate) fn labels(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let read = exposition(run.after.as_ref())?;
    let read = last(run).unwrap_or(read);
    let finding = |sample: &Sample, expected: String, found: String| {
        Finding::new(expected, found)
            .quoting(quote(read, sample.line))
            .try_with(context.start_plain())
            .try_with(metrics(context))
    };
    for sample in &family(read)?.samples {
        if let Some((name, _)) = sample.labels.iter().find(|(_, value)| value.is_empty()) {
            return finding(
                sample,
                "label values that say something".into(),
                format!("{name}=\"\""),
            )
            .because("An empty value is the same as no label at all, to Prometheus.")
            .fail();
        }
        let names: BTreeSet<&str> = sample.labels.names().collect();
        if names != BTreeSet::from(LABELS) {
            let found: Vec<&str> = sample.labels.names().collect();
            let cause = match names.is_superset(&BTreeSet::from(LABELS)) {
                true => "Each further label multiplies the series. These two are enough here.",
                false => {
                    "The names are declared once: `IntCounterVec::new(opts, &[\"status\", \"endpoint\"])`."
                }
            };
            return finding(sample, "the labels status and endpoint".into(), list(&found))
                .because(cause)
                .showing(context.source.line_with(&["IntCounterVec::new", "&["]))
                .fail();
        }
        let status = sample.label("status").unwrap_or_default();
        if status.starts_with('/') || status == "other" {
            return finding(
                sample,
                "a status as status, and a path as endpoint".into(),
                format!("status={status:?}"),
            )
            .because(
                "The values stand in each other's place: `with_label_values` takes them in the \
                 order in which the names were declared.",
            )
            .showing(context.source.line_with(&["with_label_values"]))
            .fail();
        }
    }
    Ok(())
}

/// Both series of the page are there, at 0, before anybody came.
pub(crate) fn pre_created(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let read = exposition(run.before.as_ref())?;
    for status in ["200", "503"] {
        let series = format!("{COUNTER}{{endpoint=\"{PAGE}\",status=\"{status}\"}}");
        let finding = |found: String| {
            Finding::new(format!("{series} 0"), found)
                .try_with(context.start_plain())
                .try_with(metrics(context))
        };
        let sample = read.sample(COUNTER, &[("status", status), ("endpoint", PAGE)]);
        match sample {
            Some(sample) if sample.value == 0.0 || context.runs.attached => {}
            Some(sample) => {
                let (cause, line) = match context.source.above_main(COUNTED_UNSEEN) {
                    Some(line) => (SCRAPE_AS_VISIT, Some(line)),
                    None => (
                        "`with_label_values` alone creates a series at 0; `inc()` is for requests.",
                        context.source.line_with(&["with_label_values", "inc()"]),
                    ),
                };
                return finding(format!("{} before the first visit", sample.value))
                    .quoting(quote(read, sample.line))
                    .because(cause)
                    .showing(line)
                    .fail();
            }
            None => {
                let (cause, line) = match context.source.above_main(MADE) {
                    Some(line) => (MADE_ANEW, Some(line)),
                    None => (ABSENT, None),
                };
                return finding(absent(read)).because(cause).showing(line).fail();
            }
        }
    }
    Ok(())
}

/// In the handler, a count of all requests as visits to the page.
const COUNTED_AS_PAGE: &str = "\"/treecounter\"])";

/// In the handler, a count that does not ask which endpoint it was.
const COUNTED_UNSEEN: &str = "\"/treecounter\"]).inc()";

const SCRAPE_AS_VISIT: &str = "Nobody has visited the page yet: the scrape itself was counted as a \
    visit. This line runs for every request, before anyone knows its endpoint and its status. \
    Count below the `match`, where both are known.";

/// How a counter is made.
pub(crate) const MADE: &str = "IntCounterVec::new";

const MADE_ANEW: &str = "A counter is made anew for each request here. Make it once, in `main`, \
    keep it in App, and name the series that you know will come before `serve`.";

const ABSENT: &str = "A series appears when its label values are first named. An increase from \
    nothing to 1 is invisible to `rate()`, so the series that you know will come are named in \
    `main`, before `serve`.";

fn absent(read: &Exposition) -> String {
    let samples = read.family(COUNTER).map(|family| family.samples.as_slice()).unwrap_or_default();
    let series: Vec<String> = samples.iter().map(|s| format!("{}{}", s.name, s.labels)).collect();
    match series.as_slice() {
        [] => format!("no series of {COUNTER} before the first visit"),
        some => format!("before the first visit only {}", list(some)),
    }
}

/// N visits raise the series of their status by N, and no other.
pub(crate) fn counts_visits(context: &Context<'_>) -> Judgement {
    counts(context, &context.runs.calm)?;
    tally::never_falls(context, REQUESTS)
}

/// With failures forced on, the 503 series rises and the 200 series does not.
pub(crate) fn status_from_response(context: &Context<'_>) -> Judgement {
    if context.runs.attached {
        let visits = answers(context.runs.calm.visits.as_ref())?;
        if visits.statuses().any(|status| status == 503) {
            return counts(context, &context.runs.calm);
        }
    }
    let run = context.runs.failing()?;
    crate::check::program::section1::starts(context, run)?;
    let visits = answers(run.visits.as_ref())?;
    if let Some(missing) = visits.unanswered() {
        return Finding::new("503, since every visit fails in this run", missing.to_string())
            .with_last_words(last_words(run))
            .try_with(context.start(run.faults))
            .try_with(context.curl(&visits.probe))
            .fail();
    }
    if let Some(status) = visits.statuses().find(|status| *status != 503) {
        return Finding::new("503, since every visit fails in this run", status.to_string())
            .because(
                "A failed answer has to reach the visitor as it is: `self.trees.respond(request)` \
                 gives it.",
            )
            .with_last_words(last_words(run))
            .try_with(context.start(run.faults))
            .try_with(context.curl(&visits.probe))
            .fail();
    }
    counts(context, run)
}

/// Scrapes do not raise the series of the page.
pub(crate) fn scrapes_apart(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let before = exposition(run.after.as_ref())?;
    let after = exposition(run.scraped.as_ref())?;
    let rises = changes(before, after, COUNTER);
    let Some(change) = rises.iter().find(|change| change.labels.get("endpoint") == Some(PAGE))
    else {
        return Ok(());
    };
    let finding = Finding::new(
        format!("no visit to {PAGE} counted after {SCRAPES} scrapes"),
        format!("{} rose by {}", change.labels, change.by()),
    )
    .quoting(quote(after, change.line))
    .try_with(context.start_plain())
    .try_with(metrics(context))
    .try_with(metrics(context));
    if context.runs.attached {
        return finding
            .because("Somebody else may be visiting as well. Without --attach, the check is alone.")
            .could_not_tell();
    }
    let arm = context.source.line_with(&["\"/metrics\" =>", "\"/treecounter\""]);
    let (cause, line) = match arm {
        Some(_) => ("The arm of the scrapes names the endpoint of the page.", arm),
        None => (
            "Every request is counted as a visit to the page. Each arm of the `match` names its \
             own endpoint: a scrape's is \"/metrics\".",
            context.source.above_main(COUNTED_AS_PAGE),
        ),
    };
    finding.because(cause).showing(line).fail()
}

/// Unknown paths share one series.
pub(crate) fn bounded_paths(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let before = exposition(run.scraped.as_ref())?;
    let after = exposition(run.end.as_ref())?;
    let new: Vec<Change> = changes(before, after, COUNTER)
        .into_iter()
        .filter(|change| change.before.is_none())
        .collect();
    // One for the unknown paths, one for the front page, and one for the scrape if that is the first
    // of its kind.
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
    .try_with(metrics(context))
    .fail()
}

/// Unknown paths share one series whatever they look like.
fn bounded_shapes(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let Some(varied) = run.varied.iter().find(|varied| varied.group.endpoint == "other") else {
        return Ok(());
    };
    let read = exposition(Some(&varied.after))?;
    let unknown: Vec<&Sample> =
        read.samples(COUNTER).filter(|sample| sample.label("status") == Some("404")).collect();
    let [_, .., another] = unknown[..] else { return Ok(()) };
    let values: Vec<&str> =
        unknown.iter().take(4).filter_map(|sample| sample.label("endpoint")).collect();
    Finding::new(
        "one endpoint for all unknown paths",
        format!("{} of them: {}", unknown.len(), list(&values)),
    )
    .quoting(quote(read, another.line))
    .because(
        "A part of the path, or its shape, is still the label's value, so strangers decide how \
         many series there are. Give all paths that are not yours one endpoint, \"other\".",
    )
    .showing(context.source.line(|line| {
        [".path()", ".len()", "split", "starts_with", "path =>", "path if"]
            .iter()
            .any(|part| line.contains(part))
    }))
    .try_with(context.start_plain())
    .try_with(varied.answers.probes.last().map(|probe| context.curl(probe)).unwrap_or_default())
    .try_with(metrics(context))
    .fail()
}

/// Not only visits are counted: scrapes, the front page and unknown paths are too, each once, by the
/// status of its answer.
pub(crate) fn counts_all(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let after = exposition(run.after.as_ref())?;
    let scraped = exposition(run.scraped.as_ref())?;
    let end = exposition(run.end.as_ref())?;
    let scrapes = Requests {
        what: format!("{SCRAPES} scrapes"),
        statuses: vec![200; SCRAPES],
        arm: "\"/metrics\" =>",
        curl: metrics(context),
    };
    // A scrape shows what came before it; so the last of those is counted here.
    let scrape = Requests {
        what: "a scrape".to_owned(),
        statuses: vec![200],
        arm: "\"/metrics\" =>",
        curl: metrics(context),
    };
    let front = Requests {
        what: "a visit to /".to_owned(),
        statuses: answers(run.front.as_ref())?.statuses().collect(),
        arm: "\"/\" =>",
        curl: format!("curl -s http://{}/", context.runs.host),
    };
    let strangers = Requests {
        what: format!("{STRANGERS} unknown paths"),
        statuses: answers(run.strangers.as_ref())?.statuses().collect(),
        arm: "_ =>",
        curl: context.curl_strangers(),
    };
    counted(context, &changes(after, scraped, COUNTER), &[scrapes])?;
    counted(context, &changes(scraped, end, COUNTER), &[front, strangers, scrape])?;
    tally::every_kind(context, REQUESTS)
}

/// Requests of one kind.
struct Requests {
    what: String,
    /// How they were answered.
    statuses: Vec<u16>,
    /// How the arm of the `match` begins that answers them.
    arm: &'static str,
    /// How to make them.
    curl: String,
}

/// These requests, and no others, have raised the counter.
fn counted(context: &Context<'_>, rises: &[Change], requests: &[Requests]) -> Judgement {
    let counted = |status: u16| {
        let of_status =
            rises.iter().filter(|it| it.labels.get("status") == Some(&*status.to_string()));
        of_status.map(Change::by).fold(0.0, |sum, by| sum + by)
    };
    let sent = |status: u16| {
        let all = requests.iter().flat_map(|requests| &requests.statuses);
        all.filter(|sent| **sent == status).count() as f64
    };
    let statuses: BTreeSet<u16> =
        requests.iter().flat_map(|requests| &requests.statuses).copied().collect();
    let missed = statuses.iter().find(|status| counted(**status) < sent(**status));
    let wrong = missed.or(statuses.iter().find(|status| counted(**status) != sent(**status)));
    let Some(&status) = wrong else { return Ok(()) };
    let of_status: Vec<&Requests> =
        requests.iter().filter(|requests| requests.statuses.contains(&status)).collect();
    let what: Vec<&str> = of_status.iter().map(|requests| requests.what.as_str()).collect();
    let finding = Finding::new(
        format!(
            "series of status=\"{status}\" that rise by {} after {}",
            sent(status),
            list(&what)
        ),
        format!("they rose by {}", counted(status)),
    )
    .try_with(context.start_plain());
    let finding =
        of_status.iter().fold(finding, |finding, requests| finding.try_with(&*requests.curl));
    let finding = finding.try_with(metrics(context));
    // Another replica behind the same address, or a restart, shows lower counts.
    let others = missed.is_none() || rises.iter().any(|change| change.by() < 0.0);
    if context.runs.attached && others {
        return finding
            .because("Somebody else may be visiting as well. Without --attach, the check is alone.")
            .could_not_tell();
    }
    let returns = of_status
        .iter()
        .find_map(|requests| context.source.line_with(&[requests.arm, "return"]))
        .filter(|_| missed.is_some());
    let cause = match () {
        () if missed.is_none() => "One `inc()` for each request, below the `match`.",
        () if returns.is_some() => RETURNS,
        () => {
            "Count below the `match`, where every answer passes, without an `if` around it, and by \
             the status of the answer."
        }
    };
    finding.because(cause).showing(returns).fail()
}

/// Of an arm that returns.
pub(crate) const RETURNS: &str = "An arm that returns at once is not counted. Let every arm hand \
    its endpoint and its answer to the lines below the `match`.";

/// The command that shows the exposition.
pub(crate) fn metrics(context: &Context<'_>) -> String {
    format!("curl -s http://{}/metrics", context.runs.host)
}
