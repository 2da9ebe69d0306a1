//! `cargo workshop check` on programs that are as they should be: starters fail where their lesson
//! begins, solutions pass, and every way to ask gives the same answer.
#![allow(clippy::unwrap_used)] // A test may end at any mistake.

mod support;

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::Mutex;

use serde_json::Value;
use support::{Broken, Killed, check_executable, each_in_parallel, repository, solution, workshop};
use workshop::course::Course;
use workshop::learner::starter;

/// The sections whose checks look at the learner's program, and the first check that its starter
/// cannot pass.
const SECTIONS: [(&str, &str); 3] = [
    ("section1", "metrics-status"),
    ("section2", "requests-counter"),
    ("bonus", "latency-histogram"),
];

/// The report of a check, as JSON, with the exit code.
fn report(mut check: std::process::Command) -> (Value, i32) {
    let output = check.arg("--json").output().unwrap();
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (report, output.status.code().unwrap())
}

/// The checks of a report with this verdict.
fn with_verdict<'a>(report: &'a Value, verdict: &str) -> Vec<&'a str> {
    let steps = report["steps"].as_array().unwrap().iter();
    let own = steps.flat_map(|step| step["checks"].as_array().unwrap());
    report["earlier"]
        .as_array()
        .unwrap()
        .iter()
        .chain(own)
        .filter(|outcome| outcome["verdict"] == verdict)
        .map(|outcome| outcome["check"].as_str().unwrap())
        .collect()
}

#[test]
fn solutions_pass() {
    each_in_parallel(&SECTIONS, |(section, _)| {
        let (report, code) = report(check_executable(section, &solution(section)));
        assert_eq!((&report["verdict"], code), (&"pass".into(), 0), "{report:#}");
        assert_eq!(with_verdict(&report, "fail"), [""; 0]);
    });
}

/// `--solution` builds what `--exe` is given.
#[test]
fn the_solution_can_be_asked_for() {
    let (report, code) = report(workshop(&["check", "section2", "--solution"]));
    assert_eq!((&report["verdict"], code), (&"pass".into(), 0), "{report:#}");
}

#[test]
fn starters_fail_their_first_untaught_check() {
    let course = Course::embedded().unwrap();
    let sources = SECTIONS.map(|(slug, _)| {
        (slug.to_owned(), starter::generate(course, course.section(slug).unwrap()).unwrap())
    });
    let starters = Broken::build("starters", sources);
    each_in_parallel(&SECTIONS, |(section, first)| {
        let mut check = check_executable(section, starters.executable());
        check.arg("--source").arg(starters.source(section)).env("BROKEN", section);
        let (report, code) = report(check);
        assert_eq!((with_verdict(&report, "fail"), code), (vec![*first], 1), "{report:#}");
    });
}

