//! Why a path is most likely not answered by its own arm of the `match`.

use crate::check::program::mistake::{Hints, Mistake};
use crate::check::program::source::Source;

/// So many letters may be wrong in an arm that is meant for a path.
const SLIPS: usize = 2;

/// What is wrong with the arm that should answer a path and does not.
pub(crate) fn missed(source: &Source, path: &str) -> Option<Mistake> {
    let told = |cause: String| Mistake::naming(cause, ARM);
    let arm = |line: &str| {
        let (literal, rest) = line.trim().strip_prefix('"')?.split_once('"')?;
        rest.contains("=>").then(|| literal.to_owned())
    };
    let slips = |line: &str| {
        let apart = arm(line).map(|literal| strsim::damerau_levenshtein(&literal, path));
        apart.is_some_and(|apart| (1..=SLIPS).contains(&apart))
    };
    if let Some(line) = source.line(slips) {
        let literal = arm(&line.text)?;
        let cause = match () {
            () if format!("/{literal}") == path => {
                format!("Your arm is {literal:?}, without the slash that a path begins with.")
            }
            () if literal.trim_end_matches('/') == path => {
                format!("Your arm is {literal:?}, with a slash too many at its end.")
            }
            () if literal.trim() == path => {
                format!("Your arm is {literal:?}, with a blank that the path does not have.")
            }
            () => format!("Your arm is {literal:?}. The path is {path:?}, letter by letter."),
        };
        return Some(told(cause).at(line));
    }
    let Some(own) = source.place(|line| arm(line).as_deref() == Some(path)) else {
        let other = source.line(|line| line.contains(&format!("self{}", path.replace('/', "."))));
        let line = other.filter(|line| arm(&line.text).is_some())?;
        let cause =
            format!("{path:?} has no arm of its own: what should answer it stands in another's.");
        return Some(told(cause).at(line));
    };
    let takes_all = |line: &str| {
        let name = line.trim().split_once(" =>").map_or("", |(name, _)| name);
        let is_value = name.is_empty() || ["true", "false"].contains(&name);
        !is_value && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase())
    };
    let wildcard = source.place(takes_all);
    if let Some(wildcard) = wildcard.filter(|wildcard| wildcard.line < own.line) {
        let cause = format!(
            "Your arm, in line {}, stands below one that takes every path, in line {}: arms are \
             tried from the top. Yours goes above it.",
            own.line, wildcard.line
        );
        // `_` is right where it is the last.
        let line = if wildcard.text.starts_with('_') { own } else { wildcard };
        return Some(told(cause).at(line));
    }
    if let Some(line) = source.line(|line| line.contains(".trim_")) {
        let cause = format!(
            "Your arm {path:?} stands there, and the path is trimmed before it is compared. \
             Compare `request.uri().path()` as it came."
        );
        return Some(told(cause).at(line));
    }
    let (header, line) = source.header()?;
    let cause = format!(
        "A header, {header}, decides here who gets an answer. The path alone does: whoever asks, \
         the answer has to be the same."
    );
    Some(told(cause).at(line))
}

const ARM: Hints = [
    "Which arm of the `match` should take this path, and why does it not?",
    "Arms are tried from the top, and the first that fits is taken. A text fits the path that it \
     is, letter by letter: slashes, capitals and blanks count. `_`, or a bare name, fits all, so \
     your arm goes above it. A guard (`if ...`) can turn a request away.",
];
