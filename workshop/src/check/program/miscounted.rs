//! Why visits were most likely not counted as they should.

use crate::check::program::assertions::{Change, changes, exposition};
use crate::check::program::context::Context;
use crate::check::program::counter_hints;
use crate::check::program::fresh::kept;
use crate::check::program::metric::{COUNTER, MADE, REQUESTS};
use crate::check::program::mistake::Mistake;
use crate::check::program::run::Run;
use crate::check::program::source::Source;
use crate::check::program::uncounted::{buffered, lowered, uncounted, written_by_hand};
use crate::check::program::variety::PAGE;
use crate::check::verdict::Quote;

/// Why the visits of a run were most likely not counted as they should.
pub(crate) fn miscounted(context: &Context<'_>, run: &Run, rises: &[Change]) -> Mistake {
    let visits = run.visits.as_ref().map_or(0, |visits| visits.answers.len()) as f64;
    let status = run.visits.as_ref().and_then(|visits| visits.statuses().next()).unwrap_or(0);
    let status = status.to_string();
    let page = || rises.iter().filter(|change| change.labels.get("endpoint") == Some(PAGE));
    if let Some(change) = page().find(|change| change.labels.get("status") == Some(&status)) {
        let again = rises.iter().find(|other| other.labels != change.labels && other.by() > 1.0);
        return match again.filter(|_| change.by() == visits) {
            Some(again) => counted_again(context.source, change, again),
            None => by_another_number(context, change.by(), visits),
        };
    }
    if let Some(other) = page().find_map(|change| change.labels.get("status")) {
        return by_another_status(context, &status, other);
    }
    match rises.iter().find(|change| change.by() >= visits) {
        Some(elsewhere) => by_another_endpoint(context.source, elsewhere, visits),
        None => not_at_all(context, run, &status),
    }
}

/// Why visits are not counted, with the commands that show it.
fn uncounted_visits(context: &Context<'_>) -> Option<Mistake> {
    let mistake = uncounted(context.source, &[PAGE])?;
    let without_query = || format!("curl -i http://{}{PAGE}", context.runs.host);
    let commands = match () {
        () if mistake.is_at("query") => context.seen_after(without_query()),
        () if mistake.is_at("try_lock") || mistake.is_at("spawn") => {
            context.seen_after(context.curl_visits_at_once())
        }
        // By hand, all may come in time.
        () if mistake.is_at("elapsed") => Vec::new(),
        () => return Some(mistake),
    };
    Some(mistake.seen_with(commands))
}

/// The line that counts.
fn counting(source: &Source) -> Option<Quote> {
    source.line_with(&["with_label_values", "inc"])
}

/// Every visit raised its own series, and another one as well.
fn counted_again(source: &Source, own: &Change, again: &Change) -> Mistake {
    let differ = again.labels.iter().filter(|(name, value)| own.labels.get(name) != Some(value));
    let line = differ.map(|(_, value)| value).find_map(|value| {
        let counts = source.line_with(&["inc", &format!("{value:?}")]);
        counts.or_else(|| source.literal(value))
    });
    let cause = format!(
        "Each visit is counted, and then once more, as {}. Every request raises one series: that \
         of its endpoint and its status.",
        again.labels
    );
    Mistake::naming(cause, counter_hints::TWICE).at(line).or_at(|| source.line_with(&["inc"]))
}

/// The right series rose, by another number than that of the visits.
fn by_another_number(context: &Context<'_>, by: f64, visits: f64) -> Mistake {
    let source = context.source;
    let adds_more = |line: &str| line.contains("inc_by(") && !line.contains("inc_by(1)");
    if let Some(line) = source.line(adds_more) {
        return match source.line_with(&["if ", "%"]) {
            Some(batch) => IN_BATCHES.at(batch),
            None => BY_WHAT_IT_IS_TOLD.at(line),
        };
    }
    if by == 2.0 * visits {
        return COUNTED_TWICE.at(source.second_line_with("inc()"));
    }
    if by > visits {
        return COUNTED_MORE.at(counting(source));
    }
    if let Some(mistake) = lowered(source).or_else(|| uncounted_visits(context)) {
        return mistake;
    }
    match source.in_handler(MADE).filter(|_| by == 1.0) {
        Some(line) => ALWAYS_ONE.at(line),
        None => SOME_UNCOUNTED.at(source.line_with(&["if "]).or(counting(source))),
    }
}

