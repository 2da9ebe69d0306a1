//! Why visits were most likely not counted as they should.

use crate::check::program::assertions::{Change, changes, exposition};
use crate::check::program::blame::{self, Blame, seen_after};
use crate::check::program::clues;
use crate::check::program::context::Context;
use crate::check::program::metric::COUNTER;
use crate::check::program::mistake::Hints;
use crate::check::program::run::{Run, Scrape};
use crate::check::program::source::Source;
use crate::check::program::variety::{PAGE, arm};
use crate::check::verdict::Quote;

/// How a counter is made.
pub(crate) const MADE: &str = "IntCounterVec::new";
/// Of an arm that returns.
pub(crate) const RETURNS: &str = "An arm that returns at once is not counted. Let every arm \
    hand its endpoint and its answer to the lines below the `match`.";
/// Of values in the wrong order.
pub(crate) const SWAPPED: &str = "The values stand in each other's place: `with_label_values` \
    takes them in the order in which the names were declared.";

/// Why the visits of a run were most likely not counted as they should.
pub(crate) fn miscounted(context: &Context<'_>, run: &Run, rises: &[Change]) -> Blame {
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
        Some(elsewhere) => by_another_endpoint(context, elsewhere, visits),
        None => not_at_all(context, run, &status),
    }
}

/// A local metric, which keeps what it is told to itself.
pub(crate) fn buffered(source: &Source, what: &str) -> Option<(String, Quote)> {
    let line = source.line(|line| line.contains(".local()"))?;
    let cause = format!(
        "A local {what} is a buffer: what it takes arrives in the registered {what} at `flush()`, \
         and not before. Use the {what} itself."
    );
    Some((cause, line))
}

/// What a line of the file tells of requests that were answered and not counted: those of these
/// endpoints.
pub(crate) fn uncounted(source: &Source, endpoints: &[&str]) -> Option<Blame> {
    let returns = |endpoint: &&str| source.line_with(&[&arm(endpoint), "return"]);
    if let Some(line) = endpoints.iter().find_map(returns) {
        return Some(Blame::new(RETURNS, line).hinting(blame::CONDITION));
    }
    let (cause, line) = clues::told(source, clues::UNCOUNTED)?;
    let mistake = Blame::new(cause, line);
    let hints: Hints = match () {
        () if mistake.is_at("get_metric_with") => blame::FITTING,
        () if mistake.is_at("spawn") => blame::LATER,
        () => blame::CONDITION,
    };
    Some(mistake.hinting(hints))
}

/// The same of visits, with the commands that show it.
fn uncounted_visits(context: &Context<'_>) -> Option<Blame> {
    let mistake = uncounted(context.source, &[PAGE])?;
    let without_query = || format!("curl -i http://{}{PAGE}", context.runs.host);
    let commands = match () {
        () if mistake.is_at("query") => seen_after(context, without_query()),
        () if mistake.is_at("try_lock") || mistake.is_at("spawn") => {
            seen_after(context, context.curl_visits_at_once())
        }
        // By hand, all may come in time.
        () if mistake.is_at("elapsed") => Vec::new(),
        () => return Some(mistake),
    };
    Some(mistake.seen_with(commands))
}

/// What lowers a counter, or takes its series away.
pub(crate) fn lowered(source: &Source) -> Option<(&'static str, Quote)> {
    LOWERING.iter().find_map(|(part, does)| Some((*does, source.line_with(&[part])?)))
}

const LOWERING: [(&str, &str); 3] = [
    ("reset()", "`reset()` takes back what was counted."),
    ("remove_label_values", "Here a series is removed, and what it has counted is gone."),
    (".remove(&", "Here a series is removed, and what it has counted is gone."),
];

/// The line that counts.
fn counting(context: &Context<'_>) -> Option<Quote> {
    context.source.line_with(&["with_label_values", "inc"])
}

/// Every visit raised its own series, and another one as well.
fn counted_again(source: &Source, own: &Change, again: &Change) -> Blame {
    let differ = again.labels.iter().filter(|(name, value)| own.labels.get(name) != Some(value));
    let line = differ.map(|(_, value)| format!("\"{value}\"")).find_map(|value| {
        source.line_with(&["inc", &value]).or_else(|| source.line_with(&[&value]))
    });
    let cause = format!(
        "Each visit is counted, and then once more, as {}. Every request raises one series: that \
         of its endpoint and its status.",
        again.labels
    );
    Blame::new(cause, line.or_else(|| source.line_with(&["inc"]))).hinting(blame::TWICE)
}

