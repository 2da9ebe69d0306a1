//! The questions of section 3 against a real Prometheus: finished answers, answers written in
//! another way, and wrong ones, each with its message.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod prometheus;

use prometheus::{Kit, missing};
use workshop::verdict::{Trouble, Verdict};

const QUESTIONS: usize = 14;

#[test]
fn every_finished_answer_passes_and_the_starter_passes_none_but_the_bonus() {
    if missing() {
        return;
    }
    let kit = Kit::new();
    let mut judge = kit.judge();
    let questions: Vec<&str> = workshop::section3::CHECKS
        .into_iter()
        .filter(|check| check.starts_with("promql-"))
        .collect();
    assert_eq!(questions.len(), QUESTIONS);
    kit.write(
        "section3-compose/answers.promql",
        &prometheus::read("solutions/section3/answers.promql"),
    );
    for question in &questions {
        if let Err(trouble) = judge.judge(question) {
            panic!("{question}: {trouble:?}");
        }
    }
    kit.write(
        "section3-compose/answers.promql",
        &prometheus::read("workshop/starters/answers.promql"),
    );
    for question in questions {
        let bonus = ["promql-p95", "promql-mean"].contains(&question);
        match judge.judge(question) {
            Ok(()) => assert!(bonus, "{question} passes without an answer"),
            Err(trouble) => assert!(
                !bonus && trouble.finding.found == "not answered yet",
                "{question}: {trouble:?}"
            ),
        }
    }
}

/// The same in other words.
const RIGHT: [(&str, &str); 22] = [
    ("promql-up", "max by (job, instance) (up{job=~\"tree.*\"})"),
    ("promql-up", "up and on (job) up{job=\"treecounter\"}"),
    ("promql-count", "sum by () (requests_total)"),
    ("promql-count", "sum without (job, instance, endpoint, status) (requests_total)"),
    (
        "promql-failed",
        "requests_total{endpoint=\"/treecounter\"} unless requests_total{status!~\"5..\"}",
    ),
    ("promql-rate", "increase(requests_total[1m]) / 60"),
    ("promql-rate", "rate({__name__=\"requests_total\"}[60s])"),
    ("promql-by-status", "sum(rate(requests_total[1m])) by (status)"),
    ("promql-by-status", "sum without (job, instance, endpoint) (rate(requests_total[1m]))"),
    ("promql-increase", "sum(rate(requests_total{endpoint=\"/treecounter\"}[5m])) * 300"),
    (
        "promql-error-ratio",
        "1 - sum(rate(requests_total{endpoint=\"/treecounter\",status!~\"5..\"}[1m])) / sum(rate(requests_total{endpoint=\"/treecounter\"}[1m]))",
    ),
    (
        "promql-error-ratio",
        "sum(increase(requests_total{endpoint=\"/treecounter\",status=\"503\"}[1m]))\n  / ignoring () # all of them\nsum(increase(requests_total{endpoint=\"/treecounter\"}[1m]))",
    ),
    (
        "promql-ratio-by-endpoint",
        "sum by (endpoint) (rate(requests_total{status=~\"5..\"}[5m])) / on (endpoint) group_left sum by (endpoint) (rate(requests_total[5m]))",
    ),
    ("promql-top", "sort_desc(topk(2, sum by (endpoint) (rate(requests_total[1m]))))"),
    (
        "promql-compare",
        "sum(increase(requests_total[1m])) / sum(increase(requests_total[1m] offset 120s))",
    ),
    ("promql-rate", "rate(requests_total[60])"),
    (
        "promql-replicas",
        "sum(rate(requests_total[1m])) / count(count by (instance) (rate(requests_total[1m])))",
    ),
    ("promql-replicas", "avg(sum without (status, endpoint) (rate(requests_total[1m])))"),
    ("promql-absent", "absent_over_time(up{job=\"treecounter\"}[1m])"),
    (
        "promql-p95",
        "histogram_quantile(0.95, sum without (instance, job, endpoint) (rate(request_latency_seconds_bucket{endpoint=\"/treecounter\"}[1m])))",
    ),
    (
        "promql-mean",
        "sum(increase(request_latency_seconds_sum[1m])) / sum(increase(request_latency_seconds_count[1m]))",
    ),
    (
        "promql-mean",
        "(sum(rate(request_latency_seconds_sum{endpoint=~\".*trees?counter\"}[1m])))/(sum(rate(request_latency_seconds_count[1m])))",
    ),
];