/// The page's series of another status rose.
fn by_another_status(context: &Context<'_>, status: &str, other: &str) -> Mistake {
    let source = context.source;
    if let Some(line) = source.line_with(&["failure_rate"]) {
        // With the settings as they are, some visits fail, and most do not.
        return GUESSED.at(line).seen_with(context.seen_after(context.curl_visits()));
    }
    let literal = source.literal(other);
    let is_number = other.len() == 3 && other.bytes().all(|byte| byte.is_ascii_digit());
    let early = other == "200" && counts_too_early(context);
    let cause = match other.split_once(' ') {
        _ if early => format!(
            "The visit is counted before its answer is known: the count rises while the visitor \
             still waits. Only {status} came back. Count after the `.await`, by \
             `response.status()`."
        ),
        _ if other.ends_with("xx") => format!(
            "{other:?} is the class of the status. The label is the status itself, so that 404 \
             and 405 stay apart: `response.status().as_str()`."
        ),
        Some((code, _)) if code == status => format!(
            "{other:?} is how a StatusCode is displayed. Its code alone is \
             `response.status().as_str()`."
        ),
        _ if !is_number => format!(
            "The answers have the status {status}, and the label says {other:?}. It takes the \
             number as it is: `response.status().as_str()`."
        ),
        _ if literal.is_some() => written_by_hand(status, other),
        _ => format!(
            "The label says {other}, and only {status} came back. Take it from \
             `response.status()`, whatever the answer is."
        ),
    };
    Mistake::naming(cause, if early { counter_hints::EARLY } else { counter_hints::STATUS })
        .at(literal)
        .or_at(|| source.line_with(&["status"]))
        .or_at(|| counting(source))
}

/// Another endpoint's series rose instead.
fn by_another_endpoint(source: &Source, elsewhere: &Change, visits: f64) -> Mistake {
    let label = |name| elsewhere.labels.get(name).unwrap_or_default();
    let endpoint = label("endpoint");
    let line = source.literal(endpoint);
    if label("status") == PAGE {
        return SWAPPED.at(line).or_at(|| counting(source));
    }
    let by_hand =
        |line: &Quote| ["with_label_values", "if "].iter().any(|it| line.text.contains(it));
    let so = match &line {
        Some(line) if by_hand(line) => format!(
            "{endpoint:?} is written by hand here. Take the endpoint that the arm names, as it \
             is: that of the page is {PAGE:?}."
        ),
        Some(_) => format!(
            "The page is named {endpoint:?} here. Its endpoint is {PAGE:?}, letter by letter."
        ),
        None => format!(
            "The endpoint of {PAGE} is {PAGE:?}, letter by letter, not {endpoint:?}: take what \
             the arm names, as it is."
        ),
    };
    let more = match elsewhere.by() > visits {
        true => " Other requests than visits are counted there as well.",
        false => "",
    };
    Mistake::naming(so + more, counter_hints::ENDPOINT).at(line)
}

/// No series of the page rose, nor another in its place.
fn not_at_all(context: &Context<'_>, run: &Run, status: &str) -> Mistake {
    let source = context.source;
    let mistake = buffered(source, "counter", counter_hints::LATER)
        .or_else(|| uncounted_visits(context))
        // Where the others were counted, it is not the counter that is wrong.
        .or_else(|| all_left_out(source, run).filter(|_| !run.faults.failing));
    if let Some(mistake) = mistake {
        return mistake;
    }
    let counts = source.line_with(&["inc()"]).filter(|_| source.count("inc()") == 1);
    let of_another = |line: &Quote| OTHERS.iter().any(|other| line.text.contains(other));
    let mistake = match () {
        () if status == "503" => FAILURES,
        () if !source.text.is_empty() && !source.has("inc") => {
            source.line_with(&[".get()"]).map_or(NOTHING, |line| READS.at(line))
        }
        () if counts.as_ref().is_some_and(of_another) => OF_ANOTHER.at(counts),
        () => source.line_with(&["if ", ".len()"]).map_or(EITHER_OR, |line| KEPT_ASIDE.at(line)),
    };
    mistake.or_at(|| source.line_with(&["if "])).or_at(|| counting(source))
}

/// Why no visit is counted, whatever its answer.
fn all_left_out(source: &Source, run: &Run) -> Option<Mistake> {
    if let Some((header, line)) = source.header() {
        let cause = format!(
            "Visits are left out by a header, {header}. Every answer counts, whoever has asked: \
             count below the `match`, without an `if` around it."
        );
        return Some(Mistake::naming(cause, counter_hints::CONDITION).at(line));
    }
    if let Some(line) = source.in_handler(MADE) {
        return Some(MADE_ANEW.at(line));
    }
    if REQUESTS.is_made_again(source) {
        return Some(match source.line_with(&["let _ =", ".register("]) {
            Some(line) => REFUSED.at(line),
            None => TWO_MADE.at(source.second_line_with(MADE)),
        });
    }
    kept(source, &run.before, &run.after)
}

