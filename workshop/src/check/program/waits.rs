//! Whether a visit takes the time that the settings say, and fails when they say so.

use crate::check::program::context::Context;
use crate::check::program::run::Run;
use crate::check::verdict::{Finding, Judgement};

/// So many times the latency is more than one call of the page. Nothing waits for less than it
/// should, and on a busy machine much waits for longer.
const TWICE: f64 = 1.99;

/// Every visit takes its latency, once.
pub(crate) fn as_told(context: &Context<'_>) -> Judgement {
    if context.runs.attached {
        return Ok(());
    }
    context
        .runs
        .all()
        .filter(|run| !run.faults.latency.is_zero())
        .try_for_each(|run| one(context, run))
}

fn one(context: &Context<'_>, run: &Run) -> Judgement {
    let Some(visits) = run.visits.as_ref().filter(|visits| visits.unanswered().is_none()) else {
        // Why there are none, a check of its own says.
        return Ok(());
    };
    let told = run.faults.latency.as_secs_f64();
    let quickest = visits.quickest_seconds();
    if (told * 0.99..told * TWICE).contains(&quickest) {
        return Ok(());
    }
    let source = context.source;
    let (cause, line) = match () {
        () if quickest < told => (
            "The program does not take its settings from the environment, or does not wait for \
             its page: `Settings::from_env()?` as it is, and `self.trees.respond(request).await` \
             for each visit.",
            source.line(|line| line.contains("settings") || line.contains("timeout")),
        ),
        () if source.has("sleep") => (
            "Something in `handle` waits by itself. The latency is the tree counter's alone.",
            source.line_with(&["sleep"]),
        ),
        () => (
            "The page is asked for twice, and each call of `self.trees.respond(request)` takes the \
             whole latency. Once for each visit is enough.",
            source.line(|line| line.contains(".respond(") || line.contains("settings")),
        ),
    };
    Finding::new(
        format!("visits that take {told} s or little more, as the settings say"),
        format!("{quickest:.2} s, for the quickest of them"),
    )
    .because(cause)
    .showing(line)
    .try_with(context.start(run.faults))
    .try_with(format!("{} -w \"%{{time_total}}\\n\"", context.curl(&visits.probe)))
    .fail()
}
