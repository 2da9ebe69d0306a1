//! What a program has written last, and what that tells of its end.

use crate::check::program::run::Run;
use crate::process::announcement;
use std::collections::HashSet;

/// How a panic begins, after the name of its thread.
pub(crate) const PANIC: &str = " panicked at ";
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

/// What the last words of a dead program tell about its death.
pub(crate) fn death(words: &str) -> Option<&'static str> {
    let has = |part: &str| words.contains(part);
    Some(match () {
        () if has("Duplicate metrics collector registration") || has("AlreadyReg") => {
            "The same metric is registered twice. Register it once, in `main`, and keep a clone."
        }
        () if has("not yet implemented") => {
            "`todo!()` panics with \"not yet implemented\". Write what should stand there."
        }
        () if has("environment variable not found") => {
            "It asks for a variable that nobody sets, and says \"environment variable not \
             found\". What may be missing gets a default, and no `?`."
        }
        () if has("InconsistentCardinality") || has("inconsistent label cardinality") => {
            "`with_label_values` was given more or fewer values than the metric has labels."
        }
        () if has("empty help string") => {
            "A metric needs a help text: it is what others read first."
        }
        () if has("is not a valid metric name") || has("is not a valid label name") => {
            "Names are made of letters, digits and `_`, and do not start with a digit."
        }
        () if has(announcement::PORT_IN_USE) => {
            "The check gives each start a free port in TREECOUNTER_ADDR. Pass \
             `Settings::from_env()` to `serve`, rather than an address of your own."
        }
        () if has("must be in increasing order") => {
            "The bounds of the buckets have to rise, each above the one before."
        }
        () if has("`le` is not allowed as label name") => {
            "`le` is the label that a histogram gives to its buckets. Yours is `endpoint`."
        }
        () if words.lines().any(is_panic_in_library) => {
            "The line that is named is in a library. What does your file give to it?"
        }
        () if has(PANIC) => "The program's own words name the line.",
        () => return None,
    })
}

/// Whether a line says that a panic came in the source of a crate.
fn is_panic_in_library(line: &str) -> bool {
    let place = line.split_once(PANIC).map(|(_, place)| place.replace('\\', "/"));
    place.is_some_and(|place| place.contains("/registry/src/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_in_a_library_is_not_called_the_learners() {
        for (place, theirs) in [
            ("src/main.rs:19:27:", false),
            ("/home/me/.cargo/registry/src/crates-1/prometheus-0.14.0/src/vec.rs:1:2:", true),
            (r"C:\Users\me\.cargo\registry\src\crates-1\hyper-1.12.0\src\a.rs:1:2:", true),
        ] {
            let cause = death(&format!("thread 'main' (1) panicked at {place}\nno")).unwrap();
            assert_eq!(cause.contains("library"), theirs, "{place}");
        }
    }
}