/// The right series rose, by another number than that of the visits.
fn by_another_number(context: &Context<'_>, by: f64, visits: f64) -> Blame {
    let source = context.source;
    let told = |cause: &str, line, hints| Blame::new(cause, line).hinting(hints);
    let adds_more = |line: &str| line.contains("inc_by(") && !line.contains("inc_by(1)");
    if let Some(line) = source.line(adds_more) {
        return match source.line_with(&["if ", "%"]) {
            Some(batch) => told(IN_BATCHES, Some(batch), blame::AMOUNT),
            None => told(BY_WHAT_IT_IS_TOLD, Some(line), blame::AMOUNT),
        };
    }
    if by == 2.0 * visits {
        return told(COUNTED_TWICE, source.second_line_with("inc()"), blame::TWICE);
    }
    if by > visits {
        return told("`inc()` adds one, once for each request.", counting(context), blame::TWICE);
    }
    if let Some((part, line)) = lowered(source) {
        return Blame::new(format!("{part} {ONLY_RISES}"), line).hinting(blame::FALLS);
    }
    if let Some(mistake) = uncounted_visits(context) {
        return mistake;
    }
    if by == 1.0 && source.in_handler(MADE).is_some() {
        return told(ALWAYS_ONE, source.in_handler(MADE), blame::ONE);
    }
    let line = source.line(|line| line.contains("if ")).or(counting(context));
    told(SOME_UNCOUNTED, line, blame::CONDITION)
}

const IN_BATCHES: &str = "`%` decides here which requests raise the counter, and `inc_by` adds \
    more than one then. A scrape may come at any time: `inc()`, once for each request, without an \
    `if`.";
const BY_WHAT_IT_IS_TOLD: &str = "`inc_by` adds what it is told. `inc()` adds one, once for each \
    request.";
const COUNTED_TWICE: &str = "Each visit is counted twice. Count in one place, where every request \
    passes: below the `match`, and not in its arms as well.";
const ALWAYS_ONE: &str = "The counter stands at 1 however many visits there are: a new one is made \
    for each request. Make it once, in `main`, and keep it in App.";
const SOME_UNCOUNTED: &str = "Some visits are not counted. Every answer counts: `inc()` below the \
    `match`, without an `if` around it.";
/// Of counters.
pub(crate) const ONLY_RISES: &str = "A counter only rises, for as long as the program runs, and a \
    series that was shown stays: Prometheus takes every fall for a restart.";

/// The page's series of another status rose.
fn by_another_status(context: &Context<'_>, status: &str, other: &str) -> Blame {
    if let Some(line) = context.source.line_with(&["failure_rate"]) {
        let cause = "The status is guessed from the settings here. It is that of the answer: \
                     `response.status().as_str()`.";
        // With the settings as they are, some visits fail, and most do not.
        let commands = seen_after(context, context.curl_visits());
        return Blame::new(cause, line).hinting(blame::STATUS).seen_with(commands);
    }
    let literal = context.source.line_with(&[&format!("\"{other}\"")]);
    let at = |cause: String| {
        let mistake = Blame::new(cause, literal.clone()).hinting(blame::STATUS);
        mistake.or_at(|| context.source.line_with(&["status"])).or_at(|| counting(context))
    };
    if other == "200" && counts_too_early(context) {
        return at(format!(
            "The visit is counted before its answer is known: the count rises while the visitor \
             still waits. Only {status} came back. Count after the `.await`, by \
             `response.status()`."
        ))
        .hinting(blame::EARLY);
    }
    let is_number = other.len() == 3 && other.bytes().all(|byte| byte.is_ascii_digit());
    at(match other.split_once(' ') {
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
    })
}

/// Of a status that stands in the file.
pub(crate) fn written_by_hand(status: &str, other: &str) -> String {
    format!(
        "\"{other}\" is written by hand here, and the answers had {status}. Take the label from \
         `response.status()`: it is right whatever the answer is."
    )
}