#[test]
fn another_query_with_the_same_result_is_as_good() {
    if missing() {
        return;
    }
    let kit = Kit::new();
    let mut judge = kit.judge();
    for (question, query) in RIGHT {
        kit.answer(question, query);
        if let Err(trouble) = judge.judge(question) {
            panic!("{question}: {query}\n{trouble:#?}");
        }
    }
}

/// A question, a wrong answer, and words of the message: in what was found, or in the cause.
const WRONG: &[(&str, &str, &str)] = &[
    // No PromQL.
    ("promql-rate", "rate(requests_total[1m]", "unclosed left parenthesis"),
    ("promql-rate", "rate(requests_total[1m]))", "A parenthesis is closed that was never opened"),
    ("promql-rate", "rate(requests_total)", "Say which, in brackets: requests_total[1m]"),
    ("promql-rate", "requests_total[1m]", "A function makes one of it: rate(...[1m])"),
    ("promql-rate", "rat(requests_total[1m])", "Did you mean `rate`?"),
    ("promql-failed", "requests_total{status=503}", "Values stand in quotes"),
    ("promql-failed", "requests_total{endpoint=/treecounter}", "Values stand in quotes"),
    ("promql-failed", "requests_total{status=~\"5..\"}", "the failures of every endpoint"),
    ("promql-count", "summ(requests_total)", "Did you mean `sum`?"),
    ("promql-by-status", "summ by (status) (rate(requests_total[1m]))", "Did you mean `sum`?"),
    (
        "promql-compare",
        "sum(rate(requests_total[1m])) / sum(rate(requests_total[1m]) offset 2m)",
        "`offset` stands directly after the brackets",
    ),
    ("promql-failed", "requests_total{status=\"503}", "unterminated quoted string"),
    ("promql-up", "SELECT * FROM up", "unexpected"),
    ("promql-by-status", "sum by status (rate(requests_total[1m]))", "unexpected"),
    // Sum before rate.
    ("promql-by-status", "rate(sum by (status) (requests_total)[1m])", "First rate, then sum"),
    ("promql-by-status", "rate(sum by (status) (requests_total)[1m:])", "First rate, then sum"),
    (
        "promql-increase",
        "increase(sum(requests_total{endpoint=\"/treecounter\"})[5m:5s])",
        "First rate, then sum",
    ),
    // Functions for the other kind of metric.
    ("promql-rate", "rate(process_resident_memory_bytes[1m])", "which is a gauge"),
    ("promql-up", "rate(up{job=\"treecounter\"}[1m])", "rate of up, which is a gauge"),
    (
        "promql-increase",
        "sum(delta(requests_total{endpoint=\"/treecounter\"}[5m]))",
        "delta of a counter",
    ),
    // Windows.
    ("promql-rate", "rate(requests_total[5s])", "a window of 5s, with a scrape every 5s"),
    (
        "promql-by-status",
        "sum by (status) (rate(requests_total[5m]))",
        "The question is about 1m: write [1m]",
    ),
    (
        "promql-increase",
        "sum(increase(requests_total{endpoint=\"/treecounter\"}[1m]))",
        "The question is about 5m: write [5m]",
    ),
    (
        "promql-compare",
        "sum(rate(requests_total[1m])) / sum(rate(requests_total[1m] offset 5m))",
        "an offset of 5m",
    ),
    (
        "promql-compare",
        "sum(rate(requests_total[1m])) / sum(rate(requests_total[1m]))",
        "no look into the past",
    ),
    (
        "promql-compare",
        "sum(rate(requests_total[1m] offset 2m)) / sum(rate(requests_total[1m]))",
        "two sides of the division are swapped",
    ),
    ("promql-rate", "irate(requests_total[1m])", "the last two scrapes of its window only"),
    (
        "promql-rate",
        "increase(requests_total[1m])",
        "`rate` is the same divided by the window's seconds",
    ),
    (
        "promql-increase",
        "sum(rate(requests_total{endpoint=\"/treecounter\"}[5m]))",
        "`increase` is the same times",
    ),
    ("promql-by-status", "sum by (status) (requests_total)", "the counter itself, without `rate`"),
    ("promql-rate", "requests_total / 60", "the counter itself"),
    // Labels, values and names that do not exist.
    (
        "promql-by-status",
        "sum by (code) (rate(requests_total[1m]))",
        "requests_total has no label code",
    ),
    (
        "promql-failed",
        "requests_total{endpoint=\"/treecounter\", code=\"503\"}",
        "Its labels are endpoint, instance, job, status",
    ),
    (
        "promql-failed",
        "requests_total{endpoint=\"/treecounter\", status=\"5..\"}",
        "A pattern needs `=~`: status=~\"5..\"",
    ),
    (
        "promql-failed",
        "requests_total{endpoint=\"/treecounter\", status=~\"5\"}",
        "A pattern has to fit the whole value",
    ),
    (
        "promql-failed",
        "requests_total{endpoint=\"treecounter\", status=\"503\"}",
        "The values of endpoint are \"/\"",
    ),
    ("promql-count", "sum(request_total)", "Did you mean requests_total?"),
    ("promql-up", "up{job=\"app\"}", "no series of up has job=\"app\""),
    // The wrong series.
    (
        "promql-up",
        "up",
        "a series that does not belong there: {instance=\"localhost:9090\", job=\"prometheus\"}",
    ),
    ("promql-up", "up{instance=\"app-1:8001\"}", "a series is missing: {instance=\"app-2:8001\""),
    (
        "promql-up",
        "sum(up{job=\"treecounter\"})",
        "a result with the labels none, not instance, job",
    ),
    ("promql-up", "count by (instance, job) (up{job=\"treecounter\"})", "instead of"),
    ("promql-up", "up{job=\"treecounter\"} == 1", "nothing instead of 0.0000"),
    ("promql-count", "requests_total", "One number is asked for"),
    (
        "promql-count",
        "sum(requests_total{endpoint=\"/treecounter\"})",
        "Which requests does your query count",
    ),
    ("promql-count", "count(requests_total)", "instead of"),
    ("promql-by-status", "sum(rate(requests_total[1m]))", "status must stay"),
    (
        "promql-by-status",
        "sum by (status, endpoint) (rate(requests_total[1m]))",
        "sum by (status) (...)",
    ),
    (
        "promql-by-status",
        "sum by (endpoint) (rate(requests_total[1m]))",
        "Group by the labels that are asked for: status",
    ),
    ("promql-by-status", "avg by (status) (rate(requests_total[1m]))", "instead of"),
    (
        "promql-top",
        "topk(3, sum by (endpoint) (rate(requests_total[1m])))",
        "does not belong there",
    ),
    (
        "promql-top",
        "topk(2, rate(requests_total[1m]))",
        "labels endpoint, instance, job, status, not endpoint",
    ),
    (
        "promql-top",
        "bottomk(2, sum by (endpoint) (rate(requests_total[1m])))",
        "does not belong there",
    ),
    ("promql-top", "topk(2, sum by (endpoint) (requests_total))", "the counter itself"),
    // Ratios.
    (
        "promql-error-ratio",
        "rate(requests_total{endpoint=\"/treecounter\",status=\"503\"}[1m]) / rate(requests_total{endpoint=\"/treecounter\",status=\"200\"}[1m])",
        "all of them must be the same",
    ),
    (
        "promql-error-ratio",
        "100 * sum(rate(requests_total{endpoint=\"/treecounter\",status=~\"5..\"}[1m])) / sum(rate(requests_total{endpoint=\"/treecounter\"}[1m]))",
        "A ratio goes from 0 to 1",
    ),
    (
        "promql-error-ratio",
        "sum(rate(requests_total{endpoint=\"/treecounter\",status!~\"5..\"}[1m])) / sum(rate(requests_total{endpoint=\"/treecounter\"}[1m]))",
        "the share of the others",
    ),
    (
        "promql-error-ratio",
        "sum(requests_total{endpoint=\"/treecounter\",status=~\"5..\"}) / sum(requests_total{endpoint=\"/treecounter\"})",
        "the counter itself",
    ),
    (
        "promql-error-ratio",
        "sum(rate(requests_total{status=~\"5..\"}[1m])) / sum(rate(requests_total[1m]))",
        "Which requests does your query count",
    ),
    (
        "promql-ratio-by-endpoint",
        "rate(requests_total{status=~\"5..\"}[5m]) / rate(requests_total[5m])",
        "a result with the labels endpoint, instance, job, status, not endpoint | And it is always 1",
    ),
    (
        "promql-ratio-by-endpoint",
        "sum by (endpoint) (rate(requests_total{status=~\"5..\"}[5m])) / sum by (instance) (rate(requests_total[5m]))",
        "although both sides of `/` have some",
    ),
    (
        "promql-ratio-by-endpoint",
        "sum by (endpoint, status) (rate(requests_total{status=~\"5..\"}[5m])) / sum by (endpoint) (rate(requests_total[5m]))",
        "although both sides of `/` have some",
    ),
    (
        "promql-ratio-by-endpoint",
        "rate(requests_total{status=~\"5..\"}[5m]) / on (endpoint) rate(requests_total[5m])",
        "Sum both sides by the same labels",
    ),
    (
        "promql-error-ratio",
        "rate(requests_total{endpoint=\"/treecounter\",status=~\"5..\"}[1m]) / rate(requests_total{endpoint=\"/treecounter\"}[1m])",
        "the failures are divided by themselves",
    ),
    // Replicas.
    (
        "promql-replicas",
        "sum(rate(requests_total[1m])) / sum(up{job=\"treecounter\"})",
        "You divide by targets",
    ),
    (
        "promql-replicas",
        "sum(rate(requests_total[1m])) / scalar(count(up{job=\"treecounter\"}))",
        "its rate still counts",
    ),
    ("promql-replicas", "avg(rate(requests_total[1m]))", "the average of all series"),
    ("promql-replicas", "sum by (instance) (rate(requests_total[1m]))", "One number is asked for"),
    ("promql-replicas", "sum(rate(requests_total[1m]))", "always 2 times what is asked for"),
    // Absence.
    ("promql-absent", "up{job=\"treecounter\"} == 0", "nothing can be 0"),
    ("promql-absent", "up{job=\"treecounter\"} == 1", "nothing can be 0"),
    (
        "promql-absent",
        "up{job=\"treecounter\"} == 2",
        "no result at a time when there was no target",
    ),
    ("promql-absent", "count(up{job=\"treecounter\"}) == 0", "nothing can be 0"),
    (
        "promql-absent",
        "absent(requests_total{job=\"treecounter\"})",
        "`up` is what every target has",
    ),
    ("promql-absent", "absent(up)", "a result without labels; it should have job"),
    ("promql-absent", "absent(up{job=\"treecounter\"} == 1)", "labels that its selector asks for"),
    // Quantiles and means.
    (
        "promql-p95",
        "avg(histogram_quantile(0.95, sum by (le, instance) (rate(request_latency_seconds_bucket[1m]))))",
        "Quantiles cannot be averaged",
    ),
    (
        "promql-p95",
        "histogram_quantile(0.95, sum(rate(request_latency_seconds_bucket[1m])))",
        "without the label le",
    ),
    (
        "promql-p95",
        "histogram_quantile(0.95, rate(request_latency_seconds_bucket{endpoint=\"/treecounter\"}[1m]))",
        "One number is asked for",
    ),
    (
        "promql-p95",
        "histogram_quantile(0.95, request_latency_seconds_bucket)",
        "the buckets since the start",
    ),
    (
        "promql-p95",
        "histogram_quantile(0.5, sum by (le) (rate(request_latency_seconds_bucket[1m])))",
        "instead of",
    ),
    (
        "promql-p95",
        "histogram_quantile(95, sum by (le) (rate(request_latency_seconds_bucket[1m])))",
        "instead of",
    ),
    (
        "promql-mean",
        "sum(request_latency_seconds_sum) / sum(request_latency_seconds_count)",
        "the counter itself",
    ),
    (
        "promql-mean",
        "1000 * sum(rate(request_latency_seconds_sum[1m])) / sum(rate(request_latency_seconds_count[1m]))",
        "Base units are seconds",
    ),
    (
        "promql-mean",
        "avg(rate(request_latency_seconds_sum[1m]) / rate(request_latency_seconds_count[1m]))",
        "instead of",
    ),
    // Too much.
    (
        "promql-count",
        "sum(sum_over_time(requests_total[2d:1ms]))",
        "more than a query of a dashboard should cost",
    ),
    // Right at one instant at most.
    ("promql-count", "vector(4711)", "instead of"),
];

