//! `cargo workshop hint`: the next hint for the check that failed.

use std::process::ExitCode;

use crate::check::{catalog, compile_errors, hints};
use crate::course::{Check, Course, Section, Step};
use crate::http::addresses::Settings;
use crate::learner::files;
use crate::learner::progress::Progress;
use crate::learner::workspace::Workspace;
use crate::process::{Build, Built};
use crate::terminal;
use crate::terminal::shell::Shell;
use crate::terminal::style::{TYPE, indent, paint};
use crate::terminal::text::{reflow, reflow_prose, wrap};

/// What each tier of hints is.
const TIERS: [&str; 3] = ["a question", "a pointer", "the shape of the code"];

/// What a hint writes for the package that is being checked, which may be a later section's.
const PACKAGE: &str = "<package>";

/// The ports of Prometheus and of the app in the hints, unless the learner has moved them.
const PROMETHEUS: &str = "9090";
const APP: &str = "8001";

/// Give the next hint for the step that failed
///
/// A question first, then a pointer, then the shape of the code.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The section, such as section2 [default: the one you are in]
    section: Option<String>,
}

/// Runs the command.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (course, workspace) = (Course::embedded()?, Workspace::find()?);
    let progress = Progress::load(&workspace);
    let section = progress.pick(course, &workspace, args.section.as_deref())?;
    let (hint, next) = give(&workspace, course, section);
    println!("{hint}\n{next}");
    Ok(ExitCode::SUCCESS)
}

/// The next hint, and what to type after it. It is noted that it was given.
pub(crate) fn give(workspace: &Workspace, course: &Course, section: &Section) -> (String, String) {
    let mut progress = Progress::load(workspace);
    let Some(stuck) = Stuck::at(course, section, &progress) else {
        let all =
            format!("Every check of {} has passed: there is nothing to hint at.", section.slug);
        return (terminal::flow(&all), format!("Next: {}", paint(TYPE, "cargo workshop")));
    };
    let told = match stuck.check.slug == catalog::BUILDS {
        true => of_compile_error(workspace, section).ok().flatten(),
        false => of_finding(workspace, section, stuck.check),
    };
    let told = told.unwrap_or_else(|| Told::of(stuck.check));
    let given = progress.hints(section, stuck.check, &told.topic);
    let settings = Settings::read(workspace.root());
    let app = if section.slug == "section3" { settings.gateway() } else { settings.app() };
    let hints = tiers(section, &told.hints, given, &[settings.prometheus(), app]);
    progress.note_hints(section, stuck.check, &told.topic, (given + 1).min(TIERS.len()));
    if let Err(error) = progress.save(workspace) {
        eprintln!("note: {error:#}. The next hint will be this one again.");
    }
    (format!("{}\n{hints}", stuck.heading(section, told.step)), after(section, given))
}

/// The hints for a case.
struct Told<'a> {
    hints: Vec<String>,
    /// What they are about: with another topic they begin again.
    topic: String,
    /// Where in the lesson a compile error is.
    step: Option<(usize, &'a Step)>,
}

impl Told<'_> {
    /// The hints of a check, whatever it finds.
    fn of(check: &Check) -> Self {
        Self { hints: check.hints.clone(), topic: hints::ANY.to_owned(), step: None }
    }
}

/// Hints for what the last check found, by the learner's file as it is now.
fn of_finding<'a>(workspace: &Workspace, section: &Section, check: &Check) -> Option<Told<'a>> {
    let of_program = !catalog::find(&check.slug)?.method.wants_stack();
    let finding = hints::kept(workspace, section, check).filter(|_| of_program)?;
    let file = Workspace::relative(section, section.files.first()?);
    let text = files::read(&workspace.root().join(file)).ok()??;
    let hints = hints::of(section, check, &finding, &String::from_utf8_lossy(&text));
    Some(Told { hints, topic: hints::topic(&finding), step: None })
}

/// Hints for the first error that the compiler finds now, if it finds one.
fn of_compile_error<'a>(
    workspace: &Workspace,
    section: &'a Section,
) -> anyhow::Result<Option<Told<'a>>> {
    let (root, package) = (workspace.root(), section.package.as_str());
    let build = Build { root, package, bin: None, keep: false, quiet: true };
    let Ok(Built::Failed(errors)) = build.run() else { return Ok(None) };
    let Some(error) = errors.first() else { return Ok(None) };
    let file = section.files.first().map(|file| Workspace::relative(section, file));
    let source = file.and_then(|file| std::fs::read_to_string(root.join(file)).ok());
    let text = compile_errors::text(error)?;
    let title = error.title();
    let question = format!("{title}\n\n    {}\n\n{}", error.text, text.question);
    let instead = compile_errors::instead(section, &source.unwrap_or_default(), error);
    let shape = match instead.is_empty() {
        true => "The finished program has no line there: is there one too many?".to_owned(),
        false => format!("The finished program has there:\n\n{}", instead.join("\n")),
    };
    Ok(Some(Told {
        hints: vec![question, text.pointer.clone(), shape],
        topic: hints::word_for([title.as_str()]),
        step: compile_errors::step(section, &instead, error),
    }))
}

