//! The report as people read it: one frame, plain without colours.

use anstyle::Style;

use crate::check::catalog::{self, Method};
use crate::check::page::Page;
use crate::check::report::{Report, StepReport};
use crate::check::verdict::{Outcome, Verdict};
use crate::course::{Course, Section};
use crate::terminal::shell::Shell;
use crate::terminal::style::{BAD, FRAME, GOOD, TYPE, WARN, paint, plural};

/// The whole report, on a page.
pub(crate) fn frame(report: &Report, course: &Course, section: &Section, mut page: Page) -> String {
    // A finding that quotes the program's last words has shown what matters of them.
    let shown = report.failed().and_then(|outcome| outcome.finding.as_ref());
    if shown.is_none_or(|finding| finding.last_words.is_empty()) {
        relay(&mut page, report);
    }
    headline(&mut page, report);
    for note in &report.notes {
        page.line("");
        page.beside("", 2, Style::new(), note);
    }
    if !report.earlier.is_empty() {
        page.line("");
        // A program that does not build is this section's, and nobody else's.
        if !report.is_unbuilt() {
            page.line("  From an earlier section");
        }
        report.earlier.iter().for_each(|outcome| show(&mut page, outcome));
    }
    page.line("");
    // What did not pass should be on the screen without scrolling.
    let folded = matches!(report.verdict, Verdict::Fail | Verdict::CouldNotTell);
    for step in &report.steps {
        show_step(&mut page, step, folded);
    }
    page.line("");
    summary(&mut page, report, course, section);
    page.text
}

/// Which section it is.
pub(crate) fn headline(page: &mut Page, report: &Report) {
    page.beside("", 0, TYPE, &format!("{}: {}", report.section, report.title));
}

/// The learner's own output, each line with a prefix.
pub(crate) fn relay(page: &mut Page, report: &Report) {
    let bar = paint(FRAME, "your program |");
    for written in &report.output {
        page.line(&format!("{bar} {written}"));
    }
    if report.output_left_out > 0 {
        let lines =
            plural(usize::try_from(report.output_left_out).unwrap_or(usize::MAX), "more line");
        page.line(&format!("{bar} ... and {lines}"));
    }
    if !report.output.is_empty() {
        page.line("");
    }
}

/// A step with its checks. When folded, a step without trouble is one line.
pub(crate) fn show_step(page: &mut Page, step: &StepReport, folded: bool) {
    let title = format!("Step {}: {}", step.step, step.title);
    let passed = |outcome: &Outcome| outcome.verdict == Some(Verdict::Pass);
    let settled = |outcome: &Outcome| passed(outcome) || is_left_out(outcome);
    let rest = match () {
        () if !folded => None,
        () if step.checks.iter().all(|outcome| outcome.verdict.is_none()) => Some(None),
        () if !step.checks.iter().all(settled) => None,
        () if step.checks.iter().any(passed) => Some(Some(Verdict::Pass)),
        () => Some(Some(Verdict::LeftOut)),
    };
    match rest {
        Some(verdict) => {
            let (style, mark) = mark(verdict);
            page.beside(&format!("  {}", paint(style, mark)), 7, Style::new(), &title);
        }
        None => {
            page.line("");
            page.beside("", 2, Style::new(), &title);
            step.checks.iter().for_each(|outcome| show(page, outcome));
            page.line("");
        }
    }
}

fn mark(verdict: Option<Verdict>) -> (Style, &'static str) {
    match verdict {
        Some(Verdict::Pass) => (GOOD, "ok"),
        Some(Verdict::Fail) => (BAD, "FAIL"),
        Some(Verdict::CouldNotTell) => (WARN, "?"),
        Some(Verdict::LeftOut) | None => (Style::new(), "-"),
    }
}

fn is_left_out(outcome: &Outcome) -> bool {
    outcome.verdict == Some(Verdict::LeftOut)
}

/// A check's title behind its verdict.
pub(crate) fn titled(page: &mut Page, outcome: &Outcome) {
    let (style, mark) = mark(outcome.verdict);
    let failed = outcome.verdict == Some(Verdict::Fail);
    let title = if failed { TYPE } else { Style::new() };
    page.beside(&format!("    {}", paint(style, mark)), 9, title, &outcome.title);
}

