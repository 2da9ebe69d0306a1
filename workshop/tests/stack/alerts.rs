//! The learner's alert: rules good and bad, not loaded, and not yet read.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use workshop::check::verdict::Verdict;

use crate::prometheus::{Kit, missing, read};
use crate::{server, words};

const ALERT_CHECKS: [&str; 4] = ["alert-valid", "alert-described", "alert-quiet", "alert-fires"];

/// The finished rule, with some words replaced.
pub(crate) fn rule(replaced: &[(&str, &str)]) -> String {
    let mut text = read("solutions/section3/alerts.yml").replace("\r\n", "\n");
    for (old, new) in replaced {
        assert!(text.contains(old), "{old}");
        text = text.replace(old, new);
    }
    text
}

fn simple(expr: &str) -> String {
    format!(
        "groups:\n  - name: mine\n    rules:\n      - alert: Mine\n        expr: {expr}\n        \
         for: 30s\n        \
         labels: {{severity: critical}}\n        annotations: {{summary: oh}}\n"
    )
}

/// An example as it stands in many books, to be kept beside a rule.
const EXAMPLE: &str = "      - alert: Example
        expr: up == 0
        for: 1m
        labels: {severity: warning}
        annotations: {summary: oh}
";

fn above(text: &str) -> String {
    text.replacen("    rules:\n", &format!("    rules:\n{EXAMPLE}"), 1)
}

fn below(text: &str) -> String {
    format!("{text}{EXAMPLE}")
}

pub(crate) fn kit_with(rules: &str) -> Kit {
    let kit = Kit::new();
    kit.write("section3-compose/rules/alerts.yml", rules);
    for file in ["deploy/prometheus/rules/red.yml", "deploy/prometheus/rules/alerts.yml"] {
        kit.write(file, &read(file));
    }
    kit
}

#[test]
fn good_rules_pass() {
    if missing() {
        return;
    }
    let rules = [
        rule(&[]),
        above(&rule(&[])),
        below(&rule(&[])),
        simple(
            "job_endpoint:requests_failed_per_requests:ratio_rate1m{endpoint=\"/treecounter\"} > \
             0.5",
        ),
        simple(
            "job_endpoint:requests_failed_per_requests:ratio_rate1m{endpoint=\"/treecounter\"} > \
             0.5",
        )
        .replace("summary: oh", "summary: \"{{ $labels.job }}: {{ $value }}\""),
    ];
    for text in rules {
        let kit = kit_with(&text);
        let mut judge = kit.judge();
        for check in ALERT_CHECKS {
            judge.judge(check).unwrap_or_else(|trouble| panic!("{check}: {trouble:?}\n{text}"));
        }
    }
}