/// Another endpoint's series rose instead.
fn by_another_endpoint(context: &Context<'_>, elsewhere: &Change, visits: f64) -> Blame {
    let source = context.source;
    let label = |name| elsewhere.labels.get(name).unwrap_or_default();
    let endpoint = label("endpoint");
    let line = source.line_with(&[&format!("\"{endpoint}\"")]);
    if label("status") == PAGE {
        let line = line.or_else(|| counting(context));
        return Blame::new(SWAPPED, line).hinting(blame::SWAPPED);
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
    Blame::new(so + more, line).hinting(blame::ENDPOINT)
}

/// No series of the page rose, nor another in its place.
fn not_at_all(context: &Context<'_>, run: &Run, status: &str) -> Blame {
    let source = context.source;
    if let Some((cause, line)) = buffered(source, "counter") {
        return Blame::new(cause, line).hinting(blame::LATER);
    }
    if let Some(mistake) = uncounted_visits(context) {
        return mistake;
    }
    if let Some((header, line)) = source.header() {
        let cause = format!(
            "Visits are left out by a header, {header}. Every answer counts, whoever has asked: \
             count below the `match`, without an `if` around it."
        );
        return Blame::new(cause, line).hinting(blame::CONDITION);
    }
    if let Some(line) = source.in_handler(MADE) {
        return Blame::new(MADE_ANEW, line).hinting(blame::ONE);
    }
    if source.count(MADE) > 1 {
        let cause = match source.line_with(&["let _ =", ".register("]) {
            Some(_) => REFUSED,
            None => TWO_MADE,
        };
        return Blame::new(cause, source.second_line_with(MADE)).hinting(blame::ONE);
    }
    if is_kept(run) {
        let line = source.line(|line| line.contains("gather") || line.contains("elapsed"));
        return Blame::new(KEPT, line).hinting(blame::OLD);
    }
    let counts = source.line_with(&["inc()"]).filter(|_| source.count("inc()") == 1);
    let of_another = |line: &Quote| OTHERS.iter().any(|other| line.text.contains(other));
    let mistake = match () {
        () if status == "503" => Blame::new(FAILURES, None).hinting(blame::CONDITION),
        () if !source.text.is_empty() && !source.has("inc") => {
            let reads = source.line_with(&[".get()"]);
            let cause = if reads.is_some() { READS } else { NOTHING };
            Blame::new(cause, reads).hinting(blame::NOTHING)
        }
        () if counts.as_ref().is_some_and(of_another) => {
            Blame::new(OF_ANOTHER, counts).hinting(blame::CONDITION)
        }
        () => match source.line_with(&["if ", ".len()"]) {
            Some(line) => Blame::new(KEPT_ASIDE, line).hinting(blame::LATER),
            None => Blame::new(EITHER_OR, None),
        },
    };
    mistake.or_at(|| source.line(|line| line.contains("if "))).or_at(|| counting(context))
}

/// How a line counts the requests of another path.
const OTHERS: [&str; 3] = ["\"/metrics\"]", "\"/\"]", "\"other\"]"];
const MADE_ANEW: &str = "A counter is made anew for each request here. The one that is registered \
    is another one, and nothing counts with it.";
const TWO_MADE: &str = "Two counters are made, and only one is registered. Make one, register a \
    clone of it, and count with it.";
const REFUSED: &str = "Two counters of one name are made, and a registry takes only the first. Its \
    error for the second is thrown away by `let _ =`, and the second is what counts. Make one, and \
    register a clone of it.";
const FAILURES: &str = "Failures are not counted. Count below the `match`, where every answer \
    passes, without an `if` around it or a `return` above it.";
const READS: &str = "`get()` reads the counter, and nothing raises it: `inc()` does, below the \
    `match`, where every answer passes.";
const NOTHING: &str = "Nothing counts here. Below the `match`, where every answer passes, one line \
    counts them all, by `response.status()` and endpoint.";
const OF_ANOTHER: &str = "The only line that counts is for the requests of another path. Below the \
    `match`, where every answer passes, one line counts them all.";
const KEPT_ASIDE: &str = "Nothing has counted these visits so far. Are they kept aside, until \
    there are enough? `inc()` on the registered counter, at once and for each answer.";
const EITHER_OR: &str = "Nothing counts these visits, or what counts is not what was registered. \
    Count below the `match`, with a clone of the counter that was registered in `main`.";
const KEPT: &str = "Both scrapes are the same text, to the last byte: the exposition is kept from \
    earlier. Make it anew for each scrape: `self.metrics.respond(request)`.";

/// Whether the exposition after the visits is that from before.
fn is_kept(run: &Run) -> bool {
    let body =
        |scrape: &Option<Scrape>| Some(scrape.as_ref()?.answer.as_ref().ok()?.answer.body.clone());
    body(&run.before).is_some_and(|before| Some(before) == body(&run.after))
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
