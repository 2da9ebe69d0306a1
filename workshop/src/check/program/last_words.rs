//! What a program has written last, and what that tells of its end.

use crate::check::program::context::Context;
use crate::check::program::mistake::{Hints, Mistake};
use crate::check::program::run::Run;
use crate::check::program::source::{PANIC, Source};
use crate::check::verdict::Quote;
use crate::process::announcement;
use std::collections::HashSet;

/// Lines that are shown of a program's end.
const LAST_WORDS: usize = 8;

/// The last lines of a program, without those that every start prints.
pub(crate) fn last_words(run: &Run) -> Vec<String> {
    let mut said = HashSet::new();
    let mut words = run.output.last(20);
    // A panic in every request says the same every time, but for the thread.
    words.retain(|line| {
        let place = line.split_once(PANIC).map_or(line.as_str(), |(_, place)| place);
        !is_routine(line) && said.insert(place.to_owned())
    });
    words.split_off(words.len().saturating_sub(LAST_WORDS))
}

/// Whether a 500 is that of a panic: of a program that was started elsewhere, no words are known.
pub(crate) fn may_have_panicked(context: &Context<'_>) -> bool {
    context.runs.attached || words(&context.runs.calm).contains(PANIC)
}

pub(crate) fn words(run: &Run) -> String {
    last_words(run).join("\n")
}

/// What every program of the workshop writes.
pub(crate) fn is_routine(line: &str) -> bool {
    announcement::is_of_start(line)
        || line.starts_with("stopping:")
        || line.starts_with("note: run with `RUST_BACKTRACE")
        || line.is_empty()
}

/// What the last words of a program that ended, or panicked, tell about that.
pub(crate) fn death(source: &Source, words: &str) -> Option<Mistake> {
    let line = source.panicking_line(words);
    let has = |part: &str| words.contains(part);
    if has("Duplicate metrics collector") || has("AlreadyReg") {
        return Some(match source.in_handler("register") {
            Some(again) => REGISTERED_AT_EACH_REQUEST.at(line.unwrap_or(again)),
            // Of the base metrics each line is good by itself; the second is one too many.
            None => REGISTERED_TWICE.at(source.second_line_with("register_base_metrics(")),
        });
    }
    let in_words = || DEATHS.iter().find(|(part, _)| has(part)).map(|(_, death)| death.clone());
    let mistake = number_of_values(words)
        .or_else(|| bad_name(words))
        .or_else(in_words)
        .or_else(|| words.contains(PANIC).then(|| panic(line.as_ref(), words)))?;
    // A crate that refuses bounds names none of the learner's lines.
    let bounds =
        || source.line_with(&["buckets"]).filter(|_| REFUSED_BOUNDS.iter().any(|it| has(it)));
    Some(mistake.at(line).or_at(bounds))
}

