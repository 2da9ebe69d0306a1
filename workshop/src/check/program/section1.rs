//! Section 1: the program runs, and exposes what it knows about itself.

use crate::check::program::assertions::{answers, exposition, list};
use crate::check::program::clients;
use crate::check::program::context::Context;
use crate::check::program::last_words::{death, last_words, may_have_panicked, words};
use crate::check::program::life::{silence, unanswered};
use crate::check::program::mistake::{Hints, Mistake};
use crate::check::program::run::{Run, Scrape};
use crate::check::program::source::Source;
use crate::check::verdict::{Finding, Judgement, Quote, Trouble};
use crate::http::fetch::Answer;

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

/// /metrics answers, with 200.
pub(crate) fn metrics_status(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    unanswered(context, run, "an answer", run.before.as_ref())?;
    let (scrape, answer) = scraped(run)?;
    let is_exposition = answer.body.starts_with(b"# ");
    let mistake = match answer.status {
        200 => return clients::statuses(context, "/metrics"),
        404 if !is_exposition => clients::missed(context.source, "/metrics", NO_ARM),
        500 if answer.body.starts_with(b"cannot encode") => NOT_ENCODED,
        500 if may_have_panicked(context) => death(context.source, &words(run))
            .unwrap_or(Mistake::usual("The program's own words say what went wrong.")),
        404 => OTHER_STATUS.at(context.source.in_handler("not_found()")),
        _ if is_exposition => OTHER_STATUS.at(context.source.in_handler("status_mut")),
        _ => ONLY_200.at(context.source.in_handler("status_mut")),
    };
    Finding::new("200 from /metrics", answer.status.to_string())
        .told(mistake)
        .with_last_words(last_words(run))
        .try_with(context.start_plain())
        .try_with(context.curl(&scrape.probe))
        .fail()
}

/// The scrape before all else, and its answer.
pub(crate) fn scraped(run: &Run) -> Result<(&Scrape, &Answer), Box<Trouble>> {
    let scrape =
        run.before.as_ref().and_then(|scrape| Some((scrape, &scrape.answer.as_ref().ok()?.answer)));
    match scrape {
        Some(found) => Ok(found),
        None => Finding::new("an answer from /metrics", "none").fail(),
    }
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
    Finding::new(list(BASE_METRICS), found)
        .told(without(context.source, &missing, &names))
        .try_with(context.start_plain())
        .try_with(context.curl(&scraped(run)?.0.probe))
        .fail()
}

/// Why base metrics are missing, and where.
fn without(source: &Source, missing: &[&str], names: &[&str]) -> Mistake {
    if let Some(prefix) = names.iter().find_map(|name| name.strip_suffix(missing[0])) {
        let cause = format!(
            "Every name has a prefix, {prefix}, which the dashboards and alerts of others do not \
             know. `Registry::new()` gives none."
        );
        let line = source.line_with(&["Registry::new_custom"]);
        return Mistake::naming(cause, PREFIXED).at(line);
    }
    if !source.has("register_base_metrics(") {
        return NOT_REGISTERED;
    }
    let others = ["default_registry", "Registry::default"];
    match missing {
        _ if missing.iter().all(|name| name.starts_with("tokio_"))
            && source.line_with_any(FILTERS).is_none()
            && outside_of_tokio(source).is_some() =>
        {
            OUTSIDE_OF_TOKIO.at(outside_of_tokio(source))
        }
        _ if BASE_METRICS.iter().any(|name| names.contains(name)) => {
            LEFT_OUT.at(source.line_with_any(FILTERS))
        }
        _ if source.count("Registry::new") < 2 && !others.iter().any(|it| source.has(it)) => {
            NOT_REACHED.at(source.line_with_any(&["if ", "cfg"]))
        }
        _ => ANOTHER_REGISTRY,
    }
}

/// What leaves metrics out.
const FILTERS: &[&str] = &["retain", "filter"];

