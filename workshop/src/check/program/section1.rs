//! Section 1: the program runs, and exposes what it knows about itself.

use std::collections::HashSet;
use std::process::ExitStatus;

use crate::check::program::assertions::{answers, exposition, list};
use crate::check::program::context::Context;
use crate::check::program::experiment::{PAGE, Run, Scrape};
use crate::check::program::faults::Faults;
use crate::check::program::{clients, waits};
use crate::check::verdict::{Finding, Judgement, Quote};
use crate::exposition::{Found, ParseError};
use crate::http::fetch::Answer;
use crate::http::no_answer::NoAnswer;
use crate::process::{NoStart, announcement};

/// The text formats that Prometheus 3 reads; anything else fails the scrape.
const CONTENT_TYPES: [&str; 3] =
    ["text/plain", "application/openmetrics-text", "application/vnd.google.protobuf"];

/// One of each group of base metrics; what a system does not tell is not asked for.
const BASE_METRICS: &[&str] = &[
    #[cfg(any(target_os = "linux", target_os = "macos", windows))]
    "process_cpu_seconds_total",
    #[cfg(any(target_os = "linux", target_os = "macos", windows))]
    "process_resident_memory_bytes",
    "tokio_workers",
    "tokio_alive_tasks",
    "treecounter_build_info",
];

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

/// It answers a visit with a page.
pub(crate) fn serves_trees(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let expected = "200 from /treecounter, with failures switched off";
    let visits = match &run.visits {
        Some(visits) => visits,
        // The scrape that comes first was not answered: nothing is.
        None => return unanswered(context, run, "an answer", run.before.as_ref()),
    };
    let finding = |found: String| {
        Finding::new(expected, found)
            .try_with(context.start(Faults::NONE))
            .try_with(context.curl(&visits.probe))
    };
    if let Some(missing) = visits.unanswered() {
        if context.runs.attached && matches!(missing, NoAnswer::Refused) {
            return nobody(context);
        }
        return finding(missing.to_string())
            .because(silence(missing))
            .with_last_words(last_words(run))
            .fail();
    }
    let allowed = |status| status == 200 || (context.runs.attached && status == 503);
    match visits.statuses().find(|status| !allowed(*status)) {
        None => {
            clients::statuses(context, PAGE)?;
            clients::statuses(context, "/")?;
            clients::page(context)?;
            // What holds a thread is better told by the check of scrapes.
            match context.runs.stuck().map(|run| during(context, run)) {
                Ok(Err(_)) => Ok(()),
                _ => waits::as_told(context),
            }
        }
        Some(500) => finding("500: the handler panicked".to_owned())
            .because("The program's own words name the line.")
            .with_last_words(last_words(run))
            .fail(),
        Some(404) => finding("404: nothing answers at this path".to_owned())
            .because("`handle` needs an arm for \"/treecounter\" that calls `self.trees.respond`.")
            .fail(),
        Some(status) => finding(status.to_string())
            .because("Only `self.trees.respond(request).await` should make this answer.")
            .with_last_words(last_words(run))
            .fail(),
    }
}