fn show(page: &mut Page, outcome: &Outcome) {
    titled(page, outcome);
    if let Some(finding) = outcome.finding.as_ref().filter(|_| !is_left_out(outcome)) {
        page.line("");
        page.expectation(finding);
        // Before the evidence: that may be long.
        page.cause(finding);
        page.quotes(finding);
        page.last_words(finding);
        page.commands(finding);
        page.line("");
    }
}

/// What was asked of the program, as commands to paste.
pub(crate) fn asked(report: &Report, mut page: Page) -> String {
    let command = |page: &mut Page, command: &str| {
        page.line(&format!("  {}", paint(TYPE, Shell::HERE.command(command))));
    };
    for asked in &report.asked {
        page.line("");
        if asked.start.is_empty() {
            page.line("The check asked:");
        } else {
            page.line("The check started");
            asked.start.lines().for_each(|part| command(&mut page, part));
            page.line("and asked, as from another terminal:");
        }
        asked.requests.iter().for_each(|request| command(&mut page, request));
    }
    page.text
}

const LAST: &str = "That was the last section. What is left, or comes after it:";
const UNBUILT: &str = "the program does not build. Nothing else was checked.";

/// How many checks pass, and what to do next.
pub(crate) fn summary(page: &mut Page, report: &Report, course: &Course, section: &Section) {
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
            page.beside("", 0, GOOD, &format!("{}: {pass}{grafana}.", report.section));
            if let Some(step) = report.alone {
                page.line(&format!("Only step {step} was judged."));
                return;
            }
            let (words, command) = match course.after(section) {
                Some(next) => (
                    format!("Next, {}: {}", next.slug, next.title),
                    format!("{}/README.md", next.package),
                ),
                None => (LAST.to_owned(), "cargo workshop".to_owned()),
            };
            page.beside("", 0, Style::new(), &words);
            page.line(&format!("  {}", paint(TYPE, command)));
        }
        Verdict::Fail => {
            let words = match report.is_unbuilt() {
                true => UNBUILT.to_owned(),
                false => format!("{passed} of {} pass{wait}.", plural(all, "check")),
            };
            page.beside("", 0, Style::new(), &format!("{}: {words}", report.section));
            let hint = format!("cargo workshop hint {}", report.section);
            page.line(&format!("For a hint: {}", paint(TYPE, hint)));
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
            page.beside("", 0, TYPE, &message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::verdict::Finding;

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
        let text = frame(&report, course, section, Page::new(80));
        anstream::adapter::strip_str(&text).to_string()
    }

    #[test]
    fn a_step_of_which_nothing_was_looked_at_is_no_success() {
        let shown = |judgement| {
            let checks = vec![Outcome::new("grafana-panel", "a panel", judgement)];
            let step = StepReport { step: 8, title: "Draw".to_owned(), checks };
            let mut page = Page::new(80);
            show_step(&mut page, &step, true);
            anstream::adapter::strip_str(&page.text).to_string()
        };
        let left_out = Finding::new("a panel", "no Grafana").left_out();
        assert_eq!(shown(left_out), "  -    Step 8: Draw\n");
        assert_eq!(shown(Ok(())), "  ok   Step 8: Draw\n");
    }

    #[test]
    fn what_waits_is_not_said_to_pass() {
        let text = stack_report(&["promql-p95", "promql-mean", "grafana-panel"]);
        let checks = Course::embedded().unwrap().section("section3").unwrap().checks().count();
        let pass = checks - 3;
        let said = format!(
            "section3: {pass} of {checks} checks pass, 2 wait for the bonus; \
             no Grafana was looked at.\n"
        );
        assert!(text.contains(&said), "{text}");
        assert!(text.contains("    -    promql-p95\n") && text.contains("    ok   promql-up\n"));
        assert!(text.find("  Somebody else has judged.") < text.find("Start"), "{text}");
        assert!(stack_report(&[]).contains(&format!("section3: all {checks} checks pass.\n")));
    }
}