/// The line that registers from a thread of its own, or before a runtime that is made by hand.
fn outside_of_tokio(source: &Source) -> Option<Quote> {
    let call = source.place(|line| line.contains("register_base_metrics(&"))?;
    let entered = source.place(|line| line.contains("block_on("));
    source
        .line_with_any(&["thread::spawn", "thread::scope"])
        .or(entered.filter(|entered| call.line < entered.line).map(|_| call))
}

/// Other paths are still not found.
pub(crate) fn unknown_path_404(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let strangers = answers(run.strangers.as_ref())?;
    let finding = |found: String| {
        let expected = format!("404 from {}, a path that does not exist", strangers.probe.path);
        Finding::new(expected, found)
            .with_last_words(last_words(run))
            .try_with(context.start_plain())
            .try_with(context.curl(&strangers.probe))
    };
    if let Some(missing) = strangers.unanswered() {
        let line = context.source.line_with_any(&["exit(", "panic!("]);
        return finding(missing.to_string()).told(silence(missing).at(line)).fail();
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

const NO_ARM: &str =
    "Nothing answers at this path yet: no arm of the `match` in `handle` takes \"/metrics\".";

const NOT_ENCODED: Mistake = Mistake::usual(
    "MetricsHandler could not write the metrics as text. The body of its answer says why.",
);

const ONLY_200: Mistake = Mistake::usual(
    "Prometheus takes 200 and nothing else. Send what `self.metrics.respond(request)` gives, as it \
     is.",
);

const OTHER_STATUS: Mistake = Mistake::new(
    "The exposition is there, under another status, and Prometheus takes 200 and nothing else. \
     Send what `self.metrics.respond(request)` gives, as it is.",
    [
        "Who has made this status: `self.metrics`, or a line of your own?",
        "`self.metrics.respond(request)` gives a whole answer: the status 200, the type and the \
         text. Setting a status on it, or putting its text into another response, makes \
         something else of it.",
    ],
);

const NOT_REACHED: Mistake = Mistake::new(
    "`register_base_metrics` stands in your file, and nothing of it is at /metrics: either it is \
     not reached, for an `if` or a `cfg`, or another registry is shown.",
    [
        "Does the line with `register_base_metrics` run when the program starts?",
        "`main` makes one registry, hands it to `register_base_metrics` and to \
         `MetricsHandler::new`, and does both without a condition.",
    ],
);
const NOT_REGISTERED: Mistake =
    Mistake::usual("`register_base_metrics(&registry)?` in `main` puts them in the registry.");
const ANOTHER_REGISTRY: Mistake = Mistake::usual(
    "`register_base_metrics` puts them in one registry, and `MetricsHandler` shows another. Give \
     it the same one.",
);

const PREFIXED: Hints = [
    "What are the metrics called at /metrics, and what should they be called?",
    "The names are given by those who make the metrics; what stands before them is added by the \
     registry. Look at how yours is made: `Registry::new_custom` takes a prefix.",
];

const OUTSIDE_OF_TOKIO: Mistake = Mistake::new(
    "tokio's metrics are the runtime's, and `register_base_metrics` is called outside of it. Call \
     it in `async fn main` itself, below `#[tokio::main]`.",
    [
        "Some of the base metrics are there, and tokio's are not. What do those need to be \
         measured at all?",
        "`register_base_metrics` asks for the runtime that it is called in. There is one in \
         `async fn main` below `#[tokio::main]`, and in what that calls or awaits; there is none \
         in a thread of its own, nor before `block_on`.",
    ],
);

const LEFT_OUT: Mistake = Mistake::new(
    "Some are there and others are not: something leaves them out on the way to /metrics. \
     `MetricsHandler` shows all that is in the registry.",
    [
        "Which of the base metrics are there, and which are not? Which line makes that choice?",
        "`register_base_metrics` puts all of them into the registry, and \
         `self.metrics.respond(request)` shows the whole registry. Between the two there should \
         be nothing of your own.",
    ],
);
