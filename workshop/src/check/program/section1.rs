//! Section 1: the program runs, and exposes what it knows about itself.

use crate::check::program::assertions::{answers, exposition, list};
use crate::check::program::context::Context;
use crate::check::program::faults::Faults;
use crate::check::program::last_words::{PANIC, death, last_words, words};
use crate::check::program::life::{nobody, silence, starts, unanswered};
use crate::check::program::run::{Run, Scrape};
use crate::check::program::variety::PAGE;
use crate::check::program::{clients, paths, waits};
use crate::check::verdict::{Finding, Judgement, Quote, Trouble};
use crate::exposition::{Found, ParseError};
use crate::http::fetch::Answer;
use crate::http::no_answer::NoAnswer;

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
            serves_failures(context)?;
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
        Some(404) => {
            let arm = "`handle` needs an arm for \"/treecounter\" that calls `self.trees.respond`.";
            let (cause, line) = missed(context, PAGE, arm);
            let finding = finding("404: nothing answers at this path".to_owned());
            finding.because(cause).showing(line).fail()
        }
        Some(status) => finding(status.to_string())
            .because("Only `self.trees.respond(request).await` should make this answer.")
            .with_last_words(last_words(run))
            .fail(),
    }
}

/// /metrics answers, with 200.
pub(crate) fn metrics_status(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    unanswered(context, run, "an answer", run.before.as_ref())?;
    let (scrape, answer) = scraped(run)?;
    let (cause, line) = match answer.status {
        200 => return clients::statuses(context, "/metrics"),
        404 if !answer.body.starts_with(b"# ") => missed(context, "/metrics", NO_ARM),
        404 => (NOT_FOUND_BY_NAME.to_owned(), None),
        500 => {
            let cause =
                death(&words(run)).unwrap_or("The program's own words say what went wrong.");
            (cause.to_owned(), None)
        }
        _ => ("Prometheus takes 200 and nothing else.".to_owned(), None),
    };
    Finding::new("200 from /metrics", answer.status.to_string())
        .because(cause)
        .showing(line)
        .with_last_words(last_words(run))
        .try_with(context.start_plain())
        .try_with(context.curl(&scrape.probe))
        .fail()
}

const NO_ARM: &str =
    "Nothing answers at this path yet: no arm of the `match` in `handle` takes \"/metrics\".";
const NOT_FOUND_BY_NAME: &str = "The exposition is there, and the status says that nothing is: \
    only 200 counts. Send what `self.metrics.respond(request)` gives, as it is.";

/// A visit that fails is answered, by the page itself.
fn serves_failures(context: &Context<'_>) -> Judgement {
    let Ok(run) = context.runs.failing() else { return Ok(()) };
    starts(context, run)?;
    // Without a scrape before them there were no visits.
    let Some(visits) = &run.visits else { return Ok(()) };
    let finding = |found: String| {
        Finding::new("503, since every visit fails in this run", found)
            .with_last_words(last_words(run))
            .try_with(context.start(run.faults))
            .try_with(context.curl(&visits.probe))
    };
    if let Some(missing) = visits.unanswered() {
        return finding(missing.to_string())
            .because(match missing {
                NoAnswer::TimedOut(_) => AGAIN,
                _ => silence(missing),
            })
            .showing(context.source.line(|line| line.contains("loop") || line.contains("while ")))
            .fail();
    }
    match visits.statuses().find(|status| *status != 503) {
        None => Ok(()),
        Some(500) if words(run).contains(PANIC) => finding("500: the handler panicked".to_owned())
            .because("It panics when a visit fails. The program's own words name the line.")
            .fail(),
        Some(status) => {
            finding(status.to_string()).because(REACHES).showing(failure_changed(context)).fail()
        }
    }
}

/// The line that most likely makes something else of a failure.
fn failure_changed(context: &Context<'_>) -> Option<Quote> {
    let telling = ["status_mut", "failure_rate", "503", "status"];
    let in_handler = telling.iter().find_map(|part| context.source.in_handler(part));
    in_handler.or_else(|| context.source.line_with(&["failure_rate"]))
}

const REACHES: &str = "A failed answer has to reach the visitor as it is: return what \
    `self.trees.respond(request)` gives, and leave the settings alone.";
const AGAIN: &str = "A failed visit gets no answer. Is it tried again until it is good? A 503 has \
    to reach the visitor as it is: `self.trees.respond(request)` gives it.";

/// Why a path is not answered, and where; or what is said of one that nothing in the file is for.
fn missed(context: &Context<'_>, path: &str, otherwise: &str) -> (String, Option<Quote>) {
    match paths::missed(context.source, path) {
        Some((cause, line)) => (cause, Some(line)),
        None => (otherwise.to_owned(), None),
    }
}

fn scraped(run: &Run) -> Result<(&Scrape, &Answer), Box<Trouble>> {
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
        () if error.found == Found::CarriageReturn || error.found.to_string().contains("\\r") => {
            "Lines end with \\n alone, on Windows as well. Print \\n, not \\r\\n."
        }
        () => {
            "`MetricsHandler` writes this format. Text made by hand has to follow it exactly: a \
             name, label values in double quotes, and a number."
        }
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
    let registers = context.source.has("register_base_metrics(");
    let prefix = names.iter().find_map(|name| name.strip_suffix(missing[0]));
    let cause = match prefix {
        Some(prefix) => format!(
            "Every name has a prefix, {prefix}, which the dashboards and alerts of others do not \
             know. `Registry::new()` gives none."
        ),
        None if registers && missing.iter().all(|name| name.starts_with("tokio_")) => {
            "tokio's metrics are the runtime's, and `register_base_metrics` is called where there \
             is none yet. Call it in the `main` that stands below `#[tokio::main]`."
                .to_owned()
        }
        None if registers => {
            "`register_base_metrics` puts them in one registry, and `MetricsHandler` shows \
             another. Give it the same one."
                .to_owned()
        }
        None => {
            "`register_base_metrics(&registry)?` in `main` puts them in the registry.".to_owned()
        }
    };
    Finding::new(list(BASE_METRICS), found)
        .because(cause)
        .showing(context.source.line_with(&["Registry::new_custom"]))
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
        let line = context.source.line(|line| line.contains("exit(") || line.contains("panic!("));
        return finding(missing.to_string()).because(silence(missing)).showing(line).fail();
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
