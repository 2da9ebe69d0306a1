//! Whether the series that are sure to come are there before anybody came.

use crate::check::program::assertions::{exposition, list, quote};
use crate::check::program::context::Context;
use crate::check::program::counter_hints;
use crate::check::program::metric::{COUNT, COUNTER, MADE, REQUESTS};
use crate::check::program::mistake::Mistake;
use crate::check::program::registration::below_serve;
use crate::check::program::run::Run;
use crate::check::program::source::Source;
use crate::check::program::uncounted::lowered;
use crate::check::program::variety::PAGE;
use crate::check::verdict::{Finding, Judgement};
use crate::exposition::{Exposition, Sample};
use std::collections::BTreeSet;

/// Both series of the page are there, at 0, before anybody came.
pub(crate) fn pre_created(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let read = exposition(run.before.as_ref())?;
    for status in ["200", "503"] {
        let series = format!("{COUNTER}{{endpoint=\"{PAGE}\",status=\"{status}\"}}");
        let finding = |found: String| {
            Finding::new(format!("{series} 0"), found)
                .try_with(context.start_plain())
                .try_with(context.metrics())
        };
        let sample = read.sample(COUNTER, &[("status", status), ("endpoint", PAGE)]);
        match sample {
            Some(sample) if sample.value == 0.0 || context.runs.attached => {}
            Some(sample) => {
                let mistake = match context.source.in_handler(COUNTED_UNSEEN) {
                    Some(line) => SCRAPE_AS_VISIT.at(line),
                    None => RAISED.at(context.source.line_with(&["with_label_values", "inc()"])),
                };
                return finding(format!("{} before the first visit", sample.value))
                    .quoting(quote(read, sample.line))
                    .told(mistake)
                    .fail();
            }
            None => {
                return finding(absent(read)).told(unnamed(context.source, read, status)).fail();
            }
        }
    }
    Ok(())
}

/// Why a series of the page is not there yet, most likely.
fn unnamed(source: &Source, read: &Exposition, wanted: &str) -> Mistake {
    if let Some(line) = source.in_handler(MADE) {
        return MADE_ANEW.at(line);
    }
    if REQUESTS.is_made_again(source) {
        let made = source.second_line_with(MADE);
        let name = made.as_ref().and_then(|line| line.text.strip_prefix("let ")?.split_once(' '));
        let named = name.and_then(|(name, _)| source.line_with(&[name, ".with_label_values("]));
        return ANOTHER.at(named.or(made));
    }
    if let Some(mistake) = below_serve(source, "with_label_values") {
        return mistake;
    }
    if let Some(mistake) = lowered(source) {
        return TAKEN.at(mistake.line);
    }
    let named = || read.samples(COUNTER).filter(|sample| sample.value == 0.0);
    let of_page = |sample: &&Sample| sample.label("endpoint") == Some(PAGE);
    let statuses = named().filter(of_page).filter_map(|sample| sample.label("status"));
    let statuses: Vec<&str> = statuses.filter(|it| !COMES.contains(it)).collect();
    let endpoints: BTreeSet<&str> = named().filter_map(|it| it.label("endpoint")).collect();
    let endpoints: Vec<&str> = endpoints.into_iter().collect();
    let cause = match (statuses.as_slice(), endpoints.as_slice()) {
        ([], []) => {
            let named = source.in_handler("\"/treecounter\"]);");
            return named.map_or(ABSENT, |line| IN_HANDLER.at(line));
        }
        ([], others) if !others.contains(&PAGE) => format!(
            "Series are named, but those of {}. The endpoint of the page is {PAGE:?}, letter by \
             letter.",
            quoted(others)
        ),
        ([], _) => {
            let cause = format!(
                "Nothing names the series of {wanted}. An increase from nothing to 1 is invisible \
                 to `rate()`, so each series that may come is named in `main`, before `serve`."
            );
            return Mistake::naming(cause, None);
        }
        (others, _) => format!(
            "The page answers with 200, or with 503 when it fails, and the label is that one \
             number. Series of {} are named instead.",
            quoted(others)
        ),
    };
    Mistake::naming(cause, counter_hints::OTHERS)
}

fn quoted(values: &[&str]) -> String {
    list(&values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>())
}

