//! The report as people read it: one frame, at most 80 columns, plain without colours.

use std::fmt::Write as _;

use anstyle::Style;

use crate::check::catalog::{self, Method};
use crate::check::report::{Report, StepReport};
use crate::check::verdict::{Finding, Outcome, Quote, Verdict};
use crate::course::{Course, Section};
use crate::terminal::style::{BAD, FRAME, GOOD, TYPE, WARN, fill, paint, plural};

/// Text is wrapped at this column.
const WIDTH: usize = 80;
/// Where the parts of a finding start.
const MARGIN: usize = 6;
/// How wide the words before them are.
const LABEL: usize = 10;

/// The whole report.
pub(crate) fn frame(report: &Report, course: &Course, section: &Section) -> String {
    let mut text = String::new();
    // A finding that quotes the program's last words has shown what matters of them.
    let shown = report.failed().and_then(|outcome| outcome.finding.as_ref());
    if shown.is_none_or(|finding| finding.last_words.is_empty()) {
        relay(&mut text, report);
    }
    line(&mut text, &paint(FRAME, format!("{}: {}", report.section, report.title)));
    for note in &report.notes {
        line(&mut text, "");
        for wrapped in wrap(note, WIDTH - 2) {
            line(&mut text, &format!("  {}", paint(WARN, wrapped)));
        }
    }
    if !report.earlier.is_empty() {
        line(&mut text, "");
        line(&mut text, "  From an earlier section");
        report.earlier.iter().for_each(|outcome| show(&mut text, outcome));
    }
    line(&mut text, "");
    for step in &report.steps {
        show_step(&mut text, step, report.failed().is_some());
    }
    line(&mut text, "");
    summary(&mut text, report, course, section);
    text
}

/// The learner's own output, each line with a prefix.
fn relay(text: &mut String, report: &Report) {
    let bar = paint(FRAME, "your program |");
    for written in &report.output {
        line(text, &format!("{bar} {written}"));
    }
    if report.output_left_out > 0 {
        let lines =
            plural(usize::try_from(report.output_left_out).unwrap_or(usize::MAX), "more line");
        line(text, &format!("{bar} ... and {lines}"));
    }
    if !report.output.is_empty() {
        line(text, "");
    }
}

/// A step with its checks. Where one has failed, the other steps are a line each: the failure
/// should be on the screen without scrolling.
fn show_step(text: &mut String, step: &StepReport, failed: bool) {
    let title = format!("Step {}: {}", step.step, step.title);
    let passed = |outcome: &Outcome| outcome.verdict == Some(Verdict::Pass);
    let settled = |outcome: &Outcome| passed(outcome) || is_left_out(outcome);
    let rest = match () {
        () if !failed => None,
        () if step.checks.iter().all(|outcome| outcome.verdict.is_none()) => Some(None),
        () if !step.checks.iter().all(settled) => None,
        () if step.checks.iter().any(passed) => Some(Some(Verdict::Pass)),
        () => Some(Some(Verdict::LeftOut)),
    };
    match rest {
        Some(verdict) => {
            let (style, mark) = mark(verdict);
            line(text, &format!("  {} {title}", paint(style, mark)));
        }
        None => {
            line(text, "");
            line(text, &format!("  {title}"));
            step.checks.iter().for_each(|outcome| show(text, outcome));
            line(text, "");
        }
    }
}

fn mark(verdict: Option<Verdict>) -> (Style, &'static str) {
    match verdict {
        Some(Verdict::Pass) => (GOOD, "ok  "),
        Some(Verdict::Fail) => (BAD, "FAIL"),
        Some(Verdict::CouldNotTell) => (WARN, "?   "),
        Some(Verdict::LeftOut) | None => (Style::new(), "-   "),
    }
}

fn is_left_out(outcome: &Outcome) -> bool {
    outcome.verdict == Some(Verdict::LeftOut)
}

fn show(text: &mut String, outcome: &Outcome) {
    let (style, mark) = mark(outcome.verdict);
    let title = match outcome.verdict {
        Some(Verdict::Fail) => paint(TYPE, &outcome.title),
        _ => outcome.title.clone(),
    };
    line(text, &format!("    {} {title}", paint(style, mark)));
    if let Some(finding) = outcome.finding.as_ref().filter(|_| !is_left_out(outcome)) {
        detail(text, finding);
    }
}

