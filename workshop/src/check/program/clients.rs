//! Whether every client is answered as it should be: by the right status, whole, in time, and under
//! the type that is claimed.

use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::check::program::assertions::{exposition, quote};
use crate::check::program::context::Context;
use crate::check::program::run::{Run, Varied};
use crate::check::program::variety::PAGE;
use crate::check::verdict::{Finding, Judgement, Quote};
use crate::exposition::{Labels, parse};
use crate::http::fetch::Answer;
use crate::http::probe::{Probe, Timed};

/// What waits for nothing is answered within this, also on a busy machine.
const PROMPT: Duration = Duration::from_millis(500);
/// How far a sample's own time may be from now.
const NOW: Duration = Duration::from_secs(60);
/// The status of what only GET and HEAD are for.
const REFUSED: u16 = 405;
/// The columns of a command that can stand in a sentence.
const SHORT: usize = 80;
/// How gzip begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The groups of one endpoint.
fn groups<'a>(run: &'a Run, endpoint: &'a str) -> impl Iterator<Item = &'a Varied> {
    run.varied.iter().filter(move |varied| varied.group.endpoint == endpoint)
}

/// Each request of a group, with its answer.
fn pairs(varied: &Varied) -> impl Iterator<Item = (&Probe, &Timed)> {
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
            let (cause, line) = otherwise(context, endpoint, wanted, status);
            let curl = context.curl(probe);
            let expected = match curl.len() < SHORT {
                true => format!("{wanted} from `{curl}`"),
                false => format!("{wanted} for {}", varied.group.what),
            };
            return Finding::new(expected, status.to_string())
                .because(cause)
                .showing(line)
                .try_with(context.start_plain())
                .try_with(curl)
                .fail();
        }
        if let Some(missing) = varied.answers.unanswered() {
            let curl = varied.answers.probes.get(varied.answers.answers.len() - 1);
            let curl = curl.map(|probe| context.curl(probe)).unwrap_or_default();
            return Finding::new(format!("an answer to `{curl}`"), missing.to_string())
                .try_with(context.start_plain())
                .try_with(curl)
                .fail();
        }
    }
    Ok(())
}

/// Why a request is answered otherwise than its endpoint's others, and where.
fn otherwise(
    context: &Context<'_>,
    endpoint: &str,
    wanted: u16,
    status: u16,
) -> (String, Option<Quote>) {
    if let Some((header, line)) = context.source.header().filter(|_| status != 500) {
        let cause = format!(
            "A header, {header}, decides here what the answer is. Whoever asks, the answer is the \
             same."
        );
        return (cause, Some(line));
    }
    let again = context.source.in_handler("register").filter(|_| wanted == 200);
    if again.is_some() {
        let cause = "What is registered a second time is refused, and here it is registered for \
                     each request. Register once, in `main`.";
        return (cause.to_owned(), again);
    }
    let line = context.source.line(|line| {
        let arm = line.contains("=>") && line.contains(endpoint);
        arm || line.contains("if ") || line.contains("match request")
    });
    let cause = match (wanted, status) {
        (404, _) => {
            "This path is nobody's. The arms of the `match` compare the whole path, \
             letter by letter, and all others are `not_found()`."
        }
        (405, _) => {
            "Only GET and HEAD ask for a page. `respond(request)` refuses the others with 405, if \
             it is given them."
        }
        (_, 404) => {
            "The `match` has to compare the path alone, `request.uri().path()`: a query, a \
             method such as HEAD or a header changes nothing about whose page it is."
        }
        (_, 405) => "HEAD asks for the same as GET, without the body: leave it to `respond`.",
        (_, 500) => "The handler panicked. The program's own words name the line.",
        _ => "Every client gets the same: nothing else about the request decides.",
    };
    (cause.to_owned(), line)
}

/// The page is the tree counter's: as a page for a browser, as JSON for who asks for it.
pub(crate) fn page(context: &Context<'_>) -> Judgement {
    for varied in groups(&context.runs.calm, PAGE) {
        let answers = pairs(varied).filter(|(_, timed)| timed.answer.status == 200);
        for (probe, Timed { answer, .. }) in answers {
            let is_head = probe.method == hyper::Method::HEAD;
            let asks_json = probe.headers.iter().any(|(_, value)| *value == "application/json");
            let found = match () {
                () if is_head => continue,
                () if answer.body.is_empty() => "an empty body".to_owned(),
                () if asks_json && !is_count(answer) => beginning(answer),
                () => continue,
            };
            let expected = match asks_json {
                true => "a count in JSON, {\"count\":…}, from the tree counter",
                false => "the tree counter's page",
            };
            return Finding::new(expected, found)
                .because(
                    "Only `self.trees.respond(request).await` makes this answer. It is handed on \
                     as it is.",
                )
                .try_with(context.start_plain())
                .try_with(context.curl(probe))
                .fail();
        }
    }
    Ok(())
}

fn is_count(answer: &Answer) -> bool {
    let json = serde_json::from_slice::<serde_json::Value>(&answer.body);
    json.is_ok_and(|json| json["count"].as_u64().is_some_and(|count| count > 0))
}

fn beginning(answer: &Answer) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    let start: String = text.trim().chars().take(40).collect();
    format!("{start:?}")
}

