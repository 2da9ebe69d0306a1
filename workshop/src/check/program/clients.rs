//! Whether every client is answered by the right status, whatever it asks for and however.

use hyper::Method;

use crate::check::program::context::Context;
use crate::check::program::last_words::may_have_panicked;
use crate::check::program::life::silence;
use crate::check::program::mistake::{Hints, MADE_UP, Mistake, Sign, given_away};
use crate::check::program::paths;
use crate::check::program::run::{Run, Varied};
use crate::check::program::source::Source;
use crate::check::program::variety::PAGE;
use crate::check::verdict::{Finding, Judgement};
use crate::http::probe::{Probe, Timed};

/// The status of what only GET and HEAD are for.
const REFUSED: u16 = 405;
/// The columns of a command that can stand in a sentence.
const SHORT: usize = 80;

/// The groups of one endpoint.
pub(crate) fn groups<'a>(run: &'a Run, endpoint: &'a str) -> impl Iterator<Item = &'a Varied> {
    run.varied.iter().filter(move |varied| varied.group.endpoint == endpoint)
}

/// Each request of a group, with its answer.
pub(crate) fn pairs(varied: &Varied) -> impl Iterator<Item = (&Probe, &Timed)> {
    let pairs = varied.answers.probes.iter().zip(&varied.answers.answers);
    pairs.filter_map(|(probe, answer)| Some((probe, answer.as_ref().ok()?)))
}

/// Whatever the method, the query and the headers: an endpoint's requests have the status that they
/// should.
pub(crate) fn statuses(context: &Context<'_>, endpoint: &str) -> Judgement {
    let all = groups(&context.runs.calm, endpoint);
    of_groups(context, all.filter(|varied| varied.group.status != REFUSED))
}

/// /metrics takes GET and HEAD alone.
pub(crate) fn refused(context: &Context<'_>) -> Judgement {
    let all = groups(&context.runs.calm, "/metrics");
    of_groups(context, all.filter(|varied| varied.group.status == REFUSED))
}

fn of_groups<'a>(context: &Context<'_>, groups: impl Iterator<Item = &'a Varied>) -> Judgement {
    for varied in groups {
        let endpoint = varied.group.endpoint;
        for (probe, timed) in pairs(varied) {
            let (status, wanted) = (timed.answer.status, varied.group.status);
            let failed = context.runs.attached && endpoint == PAGE && status == 503;
            if status == wanted || failed {
                continue;
            }
            let curl = context.curl(probe);
            let expected = match curl.len() < SHORT {
                true => format!("{wanted} from `{curl}`"),
                false => format!("{wanted} for {}", varied.group.what),
            };
            return Finding::new(expected, status.to_string())
                .told(otherwise(context, varied, probe, status))
                .try_with(context.start_plain())
                .try_with(curl)
                .fail();
        }
        if let Some(missing) = varied.answers.unanswered() {
            let curl = varied.answers.lost().map(|probe| context.curl(probe)).unwrap_or_default();
            return Finding::new(format!("an answer to `{curl}`"), missing.to_string())
                .told(silence(missing))
                .try_with(context.start_plain())
                .try_with(curl)
                .fail();
        }
    }
    Ok(())
}

/// Why a path is not answered, and where; or what is said of one that nothing in the file is for.
pub(crate) fn missed(source: &Source, path: &str, otherwise: &'static str) -> Mistake {
    paths::missed(source, path).unwrap_or(Mistake::usual(otherwise))
}

/// Why a request is answered otherwise than its endpoint's others, and where.
fn otherwise(context: &Context<'_>, varied: &Varied, probe: &Probe, status: u16) -> Mistake {
    let source = context.source;
    let wanted = varied.group.status;
    let get_alone = source.line_with(&["(\"GET\"", varied.group.endpoint]);
    let of_method = get_alone.or_else(|| source.line(|line| line.contains("method()")));
    let again = source.in_handler("register").filter(|_| wanted == 200);
    match (wanted, status) {
        (_, 500) if may_have_panicked(context) => return PANICKED.at(again),
        (200, 503) if source.has("Settings::default()") => {
            return MADE_UP.1.at(source.line_with(MADE_UP.0));
        }
        (404, 405) => return METHOD_FIRST.at(of_method),
        (405, _) => return given_away(source, NOT_THE_REQUEST).unwrap_or(NOT_REFUSED),
        _ => {}
    }
    let is_head = probe.method == Method::HEAD;
    let is_plain = probe.method == Method::GET && probe.headers.is_empty();
    if is_plain && status == 404 && probe.path == varied.group.endpoint {
        return missed(source, &probe.path, FRONT_PAGE);
    }
    let compared = |line: &str| {
        let arm = line.contains("=>") && line.contains(varied.group.endpoint);
        arm || line.contains("if ") || line.contains("match ")
    };
    if wanted == 404 {
        let part = given_away(source, PARTS_OF_PATHS);
        return part.unwrap_or_else(|| NOBODYS.at(source.line(compared)));
    }
    let plain = is_plain && probe.path == varied.group.endpoint;
    let header = source.header().filter(|_| plain || !probe.headers.is_empty());
    if let Some((header, line)) = header {
        let cause = format!(
            "A header, {header}, decides here what the answer is. Whoever asks, the answer has to \
             be the same."
        );
        return Mistake::naming(cause, SAME_FOR_ALL).at(line);
    }
    let mistake = match probe.path.split_once('?') {
        _ if is_head => HEAD,
        Some((_, query)) => Mistake::naming(
            format!(
                "The query, `?{query}`, is no part of the path, and changes nothing about whose \
                 page it is. Compare `request.uri().path()` alone."
            ),
            SAME_FOR_ALL,
        ),
        None => EVERYBODY,
    };
    mistake.at(of_method.filter(|_| is_head)).or_at(|| source.line(compared))
}

