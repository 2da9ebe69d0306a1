//! Whether other requests than visits are counted too, and not as visits.

use crate::check::program::assertions::{
    Change, answers, changes, exposition, list, others_visit, quote,
};
use crate::check::program::context::Context;
use crate::check::program::counter_hints;
use crate::check::program::experiment::{SCRAPES, STRANGERS};
use crate::check::program::metric::{COUNTER, REQUESTS};
use crate::check::program::mistake::Mistake;
use crate::check::program::source::Source;
use crate::check::program::tally;
use crate::check::program::uncounted::{uncounted, written_by_hand};
use crate::check::program::variety::{METRICS, OTHER, PAGE, arm};
use crate::check::verdict::{Finding, Judgement};
use std::collections::BTreeSet;

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
    .try_with(context.metrics())
    .try_with(context.metrics());
    if context.runs.attached {
        return others_visit(finding);
    }
    let arm = context.source.line_with(&[&arm(METRICS), "\"/treecounter\""]);
    let (cause, line) = match arm {
        Some(_) => ("The arm of the scrapes names the endpoint of the page.", arm),
        None => (
            "Scrapes are counted as visits to the page. Each arm of the `match` names its own \
             endpoint, a scrape's is \"/metrics\", and the line that counts takes what the arm \
             names.",
            context.source.in_handler(COUNTED_AS_PAGE),
        ),
    };
    finding.because(cause).showing(line).fail()
}

/// In the handler, a count of all requests as visits to the page.
const COUNTED_AS_PAGE: &str = "\"/treecounter\"])";

/// Not only visits are counted: scrapes, the front page and unknown paths are too, each once, by
/// the status of its answer.
pub(crate) fn counts_all(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let after = exposition(run.after.as_ref())?;
    let scraped = exposition(run.scraped.as_ref())?;
    let end = exposition(run.end.as_ref())?;
    let scrapes = Requests {
        what: format!("{SCRAPES} scrapes"),
        statuses: vec![200; SCRAPES],
        endpoint: METRICS,
        curl: context.metrics(),
    };
    // A scrape shows what came before it; so the last of those is counted here.
    let scrape = Requests {
        what: "a scrape".to_owned(),
        statuses: vec![200],
        endpoint: METRICS,
        curl: context.metrics(),
    };
    let front = Requests {
        what: "a visit to /".to_owned(),
        statuses: answers(run.front.as_ref())?.statuses().collect(),
        endpoint: "/",
        curl: context.curl_front(),
    };
    let strangers = Requests {
        what: format!("{STRANGERS} unknown paths"),
        statuses: answers(run.strangers.as_ref())?.statuses().collect(),
        endpoint: OTHER,
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
    endpoint: &'static str,
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
    let rose = |status: &str| status.parse().is_ok_and(|status| counted(status) > sent(status));
    let instead = rises
        .iter()
        .find(|it| missed.is_some() && it.by() > 1.0 && it.labels.get("status").is_some_and(rose));
    let found = match instead {
        Some(other) => {
            format!("they rose by {}; {} rose by {}", counted(status), other.labels, other.by())
        }
        None => format!("they rose by {}", counted(status)),
    };
    let finding = Finding::new(
        format!(
            "the series of status=\"{status}\" rise by {} in all after {}",
            sent(status),
            list(&what)
        ),
        found,
    )
    .try_with(context.start_plain());
    let finding =
        of_status.iter().fold(finding, |finding, requests| finding.try_with(&*requests.curl));
    let finding = finding.try_with(context.metrics());
    // Another replica behind the same address, or a restart, shows lower counts.
    let others = missed.is_none() || rises.iter().any(|change| change.by() < 0.0);
    if context.runs.attached && others {
        return others_visit(finding);
    }
    let endpoints: Vec<&str> = of_status.iter().map(|requests| requests.endpoint).collect();
    let label = instead.and_then(|other| other.labels.get("status"));
    let mistake = match missed {
        Some(status) => missing(context.source, *status, label, &endpoints),
        None => TWICE,
    };
    finding.told(mistake).fail()
}

/// Why not all requests that were answered with a status have raised its series.
fn missing(source: &Source, status: u16, label: Option<&str>, endpoints: &[&str]) -> Mistake {
    let Some(label) = label else { return uncounted(source, endpoints).unwrap_or(UNCOUNTED) };
    let line = source.literal(label);
    let cause = match line {
        Some(_) => written_by_hand(&status.to_string(), label),
        None => format!(
            "They were answered with {status}, and the label says {label}. Take it from \
             `response.status()`, whatever the answer is."
        ),
    };
    Mistake::naming(cause, counter_hints::STATUS).at(line)
}

const TWICE: Mistake = Mistake::new(
    "Some of them are counted twice. One `inc()` for each request, below the `match`, is enough.",
    counter_hints::TWICE,
);
const UNCOUNTED: Mistake = Mistake::new(
    "They are answered, so they are counted: below the `match`, where every answer passes, without \
     an `if` around it.",
    counter_hints::CONDITION,
);