/// Values and labels that are not as many as each other.
fn number_of_values(words: &str) -> Option<Mistake> {
    let after = |text: &str, word: &str| -> Option<usize> {
        let (_, rest) = text.split_once(word)?;
        let digits = rest.trim_start_matches(|c: char| !c.is_ascii_digit());
        digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    let names = ["InconsistentCardinality", "inconsistent label cardinality"];
    let said = names.iter().find_map(|name| Some(words.split_once(name)?.1))?;
    let (labels, values) = (after(said, "expect")?, after(said, "got")?);
    let many = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    let cause = format!(
        "`with_label_values` was given {} for {}. It takes one for each, in the order in which \
         the labels were declared.",
        many(values, "value"),
        many(labels, "label")
    );
    Some(Mistake::naming(cause, VALUES))
}

/// A name that is none.
fn bad_name(words: &str) -> Option<Mistake> {
    let what = ["metric", "label"]
        .into_iter()
        .find_map(|what| words.split_once(&format!("' is not a valid {what} name")));
    let name = what?.0.rsplit_once('\'')?.1;
    let cause = match name.contains(' ') {
        true => format!(
            "{name:?} was given as a name, and a name has no blanks. Name and help are two texts, \
             and the name comes first."
        ),
        false => format!(
            "{name:?} is no name. Names are made of letters, digits and `_`, and do not start \
             with a digit."
        ),
    };
    Some(Mistake::naming(cause, None))
}

/// What the line that panicked says of the panic.
fn panic(line: Option<&Quote>, words: &str) -> Mistake {
    let Some(line) = line.map(|line| &line.text) else {
        return match words.lines().any(is_panic_in_library) {
            true => Mistake::usual(IN_LIBRARY),
            false => Mistake::new(NAMED, PANICKED),
        };
    };
    let sign = PANICS.iter().find(|(part, _)| line.contains(part));
    sign.map_or(Mistake::new(NAMED, PANICKED), |(_, mistake)| mistake.clone())
}

/// Whether a line says that a panic came in the source of a crate.
fn is_panic_in_library(line: &str) -> bool {
    let place = line.split_once(PANIC).map(|(_, place)| place.replace('\\', "/"));
    place.is_some_and(|place| place.contains("/registry/src/"))
}

/// What the crate says of bounds that make no buckets: of a list, and of those that it works out,
/// `LinearBuckets needs` and `exponential_buckets needs`.
const REFUSED_BOUNDS: [&str; 2] = ["must be in increasing order", "uckets needs"];

/// What ended a program, by a part of its last words.
const DEATHS: &[(&str, Mistake)] = &[
    ("not yet implemented", Mistake::new(TODO, PANICKED)),
    ("environment variable not found", Mistake::new(VARIABLE, NOT_GIVEN)),
    ("NotPresent", Mistake::new(VARIABLE, NOT_GIVEN)),
    (
        "empty help string",
        Mistake::usual("A metric needs a help text: a few words that say what it counts."),
    ),
    (
        "duplicate variable label name",
        Mistake::usual("Two labels have the same name. Each needs one of its own."),
    ),
    (
        announcement::PORT_IN_USE,
        Mistake::new(
            "The check gives each start a free port in TREECOUNTER_ADDR. Pass \
             `Settings::from_env()` to `serve`, rather than an address of your own.",
            [
                "At which address does your program listen, and who has chosen it?",
                "`serve` listens where its settings say. `Settings::from_env()` takes the address \
                 from TREECOUNTER_ADDR, and port 8001 when that is not set.",
            ],
        ),
    ),
    (
        REFUSED_BOUNDS[0],
        Mistake::new(
            "The bounds of the buckets have to rise, each above the one before.",
            [
                "Which two bounds do the last words name, and where do they stand in your list?",
                "A histogram is given its bounds rising: none may stand there twice, and none \
                 behind a greater one.",
            ],
        ),
    ),
    (REFUSED_BOUNDS[1], Mistake::usual(BOUNDS)),
    (
        "`le` is not allowed as label name",
        Mistake::usual(
            "`le` is the label that a histogram gives to its buckets. Yours is `endpoint`.",
        ),
    ),
];

/// Why a line panics, by a part of it.
const PANICS: &[(&str, Mistake)] = &[
    (
        "headers()",
        Mistake::new(
            "Who sends a request chooses its headers, and this one may be missing. `expect` and \
             `unwrap` panic then. Go on without it.",
            PANICKED,
        ),
    ),
    (
        "args()",
        Mistake::new(
            "The program is started without arguments, by `cargo run` as by the check. What may \
             be missing gets a default, and no `expect` or `unwrap`.",
            NOT_GIVEN,
        ),
    ),
    (
        "unreachable!",
        Mistake::new(
            "`unreachable!` says that nothing ever gets to this line, and something does. Write \
             what should be done then.",
            PANICKED,
        ),
    ),
    (
        "assert",
        Mistake::new(
            "What is asserted here does not always hold, and that is a panic. What may well \
             happen, such as a visit that fails, is no reason for one.",
            PANICKED,
        ),
    ),
    (
        "panic!",
        Mistake::new(
            "This line panics whenever it is reached. Write what should be done instead.",
            PANICKED,
        ),
    ),
    (
        ".expect(",
        Mistake::new(
            "`expect` panics when there is no value, or an error. Say what should be done then \
             instead.",
            PANICKED,
        ),
    ),
    (
        ".unwrap()",
        Mistake::new(
            "`unwrap` panics when there is no value, or an error. Say what should be done then \
             instead.",
            PANICKED,
        ),
    ),
];

const NAMED: &str = "The program's own words name the line.";
const IN_LIBRARY: &str = "The line that is named is in a library. What does your file give to it?";
const TODO: &str = "`todo!()` panics with \"not yet implemented\". Write what should stand there.";
const VARIABLE: &str = "It asks for an environment variable that is not set. What may be missing \
    gets a default, and no `?`, `expect` or `unwrap`.";
const BOUNDS: &str = "With these figures no buckets can be made: each bound has to be above the \
    one before. The program's own words say what is missing.";

const REGISTERED_AT_EACH_REQUEST: Mistake = Mistake::new(
    "What is registered a second time is refused, and here it is registered for each request. \
     Register once, in `main`.",
    [
        "How often does your program get to the line that registers?",
        "A registry takes each metric once. What stands in `handle` runs for each request, what \
         stands in `main` above `serve` runs once.",
    ],
);

const REGISTERED_TWICE: Mistake = Mistake::new(
    "The same metric is registered twice. One of the two lines is too many, or was meant for \
     another metric.",
    [
        "Which two lines of `main` register the same thing?",
        "A registry takes each metric once, and a clone is the same metric. \
         `register_base_metrics(...)` and `registry.register(...)` both register: compare what \
         they are given.",
    ],
);

const VALUES: Hints = [
    "How many labels does the metric have, and how many values does each call of \
     `with_label_values` give?",
    "The names of the labels stand where the metric is made. `with_label_values(&[...])` takes a \
     value for each, in the same order.",
];

const NOT_GIVEN: Hints = [
    "What does this line ask for, and who gives it to the program when it is started by \
     `cargo run` alone?",
    "In `main`, a `?` that meets an error ends the program, and so does a panic. What comes from \
     outside, such as a variable or an argument, may always be missing. Does your program need \
     it at all?",
];

const PANICKED: Hints = [
    "Which line panicked, and what has to happen for the program to get there?",
    "`panic!`, `todo!`, `unreachable!`, `assert!`, `expect` and `unwrap` are made to panic. In \
     `handle`, a panic costs that request its answer: it gets a 500. In `main`, it ends the \
     program. Compare the line with what stands there in the lesson.",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::verdict::Finding;

    #[test]
    fn a_line_in_a_library_is_not_called_the_learners() {
        let source = Source { text: "line\n".repeat(20), ..Source::default() };
        for (place, theirs) in [
            ("src/main.rs:19:27:", false),
            ("/home/me/.cargo/registry/src/crates-1/prometheus-0.14.0/src/vec.rs:1:2:", true),
            (r"C:\Users\me\.cargo\registry\src\crates-1\hyper-1.12.0\src\a.rs:1:2:", true),
        ] {
            let words = format!("thread 'main' (1) panicked at {place}\nno");
            let Finding { cause, source, .. } =
                Finding::default().told(death(&source, &words).unwrap());
            let of_library = cause.unwrap().contains("library");
            assert_eq!((of_library, source.is_some()), (theirs, !theirs), "{place}");
        }
    }

    #[test]
    fn last_words_are_read_to_the_letter() {
        let source = Source { text: "line\nassert!(good);\n".to_owned(), ..Source::default() };
        for (words, cause) in [
            ("an Err value: InconsistentCardinality { expect: 2, got: 1 }", "1 value for 2 labels"),
            ("inconsistent label cardinality, expect 1 label values, but got 3", "3 values for 1"),
            ("Error: 'a-b' is not a valid label name", "\"a-b\" is no name"),
            ("Error: 'Some help.' is not a valid metric name", "the name comes first"),
            ("thread 'w' (1) panicked at src/main.rs:2:5:\nno", "asserted here"),
            ("Error: Duplicate metrics collector registration attempted", "registered twice"),
        ] {
            let told = Finding::default().told(death(&source, words).unwrap()).cause.unwrap();
            assert!(told.contains(cause), "{words}: {told}");
        }
        assert!(death(&source, "Tree counter: stopped").is_none());
    }
}