/// Of the one path that is asked for here for the first time.
const FRONT_PAGE: &str = "Nothing answers at this path: `handle` needs its arm, as in the starter.";

/// How more than one path is taken for the same.
const PARTS_OF_PATHS: &[Sign] = &[
    (
        &["starts_with("],
        Mistake::new(
            "This path is nobody's: `starts_with` takes longer ones as well. Compare the whole \
             path, and leave all others to `not_found()`.",
            WHOLE_PATH,
        ),
    ),
    (
        &["ends_with("],
        Mistake::new(
            "This path is nobody's: `ends_with` lets anything stand in front. Compare the whole \
             path, and leave all others to `not_found()`.",
            WHOLE_PATH,
        ),
    ),
    (
        &[".contains("],
        Mistake::new(
            "This path is nobody's: `contains` lets anything stand before and behind. Compare the \
             whole path, and leave all others to `not_found()`.",
            WHOLE_PATH,
        ),
    ),
    (&["split("], Mistake::new(ONE_PART, WHOLE_PATH)),
    (&["rfind("], Mistake::new(BY_SHAPE, WHOLE_PATH)),
    (&[".len()"], Mistake::new(BY_SHAPE, WHOLE_PATH)),
    (&["get(.."], Mistake::new(ONE_PART, WHOLE_PATH)),
    (&["[.."], Mistake::new(ONE_PART, WHOLE_PATH)),
];

const ONE_PART: &str = "This path is nobody's, and it is taken for another, since only a part of \
    it is compared here. Compare the whole path, `request.uri().path()`.";
const BY_SHAPE: &str = "This path is nobody's, and its shape alone lets it through here. Compare \
    the whole path, letter by letter, and leave all others to `not_found()`.";

const NOBODYS: Mistake = Mistake::new(
    "This path is nobody's, and it is answered like one of yours. Compare the whole path, letter \
     by letter, and leave all others to `not_found()`.",
    WHOLE_PATH,
);

const WHOLE_PATH: Hints = [
    "Which paths does your program answer, besides the three that it should?",
    "A text as an arm of the `match`, such as \"/metrics\", takes that path and no other. A guard \
     (`if ...`), or a comparison with a part of the path, takes many. What no arm takes is left \
     to `_`, which answers not_found().",
];

const METHOD_FIRST: Mistake = Mistake::new(
    "An unknown path is unknown by every method, also by POST. The method decides here before \
     the path does: `respond(request)` refuses what its page is not for.",
    [
        "Which does your program look at first, the path or the method, and what does that change \
         for a path that nobody serves?",
        "`respond(request)` answers 405 by itself where a page is not for a method. In `handle`, \
         the path alone decides who answers, and a return above the `match` passes by everything \
         below.",
    ],
);

const NOT_THE_REQUEST: &[Sign] = &[(
    &["Request::new("],
    Mistake::new(
        "The arm hands on a request of its own making. Only GET and HEAD ask for a page: \
         `respond(request)` refuses a POST with 405 if it is given the visitor's own request.",
        REFUSED_HINTS,
    ),
)];

const NOT_REFUSED: Mistake = Mistake::new(
    "Only GET and HEAD ask for a page. `respond(request)` refuses the others with 405, if it is \
     given them.",
    REFUSED_HINTS,
);

const REFUSED_HINTS: Hints = [
    "Who knows by which method a request came, and is that one asked?",
    "GET and HEAD ask for a page; a POST wants to change something, and is refused with 405. \
     `respond(request)` does that by itself: give it the request as it came, and send its answer \
     as it is.",
];

const PANICKED: Mistake = Mistake::new(
    "The handler panicked. The program's own words name the line.",
    [
        "What is different about this request from those that were answered before?",
        "A panic in `handle` costs that request its answer. What registers twice, and an `expect` \
         or `unwrap` of what a request need not have, panics; other requests pass by it.",
    ],
);

const HEAD: Mistake = Mistake::new(
    "HEAD asks for the same as GET, without the body. Let the path alone decide, and leave the \
     method to `respond(request)`.",
    SAME_FOR_ALL,
);

const EVERYBODY: Mistake = Mistake::new(
    "Every client gets the same: nothing about a request decides but its path.",
    SAME_FOR_ALL,
);

const SAME_FOR_ALL: Hints = [
    "The plain request is answered, and this one is not. What do they differ in, and where does \
     your program look at that?",
    "`match request.uri().path()` looks at the path and at nothing else: not at the query, not at \
     the method, not at a header. `respond(request)` sees to the rest by itself.",
];
