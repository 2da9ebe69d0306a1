//! Whether each visit is observed, once.

use crate::check::program::assertions::{Change, answers, changes, exposition, quote};
use crate::check::program::context::Context;
use crate::check::program::last_words::last_words;
use crate::check::program::metric::COUNT;
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
    let cause = match () {
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
        () if by == 0.0 && other.is_some() => {
            "The endpoint of the page is \"/treecounter\", letter by letter."
        }
        () if by == 0.0 && failing => {
            "Failed visits are not observed. Observe below the `match`, where every answer passes, \
             and without an `if` around it."
        }
        () if by == 0.0 => {
            "Nothing is observed, or what observes is not what was registered. Below the `match`, \
             where every answer passes, one `observe` times them all."
        }
        () => "Observe once for each request, below the `match`.",
    };
    let line =
        context.source.line(|line| line.contains(".observe(") || line.contains("start_timer"));
    finding.because(cause).showing(line).fail()
}