/// The check that a learner needs a hint for.
struct Stuck<'a> {
    owner: &'a Section,
    number: usize,
    step: &'a Step,
    check: &'a Check,
    /// Nothing failed: it is the first that has not passed.
    untried: bool,
}

impl<'a> Stuck<'a> {
    /// The check that the last run stopped at, else the first that has not passed.
    fn at(course: &'a Course, section: &'a Section, progress: &Progress) -> Option<Self> {
        let failed = progress.failed(section).and_then(|slug| course.check(slug));
        if let Some((owner, number, step, check)) = failed {
            return Some(Self { owner, number, step, check, untried: false });
        }
        let all = || section.checks();
        let mut open = all().filter(|(.., check)| {
            !progress.passed(section, check) && !progress.left_out(section, check)
        });
        // Before anything was checked, what the starter does already needs no hint.
        let untouched = all().all(|(.., check)| !progress.passed(section, check));
        let first_work = all().find(|(_, step, _)| step.todo.is_some()).filter(|_| untouched);
        let (number, step, check) = first_work.or_else(|| open.next())?;
        Some(Self { owner: section, number, step, check, untried: true })
    }

    /// Where it is. A program that does not build is the section's own, at the step of the line.
    fn heading(&self, section: &Section, line: Option<(usize, &Step)>) -> String {
        let (own, owner) = (&section.slug, &self.owner.slug);
        let at = |(number, step): (usize, &Step)| format!("step {number}: {}", step.title);
        let step = (self.number, self.step);
        let place = match (self.check.slug == catalog::BUILDS, line) {
            (true, None) => format!("{own}: {}", section.title),
            (true, Some(line)) => format!("{own}, {}", at(line)),
            (false, _) if own == owner => format!("{own}, {}", at(step)),
            (false, _) => format!("{own}, which builds on {owner}, {}", at(step)),
        };
        let check = format!("Check: {}", self.check.title);
        let untried = if self.untried {
            "\nNothing has failed yet: this is the next one to pass."
        } else {
            ""
        };
        let width = terminal::width();
        let place: Vec<String> = wrap(&place, width).iter().map(|line| paint(TYPE, line)).collect();
        format!("{}\n{}", place.join("\n"), reflow(&format!("{check}{untried}"), width))
    }
}

/// The next tier, or all of them again when there is none.
fn tiers(section: &Section, hints: &[String], given: usize, ports: &[u16; 2]) -> String {
    let again = given >= TIERS.len();
    let wanted = if again { 0..TIERS.len() } else { given..given + 1 };
    let [prometheus, app] = ports.map(|port| port.to_string());
    let mut text = String::new();
    for (number, (tier, hint)) in TIERS.iter().zip(hints).enumerate() {
        if wanted.contains(&number) {
            let title = format!("Hint {} of {}, {tier}", number + 1, TIERS.len());
            let hint = hint.replace(PACKAGE, &section.package);
            let hint = with_ports(&hint, [(PROMETHEUS, &prometheus), (APP, &app)]);
            let hint = Shell::HERE.command(&hint);
            let hint = indent(&reflow_prose(&hint, terminal::width() - 2), 2);
            text += &format!("\n{}\n\n{hint}\n", paint(TYPE, title));
        }
    }
    text
}

/// A hint with other ports than the usual ones. One pass: a port may move to where another was.
fn with_ports(hint: &str, moved: [(&str, &str); 2]) -> String {
    let mut text = String::new();
    let mut rest = hint;
    while let Some((at, (usual, port))) =
        moved.iter().filter_map(|moved| Some((rest.find(moved.0)?, moved))).min()
    {
        text.push_str(&rest[..at]);
        text.push_str(port);
        rest = &rest[at + usual.len()..];
    }
    text + rest
}

fn after(section: &Section, given: usize) -> String {
    let slug = &section.slug;
    let check = paint(TYPE, format!("cargo workshop check {slug}"));
    let more = match TIERS.get(given + 1) {
        Some(tier) => {
            let hint = format!("cargo workshop hint {slug}");
            // On a narrow terminal what it will be stands below.
            let broken = hint.len() + tier.len() + 12 > terminal::width();
            let gap = if broken { "\n         " } else { " " };
            format!("{}{gap}({tier})", paint(TYPE, hint))
        }
        None => paint(TYPE, format!("cargo workshop solution {slug}")),
    };
    format!("Next:    {check}\nStuck?   {more}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_may_change_places() {
        let moved = [("9090", "8001"), ("8001", "18001")];
        assert_eq!(with_ports("at 8001, 9090 and 8001", moved), "at 18001, 8001 and 18001");
    }
}
