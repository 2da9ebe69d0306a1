//! Whether the series that are sure to come are there before anybody came.

use crate::check::program::assertions::{exposition, list, quote};
use crate::check::program::blame::{self, Blame};
use crate::check::program::context::Context;
use crate::check::program::metric::{COUNT, COUNTER};
use crate::check::program::miscounted::{MADE, lowered};
use crate::check::program::run::Run;
use crate::check::program::section2::{BELOW_SERVE, below_serve};
use crate::check::program::source::Source;
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
                let unseen = context.source.in_handler(COUNTED_UNSEEN);
                let line = context.source.line_with(&["with_label_values", "inc()"]);
                let mistake = match unseen {
                    Some(line) => Blame::new(SCRAPE_AS_VISIT, line).hinting(blame::ABOVE),
                    None => Blame::new(RAISED, line).hinting(blame::RAISED),
                };
                return finding(format!("{} before the first visit", sample.value))
                    .quoting(quote(read, sample.line))
                    .blaming(mistake)
                    .fail();
            }
            None => {
                return finding(absent(read)).blaming(unnamed(context.source, read, status)).fail();
            }
        }
    }
    Ok(())
}

/// Why a series of the page is not there yet, most likely.
fn unnamed(source: &Source, read: &Exposition, wanted: &str) -> Blame {
    if let Some(line) = source.in_handler(MADE) {
        return Blame::new(MADE_ANEW, line).hinting(blame::ONE);
    }
    // Another counter of another name is none of this one's business.
    let again = source.count(&format!("{COUNTER:?}")) > 1 || source.has("opts.clone()");
    if source.count(MADE) > 1 && again {
        return Blame::new(ANOTHER, source.second_line_with(MADE)).hinting(blame::ONE);
    }
    if let Some(line) = below_serve(source, "with_label_values") {
        return Blame::new(BELOW_SERVE, line).hinting(blame::LATE);
    }
    if let Some((_, line)) = lowered(source) {
        return Blame::new(TAKEN, line).hinting(blame::TAKEN);
    }
    let named = || read.samples(COUNTER).filter(|sample| sample.value == 0.0);
    let of_page = |sample: &&Sample| sample.label("endpoint") == Some(PAGE);
    let statuses = named().filter(of_page).filter_map(|sample| sample.label("status"));
    let statuses: Vec<&str> = statuses.filter(|it| !COMES.contains(it)).collect();
    let endpoints: BTreeSet<&str> = named().filter_map(|it| it.label("endpoint")).collect();
    let endpoints: Vec<&str> = endpoints.into_iter().collect();
    let cause = match (statuses.as_slice(), endpoints.as_slice()) {
        ([], []) => return Blame::new(ABSENT, None),
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
            return Blame::new(cause, None);
        }
        (others, _) => format!(
            "The page answers with 200, or with 503 when it fails, and the label is that one \
             number. Series of {} are named instead.",
            quoted(others)
        ),
    };
    Blame::new(cause, None).hinting(blame::OTHERS)
}

fn quoted(values: &[&str]) -> String {
    list(&values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>())
}

/// The statuses that a visit may end with.
const COMES: [&str; 4] = ["200", "404", "405", "503"];
/// In the handler, a count that does not ask which endpoint it was.
const COUNTED_UNSEEN: &str = "\"/treecounter\"]).inc()";
const SCRAPE_AS_VISIT: &str = "Nobody has visited the page yet: the scrape itself was counted as a \
    visit. This line runs for every request, before anyone knows its endpoint and its status. \
    Count below the `match`, where both are known.";
const TAKEN: &str = "What was named before is taken away again in this line. A series at 0 has to \
    stay, until a visit raises it.";
const RAISED: &str = "`with_label_values` alone creates a series at 0; `inc()` is for requests.";
const MADE_ANEW: &str = "A counter is made anew for each request here. Make it once, in `main`, \
    keep it in App, and name the series that you know will come before `serve`.";
const ANOTHER: &str = "Two counters are made, and the series are named on the one that nobody \
    registers. Make one, and register a clone of it.";
const ABSENT: &str = "A series appears when its label values are first named. An increase from \
    nothing to 1 is invisible to `rate()`, so the series that you know will come are named in \
    `main`, before `serve`.";

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
            finding("no such series before the first visit".to_owned()).because(NOT_VISIBLE).fail()
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
