//! Whatever stands in a file or an answer, it is read or refused in words, and never ends the tool:
//! texts that nobody thought of, made by proptest. More of them: `PROPTEST_CASES=100000`.
#![allow(clippy::unwrap_used)] // A test may end at any mistake.

mod support;

use std::fs;
use std::process::Command;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use workshop::course::Course;
use workshop::exposition::{self, Exposition};
use workshop::learner::progress::Progress;

use support::{promtool_reads, repository};

/// How many texts are tried, unless PROPTEST_CASES says it.
const CASES: u32 = 1000;

/// Of texts that take so many times as long as others, so many times fewer are tried.
fn config(cost: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig {
        cases: cases.unwrap_or(CASES).div_ceil(cost),
        failure_persistence: None,
        max_shrink_iters: 2000,
        ..ProptestConfig::default()
    }
}

/// Tries a property on texts.
fn holds(cost: u32, texts: impl Strategy<Value = String>, property: impl Fn(&str)) {
    let tried = TestRunner::new(config(cost)).run(&texts, |text| {
        property(&text);
        Ok(())
    });
    if let Err(error) = tried {
        panic!("{error}");
    }
}

/// Texts put together from these pieces and from anything.
fn pieces(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => select(pieces).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => "[a-z_]{1,6}",
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// A text with some of its places replaced, left out or said twice.
fn mutations(text: String) -> impl Strategy<Value = String> {
    let characters: Vec<char> = text.chars().collect();
    let count = characters.len();
    let change = (
        0..count,
        0..30_usize,
        prop_oneof![Just(String::new()), "\\PC{0,3}", "[\n\"=\\[\\]{}#. ]{1,3}"],
    );
    prop::collection::vec(change, 1..4).prop_map(move |changes| {
        let mut characters = characters.clone();
        for (at, length, put) in changes {
            let at = at.min(characters.len());
            let end = (at + length).min(characters.len());
            characters.splice(at..end, put.chars());
        }
        characters.into_iter().collect()
    })
}

const EXPOSITION: &[&str] = &[
    "# HELP ",
    "# TYPE ",
    "#",
    "a",
    "a_total",
    "h",
    "h_bucket",
    "h_sum",
    "h_count",
    " ",
    " ",
    "\t",
    "\n",
    "\n",
    "\n",
    "\r\n",
    "{",
    "}",
    "le=\"",
    "x=\"",
    "\"",
    "=",
    ",",
    "\\",
    "\\n",
    "\\\\",
    "\\\"",
    "1",
    "0.5",
    "-1",
    "1e9",
    "+Inf",
    "-Inf",
    "NaN",
    "1700000000000",
    "counter",
    "gauge",
    "histogram",
    "summary",
    "untyped",
    "+Inf\"} ",
    "a{x=\"1\"} 1\n",
    "h_bucket{le=\"+Inf\"} 1\n",
    "# TYPE h histogram\n",
    "# TYPE a counter\n",
    "__name__",
    "🌲",
    "quantile=\"0.5\"",
];

#[test]
fn any_exposition_is_read_or_refused_at_a_place() {
    holds(1, pieces(EXPOSITION), |text| match exposition::parse(text.as_bytes()) {
        Ok(read) => {
            assert_eq!(read.line_count(), text.matches('\n').count());
            for sample in read.all_samples() {
                let line = read.line(sample.line).unwrap();
                assert!(text.contains(line) && !sample.name.is_empty(), "{line}");
            }
        }
        Err(error) => {
            let line = text.split('\n').nth(error.line - 1).unwrap();
            assert_eq!(line, error.text);
            assert!(error.column <= line.chars().count() + 1, "{error}");
            assert_eq!(error.excerpt().lines().count(), 2, "{error}");
        }
    });
}

#[test]
fn any_bytes_are_read_or_refused() {
    let bytes = prop::collection::vec(any::<u8>(), 0..200);
    let tried = TestRunner::new(config(1)).run(&bytes, |bytes| {
        if let Err(error) = exposition::parse(&bytes) {
            prop_assert!(!error.to_string().is_empty());
        }
        Ok(())
    });
    tried.unwrap();
}

/// An exposition as a program writes it, from names, labels and values of any kind.
fn families() -> impl Strategy<Value = Vec<(String, Vec<Written>)>> {
    let value = prop_oneof![any::<f64>(), Just(f64::INFINITY), Just(f64::NAN), Just(0.0)];
    let labels = prop::collection::btree_map("[a-z][a-z0-9]{0,5}", "\\PC{0,8}", 0..4);
    let sample = (labels, value).prop_map(|(labels, value)| Written { labels, value });
    prop::collection::btree_map("[a-z][a-z0-9]{0,8}", prop::collection::vec(sample, 1..4), 0..5)
        .prop_map(|families| families.into_iter().collect())
}

#[derive(Debug, Clone)]
struct Written {
    labels: std::collections::BTreeMap<String, String>,
    value: f64,
}

#[test]
fn what_a_program_writes_is_read_as_it_was_meant() {
    let tried = TestRunner::new(config(2)).run(&families(), |families| {
        let mut text = String::new();
        for (name, samples) in &families {
            text += &format!("# HELP {name} About {name}.\n# TYPE {name} gauge\n");
            for Written { labels, value } in samples {
                let labels = labels.iter().map(|(name, value)| {
                    let value = value.replace('\\', r"\\").replace('"', "\\\"");
                    format!("{name}=\"{}\"", value.replace('\n', "\\n"))
                });
                let labels = labels.collect::<Vec<_>>().join(",");
                let value = match *value {
                    f64::INFINITY => "+Inf".to_owned(),
                    f64::NEG_INFINITY => "-Inf".to_owned(),
                    value => value.to_string(),
                };
                text += &format!("{name}{{{labels}}} {value}\n");
            }
        }
        let read: Exposition = exposition::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(read.families.len(), families.len());
        for (found, (name, samples)) in read.families.iter().zip(&families) {
            prop_assert_eq!(&found.name, name);
            prop_assert_eq!(found.samples.len(), samples.len());
            for (found, written) in found.samples.iter().zip(samples) {
                prop_assert!(found.value == written.value || written.value.is_nan());
                let labels: Vec<_> =
                    written.labels.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
                prop_assert!(found.labels.are(&labels));
            }
        }
        Ok(())
    });
    if let Err(error) = tried {
        panic!("{error}");
    }
}

/// What is taken here is taken by promtool, too; what promtool takes and a scrape does not is in
/// tests/exposition/references.rs.
#[test]
fn promtool_takes_what_is_taken_here() {
    if Command::new("promtool").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "promtool is missing");
        println!("skipped: promtool is missing");
        return;
    }
    let tried = TestRunner::new(config(25)).run(&pieces(EXPOSITION), |text| {
        let taken = exposition::parse(text.as_bytes());
        // Quoted names are newer than promtool's reader, and __name__ is a matter of a scrape.
        if taken.is_err() || text.contains("{\"") || text.contains("__name__") {
            return Ok(());
        }
        let (is_read, words) = promtool_reads(text.as_bytes());
        prop_assert!(is_read, "{:?}: {}", text, words);
        Ok(())
    });
    if let Err(error) = tried {
        panic!("{error}");
    }
}

