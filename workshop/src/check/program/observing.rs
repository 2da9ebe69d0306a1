//! Whether each visit is observed, once.

use crate::check::program::assertions::{Change, answers, changes, exposition, quote};
use crate::check::program::clues;
use crate::check::program::context::Context;
use crate::check::program::last_words::last_words;
use crate::check::program::metric::COUNT;
use crate::check::program::miscounted::buffered;
use crate::check::program::run::Run;
use crate::check::program::variety::PAGE;
use crate::check::verdict::{Finding, Judgement};

pub(crate) fn observed(context: &Context<'_>, run: &Run) -> Judgement {
    let visits = answers(run.visits.as_ref())?;
    let before = exposition(run.before.as_ref())?;
    let after = exposition(run.after.as_ref())?;
    let sent = visits.answers.len() as f64;
    let rises = changes(before, after, COUNT);
    let of_page = rises.iter().find(|change| change.labels.get("endpoint") == Some(PAGE));
    let by = of_page.map_or(0.0, Change::by);
    if by == sent {
        return Ok(());
    }
    let other = rises.iter().find(|change| change.by() >= sent && Some(*change) != of_page);
    let found = match (of_page, other) {
        (None, Some(other)) => format!("{COUNT}{} rose by {}", other.labels, other.by()),
        (None, None) => "it did not rise".to_owned(),
        (Some(_), _) => format!("it rose by {by}"),
    };
    let line = of_page.or(other).map(|change| change.line);
    let line = line.or_else(|| Some(after.sample(COUNT, &[("endpoint", PAGE)])?.line));
    let finding = Finding::new(format!("{COUNT}{{endpoint=\"{PAGE}\"}} rises by {sent}"), found)
        .quoting(line.and_then(|line| quote(after, line)))
        .with_last_words(last_words(run))
        .try_with(context.start(run.faults))
        .try_with(context.curl_visits())
        .try_with(context.metrics());
    if context.runs.attached && by > sent {
        return finding
            .because("Somebody else may be visiting as well. Without --attach, the check is alone.")
            .could_not_tell();
    }
    let failing = visits.statuses().all(|status| status == 503);
    let cause = misobserved(context, [by, sent], failing, other.is_some());
    if let Some((cause, line)) = buffered(context.source, "histogram").filter(|_| by == 0.0) {
        return finding.because(cause).showing(Some(line)).fail();
    }
    // What was seen at another endpoint is known, and needs no guess.
    let lost = by < sent && other.is_none();
    let clue = clues::told(context.source, clues::UNOBSERVED).filter(|_| lost);
    if let Some((cause, line)) = clue {
        return finding.because(cause).showing(Some(line)).fail();
    }
    let observes = |line: &str| line.contains(".observe(") || line.contains("start_timer");
    let line = context.source.line(|line| line.contains("if ")).filter(|_| lost);
    let line = line.or(context.source.line(observes));
    finding.because(cause).showing(line).fail()
}

/// Why the page's count rose by another number than that of the visits.
fn misobserved(
    context: &Context<'_>,
    [by, sent]: [f64; 2],
    failing: bool,
    elsewhere: bool,
) -> &'static str {
    match () {
        () if by == 2.0 * sent && !context.source.has("start_timer") => {
            "Each visit is observed twice. Once is enough, below the `match`, and not in its arms \
             as well."
        }
        () if by == 2.0 * sent => {
            "Each visit is observed twice. A timer observes when it is dropped: with `observe` as \
             well, that makes two."
        }
        () if by == sent + 1.0 => {
            "A scrape is observed as a visit. Each arm of the `match` names its own endpoint."
        }
        () if by == 0.0 && elsewhere => {
            "The endpoint of the page is \"/treecounter\", letter by letter."
        }
        () if by == 0.0 && failing => {
            "Failed visits are not observed. Observe below the `match`, where every answer passes, \
             and without an `if` around it."
        }
        () if by == 0.0 && context.source.in_handler("HistogramVec::new").is_some() => {
            "A histogram is made anew for each request here, and nobody sees what it observes. \
             Make it once, in `main`, register it, and keep it in App."
        }
        () if by == 0.0 => {
            "Nothing is observed, or what observes is not what was registered. Below the `match`, \
             where every answer passes, one `observe` times them all."
        }
        () => "Observe once for each request, below the `match`.",
    }
}