fn detail(text: &mut String, finding: &Finding) {
    line(text, "");
    labelled(text, "expected", &finding.expected);
    labelled(text, "found", &finding.found);
    for quote in finding.quote.iter().chain(&finding.source) {
        quoted(text, quote);
    }
    if !finding.last_words.is_empty() {
        line(text, "");
        line(text, &format!("{:MARGIN$}the program's last words", ""));
        for words in &finding.last_words {
            let width = WIDTH - MARGIN - 2;
            let lines = match words.chars().count() <= width {
                true => vec![words.clone()],
                false => wrap(words, width),
            };
            for words in lines {
                line(text, &format!("{:MARGIN$}{} {words}", "", paint(FRAME, "|")));
            }
        }
    }
    if let Some(cause) = &finding.cause {
        line(text, "");
        for wrapped in wrap(cause, WIDTH - MARGIN) {
            line(text, &format!("{:MARGIN$}{}", "", paint(WARN, wrapped)));
        }
    }
    if !finding.commands.is_empty() {
        line(text, "");
        let two = finding.commands.len() > 1 && finding.commands[0].contains("cargo run");
        let places = if two { ", in two terminals" } else { "" };
        line(text, &format!("{:MARGIN$}see it yourself{places}", ""));
        for command in finding.commands.iter().flat_map(|command| command.lines()) {
            line(text, &format!("{:MARGIN$}  {}", "", paint(TYPE, command)));
        }
    }
    line(text, "");
}

/// What was asked of the program, as commands to paste.
pub(crate) fn asked(report: &Report) -> String {
    let mut text = String::new();
    let command = |text: &mut String, command: &str| {
        line(text, &format!("  {}", paint(TYPE, command)));
    };
    for asked in &report.asked {
        line(&mut text, "");
        if asked.start.is_empty() {
            line(&mut text, "The check asked:");
        } else {
            line(&mut text, "The check started");
            asked.start.lines().for_each(|part| command(&mut text, part));
            line(&mut text, "and asked, as from another terminal:");
        }
        asked.requests.iter().for_each(|request| command(&mut text, request));
    }
    text
}

/// A word, and what it stands for, wrapped beside it.
fn labelled(text: &mut String, label: &str, value: &str) {
    for (index, wrapped) in wrap(value, WIDTH - MARGIN - LABEL).iter().enumerate() {
        let label = if index == 0 { label } else { "" };
        line(text, &format!("{:MARGIN$}{label:<LABEL$}{wrapped}", ""));
    }
}

fn quoted(text: &mut String, quote: &Quote) {
    line(text, "");
    line(text, &format!("{:MARGIN$}{}, line {}", "", quote.of, quote.line));
    let bar = paint(FRAME, "|");
    if quote.of.ends_with(".rs") {
        for part in quote.text.lines().flat_map(broken) {
            line(text, &format!("{:MARGIN$}{bar} {part}", ""));
        }
        return;
    }
    for (index, quoted) in quote.text.lines().enumerate() {
        let style = if index == 0 { Style::new() } else { BAD };
        let quoted = paint(style, cut(quoted, WIDTH - MARGIN - 2));
        line(text, &format!("{:MARGIN$}{bar} {quoted}", ""));
    }
}

/// A line of a program, on as many lines as it takes: its end is often what matters.
fn broken(code: &str) -> Vec<String> {
    let lines = wrap(code, WIDTH - MARGIN - 6);
    let indented = |(index, line): (usize, &String)| match index {
        0 => line.clone(),
        _ => format!("    {line}"),
    };
    lines.iter().enumerate().map(indented).collect()
}

