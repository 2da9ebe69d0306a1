//! Whether what is sent at /metrics is in a format that Prometheus reads, and says so.

use crate::check::program::clients;
use crate::check::program::context::Context;
use crate::check::program::fresh::fresh;
use crate::check::program::mistake::{Hints, Mistake};
use crate::check::program::run::Run;
use crate::check::program::section1::scraped;
use crate::check::verdict::{Finding, Judgement, Quote};
use crate::exposition::{Found, ParseError, parse};
use crate::http::fetch::Answer;
use crate::http::probe::Probe;

/// The text formats that Prometheus 3 reads; anything else fails the scrape.
const CONTENT_TYPES: [&str; 3] =
    ["text/plain", "application/openmetrics-text", "application/vnd.google.protobuf"];
/// How gzip begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The content type is one that Prometheus takes.
pub(crate) fn metrics_content_type(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let (scrape, answer) = scraped(run)?;
    let media = &*media(answer);
    if CONTENT_TYPES.contains(&media) {
        return honest_types(context);
    }
    let found = match answer.content_type.as_str() {
        "" => "no Content-Type at all".to_owned(),
        other => format!("Content-Type: {other}"),
    };
    let halves = media.split_once('/').map(|(one, other)| format!("{other}/{one}"));
    let swapped = halves.is_some_and(|media| CONTENT_TYPES.contains(&media.as_str()));
    let is_page = media == "text/html" && answer.body.trim_ascii_start().starts_with(b"<");
    let (cause, part) = match () {
        () if media.ends_with("json") => (JSON, "json"),
        () if is_page => (PAGE_INSTEAD, "\"/metrics\""),
        () if media.is_empty() && context.source.has("remove(") => (TAKEN_OFF, "remove("),
        () if media.is_empty() => (NO_TYPE, "Response::"),
        () if swapped => (SWAPPED, media),
        () => (UNKNOWN, media),
    };
    Finding::new("Content-Type: text/plain; version=0.0.4; charset=utf-8", found)
        .because(cause)
        .showing(context.source.line_with(&[part]))
        .try_with(context.start_plain())
        .try_with(context.curl(&scrape.probe))
        .fail()
}

