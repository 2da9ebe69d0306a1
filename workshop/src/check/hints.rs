//! Hints that know the case: the check's own, with the line that the finding points at, and with
//! what stands in its place in the finished program, in the learner's own names.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::check::own_names::in_own_names;
use crate::check::verdict::{Finding, Outcome, Quote};
use crate::course::{Check, Section};
use crate::learner::workspace::Workspace;
use crate::learner::{files, starter};

/// Which of the three hints is the pointer, and which is the shape of the code.
const POINTER: usize = 1;
const SHAPE: usize = 2;
/// Lines of the finished program that are shown.
const MOST: usize = 6;
/// Lines of the learner's that are shown to go.
const MOST_TO_GO: usize = 10;
/// What is missing is shown where no line is to blame, unless it is more than this: that much is
/// the lesson itself.
const FEW: usize = 3;

/// The three hints for a finding in a program whose text is known.
pub(crate) fn of(section: &Section, check: &Check, finding: &Finding, text: &str) -> Vec<String> {
    let mut hints = check.hints.clone();
    if let Some(own) = &finding.hints {
        hints.splice(..own.len(), own.iter().cloned());
    }
    let guilty = finding.source.as_ref().and_then(|quote| Some((quote, place(text, quote)?)));
    if let Some((quote, line)) = guilty {
        let lines: Vec<String> = quote.text.lines().map(|line| format!("    {line}")).collect();
        let (place, lines) = (format!("{}, line {line}", quote.of), lines.join("\n"));
        // What is true of every program that fails this check comes behind what is true of this.
        let cause = finding.cause.as_ref().filter(|_| finding.hints.is_none());
        let cause = cause.map(|cause| format!("{cause}\n\n{IN_GENERAL}\n\n")).unwrap_or_default();
        hints[POINTER] = format!("{place}:\n\n{lines}\n\n{cause}{}", hints[POINTER]);
    }
    let solution = section.files.first().and_then(|file| starter::solution(file).ok());
    let there = solution.and_then(|solution| {
        // Other names are no difference to learn from.
        let finished = starter::body(&solution).lines();
        let finished: String =
            finished.map(|line| format!("{}\n", in_own_names(line, text))).collect();
        let yours: String = starter::body(text).lines().map(|line| format!("{line}\n")).collect();
        // The header is not compared.
        let header = text.lines().count() - yours.lines().count();
        let guilty = guilty.and_then(|(_, line)| line.checked_sub(header + 1));
        there(&yours, &finished, guilty, header)
    });
    // The code of an earlier section's check is not that of this one.
    let is_own = section.checks().any(|(.., own)| own.slug == check.slug);
    match there {
        Some(there) if is_own => {
            hints[SHAPE] = format!("{there}\n\n{IN_GENERAL}\n\n{}", hints[SHAPE]);
        }
        Some(there) => hints[SHAPE] = there,
        None => {}
    }
    hints
}

/// The topic of hints that are the same whatever was found.
pub(crate) const ANY: &str = "any";

/// A word for what a finding is about. Another mistake has another one; the same mistake keeps
/// its own, whatever was counted or measured this time.
pub(crate) fn topic(finding: &Finding) -> String {
    let Finding { expected, found, cause, hints, .. } = finding;
    let facts = [expected, found];
    let said: Vec<&String> = match cause {
        Some(cause) => std::iter::once(cause).chain(hints.iter().flatten()).collect(),
        None => facts.into_iter().chain(hints.iter().flatten()).collect(),
    };
    let is_number = |word: &&str| word.contains(|c: char| c.is_ascii_digit());
    word_for(said.iter().flat_map(|text| text.split_whitespace()).filter(|word| !is_number(word)))
}

/// A short word that stands for some texts. (Another version of Rust may have another one: then
/// the hints begin again.)
pub(crate) fn word_for<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = DefaultHasher::new();
    texts.into_iter().for_each(|text| text.hash(&mut hasher));
    format!("{:016x}", hasher.finish())
}

/// Where the first of these lines stands now: as near as can be to where it stood.
fn place(text: &str, quote: &Quote) -> Option<usize> {
    let first = quote.text.lines().next()?.trim();
    let same = |line: &str| !first.is_empty() && line.trim() == first;
    let places = text.lines().zip(1..).filter(|(line, _)| same(line)).map(|(_, place)| place);
    places.min_by_key(|place: &usize| place.abs_diff(quote.line))
}

const IN_GENERAL: &str = "In general:";
const INSTEAD: &str = "The finished program has there:";
const DIFFERENT: &str = "What your program lacks:";
const TOO_MANY: &str = "The finished program has nothing there. Take this out:";
const BETWEEN: &str = "What stands between these lines stays.";
const HAS_THIS: &str = "the finished program has this:";
const ALL: &str = "Take all of them out.";
const MOVED: &str = "The finished program has the same in another place, between these:";
const WITHOUT: &str = "And it does not have:";