fn summary(text: &mut String, report: &Report, course: &Course, section: &Section) {
    let all = report.own().count();
    let is_answer = |outcome: &&Outcome| {
        let entry = catalog::find(&outcome.check);
        entry.is_some_and(|entry| matches!(entry.method, Method::Answer(_)))
    };
    let waiting = report.with(Verdict::LeftOut).filter(is_answer).count();
    let without_panel = report.with(Verdict::LeftOut).count() > waiting;
    let passed = report.with(Verdict::Pass).count();
    let wait = if waiting == 1 { "waits" } else { "wait" };
    let wait = match waiting {
        0 => String::new(),
        _ => format!(", {waiting} {wait} for the bonus"),
    };
    match report.verdict {
        Verdict::Pass | Verdict::LeftOut => {
            let checks = plural(all, "check");
            let pass = match waiting {
                0 if !without_panel => format!("all {checks} pass"),
                _ => format!("{passed} of {checks} pass{wait}"),
            };
            let grafana = match without_panel {
                true => "; no Grafana was looked at",
                false => "",
            };
            line(text, &paint(GOOD, format!("{}: {pass}{grafana}.", report.section)));
            match course.after(section) {
                Some(next) => {
                    line(text, &format!("Next, {}: {}", next.slug, next.title));
                    line(
                        text,
                        &format!("  {}", paint(TYPE, format!("{}/README.md", next.package))),
                    );
                }
                None => line(text, "That was the last section. Well done."),
            }
        }
        Verdict::Fail => {
            let checks = plural(all, "check");
            line(text, &format!("{}: {passed} of {checks} pass{wait}.", report.section));
            let hint = format!("cargo workshop hint {}", report.section);
            line(text, &format!("For a hint: {}", paint(TYPE, hint)));
        }
        Verdict::CouldNotTell => {
            let open = report.own().chain(&report.earlier);
            let open =
                open.filter(|outcome| outcome.verdict == Some(Verdict::CouldNotTell)).count();
            let message = format!(
                "{}: {passed} of {} pass{wait}, {open} could not be told.",
                report.section,
                plural(all, "check")
            );
            line(text, &paint(WARN, message));
        }
    }
}

/// Adds a line, but never a second empty one.
fn line(text: &mut String, line: &str) {
    let line = line.trim_end();
    if !line.is_empty() || !text.ends_with("\n\n") {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{line}");
    }
}

/// The beginning of a text that is too long for its place.
fn cut(text: &str, width: usize) -> String {
    match text.char_indices().nth(width) {
        None => text.to_owned(),
        Some(_) => text.chars().take(width - 3).chain("...".chars()).collect(),
    }
}

/// Breaks a text at blanks. A word that is too long stays whole: it may be a series to copy.
fn wrap(text: &str, width: usize) -> Vec<String> {
    fill(text.split_whitespace(), width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_at_blanks_and_keeps_long_words() {
        assert_eq!(wrap("a bc def", 4), ["a bc", "def"]);
        assert_eq!(wrap("x much_too_long y", 5), ["x", "much_too_long", "y"]);
        assert!(wrap("", 5).is_empty());
    }

    fn stack_report(left_out: &[&str]) -> String {
        let course = Course::embedded().unwrap();
        let section = course.section("section3").unwrap();
        let outcomes = section.checks().map(|(.., check)| {
            let judgement = match left_out.contains(&check.slug.as_str()) {
                true => Finding::new("something", "nothing").left_out(),
                false => Ok(()),
            };
            Outcome::new(&check.slug, &check.slug, judgement)
        });
        let notes = vec!["Somebody else has judged.".to_owned()];
        let report = Report { notes, ..Report::new(section, Vec::new(), outcomes.collect()) };
        let text = frame(&report, course, section);
        anstream::adapter::strip_str(&text).to_string()
    }

    #[test]
    fn a_step_of_which_nothing_was_looked_at_is_no_success() {
        let shown = |judgement| {
            let checks = vec![Outcome::new("grafana-panel", "a panel", judgement)];
            let step = StepReport { step: 8, title: "Draw".to_owned(), checks };
            let mut text = String::new();
            show_step(&mut text, &step, true);
            anstream::adapter::strip_str(&text).to_string()
        };
        let left_out = Finding::new("a panel", "no Grafana").left_out();
        assert_eq!(shown(left_out), "  -    Step 8: Draw\n");
        assert_eq!(shown(Ok(())), "  ok   Step 8: Draw\n");
    }

    #[test]
    fn what_waits_is_not_said_to_pass() {
        let text = stack_report(&["promql-p95", "promql-mean", "grafana-panel"]);
        assert!(
            text.contains(
                "section3: 19 of 22 checks pass, 2 wait for the bonus; no Grafana was looked at.\n"
            ),
            "{text}"
        );
        assert!(text.contains("    -    promql-p95\n") && text.contains("    ok   promql-up\n"));
        assert!(text.find("  Somebody else has judged.") < text.find("Start"), "{text}");
        assert!(stack_report(&[]).contains("section3: all 22 checks pass.\n"));
    }
}
