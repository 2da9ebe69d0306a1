//! The programs of the corpus: finished ones, with changes that make them wrong, right in another
//! way, or such that the compiler refuses them.

use std::collections::BTreeSet;

use serde::Deserialize;
use workshop::course::Course;

use crate::in_line;
use crate::support::repository;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Corpus<P = Program> {
    pub(crate) program: Vec<P>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) section: String,
    #[serde(rename = "mistake")]
    pub(crate) _mistake: String,
    pub(crate) fails: String,
    pub(crate) says: String,
    pub(crate) change: Vec<Change>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    pub(crate) old: String,
    pub(crate) new: String,
}

/// The programs, and what turns the solutions into them.
pub(crate) fn corpus() -> Vec<Program> {
    let corpus: Corpus = toml::from_str(include_str!("programs.toml")).unwrap();
    corpus.program
}

/// A program of wrong.toml, whose line and hint are known as well.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wrong {
    pub(crate) name: String,
    pub(crate) section: String,
    pub(crate) mistake: String,
    pub(crate) fails: String,
    pub(crate) says: String,
    pub(crate) line: String,
    pub(crate) hint: String,
    pub(crate) change: Vec<Change>,
}

/// A program that no check may refuse.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Right {
    pub(crate) name: String,
    pub(crate) section: String,
    pub(crate) why: String,
    pub(crate) change: Vec<Change>,
}

/// A program that the compiler refuses.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Uncompiled {
    pub(crate) name: String,
    pub(crate) section: String,
    pub(crate) mistake: String,
    pub(crate) code: String,
    pub(crate) step: String,
    pub(crate) hint: String,
    pub(crate) shows: Option<String>,
    pub(crate) change: Vec<Change>,
}

/// The solution of the section with these changes.
pub(crate) fn source(name: &str, section: &str, changes: &[Change]) -> String {
    let path = repository().join(format!("solutions/src/bin/{section}.rs"));
    let mut source = std::fs::read_to_string(path).unwrap();
    for Change { old, new } in changes {
        let found = source.matches(old.as_str()).count();
        assert_eq!(found, 1, "{name}: {old:?} stands there {found} times");
        source = source.replacen(old.as_str(), new, 1);
    }
    source
}

/// Wrong programs of which the line and the hint are known as well.
pub(crate) fn wrong() -> Vec<Wrong> {
    toml::from_str::<Corpus<Wrong>>(include_str!("wrong.toml")).unwrap().program
}

/// Right programs that are unusual.
pub(crate) fn right() -> Vec<Right> {
    toml::from_str::<Corpus<Right>>(include_str!("right.toml")).unwrap().program
}

/// Programs that do not compile.
pub(crate) fn uncompiled() -> Vec<Uncompiled> {
    toml::from_str::<Corpus<Uncompiled>>(include_str!("compile.toml")).unwrap().program
}

/// Complains of a second program of the same name, and of one that is the solution.
fn is_new(names: &mut BTreeSet<String>, name: &str, section: &str, changes: &[Change]) {
    assert!(names.insert(name.to_owned()), "{name}: there are two");
    assert_ne!(source(name, section, changes), source(name, section, &[]), "{name}: no change");
}

#[test]
fn the_corpus_holds_together() {
    let course = Course::embedded().unwrap();
    let mut names: BTreeSet<String> = corpus().into_iter().map(|program| program.name).collect();
    let old = names.len();
    for Wrong { name, section, mistake, fails, says, line, hint, change } in &wrong() {
        is_new(&mut names, name, section, change);
        assert!(course.check(fails).is_some(), "{name}: there is no check {fails}");
        assert!([mistake, says, hint].iter().all(|text| !text.is_empty()), "{name}: empty text");
        let source = source(name, section, change);
        let lines = source.lines().filter(|there| there.contains(line.as_str())).count();
        assert!(line.is_empty() || lines == 1, "{name}: {line:?} stands on {lines} lines");
        // What the program has already would be hinted at by a mere quotation.
        assert!(!in_line(&source).contains(&in_line(hint)), "{name} has {hint:?} already");
    }
    for Right { name, section, why, change } in &right() {
        is_new(&mut names, name, section, change);
        assert!(!why.is_empty(), "{name}: empty text");
    }
    for Uncompiled { name, section, mistake, code, step, hint, change, .. } in &uncompiled() {
        is_new(&mut names, name, section, change);
        let section = course.sections.iter().find(|known| known.slug == *section).unwrap();
        let known = section.steps.iter().any(|known| known.title == *step);
        assert!(known, "{name}: {} has no step {step:?}", section.slug);
        assert!([mistake, hint].iter().all(|text| !text.is_empty()), "{name}: empty text");
        let digits = code.strip_prefix('E').unwrap_or("0000");
        assert!(digits.len() == 4 && digits.parse::<u16>().is_ok(), "{name}: code {code:?}");
    }
    assert!(old + wrong().len() >= 224, "{} wrong ones", wrong().len());
    assert!(right().len() >= 60, "{} right ones", right().len());
    assert!(uncompiled().len() >= 30, "{} uncompiled ones", uncompiled().len());
}