/// What the finished program has in place of a guilty line, or, when little is different, all that
/// it has otherwise; and what it does not have. Lines are numbered from 0, below the header.
fn there(yours: &str, finished: &str, guilty: Option<usize>, header: usize) -> Option<String> {
    let [old, new] = [yours, finished].map(|text| text.lines().collect::<Vec<_>>());
    let mut changes = changes(&old, &new);
    let missing = |ops: &[DiffOp]| lines(&new, ops.iter().map(DiffOp::new_range));
    let dropped = |ops: &[DiffOp]| {
        let only = |op: &&DiffOp| matches!(op, DiffOp::Delete { .. });
        let mut lines = lines(&old, ops.iter().filter(only).map(DiffOp::old_range));
        // No comment is a mistake, least of all one that says what is still to be done.
        lines.retain(|line| !line.trim_start().starts_with("//"));
        lines
    };
    let most = if guilty.is_some() { MOST } else { FEW };
    let (few, said) = (missing(&changes).len() <= most, guilty.map_or(DIFFERENT, |_| INSTEAD));
    if !few || missing(&changes).is_empty() && dropped(&changes).len() > MOST_TO_GO {
        let at = guilty?;
        changes.retain(|op| op.old_range().contains(&at));
    }
    let (missing, dropped) = (missing(&changes), dropped(&changes));
    let lines_of = |op: &DiffOp| {
        let place = op.old_range();
        format!("lines {} to {}", header + place.start + 1, header + place.end)
    };
    let said = match changes[..] {
        [op @ DiffOp::Replace { old_len: 2.., .. }] if missing.len() <= MOST => {
            format!("Instead of {}, {HAS_THIS}", lines_of(&op))
        }
        [op @ DiffOp::Delete { .. }] if dropped.len() > MOST_TO_GO => {
            return Some(format!("The finished program has nothing in {}. {ALL}", lines_of(&op)));
        }
        _ => said.to_owned(),
    };
    let [missing, dropped] = [(missing, MOST), (dropped, MOST_TO_GO)].map(|(lines, most)| {
        let lines: Vec<String> = lines.into_iter().take(most).collect();
        Some(lines.join("\n")).filter(|text| !text.is_empty())
    });
    match (missing, dropped) {
        (Some(missing), None) => Some(format!("{said}\n\n{missing}")),
        (Some(missing), Some(dropped)) if missing == dropped => {
            let place = changes.iter().map(DiffOp::new_range).find(|place| !place.is_empty())?;
            let beside = place.start.saturating_sub(1)..new.len().min(place.end + 1);
            Some(format!("{MOVED}\n\n{}", lines(&new, std::iter::once(beside)).join("\n")))
        }
        (Some(missing), Some(dropped)) => {
            Some(format!("{said}\n\n{missing}\n\n{WITHOUT}\n\n{dropped}"))
        }
        (None, Some(dropped)) if changes.len() > 1 => {
            Some(format!("{TOO_MANY}\n\n{dropped}\n\n{BETWEEN}"))
        }
        (None, Some(dropped)) => Some(format!("{TOO_MANY}\n\n{dropped}")),
        (None, None) => None,
    }
}

/// What has to be done to the old lines so that they become the new ones.
fn changes(old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    // A line that is right stays so, however far in an `if` around it has moved it.
    let bare = |lines: &[&str]| lines.iter().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
    let mut changes = capture_diff_slices(Algorithm::Myers, &bare(old), &bare(new));
    changes.retain(|op| !matches!(op, DiffOp::Equal { .. }));
    // What is imported follows from what is used.
    let imports = |text: &[&str], mut range: std::ops::Range<usize>| {
        range.all(|at| text[at].is_empty() || in_import(text, at))
    };
    let is_import = |op: &DiffOp| imports(old, op.old_range()) && imports(new, op.new_range());
    if !changes.iter().all(is_import) {
        changes.retain(|op| !is_import(op));
    }
    changes
}

/// Lines that are not empty, of some places.
fn lines(text: &[&str], places: impl Iterator<Item = std::ops::Range<usize>>) -> Vec<String> {
    let lines = places.flat_map(|place| text.get(place).unwrap_or_default());
    lines.filter(|line| !line.trim().is_empty()).map(|line| (*line).to_owned()).collect()
}

/// Whether a line is part of an import.
fn in_import(text: &[&str], at: usize) -> bool {
    let mut above = text[..=at].iter().rev().skip_while(|line| line.ends_with(',')).peekable();
    text[at].starts_with("use ") || text[at] == "};" || {
        text[at].ends_with(',') && above.peek().is_some_and(|line| line.starts_with("use "))
    }
}

/// What a check found last, for the hints that are asked for later.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    section: String,
    check: String,
    finding: Finding,
}