/// What waits for nothing is answered at once.
pub(crate) fn prompt(context: &Context<'_>) -> Judgement {
    let waits = context.runs.attached;
    for varied in &context.runs.calm.varied {
        let quickest = pairs(varied).min_by_key(|(_, timed)| timed.took);
        let Some((probe, timed)) = quickest else { continue };
        if timed.took < PROMPT || (waits && varied.group.endpoint == PAGE) {
            continue;
        }
        let waiting = ["sleep", "block_on", "interval", "timeout"];
        return Finding::new(
            format!("an answer at once: {} wait for nothing in this run", varied.group.what),
            format!("{:.1} s, for the quickest of them", timed.took.as_secs_f64()),
        )
        .because(
            "The latency is the tree counter's, and this run sets it to 0. Something in `handle` \
             waits by itself: a `sleep`, or a lock that others hold.",
        )
        .showing(context.source.line(|line| waiting.iter().any(|word| line.contains(word))))
        .try_with(context.start(context.runs.calm.faults))
        .try_with(format!("{} -w \"%{{time_total}}\\n\"", context.curl(probe)))
        .fail();
    }
    Ok(())
}

/// Every answer of /metrics that was a 200 with a body.
fn expositions(run: &Run) -> impl Iterator<Item = (&Probe, &Answer)> {
    let before = run.before.iter();
    let before = before.filter_map(|scrape| Some((&scrape.probe, scrape.answer.as_ref().ok()?)));
    let all = before.chain(groups(run, "/metrics").flat_map(pairs));
    let all = all.map(|(probe, timed)| (probe, &timed.answer));
    all.filter(|(_, answer)| answer.status == 200 && !answer.body.is_empty())
}

/// The type that an answer of /metrics claims is true, however it is asked for.
pub(crate) fn honest_types(context: &Context<'_>) -> Judgement {
    for (probe, answer) in expositions(&context.runs.calm) {
        let media = answer.content_type.split(';').next().unwrap_or_default().trim();
        let is_text = parse(&answer.body).is_ok();
        let ends = answer.body.trim_ascii_end().ends_with(b"# EOF");
        let expected = match media {
            "application/openmetrics-text" if !ends => "OpenMetrics, which ends with # EOF",
            "application/vnd.google.protobuf" if is_text => "protobuf, as Content-Type says",
            "text/plain" | "application/openmetrics-text" | "application/vnd.google.protobuf" => {
                continue;
            }
            _ => "Content-Type: text/plain; version=0.0.4",
        };
        return unlike(context, probe, expected, &answer.content_type, OPENMETRICS);
    }
    Ok(())
}

/// The encoding that is claimed is that of the body.
pub(crate) fn honest_encoding(context: &Context<'_>) -> Judgement {
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
        return unlike(context, probe, expected, found, MADE_BY_HAND);
    }
    Ok(())
}

/// Header and body say different things.
fn unlike(
    context: &Context<'_>,
    probe: &Probe,
    expected: &str,
    found: &str,
    cause: &str,
) -> Judgement {
    let telling = ["openmetrics", "protobuf", "gzip"];
    Finding::new(expected, found)
        .because(cause)
        .showing(context.source.line(|line| telling.iter().any(|word| line.contains(word))))
        .try_with(context.start_plain())
        .try_with(context.curl(probe))
        .fail()
}

const MADE_BY_HAND: &str = "Header and body have to agree. `MetricsHandler` sees to both: \
    `self.metrics.respond(request)`, as it is.";
const OPENMETRICS: &str = "Prometheus believes the header and reads the body by it, and then fails \
    the scrape. What is sent here is the text format: text/plain; version=0.0.4. \
    `MetricsHandler` says so.";

/// Samples are of now, each series stands there once, and it is another page after many requests.
pub(crate) fn fresh(context: &Context<'_>) -> Judgement {
    let run = &context.runs.calm;
    let read = exposition(run.before.as_ref())?;
    let finding = |expected: &str, found: String, line: Option<usize>| {
        Finding::new(expected, found)
            .quoting(line.and_then(|line| quote(read, line)))
            .try_with(context.start_plain())
            .try_with(format!("curl -s http://{}/metrics", context.runs.host))
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let mut seen: HashSet<(&str, Labels)> = HashSet::new();
    for sample in read.all_samples() {
        let mut labels = sample.labels.clone();
        labels.0.sort();
        if !seen.insert((&sample.name, labels)) {
            let found = "the same series again".to_owned();
            return finding("each series once", found, Some(sample.line))
                .because("Prometheus keeps one value for each series and scrape.")
                .fail();
        }
        let Some(time) = sample.timestamp else { continue };
        let apart = now.abs_diff(u128::try_from(time).unwrap_or(0));
        if apart > NOW.as_millis() {
            let found = format!("a time that is {} s away", apart / 1000);
            return finding(
                "samples of now, without a time of their own",
                found,
                Some(sample.line),
            )
            .because(
                "The number behind the value is a timestamp, in milliseconds since 1970. Leave it \
                     away: Prometheus takes the time of the scrape.",
            )
            .fail();
        }
    }
    let bodies = [&run.before, &run.end].map(|scrape| {
        let timed = scrape.as_ref()?.answer.as_ref().ok()?;
        Some(&timed.answer.body)
    });
    let [Some(first), Some(last)] = bodies else { return Ok(()) };
    if first != last || first.is_empty() {
        return Ok(());
    }
    finding(
        "other values after 60 requests",
        "the same text, to the last byte".to_owned(),
        None,
    )
    .because(
        "The exposition is gathered once and then kept. It has to be made anew for each scrape: \
         `self.metrics.respond(request)`.",
    )
    .fail()
}