#[test]
fn any_metadata_of_sections_is_taken_or_refused() {
    let text = fs::read_to_string(repository().join("workshop/sections.toml")).unwrap();
    holds(20, mutations(text), |text| match Course::parse(text) {
        Ok(course) => assert!(course.sections.iter().all(|section| !section.slug.is_empty())),
        Err(error) => assert!(!format!("{error:#}").is_empty()),
    });
}

const PROGRESS: &[&str] = &[
    "cargo workshop progress, format 1. Safe to delete: a check writes it again.\n",
    "section1 ",
    "section2 ",
    "passed ",
    "failed ",
    "hints ",
    "builds",
    "labels",
    " 1",
    " 999999999999999999999",
    "caught-up",
    "checked-last",
    "\n",
    "\n",
    " ",
    "  ",
    "\r\n",
    "\t",
    "section1 passed builds\n",
    "section1 checked-last\n",
    "format 2",
    "\0",
];

#[test]
fn any_progress_that_is_read_is_written_and_read_the_same() {
    let title = PROGRESS[0];
    holds(1, pieces(PROGRESS), |text| {
        for text in [text.to_owned(), format!("{title}{text}")] {
            let Ok(progress) = Progress::parse(&text) else { continue };
            assert_eq!(Progress::parse(&progress.to_string()), Ok(progress), "{text:?}");
        }
    });
}