#[test]
fn every_wrong_answer_fails_with_its_message() {
    if missing() {
        return;
    }
    assert!(WRONG.len() >= 25);
    let kit = Kit::new();
    let mut judge = kit.judge();
    let mut failures = Vec::new();
    for (question, query, words) in WRONG {
        kit.answer(question, query);
        match judge.judge(question) {
            Ok(()) => failures.push(format!("{question}: {query}\n  passes")),
            Err(trouble) => {
                let message = all_words(&trouble);
                if trouble.verdict != Verdict::Fail || !message.contains(words) {
                    failures.push(format!(
                        "{question}: {query}\n  wanted: {words}\n  {:?}: {message}",
                        trouble.verdict
                    ));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), WRONG.len(), failures.join("\n"));
}

#[test]
fn made_up_visits_have_no_time_of_day_and_no_page_to_look_at() {
    if missing() {
        return;
    }
    let kit = Kit::new();
    kit.answer("promql-count", "count(requests_total)");
    let trouble = kit.judge().judge("promql-count").unwrap_err();
    assert!(
        trouble.finding.found.ends_with("at one instant of the made-up visits"),
        "{}",
        trouble.finding.found
    );
    assert_eq!(trouble.finding.commands, [""; 0]);
}

fn all_words(trouble: &Trouble) -> String {
    format!("{} | {}", trouble.finding.found, trouble.finding.cause.as_deref().unwrap_or_default())
}

#[test]
fn a_syntax_error_shows_where() {
    if missing() {
        return;
    }
    let kit = Kit::new();
    kit.answer(
        "promql-rate",
        "sum by (status) (\n  # all of them\n  rate(requests_total{status==\"200\"}[1m])\n)",
    );
    let trouble = kit.judge().judge("promql-rate").unwrap_err();
    let quote = trouble.finding.quote.unwrap();
    assert_eq!(quote.of, "section3-compose/answers.promql");
    // The question is line 1 of the test's file, the query begins in line 2.
    assert_eq!(quote.line, 4);
    assert_eq!(
        quote.text,
        format!("  rate(requests_total{{status==\"200\"}}[1m])\n{}^", " ".repeat(29))
    );
}

#[test]
fn a_damaged_file_of_answers_has_its_words() {
    if missing() {
        return;
    }
    let kit = Kit::new();
    let mut judge = kit.judge();
    for (text, words) in [
        (
            "# [promql-rat] How?\nup\n",
            "has no question [promql-rate], but one that is not known: [promql-rat]",
        ),
        ("up\n# [promql-rate] How?\n", "line 1 stands above the first question"),
        (
            "# [promql-rate] How?\n1\n# [promql-rate] How?\n2\n",
            "[promql-rate] stands there twice, again at line 4",
        ),
        ("", "has no question [promql-rate]"),
    ] {
        kit.write("section3-compose/answers.promql", text);
        let trouble = judge.judge("promql-rate").unwrap_err();
        assert!(trouble.finding.found.contains(words), "{}", trouble.finding.found);
    }
    std::fs::remove_file(kit.root.join("section3-compose/answers.promql")).unwrap();
    let trouble = judge.judge("promql-rate").unwrap_err();
    assert!(trouble.finding.cause.unwrap().contains("cargo workshop reset section3"));
}

#[test]
fn the_solution_shows_the_answers_that_are_still_empty() {
    let kit = Kit::new();
    kit.write("workshop/sections.toml", "");
    kit.write(
        "section3-compose/answers.promql",
        &prometheus::read("workshop/starters/answers.promql"),
    );
    let shown = std::process::Command::new(env!("CARGO_BIN_EXE_workshop"))
        .args(["solution", "section3"])
        .env_remove("CARGO_MANIFEST_DIR")
        .current_dir(&kit.root)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&shown.stdout);
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    for line in ["+up{job=\"treecounter\"}", "+absent(up{job=\"treecounter\"})"] {
        assert!(text.lines().any(|shown| shown == line), "{line}\n{text}");
    }
}