/// Nothing listens where the check should attach to: that tells nothing of any program.
fn nobody(context: &Context<'_>) -> Judgement {
    let found = format!("nothing that listens at {}", context.runs.host);
    Finding::new("a running program to attach to", found)
        .because("Start it first, and give --attach the address that it prints.")
        .could_not_tell()
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

fn words(run: &Run) -> String {
    last_words(run).join("\n")
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

const ENDED: &str = "`main` came to its end. `serve(&settings, app).await?` runs until the program is \
    stopped; without the `.await`, it does not even start.";

/// How a panic begins, after the name of its thread.
const PANIC: &str = " panicked at ";

/// What the last words of a dead program tell about its death.
fn death(words: &str) -> Option<&'static str> {
    let has = |part: &str| words.contains(part);
    Some(match () {
        () if has("Duplicate metrics collector registration") => {
            "The same metric is registered twice. Register it once, in `main`, and keep a clone."
        }
        () if has("InconsistentCardinality") || has("inconsistent label cardinality") => {
            "`with_label_values` was given more or fewer values than the metric has labels."
        }
        () if has("empty help string") => {
            "A metric needs a help text: it is what others read first."
        }
        () if has("is not a valid metric name") || has("is not a valid label name") => {
            "Names are made of letters, digits and `_`, and do not start with a digit."
        }
        () if has(announcement::PORT_IN_USE) => {
            "The check gives each start a free port in TREECOUNTER_ADDR. Pass `Settings::from_env()` \
             to `serve`, rather than an address of your own."
        }
        () if has("must be in increasing order") => {
            "The bounds of the buckets have to rise, each above the one before."
        }
        () if has("`le` is not allowed as label name") => {
            "`le` is the label that a histogram gives to its buckets. Yours is `endpoint`."
        }
        () if words.lines().any(is_panic_in_library) => {
            "The line that is named is in a library. What does your file give to it?"
        }
        () if has(PANIC) => "The program's own words name the line.",
        () => return None,
    })
}

/// Whether a line says that a panic came in the source of a crate.
fn is_panic_in_library(line: &str) -> bool {
    let place = line.split_once(PANIC).map(|(_, place)| place.replace('\\', "/"));
    place.is_some_and(|place| place.contains("/registry/src/"))
}

/// What it means that there was no answer.
fn silence(missing: &NoAnswer) -> &'static str {
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

fn unanswered(
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

/// Lines that are shown of a program's end.
const LAST_WORDS: usize = 8;

/// The last lines of a program, without those that every start prints.
pub(crate) fn last_words(run: &Run) -> Vec<String> {
    let mut said = HashSet::new();
    let mut words = run.output.last(20);
    // A panic in every request says the same every time, but for the thread.
    words.retain(|line| {
        let place = line.split_once(PANIC).map_or(line.as_str(), |(_, place)| place);
        !is_routine(line) && said.insert(place.to_owned())
    });
    words.split_off(words.len().saturating_sub(LAST_WORDS))
}

/// What every program of the workshop writes.
pub(crate) fn is_routine(line: &str) -> bool {
    announcement::is_of_start(line)
        || line.starts_with("stopping:")
        || line.starts_with("note: run with `RUST_BACKTRACE")
        || line.is_empty()
}

/// /metrics answers, with 200.
pub(crate) fn metrics_status(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    unanswered(context, run, "an answer", run.before.as_ref())?;
    let (scrape, answer) = scraped(run)?;
    let cause = match answer.status {
        200 => return clients::statuses(context, "/metrics"),
        404 if !answer.body.starts_with(b"# ") => {
            "Nothing answers at this path yet: no arm of the `match` in `handle` takes \"/metrics\"."
        }
        404 => {
            "The exposition is there, and the status says that nothing is: only 200 counts. Send \
             what `self.metrics.respond(request)` gives, as it is."
        }
        500 => death(&words(run)).unwrap_or("The program's own words say what went wrong."),
        _ => "Prometheus takes 200 and nothing else.",
    };
    Finding::new("200 from /metrics", answer.status.to_string())
        .because(cause)
        .with_last_words(last_words(run))
        .try_with(context.start_plain())
        .try_with(context.curl(&scrape.probe))
        .fail()
}

fn scraped(run: &Run) -> Result<(&Scrape, &Answer), Box<crate::check::verdict::Trouble>> {
    let scrape =
        run.before.as_ref().and_then(|scrape| Some((scrape, &scrape.answer.as_ref().ok()?.answer)));
    match scrape {
        Some(found) => Ok(found),
        None => Finding::new("an answer from /metrics", "none").fail(),
    }
}

/// The content type is one that Prometheus takes.
pub(crate) fn metrics_content_type(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let (scrape, answer) = scraped(run)?;
    let media = answer.content_type.split(';').next().unwrap_or_default().trim();
    if CONTENT_TYPES.iter().any(|known| known.eq_ignore_ascii_case(media)) {
        return clients::honest_types(context);
    }
    let found = match answer.content_type.as_str() {
        "" => "no Content-Type at all".to_owned(),
        other => format!("Content-Type: {other}"),
    };
    let cause = match media.ends_with("json") {
        true => {
            "Prometheus does not read JSON. It has a text format of its own, which \
             `MetricsHandler` sends under the right type."
        }
        false => {
            "Prometheus decides by this header how to read the body, and fails the scrape when it \
             does not know the type. `MetricsHandler` sends the right one."
        }
    };
    Finding::new("Content-Type: text/plain; version=0.0.4; charset=utf-8", found)
        .because(cause)
        .try_with(context.start_plain())
        .try_with(context.curl(&scrape.probe))
        .fail()
}

/// The body is an exposition.
pub(crate) fn metrics_parses(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let (scrape, answer) = scraped(run)?;
    let Some(Err(error)) = &scrape.exposition else {
        clients::honest_encoding(context)?;
        return clients::fresh(context);
    };
    let lines = answer.body.split(|byte| *byte == b'\n').count();
    let expected = format!("{} in column {}", error.expected, error.column);
    Finding::new(expected, error.found.to_string())
        .quoting(Quote { of: "/metrics".into(), line: error.line, text: error.excerpt() })
        .because(misread(error, &answer.body, lines))
        .try_with(context.start_plain())
        .try_with(context.curl(&scrape.probe))
        .fail()
}

fn misread(error: &ParseError, body: &[u8], lines: usize) -> String {
    let start = body.trim_ascii_start();
    let cause = match () {
        () if start.starts_with(b"{\"") || start.starts_with(b"[") || start.starts_with(b"{\n") => {
            "This is JSON. Prometheus reads its own text format: a line for each series, \
             `name{label=\"value\"} number`."
        }
        () if start.starts_with(b"<") => "This is a web page, and not an exposition.",
        () if error.found == Found::EndOfText && error.line == lines => {
            "The body stops in the middle of a line. Send the whole text, with its last line feed."
        }
        () if error.found == Found::CarriageReturn => {
            "Lines end with \\n alone, on Windows as well. Print \\n, not \\r\\n."
        }
        () => "`MetricsHandler` writes this format; text made by hand has to follow it exactly.",
    };
    cause.to_owned()
}

/// The metrics that every program has are there.
pub(crate) fn base_metrics(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let read = exposition(run.before.as_ref())?;
    let missing: Vec<&str> =
        BASE_METRICS.iter().copied().filter(|name| read.family(name).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = read.families.iter().map(|family| family.name.as_str()).collect();
    let found = match names.len() {
        0 => "an empty exposition".to_owned(),
        count @ 1..=4 => format!("{count} families: {}", list(&names)),
        count => format!("{count} families, without {}", list(&missing)),
    };
    let source = context.source.has("register_base_metrics(");
    let cause = match source {
        true => {
            "`register_base_metrics` puts them in one registry, and `MetricsHandler` shows another. \
             Give it the same one."
        }
        false => "`register_base_metrics(&registry)?` in `main` puts them in the registry.",
    };
    Finding::new(list(BASE_METRICS), found)
        .because(cause)
        .try_with(context.start_plain())
        .try_with(context.curl(&scraped(run)?.0.probe))
        .fail()
}

/// Other paths are still not found.
pub(crate) fn unknown_path_404(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let strangers = answers(run.strangers.as_ref())?;
    let expected = "404 from a path that does not exist";
    let finding = |found: String| {
        Finding::new(expected, found)
            .with_last_words(last_words(run))
            .try_with(context.start_plain())
            .try_with(context.curl(&strangers.probe))
    };
    if let Some(missing) = strangers.unanswered() {
        return finding(missing.to_string()).because(silence(missing)).fail();
    }
    match strangers.statuses().find(|status| *status != 404) {
        None => {
            clients::statuses(context, "other")?;
            clients::refused(context)
        }
        Some(status) => finding(status.to_string())
            .because("The last arm of the `match`, `_`, takes all other paths: `not_found()`.")
            .fail(),
    }
}

/// A scrape does not wait for the visits that are under way.
pub(crate) fn scrape_not_delayed(context: &Context<'_>) -> Judgement {
    let run = context.runs.stuck()?;
    starts(context, run)?;
    exposition(run.before.as_ref())?;
    during(context, run)?;
    clients::prompt(context)
}

/// Every scrape beside slow visits was answered.
fn during(context: &Context<'_>, run: &Run) -> Judgement {
    match run.during.iter().find_map(|scrape| Some((scrape, scrape.answer.as_ref().err()?))) {
        None => Ok(()),
        Some((scrape, missing)) => Finding::new(
            "an answer from /metrics while slow visits are under way",
            missing.to_string(),
        )
        .because(
            "The visits hold something that the scrape waits for: a lock kept over an \
                     `.await`, or a thread that sleeps (`std::thread::sleep`) instead of \
                     `tokio::time::sleep(...).await`.",
        )
        .showing(
            context.source.line(|line| line.contains("thread::sleep") || line.contains(".lock()")),
        )
        .try_with(context.start(run.faults))
        .try_with(format!("curl -s http://{}/treecounter &", context.runs.host))
        .try_with(context.curl(&scrape.probe))
        .fail(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_in_a_library_is_not_called_the_learners() {
        for (place, theirs) in [
            ("src/main.rs:19:27:", false),
            ("/home/me/.cargo/registry/src/crates-1/prometheus-0.14.0/src/vec.rs:1:2:", true),
            (r"C:\Users\me\.cargo\registry\src\crates-1\hyper-1.12.0\src\a.rs:1:2:", true),
        ] {
            let cause = death(&format!("thread 'main' (1) panicked at {place}\nno")).unwrap();
            assert_eq!(cause.contains("library"), theirs, "{place}");
        }
    }
}
