//! The parser against a corpus of good and bad texts, and against those who define the format:
//! promtool, a Prometheus that scrapes, and the Python client. A missing tool is a printed skip,
//! and a failure where the variable CI is set.
//!
//! Record the errors again with: `SNAPSHOTS=overwrite cargo test -p workshop --test exposition`
#![allow(clippy::unwrap_used)] // A test may end at any mistake.

mod mutation;
mod references;
#[path = "../support/mod.rs"]
mod support;

use std::fmt::Write as _;
use std::path::PathBuf;

use support::{recorded, repository};
use workshop::exposition::{Kind, parse};

/// A text of the corpus: `good/counter` or `bad/json`, and its bytes.
type Case = (String, Vec<u8>);

fn folder() -> PathBuf {
    repository().join("workshop/tests/expositions")
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in ["good", "bad"] {
        for entry in std::fs::read_dir(folder().join(kind)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "txt") {
                let name = path.file_stem().unwrap().to_str().unwrap();
                cases.push((format!("{kind}/{name}"), std::fs::read(&path).unwrap()));
            }
        }
    }
    cases.sort();
    assert!(cases.len() > 100);
    cases
}

#[test]
fn good_texts_are_read_and_bad_ones_refused_with_the_place() {
    let mut errors = String::new();
    for (name, text) in cases() {
        match parse(&text) {
            Ok(_) => assert!(name.starts_with("good/"), "{name} is taken"),
            Err(error) => {
                assert!(name.starts_with("bad/"), "{name}: {error}");
                writeln!(errors, "{name}\n{error}\n{}\n", error.excerpt()).unwrap();
            }
        }
    }
    assert_eq!(recorded::differs(&folder().join("errors.txt"), &errors), None);
}

#[test]
fn reads_what_is_there() {
    let text = "# HELP path A \\\\ and\\na feed.\n# TYPE path gauge\n\
                path{p=\"C:\\\\\",q=\"\\\"hi\\\"\\n\"} 1 5\n\
                # TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_sum 0.5\nh_count 2\nh_other 7\n";
    let read = parse(text.as_bytes()).unwrap();
    let path = read.family("path").unwrap();
    assert_eq!(path.help.as_deref(), Some("A \\ and\na feed."));
    assert_eq!((path.kind, path.help_line, path.type_line), (Kind::Gauge, Some(1), Some(2)));
    let sample = &path.samples[0];
    assert_eq!((sample.label("p"), sample.label("q")), (Some("C:\\"), Some("\"hi\"\n")));
    assert_eq!((sample.value, sample.timestamp, sample.line), (1.0, Some(5), 3));
    assert_eq!(read.line(3), Some("path{p=\"C:\\\\\",q=\"\\\"hi\\\"\\n\"} 1 5"));
    let histogram = read.family("h").unwrap();
    assert_eq!(histogram.samples.len(), 3);
    assert_eq!(read.family("h_other").unwrap().kind, Kind::Untyped);
    assert_eq!(read.sample("h_bucket", &[("le", "+Inf")]).unwrap().value, 2.0);
    let error = parse(b"up 1\nup{a=\"b\" c=\"d\"} 1\n").unwrap_err();
    assert_eq!((error.line, error.column), (2, 10));
    assert_eq!(error.excerpt(), "up{a=\"b\" c=\"d\"} 1\n         ^");
}
