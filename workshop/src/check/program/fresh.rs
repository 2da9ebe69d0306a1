//! Whether what is read at /metrics is of now: each series once, without times of its own, and
//! another text after many requests.

use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::check::program::assertions::{exposition, quote};
use crate::check::program::context::Context;
use crate::check::program::mistake::Mistake;
use crate::check::program::run::Scrape;
use crate::check::program::source::Source;
use crate::check::verdict::{Finding, Judgement};
use crate::exposition::Labels;

/// How far a sample's own time may be from now.
const NOW: Duration = Duration::from_secs(60);

/// Samples are of now, each series stands there once, and it is another page after many requests.
pub(crate) fn fresh(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let read = exposition(run.before.as_ref())?;
    let finding = |expected: &str, found: String, line: Option<usize>| {
        Finding::new(expected, found)
            .quoting(line.and_then(|line| quote(read, line)))
            .try_with(context.start_plain())
            .try_with(context.metrics())
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let mut seen: HashSet<(&str, Labels)> = HashSet::new();
    for sample in read.all_samples() {
        let mut labels = sample.labels.clone();
        labels.0.sort();
        if !seen.insert((&sample.name, labels)) {
            let found = "the same series again".to_owned();
            return finding("each series once", found, Some(sample.line)).told(SERIES_TWICE).fail();
        }
        let Some(time) = sample.timestamp else { continue };
        let apart = now.abs_diff(u128::try_from(time).unwrap_or(0));
        if apart > NOW.as_millis() {
            let found = format!("a time that is {} s away", apart / 1000);
            let expected = "samples of now, without a time of their own";
            let time = time.to_string();
            let telling = [time.as_str(), "as_secs()", "as_millis()", "UNIX_EPOCH", "timestamp"];
            let mistake = TIMESTAMP.at(context.source.line_with_any(&telling));
            return finding(expected, found, Some(sample.line)).told(mistake).fail();
        }
    }
    let Some(kept) = kept(context.source, &run.before, &run.end) else { return Ok(()) };
    let found = "the same text, to the last byte".to_owned();
    finding("other values after 60 requests", found, None)
        .told(kept)
        .try_with(context.curl_visits())
        .try_with(context.metrics())
        .fail()
}

/// Why two scrapes got the same text, if they did.
pub(crate) fn kept(
    source: &Source,
    first: &Option<Scrape>,
    last: &Option<Scrape>,
) -> Option<Mistake> {
    let (first, last) = (first.as_ref()?.body()?, last.as_ref()?.body()?);
    if first != last || first.is_empty() {
        return None;
    }
    let keeps = ["get_or_init", "elapsed()", ".gather()", "encode"];
    Some(KEPT.at(keeps.iter().find_map(|part| source.line_with(&[part]))))
}

const KEPT: Mistake = Mistake::new(
    "A text that was made earlier is sent again. It has to be made anew for each scrape: \
     `self.metrics.respond(request)`.",
    [
        "Ask for /metrics, visit the page a few times, and ask for /metrics again at once. What \
         has changed? And when is your text made?",
        "The text is valid, and it is old. What `main` makes, what is made once, and what is kept \
         for a time does not know of the requests since then. `self.metrics.respond(request)` \
         gathers the registry at each scrape.",
    ],
);

const SERIES_TWICE: Mistake = Mistake::new(
    "Prometheus keeps one value for each series and scrape.",
    [
        "Which series stands in the body twice, and which of your lines writes it?",
        "A series is a name with its labels, and has one value in an exposition. A registry holds \
         each series once, and so the encoder writes it once: a second one is added behind it.",
    ],
);

const TIMESTAMP: Mistake = Mistake::new(
    "The number behind the value is a timestamp, in milliseconds since 1970. Leave it out: \
     Prometheus takes the time of the scrape.",
    [
        "What does the second number in this line of the body say, and who needs it?",
        "A sample is a name, labels and a value. A number behind these is a time, and Prometheus \
         then files the sample there, or refuses it. The encoder writes none: look for the line \
         of yours that does.",
    ],
);