/// What a body is said to be, without its parameters. Capitals make no difference.
fn media(answer: &Answer) -> String {
    answer.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The body is an exposition.
pub(crate) fn metrics_parses(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let (scrape, answer) = scraped(run)?;
    let Some(Err(error)) = &scrape.exposition else {
        honest_encoding(context)?;
        return fresh(context);
    };
    // Made by hand, the line stands in the file, up to the first quote, which is escaped there.
    let made = error.text.split('"').next().unwrap_or_default().trim();
    let found = format!("{}, in column {}", error.found, error.column);
    let line = context.source.line(|line| made.len() > 3 && line.contains(made));
    let line = line.or_else(|| context.source.line_with_any(&[".trim", ".replace("]));
    Finding::new(error.expected.as_str(), found)
        .told(misread(error, &answer.body).at(line))
        .quoting(Quote { of: "/metrics".into(), line: error.line, text: error.excerpt() })
        .try_with(context.start_plain())
        .try_with(context.metrics())
        .fail()
}

fn misread(error: &ParseError, body: &[u8]) -> Mistake {
    let start = body.trim_ascii_start();
    let at = |parts: &[&str]| parts.iter().any(|part| error.expected.contains(part));
    let found = error.found.to_string();
    let number = found.trim_matches('"');
    match () {
        () if start.starts_with(b"{\"") || start.starts_with(b"[") || start.starts_with(b"{\n") => {
            Mistake::usual(JSON_BODY)
        }
        () if start.starts_with(b"<") => WEB_PAGE,
        () if error.found == Found::EndOfText => STOPS,
        () if error.found == Found::CarriageReturn || found.contains("\\r") => CARRIAGE_RETURN,
        () if error.text.trim_start().starts_with("//") => SLASHES,
        () if at(&["label's value"]) && !error.text.contains('"') => UNQUOTED,
        () if at(&["a value"]) => NO_NUMBER,
        () if number.contains(',') && number.replace(',', ".").parse::<f64>().is_ok() => COMMA,
        () if at(&["a number"]) && number.starts_with(|c: char| c.is_ascii_digit()) => UNIT,
        () if at(&["a blank behind a name", "a blank after the metric's name"]) => NAME,
        () if at(&["one HELP", "one TYPE"]) => TWICE,
        () if at(&["above its samples"]) => TYPE_BELOW,
        () if at(&["counter, gauge"]) => NO_KIND,
        () => Mistake::usual(BY_HAND),
    }
}

/// Every answer of /metrics that was a 200 with a body.
fn expositions(run: &Run) -> impl Iterator<Item = (&Probe, &Answer)> {
    let before = run.before.iter();
    let before = before.filter_map(|scrape| Some((&scrape.probe, scrape.answer.as_ref().ok()?)));
    let all = before.chain(clients::groups(run, "/metrics").flat_map(clients::pairs));
    let all = all.map(|(probe, timed)| (probe, &timed.answer));
    all.filter(|(_, answer)| answer.status == 200 && !answer.body.is_empty())
}

/// The type that an answer of /metrics claims is true, however it is asked for.
fn honest_types(context: &Context<'_>) -> Judgement {
    for (probe, answer) in expositions(&context.runs.calm) {
        let media = media(answer);
        let is_text = parse(&answer.body).is_ok();
        let ends = answer.body.trim_ascii_end().ends_with(b"# EOF");
        let found = format!("Content-Type: {}", answer.content_type);
        let cause = match &*media {
            "text/html" if !is_text => {
                return unlike(context, probe, ["an exposition, whoever asks", &found], WEB_PAGE);
            }
            "application/openmetrics-text" if !ends => OPENMETRICS,
            "application/vnd.google.protobuf" if is_text => PROTOBUF,
            media if CONTENT_TYPES.contains(&media) => continue,
            _ => UNKNOWN,
        };
        let claims = context.source.line_with(&["\"", &media]).filter(|_| !media.is_empty());
        let mistake = Mistake::new(cause, CLAIMED).at(claims);
        return unlike(context, probe, [TEXT, &found], mistake);
    }
    Ok(())
}

/// The encoding that is claimed is that of the body.
fn honest_encoding(context: &Context<'_>) -> Judgement {
    for (probe, answer) in expositions(&context.runs.calm) {
        let zipped = answer.body.starts_with(&GZIP);
        let expected = match answer.content_encoding.as_str() {
            "gzip" if !zipped => "a body in gzip, as Content-Encoding says",
            "gzip" => continue,
            _ if zipped => "Content-Encoding: gzip, since the body is",
            _ => continue,
        };
        let found = match zipped {
            true => "gzip, without that header",
            false => "a body that is plain text",
        };
        return unlike(context, probe, [expected, found], ENCODING);
    }
    Ok(())
}

/// Header and body say different things: what should be, and what is.
fn unlike(
    context: &Context<'_>,
    probe: &Probe,
    [expected, found]: [&str; 2],
    mistake: Mistake,
) -> Judgement {
    let telling = ["openmetrics", "protobuf", "gzip", "content-encoding"];
    Finding::new(expected, found)
        .told(mistake.or_at(|| context.source.line_with_any(&telling)).or_at(|| {
            // An arm with a condition.
            context.source.line_with(&["\"/metrics\""])
        }))
        .try_with(context.start_plain())
        .try_with(context.curl(probe))
        .fail()
}

const TEXT: &str = "Content-Type: text/plain; version=0.0.4, as the body is that text format";

const JSON: &str = "Prometheus does not read JSON. It has a text format of its own, which \
    `MetricsHandler` sends under the right type.";
const PAGE_INSTEAD: &str = "This is a web page. The exposition is made by \
    `self.metrics.respond(request)`: that is what the arm of \"/metrics\" should give.";
const TAKEN_OFF: &str = "Prometheus decides by this header how to read the body. `MetricsHandler` \
    sends it, and here it is taken off again.";
const NO_TYPE: &str = "Prometheus decides by this header how to read the body, and fails the \
    scrape without it. `MetricsHandler` sends the right one.";
const SWAPPED: &str = "The two halves of this type stand the wrong way round, and Prometheus does \
    not know it. `MetricsHandler` sends the right one: leave its answer as it is.";
const UNKNOWN: &str = "Prometheus decides by this header how to read the body, and fails the \
    scrape when it does not know the type. `MetricsHandler` sends the right one.";

const OPENMETRICS: &str = "Prometheus believes the header, and reads the body as OpenMetrics. \
    That ends with `# EOF`; this is the older text format, and the scrape fails.";
const PROTOBUF: &str = "Prometheus believes the header, and reads the body as protobuf, which is \
    binary. This is the text format, and the scrape fails.";

const CLAIMED: Hints = [
    "In which format is the body, and which format does the header promise? Is that so for every \
     client, whatever it accepts?",
    "Prometheus offers several formats in its Accept header and takes the text format as well. \
     Content-Type has to name what is sent. `self.metrics.respond(request)` gives a body with the \
     type that fits it: set none of your own.",
];

const ENCODING: Mistake = Mistake::new(
    "Header and body have to agree about gzip. `MetricsHandler` sees to both: \
     `self.metrics.respond(request)`, as it is.",
    [
        "Is the body compressed, and does the header Content-Encoding say the same?",
        "A client that accepts gzip may be sent a compressed body, and only the header \
         Content-Encoding tells it to unpack that. `self.metrics.respond(request)` sets both or \
         none. Look for a line that changes one of them alone.",
    ],
);

const JSON_BODY: &str = "This is JSON. Prometheus reads its own text format: a line for each \
    series, `name{label=\"value\"} number`.";
const BY_HAND: &str = "`MetricsHandler` writes this format, and its text needs no change. Text \
    that is made or changed by hand has to follow it exactly: a name, label values in double \
    quotes, and a number.";

const WEB_PAGE: Mistake = Mistake::new(
    "This is a web page, and not an exposition. Prometheus reads no HTML.",
    [
        "What is the first line of the body, and who has written it?",
        "An exposition is plain text from its first byte to its last, without a tag around it. \
         `self.metrics.respond(request)` gives it as Prometheus reads it.",
    ],
);

const STOPS: Mistake = Mistake::new(
    "The body stops in the middle of a line. Send the whole text, with its last line feed.",
    [
        "How does the body end? `curl` puts your prompt right behind it, when no line feed does.",
        "Every line of the text format ends with a line feed, the last one as well. The encoder \
         writes it. Is something cut off, or trimmed, on the way?",
    ],
);

const CARRIAGE_RETURN: Mistake = Mistake::new(
    "Lines end with \\n alone, on Windows as well. Print \\n, not \\r\\n.",
    [
        "How does each line of the body end? A \\r is not seen on a screen; `curl -s \
         http://localhost:8001/metrics | cat -e` shows it as ^M, on Linux and macOS.",
        "The text format knows one end of a line, \\n, on every system. The encoder writes that: \
         only text of your own can have a \\r.",
    ],
);

const SLASHES: Mistake =
    Mistake::new("A comment begins with `#` in this format, and not with `//`.", RULES);
const UNQUOTED: Mistake =
    Mistake::new("The value of a label stands in double quotes: `name{label=\"value\"} 1`.", RULES);
const NO_NUMBER: Mistake =
    Mistake::new("A sample ends with its number, and here none follows.", RULES);
const COMMA: Mistake =
    Mistake::new("Numbers have a decimal point in this format, and never a comma.", RULES);
const UNIT: Mistake = Mistake::new(
    "A sample ends with a plain number. Its unit belongs into the name, as in `wait_seconds`.",
    RULES,
);
const NAME: Mistake = Mistake::new(
    "The name of a metric is made of letters, digits, `_` and `:`, and ends at any other \
     character.",
    RULES,
);
const TWICE: Mistake = Mistake::new(
    "HELP and TYPE stand once for each metric. Is the same text there twice, or does it come from \
     two places?",
    RULES,
);
const TYPE_BELOW: Mistake =
    Mistake::new("TYPE stands above all samples of its metric, and not below one.", RULES);
const NO_KIND: Mistake = Mistake::new(
    "TYPE knows these five words, and no other. A number of things that comes and goes is a gauge.",
    RULES,
);

const RULES: Hints = [
    "Look at the line of the body that the check shows. Which of your lines puts it there, or \
     changes it so?",
    "The text format: a comment begins with `#`; HELP and TYPE stand once, above the samples; a \
     sample is a name, labels with their values in double quotes, and a number. The encoder keeps \
     all of these rules. What is added to its text, or replaced in it, may break them.",
];
