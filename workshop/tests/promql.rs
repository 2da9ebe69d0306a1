//! The questions of section 3 against a real Prometheus: finished answers, answers written in
//! another way, and wrong ones, each with its message. The answers stand in promql/answers.toml.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod prometheus;

use prometheus::{Kit, missing};
use serde::Deserialize;
use workshop::check::verdict::{Trouble, Verdict};
use workshop::course::Course;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    right: Vec<Right>,
    wrong: Vec<Wrong>,
}

/// The finished answer in other words.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Right {
    question: String,
    query: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrong {
    question: String,
    query: String,
    says: String,
}

fn corpus() -> Corpus {
    toml::from_str(include_str!("promql/answers.toml")).unwrap()
}

#[test]
fn every_finished_answer_passes_and_the_starter_passes_none_but_the_bonus() {
    if missing() {
        return;
    }
    let kit = Kit::new();
    let mut judge = kit.judge();
    let questions: Vec<&str> = Course::embedded()
        .unwrap()
        .section("section3")
        .unwrap()
        .checks()
        .map(|(.., check)| check.slug.as_str())
        .filter(|check| check.starts_with("promql-"))
        .collect();
    assert!(questions.len() >= 14, "{questions:?}");
    kit.write(
        "section3-compose/answers.promql",
        &prometheus::read("solutions/section3/answers.promql"),
    );
    for question in &questions {
        if let Err(trouble) = judge.judge(question) {
            panic!("{question}: {trouble:?}");
        }
    }
    kit.write("section3-compose/answers.promql", &starter());
    for question in questions {
        let bonus = ["promql-p95", "promql-mean"].contains(&question);
        match judge.judge(question) {
            Ok(()) => panic!("{question} passes without an answer"),
            Err(trouble) => {
                let wanted = if bonus { Verdict::LeftOut } else { Verdict::Fail };
                assert_eq!(trouble.verdict, wanted, "{question}: {trouble:?}");
                assert_eq!(trouble.finding.found, "not answered yet", "{question}");
            }
        }
    }
}

#[test]
fn another_query_with_the_same_result_is_as_good() {
    if missing() {
        return;
    }
    let kit = Kit::new();
    let mut judge = kit.judge();
    for Right { question, query } in corpus().right {
        kit.answer(&question, &query);
        if let Err(trouble) = judge.judge(&question) {
            panic!("{question}: {query}\n{trouble:#?}");
        }
    }
}

#[test]
fn every_wrong_answer_fails_with_its_message() {
    if missing() {
        return;
    }
    let wrong = corpus().wrong;
    assert!(wrong.len() >= 25);
    let kit = Kit::new();
    let mut judge = kit.judge();
    let mut failures = Vec::new();
    for Wrong { question, query, says } in &wrong {
        kit.answer(question, query);
        match judge.judge(question) {
            Ok(()) => failures.push(format!("{question}: {query}\n  passes")),
            Err(trouble) => {
                let message = all_words(&trouble);
                if trouble.verdict != Verdict::Fail || !message.contains(says) {
                    failures.push(format!(
                        "{question}: {query}\n  wanted: {says}\n  {:?}: {message}",
                        trouble.verdict
                    ));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), wrong.len(), failures.join("\n"));
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
fn an_answer_that_is_a_comment_is_none_and_its_place_is_below_the_question() {
    let kit = Kit::new();
    let file = "section3-compose/answers.promql";
    let starter = starter();
    let question = "#    One number for all of them together.\n";
    kit.write(
        file,
        &starter.replacen(question, &format!("{question}\n# sum(requests_total)\n"), 1),
    );
    let mut judge = kit.judge_by("http://127.0.0.1:1");
    let finding = |trouble: Box<Trouble>| (trouble.finding.found, trouble.finding.cause.unwrap());
    let (found, cause) = finding(judge.judge("promql-count").unwrap_err());
    assert_eq!(found, "not answered yet (a line that begins with # is a comment)");
    let last = starter.lines().position(|line| line == question.trim_end()).unwrap() + 1;
    assert!(cause.ends_with(&format!("below line {last}.")), "{cause}");
    // The comment on the bonus stands below this one.
    let (found, _) = finding(judge.judge("promql-absent").unwrap_err());
    assert_eq!(found, "not answered yet");
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
    kit.write("section3-compose/answers.promql", &starter());
    let shown = std::process::Command::new(env!("CARGO_BIN_EXE_workshop"))
        .args(["solution", "section3", "--all"])
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

/// The file of answers as a learner finds it.
fn starter() -> String {
    let section = Course::embedded().unwrap().section("section3").unwrap();
    let file = section.files.iter().find(|file| file.questions).unwrap();
    workshop::learner::starter::of_file(Course::embedded().unwrap(), section, file).unwrap()
}