/// Keeps what a check of a section failed with.
pub(crate) fn keep(
    workspace: &Workspace,
    section: &Section,
    failed: &Outcome,
) -> anyhow::Result<()> {
    let Some(finding) = failed.finding.clone() else { return Ok(()) };
    let kept = Kept { section: section.slug.clone(), check: failed.check.clone(), finding };
    files::replace(&workspace.state().join(FILE), &serde_json::to_vec(&kept)?)
}

/// What the last check of the section found, if it is that check that failed.
pub(crate) fn kept(workspace: &Workspace, section: &Section, check: &Check) -> Option<Finding> {
    let bytes = files::read(&workspace.state().join(FILE)).ok()??;
    let kept: Kept = serde_json::from_slice(&bytes).ok()?;
    (kept.section == section.slug && kept.check == check.slug).then_some(kept.finding)
}

/// Where it is kept: safe to delete.
const FILE: &str = "finding.json";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::course::Course;

    fn hints(slug: &str, change: [&str; 2], guilty: &str) -> Vec<String> {
        let course = Course::embedded().unwrap();
        let section = course.section("section2").unwrap();
        let (.., check) = course.check(slug).unwrap();
        let text = starter::solution(&section.files[0]).unwrap();
        let text = text.replace("requests", "hits").replace("hits_total", "requests_total");
        assert!(text.contains(change[0]), "{text}");
        let text = text.replace(change[0], change[1]);
        let source = Some(Quote { of: "src/main.rs".to_owned(), line: 7, text: guilty.to_owned() });
        let source = source.filter(|quote| !quote.text.is_empty());
        of(section, check, &Finding { source, ..Finding::new("one", "other") }, &text)
    }

    #[test]
    fn the_pointer_shows_the_line_and_the_shape_has_the_learners_names() {
        let wrong = "self.hits.with_label_values(&[\"200\", endpoint]).inc();";
        let right = "self.hits.with_label_values(&[response.status().as_str(), endpoint]).inc();";
        let [_, pointer, shape] = &hints("status-from-response", [right, wrong], wrong)[..] else {
            panic!("three")
        };
        // The line is where it stands now, and not where it stood.
        let course = Course::embedded().unwrap();
        let solution = starter::solution(&course.section("section2").unwrap().files[0]).unwrap();
        let at = solution.lines().position(|line| line.contains(".inc();")).unwrap() + 1;
        let place = format!("src/main.rs, line {at}:\n\n    {wrong}\n\n");
        assert!(pointer.contains(&place), "{pointer}");
        assert!(shape.contains(right), "{shape}");
    }

    #[test]
    fn a_line_too_many_is_called_so() {
        let change = ["        response\n", "        self.hits.reset();\n        response\n"];
        let hints = hints("counts-visits", change, "self.hits.reset();");
        let there = format!("{TOO_MANY}\n\n        self.hits.reset();\n\n{IN_GENERAL}");
        assert!(hints[2].starts_with(&there), "{}", hints[2]);
    }

    #[test]
    fn of_a_block_around_a_right_line_only_the_block_goes() {
        let right =
            "        self.hits.with_label_values(&[response.status().as_str(), endpoint]).inc();\n";
        let guilty = "if endpoint != \"other\" {";
        let inside = format!("        {guilty}\n    {right}        }}\n");
        let hints = hints("counts-all", [right, &inside], guilty);
        let there = format!("{TOO_MANY}\n\n        {guilty}\n        }}\n\n{BETWEEN}\n\n");
        assert!(hints[2].starts_with(&there), "{}", hints[2]);
    }

    #[test]
    fn of_several_lines_that_one_replaces_all_are_named() {
        let right = "            _ => (\"other\", not_found()),\n";
        let block = "            path => {\n                (path, not_found())\n            }\n";
        let hints = hints("bounded-paths", [right, block], "(path, not_found())");
        let said = hints[2].split_once(&format!(", {HAS_THIS}\n\n{right}")).unwrap().0;
        let lines = said.strip_prefix("Instead of lines ").unwrap().split_once(" to ").unwrap();
        let [first, last]: [usize; 2] = [lines.0, lines.1].map(|line| line.parse().unwrap());
        assert_eq!(last - first, 2, "{}", hints[2]);
    }

    #[test]
    fn what_is_still_to_be_done_is_not_to_be_taken_out() {
        let [counts, other] = ["requests_total", "requests"].map(|name| format!("\"{name}\""));
        let todo = format!("    // TODO step 2: more.\n    let opts = Opts::new({other}");
        let hints = hints(
            "requests-counter",
            [&format!("    let opts = Opts::new({counts}"), &todo],
            "let opts = Opts::new(\"requests\", \"Requests answered, by status and endpoint.\");",
        );
        assert!(hints[2].contains(&counts) && !hints[2].contains("TODO"), "{}", hints[2]);
    }

    #[test]
    fn a_file_that_is_finished_leaves_the_checks_own_hints() {
        let course = Course::embedded().unwrap();
        let (.., check) = course.check("counts-visits").unwrap();
        assert_eq!(hints("counts-visits", ["response\n", "response\n"], ""), check.hints);
    }
}