/// Whether the count rises while visitors still wait.
fn counts_too_early(context: &Context<'_>) -> bool {
    let Ok(run) = context.runs.stuck() else { return false };
    let before = exposition(run.before.as_ref());
    let during =
        run.during.iter().rev().find_map(|scrape| scrape.exposition.as_ref()?.as_ref().ok());
    let (Ok(before), Some(during)) = (before, during) else { return false };
    changes(before, during, COUNTER)
        .iter()
        .any(|change| change.labels.get("endpoint") == Some(PAGE) && change.by() >= 1.0)
}

/// How a line counts the requests of another path.
const OTHERS: [&str; 3] = ["\"/metrics\"]", "\"/\"]", "\"other\"]"];

/// Of values in the wrong order.
pub(crate) const SWAPPED: Mistake = Mistake::new(
    "The values stand in each other's place: `with_label_values` takes them in the order in which \
     the names were declared.",
    [
        "At /metrics, what stands behind `status=`, and what behind `endpoint=`?",
        "The names are declared once, in `IntCounterVec::new`. Every `with_label_values` takes the \
         values in the same order as those names.",
    ],
);
const IN_BATCHES: Mistake = Mistake::new(
    "`%` decides here which requests raise the counter, and `inc_by` adds more than one then. A \
     scrape may come at any time: `inc()`, once for each request, without an `if`.",
    counter_hints::AMOUNT,
);
const BY_WHAT_IT_IS_TOLD: Mistake = Mistake::new(
    "`inc_by` adds what it is told. `inc()` adds one, once for each request.",
    counter_hints::AMOUNT,
);
const COUNTED_TWICE: Mistake = Mistake::new(
    "Each visit is counted twice. Count in one place, where every request passes: below the \
     `match`, and not in its arms as well.",
    counter_hints::TWICE,
);
const COUNTED_MORE: Mistake =
    Mistake::new("`inc()` adds one, once for each request.", counter_hints::TWICE);
const ALWAYS_ONE: Mistake = Mistake::new(
    "The counter stands at 1 however many visits there are: a new one is made for each request. \
     Make it once, in `main`, and keep it in App.",
    counter_hints::ONE,
);
const SOME_UNCOUNTED: Mistake = Mistake::new(
    "Some visits are not counted. Every answer counts: `inc()` below the `match`, without an `if` \
     around it.",
    counter_hints::CONDITION,
);
const GUESSED: Mistake = Mistake::new(
    "The status is guessed from the settings here. It is that of the answer: \
     `response.status().as_str()`.",
    counter_hints::STATUS,
);
const MADE_ANEW: Mistake = Mistake::new(
    "A counter is made anew for each request here. The one that is registered is another one, and \
     nothing counts with it.",
    counter_hints::ONE,
);
const TWO_MADE: Mistake = Mistake::new(
    "Two counters are made, and only one is registered. Make one, register a clone of it, and \
     count with it.",
    counter_hints::ONE,
);
const REFUSED: Mistake = Mistake::new(
    "Two counters of one name are made, and a registry takes only the first. Its error for the \
     second is thrown away by `let _ =`, and the second is what counts. Make one, and register a \
     clone of it.",
    counter_hints::ONE,
);
const FAILURES: Mistake = Mistake::new(
    "Failures are not counted. Count below the `match`, where every answer passes, without an `if` \
     around it or a `return` above it.",
    counter_hints::CONDITION,
);
const READS: Mistake = Mistake::new(
    "`get()` reads the counter, and nothing raises it: `inc()` does, below the `match`, where \
     every answer passes.",
    counter_hints::NOTHING,
);
const NOTHING: Mistake = Mistake::new(
    "Nothing counts here. Below the `match`, where every answer passes, one line counts them all, \
     by `response.status()` and endpoint.",
    counter_hints::NOTHING,
);
const OF_ANOTHER: Mistake = Mistake::new(
    "The only line that counts is for the requests of another path. Below the `match`, where every \
     answer passes, one line counts them all.",
    counter_hints::CONDITION,
);
const KEPT_ASIDE: Mistake = Mistake::new(
    "Nothing has counted these visits so far. Are they kept aside, until there are enough? `inc()` \
     on the registered counter, at once and for each answer.",
    counter_hints::LATER,
);
const EITHER_OR: Mistake = Mistake::usual(
    "Nothing counts these visits, or what counts is not what was registered. Count below the \
     `match`, with a clone of the counter that was registered in `main`.",
);
