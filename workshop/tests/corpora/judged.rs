//! Every answer and rule file of the corpora before the judge: what is wrong is refused with the
//! words that name the mistake, and what is right is taken.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use workshop::check::verdict::{Judgement, Trouble, Verdict};

use crate::prometheus::{Kit, Running, missing, read};
use crate::support::share;
use crate::{RuleFile, Rules, parts, right_answers, rules, wrong_answers};

const ALERT_CHECKS: [&str; 4] = ["alert-valid", "alert-described", "alert-quiet", "alert-fires"];

/// How many judge at a time.
const THREADS: usize = 4;

/// What went otherwise than it should.
#[derive(Default)]
struct Tally {
    accepted: Vec<String>,
    refused: Vec<String>,
    unsaid: Vec<String>,
}

impl Tally {
    fn wrong(&mut self, entry: &str, judgement: &Judgement, says: &[String], never: &[String]) {
        let trouble = match judgement {
            Ok(()) => return self.accepted.push(entry.to_owned()),
            Err(trouble) => trouble,
        };
        let words = all_words(trouble);
        let unsaid: Vec<&String> =
            says.iter().filter(|says| !parts(says).any(|part| words.contains(part))).collect();
        let untrue: Vec<&String> = never.iter().filter(|never| words.contains(*never)).collect();
        if trouble.verdict != Verdict::Fail || !unsaid.is_empty() || !untrue.is_empty() {
            let verdict = trouble.verdict;
            self.unsaid.push(format!(
                "{entry}\n  {verdict:?}: {words}\n  unsaid: {unsaid:?}, untrue: {untrue:?}"
            ));
        }
    }

    fn right(&mut self, entry: &str, judgement: &Judgement) {
        if let Err(trouble) = judgement {
            self.refused.push(format!("{entry}\n  {:?}: {}", trouble.verdict, all_words(trouble)));
        }
    }

    fn show(&self, of: &str) -> String {
        let list = |name: &str, entries: &[String]| {
            format!("--- {of}: {name}: {}\n{}\n", entries.len(), entries.join("\n"))
        };
        list("wrong, and accepted", &self.accepted)
            + &list("right, and refused", &self.refused)
            + &list("refused without the words, or with untrue ones", &self.unsaid)
    }

    fn assert_nothing(&self, of: &str) {
        let nothing = self.accepted.len() + self.refused.len() + self.unsaid.len() == 0;
        assert!(nothing, "{}", self.show(of));
    }
}

fn all_words(trouble: &Trouble) -> String {
    let cause = trouble.finding.cause.as_deref().unwrap_or_default();
    let quote = trouble.finding.quote.as_ref();
    let line = quote.map(|quote| format!(" | line {}", quote.line)).unwrap_or_default();
    format!("{} | {cause}{line}", trouble.finding.found)
}

/// Lets some threads take one after the other, each with what it made for itself.
fn each<T: Sync, S>(entries: &[T], make: impl Fn() -> S + Sync, take: impl Fn(&mut S, &T) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut own = make();
                while let Some(entry) = entries.get(next.fetch_add(1, Ordering::Relaxed)) {
                    take(&mut own, entry);
                }
            });
        }
    });
}

#[test]
fn every_answer_is_judged_as_it_should_be() {
    if missing() {
        return;
    }
    let answers = answers();
    let tally = Mutex::new(Tally::default());
    each(
        &answers,
        || {
            let kit = Kit::new();
            let judge = kit.judge();
            (kit, judge)
        },
        |(kit, judge), answer| {
            kit.answer(&answer.question, &answer.query);
            answer.count(&tally, &judge.judge(&answer.question));
        },
    );
    tally.into_inner().unwrap().assert_nothing("answers");
}

/// An answer of the corpora, and what is said of it when it is wrong.
struct Given {
    question: String,
    query: String,
    wrong: Option<(Vec<String>, Vec<String>)>,
}

