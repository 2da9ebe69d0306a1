//! `cargo workshop mystery`, played from outside: wrong guesses and wrong proofs are refused with a
//! reason, the expert's proof is taken, and nothing is left behind.

#![allow(clippy::unwrap_used)] // A test may end at any mistake.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

/// Games that are played at the same time.
const WORKERS: usize = 3;

#[derive(Deserialize)]
struct Mysteries {
    mystery: Vec<Mystery>,
}

#[derive(Deserialize)]
struct Mystery {
    fault: String,
    what: String,
    shows: String,
    proof: String,
}

fn mysteries() -> Vec<Mystery> {
    toml::from_str::<Mysteries>(include_str!("../../mysteries.toml")).unwrap().mystery
}

fn missing() -> bool {
    let found = |name| Command::new(name).arg("--version").output().is_ok();
    let missing = !found("prometheus") || !found("promtool");
    if missing {
        assert!(std::env::var_os("CI").is_none(), "prometheus and promtool must be installed");
        println!("skipped: prometheus or promtool is not installed");
    }
    missing
}

/// Plays one mystery. `types` is given the number of each choice by its text.
fn play(number: usize, types: impl Fn(&BTreeMap<String, String>) -> Vec<String>) -> (i32, String) {
    let mut game = Command::new(env!("CARGO_BIN_EXE_workshop"))
        .args(["mystery", &number.to_string(), "--seed", "11", "--minutes", "5"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap())
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = game.stdin.take().unwrap();
    let mut stdout = BufReader::new(game.stdout.take().unwrap());
    writeln!(stdin, "answer").unwrap();
    let (mut screen, mut choices) = (String::new(), BTreeMap::new());
    while choices.len() < mysteries().len() {
        let mut line = String::new();
        assert!(stdout.read_line(&mut line).unwrap() > 0, "it ended early:\n{screen}");
        let choice = line.trim().split_once("  ");
        if let Some((number, what)) = choice.filter(|(number, _)| number.parse::<u8>().is_ok()) {
            choices.insert(what.to_owned(), number.to_owned());
        }
        screen.push_str(&line);
    }
    for line in types(&choices) {
        // A game that is over reads no more.
        let _ = writeln!(stdin, "{line}");
    }
    drop(stdin);
    std::io::Read::read_to_string(&mut stdout, &mut screen).unwrap();
    (game.wait().unwrap().code().unwrap(), screen)
}

#[test]
fn each_is_solved_by_its_proof_and_refuses_wrong_guesses_with_a_reason() {
    if missing() {
        return;
    }
    let all = mysteries();
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let all = &all;
            scope.spawn(move || {
                for index in (worker..all.len()).step_by(WORKERS) {
                    solve(all, index);
                }
            });
        }
    });
}

/// Guesses twice, wrongly, and then answers.
fn solve(all: &[Mystery], index: usize) {
    let mystery = &all[index];
    let wrong = [&all[(index + 1) % all.len()], &all[(index + 3) % all.len()]];
    let (code, screen) = play(index + 1, |choices| {
        let number = |mystery: &Mystery| choices[&mystery.what].clone();
        let answer = || "answer".to_owned();
        let (first, second) = (number(wrong[0]), number(wrong[1]));
        // What is asked, before the proof or instead of it, is no wrong answer.
        let asides = ["graph up", "ask up{job=\"treecounter\"}", "help", "pager", "answer"];
        let mut lines = vec![first, answer(), second, answer(), number(mystery)];
        lines.extend(asides.map(str::to_owned));
        lines.push(mystery.proof.clone());
        lines
    });
    assert_eq!(code, 0, "{}:\n{screen}", mystery.fault);
    let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    for wrong in wrong {
        assert!(words.contains(&format!("If it were this, {}", wrong.shows)), "{screen}");
    }
    let score = "2 questions asked here, 2 wrong answers: 70 of 100 points";
    assert!(words.contains(score), "{screen}");
    assert!(words.contains("oldest at the left; at the right, the latest value"), "{screen}");
    assert!(!words.contains("This is no PromQL"), "{screen}");
}

#[test]
fn a_wrong_proof_can_be_followed_by_the_right_one_or_given_up() {
    if missing() {
        return;
    }
    let mystery = &mysteries()[0];
    let (code, screen) = play(1, |choices| {
        let number = choices[&mystery.what].clone();
        let proofs = ["sum(up", "up", "", "up", "answer", "up > 1", "give up"];
        let buckets = "sum by (endpoint) (rate(request_latency_seconds_bucket[1m]))";
        let quantile = format!("histogram_quantile(0.95, {buckets})");
        let afterwards = [quantile.as_str(), "answer", "sum(up{job=\"treecounter\"})"];
        let lines = proofs.into_iter().chain(afterwards).map(str::to_owned);
        [number].into_iter().chain(lines).collect()
    });
    assert_eq!(code, 1, "{screen}");
    let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    let healthy = "It shows something in a healthy hour as well: \
        up{instance=\"app-1:8001\", job=\"treecounter\"} 1 \
        up{instance=\"app-2:8001\", job=\"treecounter\"} 1 ... and 2 more \
        The job prometheus is Prometheus, which scrapes itself.";
    assert!(words.contains(healthy), "{screen}");
    assert!(words.contains("about the same, so no limit on them will do."), "{screen}");
    let remark = "no series: nothing matches, or nothing is true \
        Prometheus remarks: bucket label \"le\" is missing or has a malformed value";
    assert!(words.contains(remark), "{screen}");
    let unreadable = "This is no PromQL, and is not counted: unclosed left parenthesis sum(up ^ \
        A parenthesis is opened and never closed.";
    assert!(words.contains(unreadable), "{screen}");
    assert!(screen.contains("up{instance=\"app-1:8001\", job=\"treecounter\"} "), "{screen}");
    assert_eq!(screen.matches("What is wrong?").count(), 1, "{screen}");
    assert!(screen.contains("It shows nothing in the last minutes"), "{screen}");
    assert!(screen.contains(&format!("It was: {}.", mystery.what)), "{screen}");
    assert!(!screen.contains(" of 100 points"), "whoever gives up asked for no score:\n{screen}");
    // Afterwards questions are answered, and nothing else.
    assert_eq!(screen.matches("The story is told.").count(), 2, "{screen}");
    assert!(screen.trim_end().ends_with("{}  3"), "{screen}");
}

#[test]
fn what_there_is_not_is_said() {
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_workshop")).args(arguments).output().unwrap()
    };
    if !missing() {
        let output = run(&["mystery", "99"]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains("there is no mystery 99; there are 1 to 10"), "{error}");
    }
    let help = String::from_utf8(run(&["mystery", "--help"]).stdout).unwrap();
    let numbers = format!("from 1 to {} ", mysteries().len());
    for part in ["`graph QUERY` draws it", "`answer` says what is wrong", "`give up`", &numbers] {
        assert!(help.contains(part), "{help}");
    }
    let output = run(&["ask", "up", "--prometheus", "http://127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("no Prometheus answers at http://127.0.0.1:1"), "{error}");
}
