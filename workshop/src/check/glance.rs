//! The report on one screen, for a watch: what did not pass comes first, and what has no room is
//! left out, the least important first.

use crate::check::page::Page;
use crate::check::render;
use crate::check::report::Report;
use crate::check::verdict::{Finding, Outcome, Verdict};
use crate::course::{Course, Section};
use crate::terminal::style::plural;

/// Said where even the most important has no room.
const MORE: &str = "... (make the terminal higher, or run the check alone, to see more)";

/// The report in at most so many lines.
pub(crate) fn frame(
    report: &Report,
    course: &Course,
    section: &Section,
    (width, height): (usize, usize),
) -> String {
    let mut blocks = Blocks { width, blocks: Vec::new() };
    // The numbers say in which order parts go where there is no room: the highest first.
    blocks.add_lesser(3, |page| render::headline(page, report));
    let trouble = trouble(report);
    match trouble {
        Some(outcome) => {
            blocks.add_lesser(3, |page| step_of(page, report, outcome));
            blocks.add(|page| render::titled(page, outcome));
            if let Some(finding) = &outcome.finding {
                add_finding(&mut blocks, finding);
            }
            blocks.add_lesser(2, |page| passed(page, report));
        }
        None => {
            blocks.add_lesser(5, |page| {
                page.line("");
                report.steps.iter().for_each(|step| render::show_step(page, step, true));
            });
            blocks.add(|page| {
                page.line("");
                render::summary(page, report, course, section);
            });
        }
    }
    let shown = trouble.and_then(|outcome| outcome.finding.as_ref());
    if shown.is_none_or(|finding| finding.last_words.is_empty()) && !report.output.is_empty() {
        blocks.add_lesser(6, |page| {
            page.line("");
            render::relay(page, report);
        });
    }
    blocks.fit(height)
}

/// The first outcome that is not well: a failure before what could not be told.
fn trouble(report: &Report) -> Option<&Outcome> {
    let all = || report.earlier.iter().chain(report.own());
    let with = |verdict| all().find(move |outcome| outcome.verdict == Some(verdict));
    with(Verdict::Fail).or_else(|| with(Verdict::CouldNotTell))
}

fn step_of(page: &mut Page, report: &Report, outcome: &Outcome) {
    let step = report
        .steps
        .iter()
        .find(|step| step.checks.iter().any(|check| check.check == outcome.check));
    let place = match step {
        Some(step) => format!("Step {}: {}", step.step, step.title),
        // A program that does not build is this section's.
        None if report.is_unbuilt() => return,
        None => "From an earlier section".to_owned(),
    };
    page.line("");
    page.beside("", 2, anstyle::Style::new(), &place);
}

fn add_finding(blocks: &mut Blocks, finding: &Finding) {
    blocks.add(|page| {
        page.line("");
        page.expectation(finding);
    });
    blocks.add_lesser(4, |page| page.quotes(finding));
    blocks.add_lesser(5, |page| page.last_words(finding));
    blocks.add_lesser(1, |page| page.cause(finding));
    blocks.add_lesser(7, |page| page.commands(finding));
}

/// What passed, and what was not looked at, in one line.
fn passed(page: &mut Page, report: &Report) {
    page.line("");
    if report.is_unbuilt() {
        page.beside("  -", 7, anstyle::Style::new(), "Nothing else was checked.");
        return;
    }
    let passed = report.with(Verdict::Pass).count();
    let open = report.own().filter(|outcome| outcome.verdict.is_none()).count();
    let open = match open {
        0 => String::new(),
        open => format!(", {open} come after it"),
    };
    let words = format!("{passed} of {} pass{open}.", plural(report.own().count(), "check"));
    page.beside("  ok", 7, anstyle::Style::new(), &words);
}

/// Parts of a screen, each with the order in which it goes: 0 stays, then the highest first.
struct Blocks {
    width: usize,
    blocks: Vec<(u8, String)>,
}

impl Blocks {
    fn add(&mut self, write: impl FnOnce(&mut Page)) {
        self.add_lesser(0, write);
    }

    fn add_lesser(&mut self, order: u8, write: impl FnOnce(&mut Page)) {
        let mut page = Page::new(self.width);
        write(&mut page);
        self.blocks.push((order, page.text));
    }

    fn fit(mut self, height: usize) -> String {
        let lines = |blocks: &[(u8, String)]| -> usize {
            blocks.iter().map(|(_, text)| text.lines().count()).sum()
        };
        while lines(&self.blocks) > height {
            let last = self.blocks.iter().map(|(order, _)| *order).max().unwrap_or_default();
            if last == 0 {
                break;
            }
            self.blocks.retain(|(order, _)| *order != last);
        }
        let mut text: String = self.blocks.iter().map(|(_, text)| text.as_str()).collect();
        text = text.trim_start_matches('\n').to_owned();
        if text.lines().count() > height {
            // Air before words.
            let full = |line: &&str| !line.trim().is_empty();
            text = text.split_inclusive('\n').filter(full).collect();
        }
        if text.lines().count() <= height {
            return text;
        }
        let mut page = Page::new(self.width);
        page.beside("", 0, crate::terminal::style::FRAME, MORE);
        let kept = height.saturating_sub(page.text.lines().count());
        let kept: String = text.split_inclusive('\n').take(kept).collect();
        kept + &page.text
    }
}