fn answers() -> Vec<Given> {
    let right = right_answers().into_iter().map(|one| Given {
        question: one.question,
        query: one.query,
        wrong: None,
    });
    let wrong = wrong_answers().into_iter().map(|one| Given {
        question: one.question,
        query: one.query,
        wrong: Some((one.says, one.never)),
    });
    right.chain(wrong).collect()
}

impl Given {
    fn count(&self, tally: &Mutex<Tally>, judgement: &Judgement) {
        let entry = format!("{}: {}", self.question, self.query);
        let mut tally = tally.lock().unwrap();
        match &self.wrong {
            None => tally.right(&entry, judgement),
            Some((says, never)) => tally.wrong(&entry, judgement, says, never),
        }
    }
}

/// Where the stack's Prometheus is, of a test that runs without the programs on its PATH.
const STACK: &str = "WORKSHOP_TEST_STACK";
/// And where the kits of its rule files are.
const ROOTS: &str = "WORKSHOP_TEST_ROOTS";
/// One of so many is judged there: each takes its time.
const SAMPLE: &str = "WORKSHOP_TEST_SAMPLE";

fn sample() -> usize {
    std::env::var(SAMPLE).map_or(1, |sample| sample.parse().unwrap())
}

/// The usual learner has Docker, and neither Prometheus nor promtool: the one in the stack's
/// container is asked. Here a script stands in for Docker.
#[test]
#[cfg(unix)]
fn the_promtool_of_a_container_says_the_same() {
    if missing() {
        return;
    }
    let sample = 16;
    let entries: Vec<Entry> = rule_files().into_iter().step_by(sample).collect();
    let prometheus = Running::start(&loaded(&entries), EXPOSITION);
    let home = Kit::new();
    let path = std::env::var("PATH").unwrap();
    home.program("docker", &format!("#!/bin/sh\nPATH='{path}' exec sh -s\n"));
    let roots: Vec<String> =
        entries.iter().map(|entry| entry.kit.root.display().to_string()).collect();
    for (test, said) in [
        ("judged::answers_in_a_container", "1 passed"),
        ("judged::rule_files_in_a_container", "1 passed"),
    ] {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--ignored", "--nocapture"])
            .env("PATH", home.root.join("bin"))
            .env(STACK, &prometheus.url)
            .env(ROOTS, roots.join(":"))
            .env(SAMPLE, sample.to_string())
            .output()
            .unwrap();
        let mut words = String::from_utf8_lossy(&output.stdout).into_owned();
        words.push_str(&String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && words.contains(said), "{words}");
    }
}

/// All of them on a stack that runs: `WORKSHOP_TEST_STACK=http://localhost:9090 cargo test -p
/// workshop --test corpora answers_in_a_container -- --ignored`.
#[test]
#[ignore = "is run by the test above, without the programs on its PATH"]
fn answers_in_a_container() {
    let url = std::env::var(STACK).unwrap();
    // One run of promtool has an answer to each question.
    let mut rounds: Vec<Vec<Given>> = Vec::new();
    for answer in answers().into_iter().step_by(sample()) {
        let other = |other: &Given| other.question != answer.question;
        match rounds.iter().position(|round| round.iter().all(other)) {
            Some(round) => rounds[round].push(answer),
            None => rounds.push(vec![answer]),
        }
    }
    let tally = Mutex::new(Tally::default());
    each(&rounds, Kit::new, |kit, round| {
        let text = |one: &Given| format!("# [{}] A question?\n{}\n", one.question, one.query);
        let file: String = round.iter().map(text).collect();
        kit.write("section3-compose/answers.promql", &file);
        kit.write("deploy/compose.yaml", "");
        let mut judge = kit.judge_by(&url);
        for answer in round {
            answer.count(&tally, &judge.judge(&answer.question));
        }
    });
    tally.into_inner().unwrap().assert_nothing("answers judged in a container");
}