/// The repeated proof that nothing depends on chance: fifty times, several at once, so that the
/// processor is busy. Slow; CI runs it with `cargo test -p workshop --test check -- --ignored`.
#[test]
#[ignore = "takes a minute"]
fn fifty_times_in_a_row_on_a_busy_machine() {
    let course = Course::embedded().unwrap();
    let sources = SECTIONS.map(|(slug, _)| {
        (slug.to_owned(), starter::generate(course, course.section(slug).unwrap()).unwrap())
    });
    let starters = Broken::build("starters", sources);
    let solutions = SECTIONS.map(|(section, _)| solution(section));
    let rounds: Vec<usize> = (0..50).collect();
    let wrong = Mutex::new(Vec::new());
    each_in_parallel(&rounds, |round| {
        for ((section, first), solution) in SECTIONS.iter().zip(&solutions) {
            let (passed, code) = report(check_executable(section, solution));
            if code != 0 {
                wrong.lock().unwrap().push(format!("{round}: {section} is not passed: {passed:#}"));
            }
            let mut check = check_executable(section, starters.executable());
            check.env("BROKEN", section);
            let (failed, _) = report(check);
            if with_verdict(&failed, "fail") != [*first] {
                wrong
                    .lock()
                    .unwrap()
                    .push(format!("{round}: {section} fails otherwise: {failed:#}"));
            }
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of 300: {}", wrong.len(), wrong.join("\n"));
}

/// A program, and the end of its output that has to stay open: it may print more.
type Running = (Killed, BufReader<std::process::ChildStdout>);

/// A solution that runs already, at a port of its own.
fn running(section: &str, settings: &[(&str, &str)]) -> (Running, String) {
    let mut command = std::process::Command::new(solution(section));
    command.env("TREECOUNTER_ADDR", "127.0.0.1:0").envs(settings.iter().copied());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let stdout = child.stdout.take().unwrap();
    let mut stdout = BufReader::new(stdout);
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
    ((Killed(child), stdout), url)
}

#[test]
fn an_attached_program_is_judged_as_far_as_it_shows() {
    let failing = [("TREECOUNTER_FAILURE_RATE", "1"), ("TREECOUNTER_LATENCY_MAX_SECONDS", "0")];
    let (_program, url) = running("section2", &failing);
    let (all, code) = report(workshop(&["check", "section2", "--attach", &url]));
    // Every answer was a 503, so the status is told without faults of the check's own.
    assert_eq!((&all["verdict"], code), (&"pass".into(), 0), "{all:#}");

    let (bonus, code) = report(workshop(&["check", "bonus", "--attach", &url]));
    assert_eq!((with_verdict(&bonus, "fail"), code), (vec!["latency-histogram"], 1), "{bonus:#}");
}

#[test]
fn what_an_attached_program_does_not_show_could_not_be_told() {
    let calm = [("TREECOUNTER_FAILURE_RATE", "0"), ("TREECOUNTER_LATENCY_MAX_SECONDS", "0.1")];
    let (_program, url) = running("bonus", &calm);
    let (report, code) = report(workshop(&["check", "bonus", "--attach", &url]));
    assert_eq!(code, 2, "{report:#}");
    assert_eq!(with_verdict(&report, "could-not-tell"), ["failed-observed", "still-counted"]);
}

#[test]
fn attaching_to_nothing_tells_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for section in ["section1", "bonus"] {
        let (report, code) = report(workshop(&["check", section, "--attach", &url]));
        assert_eq!((with_verdict(&report, "fail"), code), (vec![], 2), "{report:#}");
        assert_eq!(with_verdict(&report, "could-not-tell"), ["starts"]);
    }
}

#[test]
fn a_stack_is_not_attached_to() {
    let output =
        workshop(&["check", "section3", "--attach", "http://localhost:1"]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr.contains("--prometheus http://localhost:PORT"), "{stderr}");
}

#[test]
fn an_unknown_section_is_named_with_the_nearest() {
    let output = workshop(&["check", "secton2"]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr.contains("did you mean `section2`?"), "{stderr}");
}

/// Nothing but the report is on standard output, and nothing in it moves a cursor.
#[test]
fn plain_text_when_piped() {
    let output = check_executable("section1", &solution("section1"))
        .env_remove("NO_COLOR")
        .output()
        .unwrap();
    let screen = String::from_utf8(output.stdout).unwrap();
    assert!(!screen.contains('\u{1b}'), "{screen:?}");
    assert!(screen.starts_with("section1: Expose /metrics"), "{screen}");
    assert!(screen.lines().all(|line| line.chars().count() <= 80), "{screen}");
    assert!(repository().join("section1-expose").is_dir());
}

#[test]
fn every_request_can_be_pasted() {
    let output = check_executable("section2", &solution("section2")).arg("-v").output().unwrap();
    let screen = String::from_utf8(output.stdout).unwrap();
    let (start, curl) = match cfg!(windows) {
        true => ("$env:TREECOUNTER_FAILURE_RATE = '1'; cargo run -p section2-counter", "curl.exe"),
        false => ("TREECOUNTER_FAILURE_RATE=1 cargo run -p section2-counter", "curl"),
    };
    for command in [
        start,
        &format!("{curl} -i http://localhost:8001/metrics"),
        &format!("{curl} -s \"http://localhost:8001/treecounter?[1-7]\""),
        &format!("{curl} -s \"http://localhost:8001/no-such-tree/[1-50]\""),
    ] {
        assert!(
            screen.lines().any(|line| line.strip_prefix("  ") == Some(command)),
            "{command}\n{screen}"
        );
    }
}
