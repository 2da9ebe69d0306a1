//! Whether visits are counted, and each once, by the status that the visitor saw.

use crate::check::program::assertions::{
    Change, answers, changes, exposition, list, others_visit, quote,
};
use crate::check::program::context::Context;
use crate::check::program::experiment::SCRAPES;
use crate::check::program::last_words::last_words;
use crate::check::program::metric::COUNTER;
use crate::check::program::miscounted::miscounted;
use crate::check::program::run::Run;
use crate::check::program::variety::PAGE;
use crate::check::verdict::{Finding, Judgement};
use crate::exposition::{Exposition, Family};
use std::collections::BTreeMap;

/// The visits of a run are counted by the status that the visitor saw.
pub(crate) fn counts(context: &Context<'_>, run: &Run) -> Judgement {
    let visits = answers(run.visits.as_ref())?;
    let before = exposition(run.before.as_ref())?;
    let after = exposition(run.after.as_ref())?;
    family(after)?;
    let rises = changes(before, after, COUNTER);
    let page = |change: &&Change| change.labels.get("endpoint") == Some(PAGE);
    let mut sent: BTreeMap<String, f64> = BTreeMap::new();
    for status in visits.statuses() {
        *sent.entry(status.to_string()).or_default() += 1.0;
    }
    // A scrape that is counted as a visit is the business of a later check.
    let by_scrape = scrapes_counted_as(&context.runs.calm, PAGE);
    let counted: BTreeMap<String, f64> = rises
        .iter()
        .filter(page)
        .map(|change| (change.labels.get("status").unwrap_or_default().to_owned(), change.by()))
        .collect();
    let right = sent.keys().chain(counted.keys()).all(|status| {
        let counted = counted.get(status).copied().unwrap_or(0.0);
        let sent = sent.get(status).copied().unwrap_or(0.0);
        counted == sent || (status == "200" && counted == sent + by_scrape)
    });
    // Elsewhere, one scrape may have been counted, and nothing else.
    let elsewhere = rises.iter().find(|change| !page(change) && change.by() > 1.0);
    if right && elsewhere.is_none() {
        return Ok(());
    }
    let expected = |change: &&Change| {
        let sent = change.labels.get("status").and_then(|status| sent.get(status));
        sent == Some(&change.by())
    };
    let of_page = || rises.iter().filter(|change| !right && page(change));
    let shown = of_page().find(|change| !expected(change)).or(elsewhere).or(of_page().next());
    let line = shown.map(|change| change.line);
    let line = line.or_else(|| expected_line(after, sent.keys().next()?)).or(first_line(after));
    let finding = Finding::new(told(&sent), found(&rises))
        .quoting(line.and_then(|line| quote(after, line)))
        .with_last_words(last_words(run))
        .try_with(context.start(run.faults))
        .try_with(context.curl_visits())
        .try_with(context.metrics());
    if context.runs.attached && rises.iter().any(|change| change.by() > 0.0) {
        return others_visit(finding);
    }
    finding.told(miscounted(context, run, &rises)).fail()
}

/// By how much one scrape raises the series of an endpoint.
fn scrapes_counted_as(run: &Run, endpoint: &str) -> f64 {
    let (Ok(after), Ok(scraped)) =
        (exposition(run.after.as_ref()), exposition(run.scraped.as_ref()))
    else {
        return 0.0;
    };
    let rises = changes(after, scraped, COUNTER);
    let of_endpoint = rises.iter().filter(|change| change.labels.get("endpoint") == Some(endpoint));
    of_endpoint.map(Change::by).sum::<f64>() / SCRAPES as f64
}

/// The series that should have risen.
fn expected_line(read: &Exposition, status: &str) -> Option<usize> {
    Some(read.sample(COUNTER, &[("status", status), ("endpoint", PAGE)])?.line)
}

fn first_line(read: &Exposition) -> Option<usize> {
    let samples = &read.family(COUNTER)?.samples;
    let page = samples.iter().find(|sample| sample.label("endpoint") == Some(PAGE));
    page.or(samples.first()).map(|sample| sample.line)
}

fn told(sent: &BTreeMap<String, f64>) -> String {
    let parts: Vec<String> = sent
        .iter()
        .map(|(status, count)| {
            format!("{{endpoint=\"{PAGE}\",status=\"{status}\"}} rises by {count}")
        })
        .collect();
    format!("{}, and no other", list(&parts))
}

fn found(rises: &[Change]) -> String {
    let told: Vec<String> = rises
        .iter()
        .filter(|change| change.labels.get("endpoint") != Some("/metrics"))
        .map(|change| match change.by() {
            by if by < 0.0 => format!("{} fell by {}", change.labels, -by),
            by => format!("{} rose by {by}", change.labels),
        })
        .collect();
    match told.as_slice() {
        [] => "none of its series rose".to_owned(),
        told => list(told),
    }
}

/// The family, which an earlier check has found.
pub(crate) fn family(read: &Exposition) -> Judgement<&Family> {
    match read.family(COUNTER) {
        Some(family) => Ok(family),
        None => Finding::new(format!("{COUNTER} at /metrics"), "none").fail(),
    }
}