#[test]
#[ignore = "is run by the test above, without the programs on its PATH"]
fn rule_files_in_a_container() {
    let (url, roots) = (std::env::var(STACK).unwrap(), std::env::var(ROOTS).unwrap());
    let Rules { right, wrong } = rules();
    let count = right.len();
    let files = right.into_iter().chain(wrong).enumerate().step_by(sample());
    let entries: Vec<Entry> = files
        .zip(roots.split(':'))
        .map(|((index, file), root)| Entry {
            is_right: index < count,
            file,
            kit: Kit { root: root.into() },
        })
        .collect();
    judge_all(&entries, &url).assert_nothing("rule files judged in a container");
}

/// All rule files, each in a kit of its own.
fn rule_files() -> Vec<Entry> {
    let Rules { right, wrong } = rules();
    let of = |is_right| move |file| Entry::new(is_right, file);
    right.into_iter().map(of(true)).chain(wrong.into_iter().map(of(false))).collect()
}

/// What is not valid is not given to Prometheus at all.
fn loaded(entries: &[Entry]) -> Vec<PathBuf> {
    let valid = entries.iter().filter(|entry| entry.file.valid != Some(false));
    valid.map(|entry| entry.kit.root.join(RULES)).collect()
}

#[test]
fn every_rule_file_is_judged_as_it_should_be() {
    if missing() {
        return;
    }
    // Each costs promtool half a second.
    let entries = share(rule_files(), 3);
    let prometheus = Running::start(&loaded(&entries), EXPOSITION);
    judge_all(&entries, &prometheus.url).assert_nothing("rule files");
}

fn judge_all(entries: &[Entry], url: &str) -> Tally {
    let tally = Mutex::new(Tally::default());
    each(
        entries,
        || (),
        |(), Entry { is_right, file, kit }| {
            let judgement = judged(kit, url);
            let mut tally = tally.lock().unwrap();
            if *is_right {
                return tally.right(&file.name, &judgement);
            }
            tally.wrong(&file.name, &judgement, &file.says, &[]);
            let quoted = judgement.err().and_then(|trouble| trouble.finding.quote);
            if !file.line.is_empty()
                && quoted.as_ref().is_none_or(|at| !file.line.contains(&at.line))
            {
                let at = quoted.map(|quote| quote.line);
                tally.unsaid.push(format!("{}: at {at:?}, not {:?}", file.name, file.line));
            }
        },
    );
    tally.into_inner().unwrap()
}

/// A rule file in a kit of its own.
struct Entry {
    is_right: bool,
    file: RuleFile,
    kit: Kit,
}

impl Entry {
    fn new(is_right: bool, file: RuleFile) -> Self {
        let kit = Kit::new();
        kit.write(RULES, &file.text());
        kit.write("deploy/compose.yaml", "");
        for file in ["deploy/prometheus/rules/red.yml", "deploy/prometheus/rules/alerts.yml"] {
            kit.write(file, &read(file));
        }
        // One that was saved just now is waited for.
        let saved = SystemTime::now() - Duration::from_secs(60);
        let path = kit.root.join(RULES);
        std::fs::File::options().write(true).open(path).unwrap().set_modified(saved).unwrap();
        Self { is_right, file, kit }
    }
}

/// The first of the four judgements that is none of praise.
fn judged(kit: &Kit, url: &str) -> Judgement {
    let mut judge = kit.judge_by(url);
    ALERT_CHECKS.iter().try_for_each(|check| judge.judge(check))
}

const RULES: &str = "section3-compose/rules/alerts.yml";

/// What the app exposes that Prometheus knows of.
const EXPOSITION: &str = r#"# TYPE requests_total counter
requests_total{endpoint="/treecounter",status="200"} 70
requests_total{endpoint="/treecounter",status="304"} 7
requests_total{endpoint="/treecounter",status="405"} 1
requests_total{endpoint="/treecounter",status="500"} 3
requests_total{endpoint="/treecounter",status="503"} 9
requests_total{endpoint="/",status="200"} 5
requests_total{endpoint="/",status="500"} 1
requests_total{endpoint="/metrics",status="200"} 60
requests_total{endpoint="other",status="404"} 2
"#;