/// The statuses that a visit may end with.
const COMES: [&str; 4] = ["200", "404", "405", "503"];
/// In the handler, a count that does not ask which endpoint it was.
const COUNTED_UNSEEN: &str = "\"/treecounter\"]).inc()";
const SCRAPE_AS_VISIT: Mistake = Mistake::new(
    "Nobody has visited the page yet: the scrape itself was counted as a visit. This line runs for \
     every request, before anyone knows its endpoint and its status. Count below the `match`, \
     where both are known.",
    [
        "Look at /metrics a few times, and at nothing else. Which series rises?",
        "Only when the `match` is done, the endpoint and the status are known. The line that \
         counts belongs below it, and takes both from there.",
    ],
);
const TAKEN: Mistake = Mistake::new(
    "What was named before is taken away again in this line. A series at 0 has to stay, until a \
     visit raises it.",
    [
        "Follow a series from the line that names it. Is it still there when the first visitor \
         comes?",
        "docs.rs/prometheus: `reset` of a counter with labels takes all its series away, and the \
         calls with `remove` take one. They are back when somebody names them again.",
    ],
);
const RAISED: Mistake = Mistake::new(
    "`with_label_values` alone creates a series at 0; `inc()` is for requests.",
    [
        "The program has just started. How many visits does /metrics tell of, and who was it?",
        "`with_label_values` makes a series, and it stands at 0. `inc()` is for a request that was \
         answered.",
    ],
);
const MADE_ANEW: Mistake = Mistake::new(
    "A counter is made anew for each request here. Make it once, in `main`, keep it in App, and \
     name the series that you know will come before `serve`.",
    counter_hints::ONE,
);
const ANOTHER: Mistake = Mistake::new(
    "Two counters are made, and the series are named on the one that nobody registers. Make one, \
     and register a clone of it.",
    counter_hints::ONE,
);
const IN_HANDLER: Mistake = Mistake::usual(
    "The series are named in `handle` here, so they come with the first request that gets here, \
     and not before. Name them in `main`, above `let app`.",
);
const ABSENT: Mistake = Mistake::usual(
    "A series appears when its label values are first named. An increase from nothing to 1 is \
     invisible to `rate()`, so the series that you know will come are named in `main`, before \
     `serve`.",
);

fn absent(read: &Exposition) -> String {
    let samples = read.family(COUNTER).map(|family| family.samples.as_slice()).unwrap_or_default();
    let series: Vec<String> = samples.iter().map(|s| format!("{}{}", s.name, s.labels)).collect();
    match series.as_slice() {
        [] => format!("no series of {COUNTER} before the first visit"),
        some => format!("before the first visit only {}", list(some)),
    }
}

/// The page's histogram is there, and empty, before anybody came.
pub(crate) fn visible_before(context: &Context<'_>, run: &Run) -> Judgement {
    let before = exposition(run.before.as_ref())?;
    let finding = |found: String| {
        Finding::new(format!("{COUNT}{{endpoint=\"{PAGE}\"}} 0"), found)
            .try_with(context.start_plain())
            .try_with(context.metrics())
    };
    match before.sample(COUNT, &[("endpoint", PAGE)]) {
        Some(sample) if sample.value == 0.0 || context.runs.attached => Ok(()),
        Some(sample) => finding(format!("{} before the first visit", sample.value))
            .quoting(quote(before, sample.line))
            .because(match context.source.has("start_timer") {
                true => TIMED_UNSEEN,
                false => OBSERVED_UNSEEN,
            })
            .showing(
                context
                    .source
                    .line_with(&["start_timer"])
                    .or_else(|| context.source.line_with(&["\"/treecounter\"", "observe("])),
            )
            .fail(),
        None => {
            let named = before.samples(COUNT).filter_map(|sample| sample.label("endpoint"));
            let found = match named.collect::<Vec<_>>().as_slice() {
                [] => "no such series before the first visit".to_owned(),
                named => format!("before the first visit only those of {}", quoted(named)),
            };
            finding(found).because(NOT_VISIBLE).fail()
        }
    }
}

const OBSERVED_UNSEEN: &str = "Nobody has visited the page yet. `with_label_values` alone creates \
    a series at 0; `observe` is for a request that was answered.";
const TIMED_UNSEEN: &str = "Nobody has visited the page yet: the scrape itself was timed as a \
    visit. A timer takes its endpoint before the request is known, and observes when it is \
    dropped. Start a clock instead, and observe below the `match`, with the `endpoint` of this \
    answer.";
const NOT_VISIBLE: &str = "As with the counter: a series appears when its label values are first \
    named, and what happens before is invisible to `rate()`. Name them in `main`, before `serve`: \
    `latency.with_label_values(&[\"/treecounter\"])`.";
