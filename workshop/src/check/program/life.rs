//! Whether the program lives: it starts, answers, and does not panic.

use crate::check::program::context::Context;
use crate::check::program::faults::Faults;
use crate::check::program::last_words::{PANIC, death, last_words, words};
use crate::check::program::run::{Run, Scrape};
use crate::check::verdict::{Finding, Judgement};
use crate::http::no_answer::NoAnswer;
use crate::process::{NoStart, announcement};
use std::process::ExitStatus;

/// The program starts, stays alive, and does not panic.
pub(crate) fn stays_alive(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    // Several programs run side by side. One whose port is its own stands in the others' way.
    // And one that prints without end may have had too little time for it in this run.
    let mut all = context.runs.all();
    if let Some(other) = all.find(|run| is_port_taken(run) || run.output.floods()) {
        starts(context, other)?;
    }
    starts(context, run)?;
    let first = run.before.as_ref().map(|scrape| &scrape.answer);
    if context.runs.attached && matches!(first, Some(Err(NoAnswer::Refused))) {
        return nobody(context);
    }
    let scrapes = run.before.iter().map(|scrape| (&scrape.probe, scrape.status()));
    let answers = [&run.visits, &run.front, &run.strangers].into_iter().flatten();
    let answers = answers.flat_map(|all| all.statuses().map(|status| (&all.probe, Some(status))));
    let panicked = scrapes.chain(answers).find(|(_, status)| *status == Some(500));
    let said = run.output.last(usize::MAX).join("\n");
    if !said.contains(PANIC) {
        return Ok(());
    }
    Finding::new(
        "a program that never panics",
        "it panicked, and a request that this happens to is answered with 500",
    )
    .because(death(&said).unwrap_or_default())
    .with_last_words(last_words(run))
    .try_with(context.start_plain())
    .try_with(panicked.map(|(probe, _)| context.curl(probe)).unwrap_or_default())
    .fail()
}

/// The program opens its port, stays alive, and does not print without end.
pub(crate) fn starts(context: &Context<'_>, run: &Run) -> Judgement {
    let start = match run.faults {
        Faults::NONE => context.start_plain(),
        // Which of the runs it happens in is chance.
        _ if run.output.floods() || is_port_taken(run) => context.start_plain(),
        faults => context.start(faults),
    };
    let finding = |found: String| {
        Finding::new("a program that listens and stays alive", found)
            .with_last_words(last_words(run))
            .try_with(start.clone())
    };
    if run.output.floods() {
        return Finding::new(
            "a program that is quiet between requests",
            "more than 256 KiB of output",
        )
        .because("Something prints in a loop that never waits.")
        .with_last_words(last_words(run))
        .try_with(start.clone())
        .fail();
    }
    match &run.trouble {
        None => Ok(()),
        Some(NoStart::NotRun(reason)) => {
            Finding::new("a program that can be started", reason.clone()).could_not_tell()
        }
        Some(NoStart::Died(status)) => {
            let finding = finding(ending(*status));
            let cause = match status.success() {
                true => Some(ENDED),
                false => death(&words(run)),
            };
            match cause {
                Some(cause) => finding.because(cause).fail(),
                None => finding.fail(),
            }
        }
        Some(NoStart::Silent(limit)) => finding(format!(
            "no open port after {} s",
            limit.as_secs()
        ))
        .because(
            "`serve` opens the port and says where it listens. What runs before it in `main`, \
                 and does that ever end?",
        )
        .fail(),
        Some(NoStart::Floods) => finding("output without end".to_owned()).fail(),
    }
}

fn is_port_taken(run: &Run) -> bool {
    matches!(run.trouble, Some(NoStart::Died(_))) && words(run).contains(announcement::PORT_IN_USE)
}

/// How a program ended, in the same words on every system.
fn ending(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("it ended, with status {code}"),
        None => format!("it ended: {status}"),
    }
}

const ENDED: &str = "`main` came to its end. `serve(&settings, app).await?` runs until the program \
    is stopped; without the `.await`, it does not even start.";

/// Nothing listens where the check should attach to: that tells nothing of any program.
pub(crate) fn nobody(context: &Context<'_>) -> Judgement {
    let found = format!("nothing that listens at {}", context.runs.host);
    Finding::new("a running program to attach to", found)
        .because("Start it first, and give --attach the address that it prints.")
        .could_not_tell()
}

pub(crate) fn unanswered(
    context: &Context<'_>,
    run: &Run,
    expected: &str,
    scrape: Option<&Scrape>,
) -> Judgement {
    let Some(scrape) = scrape else {
        return Finding::new(expected, "a run that broke off").could_not_tell();
    };
    let Err(missing) = &scrape.answer else { return Ok(()) };
    if context.runs.attached && matches!(missing, NoAnswer::Refused) {
        return nobody(context);
    }
    Finding::new(format!("{expected} from /metrics"), missing.to_string())
        .because(silence(missing))
        .with_last_words(last_words(run))
        .try_with(context.start(run.faults))
        .try_with(context.curl(&scrape.probe))
        .fail()
}

/// What it means that there was no answer.
pub(crate) fn silence(missing: &NoAnswer) -> &'static str {
    match missing {
        NoAnswer::TimedOut(_) => {
            "`handle` never returns: a loop without an end, a lock that is taken twice, or an \
             `.await` of something that never comes."
        }
        NoAnswer::Refused => "The program no longer listens: it may have ended.",
        NoAnswer::NotHttp => "What came back is not HTTP.",
        NoAnswer::OnlyInformational => "An answer should have a status of 200 or more.",
        NoAnswer::TooLarge(_) => "An answer should end.",
        _ => "The program broke the connection off: it may have ended, or panicked.",
    }
}