/// Rules, the check that each fails, and what is said of it.
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn bad_rules() -> Vec<(String, &'static str, &'static str)> {
    vec![
        ("groups: []\n".to_owned(), "alert-valid", "no alert in it so far"),
        (String::new(), "alert-valid", "no alert in it so far"),
        ("hello: [\n".to_owned(), "alert-valid", "did not find expected"),
        (
            rule(&[("        for: 30s", "\tfor: 30s")]),
            "alert-valid",
            "line 11 is not read as it is meant (yaml: line 7: found a tab",
        ),
        (
            rule(&[("critical\n", "critical: x\n")]),
            "alert-valid",
            "(yaml: line 13: mapping values are not allowed in this context) | A text with a colon",
        ),
        (
            rule(&[("for: 30s", "fro: 30s")]),
            "alert-valid",
            "line 11: field fro not found in type rulefmt.Rule | There is no field fro here. \
             That word",
        ),
        (
            rule(&[("for: 30s", "for: 30")]),
            "alert-valid",
            "A duration is a whole number with its unit",
        ),
        (
            rule(&[(
                "sum(rate(requests_total{endpoint=\"/treecounter\"}[1m]))",
                "sum(rate(requests_total[1m])",
            )]),
            "alert-valid",
            "unclosed left parenthesis",
        ),
        (rule(&[("        for: 30s\n", "")]), "alert-described", "Without `for` one bad scrape"),
        (
            rule(&[("for: 30s", "for: 1h")]),
            "alert-described",
            "high for about 85 seconds. Wait for a minute",
        ),
        (rule(&[("for: 30s", "for: 2m")]), "alert-described", "for: 2m | "),
        (rule(&[("severity: critical", "team: trees")]), "alert-described", "no label severity"),
        (rule(&[("summary:", "title:")]), "alert-described", "no annotation summary"),
        (rule(&[("{{ $value", "{{ value")]), "alert-described", "`value` needs a dollar"),
        (rule(&[("{{ $value", "{ $value")]), "alert-described", "has two braces on both sides"),
        (
            rule(&[("$value | humanizePercentage", "humanizePercentage \"x\"")]),
            "alert-described",
            "a template that fails at <humanizePercentage",
        ),
        (
            rule(&[("{{ $value | humanizePercentage }}", "{{ $labels.instance }}")]),
            "alert-described",
            "asks for the label instance, and there is none | In its place stands nothing. The \
             labels of the expression's result are: none.",
        ),
        (
            rule(&[("{{ $value | humanizePercentage }}", "{{ $labels.severity }}")]),
            "alert-described",
            "asks for the label severity",
        ),
        (rule(&[("> 0.25", "> 0.1")]), "alert-quiet", "although only 15 % of the visits fail"),
        (
            simple("requests_total{status=\"503\"} > 100"),
            "alert-quiet",
            "although only 15 % of the visits fail",
        ),
        (
            simple(
                "sum(increase(requests_total{status=\"503\"}[20m])) / \
                 sum(increase(requests_total[20m])) > 0.3",
            ),
            "alert-quiet",
            "fires on, four minutes after the outage",
        ),
        (rule(&[("> 0.25", "> 1.25")]), "alert-fires", "although every visit has failed"),
        (
            below(&rule(&[("> 0.25", "> 0.1")])),
            "alert-quiet",
            "Of your alerts TooManyFailures comes nearest to what is asked for; beside it stands \
             Example",
        ),
        (
            above(&rule(&[("        for: 30s\n", "")])),
            "alert-described",
            "Of your alerts TooManyFailures comes nearest",
        ),
        (
            simple("rate(requests_total{status=\"502\"}[1m]) > 0.25"),
            "alert-fires",
            "although every visit has failed for six minutes | In the expression: no series",
        ),
        (
            simple("sum(rate(request_total{status=\"503\"}[1m])) > 1000"),
            "alert-fires",
            "there is no metric request_total. Did you mean requests_total?",
        ),
    ]
}

#[test]
fn each_bad_rule_fails_its_check_with_its_message() {
    if missing() {
        return;
    }
    // Most of the time goes by while one Prometheus or the other starts: all at once.
    thread::scope(|scope| {
        for (text, check, expected) in bad_rules() {
            scope.spawn(move || bad_rule(&text, check, expected));
        }
    });
}

fn bad_rule(text: &str, check: &str, expected: &str) {
    let kit = kit_with(text);
    // What is not valid is not given to Prometheus at all.
    let mut judge =
        if check == "alert-valid" { kit.judge_by("http://127.0.0.1:1") } else { kit.judge() };
    for earlier in ALERT_CHECKS {
        let judgement = judge.judge(earlier);
        if earlier == check {
            let trouble = judgement.unwrap_err();
            assert_eq!(trouble.verdict, Verdict::Fail, "{trouble:?}");
            assert!(words(&trouble).contains(expected), "{expected}: {trouble:?}");
            break;
        }
        judgement.unwrap_or_else(|trouble| panic!("{earlier}: {trouble:?}\n{text}"));
    }
    let file = kit.root.join("section3-compose/rules/alerts.yml");
    assert_eq!(std::fs::read_to_string(file).unwrap(), text, "a check writes nothing");
}

#[test]
fn an_alert_that_wants_more_than_the_stacks_outage_passes_with_a_word() {
    if missing() {
        return;
    }
    let notes = |threshold: &str, wait: &str| {
        let kit = kit_with(&rule(&[("> 0.25", threshold), ("for: 30s", wait)]));
        let mut judge = kit.judge();
        let told = judge.notes().len();
        for check in ALERT_CHECKS {
            judge.judge(check).unwrap_or_else(|trouble| panic!("{check}, {wait}: {trouble:?}"));
        }
        judge.notes()[told..].to_vec()
    };
    assert!(notes("> 0.25", "for: 30s").is_empty());
    assert!(notes("> 0.25", "for: 1m").is_empty());
    let late = notes("> 0.7", "for: 1m");
    assert!(late[0].contains("but not within the stack's 45 s outage"), "{late:?}");
}

#[test]
fn an_alert_that_is_not_loaded_is_missed_although_another_one_is() {
    if missing() {
        return;
    }
    let kit = kit_with(&format!("groups:\n  - name: mine\n    rules:\n{EXAMPLE}"));
    let mut judge = kit.judge();
    kit.write("section3-compose/rules/alerts.yml", &above(&rule(&[])));
    let trouble = judge.judge("alert-valid").unwrap_err();
    let expected = "the alert TooManyFailures among Prometheus's rules";
    assert_eq!(trouble.finding.expected, expected);
}

/// A Prometheus of the learner's own, as far as it is asked: it has the finished alert, read at
/// that time.
fn own_prometheus(read_at: u64, taken: bool) -> SocketAddr {
    server(move |path| {
        let ok = |data: &str| {
            let body = format!("{{\"status\":\"success\",\"data\":{data}}}");
            ("200 OK".to_owned(), "Content-Type: application/json\r\n".to_owned(), body)
        };
        let metric = "prometheus_config_last_reload_success_timestamp_seconds";
        match path {
            "/api/v1/rules" => {
                ok("{\"groups\":[{\"file\":\"/kit/section3-compose/rules/alerts.yml\",\"rules\":[\
                {\"type\":\"alerting\",\"name\":\"TooManyFailures\",\"query\":\"up\",\
                \"duration\":30}]}]}")
            }
            "/api/v1/status/runtimeinfo" => ok(&format!("{{\"reloadConfigSuccess\":{taken}}}")),
            "/metrics" => {
                let page = format!("# TYPE {metric} gauge\n{metric} {:e}\n", read_at as f64);
                ("200 OK".to_owned(), String::new(), page)
            }
            _ => ("404 Not Found".to_owned(), String::new(), String::new()),
        }
    })
}

#[test]
fn a_prometheus_of_ones_own_that_has_not_read_the_file_was_started_otherwise() {
    if missing() {
        return;
    }
    let kit = kit_with(&rule(&[]));
    let file = std::fs::File::options()
        .append(true)
        .open(kit.root.join("section3-compose/rules/alerts.yml"))
        .unwrap();
    let saved = std::time::UNIX_EPOCH + Duration::from_millis(1_700_000_000_500);
    file.set_modified(saved).unwrap();
    let judged = |read_at: u64, taken: bool| {
        let url = format!("http://{}", own_prometheus(read_at, taken));
        kit.judge_by(&url).judge("alert-valid")
    };
    assert!(judged(1_700_000_001, true).is_ok());
    let trouble = judged(1_700_000_000, true).unwrap_err();
    assert_eq!(trouble.finding.found, "It was saved after Prometheus last read it");
    // The command is the lesson's, to the letter.
    let lesson = include_str!("../../../section3-compose/README.md");
    assert!(lesson.contains(&format!("\n$ {}\n", trouble.finding.commands[0])), "{trouble:?}");
    let trouble = judged(1_700_000_000, false).unwrap_err();
    assert!(words(&trouble).contains("Fixed already, and now just what"), "{}", words(&trouble));
}
