//! `cargo workshop puzzle`: a broken program in place of the learner's, to be repaired.

use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::course::{Course, Section};
use crate::learner::plan::{Plan, PlanOutcome};
use crate::learner::progress::Progress;
use crate::learner::puzzles::{self, Puzzles};
use crate::learner::starter;
use crate::learner::workspace::Workspace;
use crate::terminal::prose;
use crate::terminal::style::{GOOD, TYPE, paint};

const EMBEDDED: &str = include_str!("../../puzzles.toml");
const CORPUS: &str = include_str!("../../tests/broken/programs.toml");

/// Repair a broken program, which is put in place of yours (yours is kept)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The section [default: the last one that you have done]
    section: Option<String>,
    /// Say what it is, and how to get your own file back
    #[arg(long)]
    give_up: bool,
    /// Do it without a question
    #[arg(long, short)]
    yes: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    puzzle: Vec<Puzzle>,
}

/// One puzzle.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Puzzle {
    /// Its program's name in the corpus.
    program: String,
    /// From 1, seen at once, to 3.
    level: u8,
    symptom: String,
    was: String,
    #[serde(skip)]
    section: String,
    #[serde(skip)]
    changes: Vec<Change>,
}

#[derive(Debug, Deserialize)]
struct Corpus {
    program: Vec<Program>,
}

#[derive(Debug, Deserialize)]
struct Program {
    name: String,
    section: String,
    change: Vec<Change>,
}

/// In the section's solution, one text becomes another.
#[derive(Debug, Clone, Deserialize)]
struct Change {
    old: String,
    new: String,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (course, workspace) = (Course::embedded()?, Workspace::find()?);
    let mut puzzles = Puzzles::load(&workspace);
    if args.give_up {
        return give_up(&workspace, &mut puzzles);
    }
    if let Some((section, name)) = &puzzles.open {
        println!("{}", heading(find(name)?));
        say!("This one is open still, in {section}.");
        next(section);
        return Ok(ExitCode::SUCCESS);
    }
    let progress = Progress::load(&workspace);
    let section = match args.section.as_deref() {
        Some(name) => course.section(name)?,
        None => last_done(course, &progress)?,
    };
    let puzzle = draw(section, &puzzles.given)?;
    let file = section.files.first().context("the section has no file")?;
    let mut plan = Plan::new(&workspace, format!("puzzle {}", section.slug));
    plan.about(&section.slug);
    let program = puzzle.applied(&starter::finished(section, file)?)?;
    plan.set(section, file, program, "a broken program")?;
    if plan.carry_out(args.yes, |_| {})? == PlanOutcome::Declined {
        return Ok(ExitCode::FAILURE);
    }
    puzzles.given.retain(|name| *name != puzzle.program);
    puzzles.given.push(puzzle.program.clone());
    puzzles.open = Some((section.slug.clone(), puzzle.program.clone()));
    puzzles.save(&workspace)?;
    println!("\n{}", heading(puzzle));
    next(&section.slug);
    Ok(ExitCode::SUCCESS)
}

fn give_up(workspace: &Workspace, puzzles: &mut Puzzles) -> anyhow::Result<ExitCode> {
    let Some((section, name)) = puzzles.open.take() else {
        bail!("no puzzle is open; `cargo workshop puzzle` gives one");
    };
    puzzles.save(workspace)?;
    println!("{}", prose(&find(&name)?.was, 2));
    let solution = format!("cargo workshop solution {section}");
    say!("\nThe line that it was: {}", paint(TYPE, solution));
    say!("Your own file again:  {}", paint(TYPE, "cargo workshop undo"));
    Ok(ExitCode::SUCCESS)
}

/// After a check: a puzzle that passes is solved. Whether there was one, so that what passed is not
/// taken for the learner's own.
pub(crate) fn judged(workspace: &Workspace, section: &str, passes: bool) -> anyhow::Result<bool> {
    let Some(name) = puzzles::open_in(workspace, section) else { return Ok(false) };
    if passes {
        puzzles::close(workspace)?;
        println!("\n{}\n", paint(GOOD, "The puzzle is solved."));
        println!("{}", prose(&find(&name)?.was, 2));
        say!("\nYour own file again: {}", paint(TYPE, "cargo workshop undo"));
        say!("Another puzzle:      {}", paint(TYPE, "cargo workshop puzzle"));
    }
    Ok(true)
}

fn heading(puzzle: &Puzzle) -> String {
    format!("A colleague says:\n\n{}\n", prose(&puzzle.symptom, 2))
}

fn next(section: &str) {
    say!("Repair it, then: {}", paint(TYPE, format!("cargo workshop check {section}")));
    say!("Give up:         {}", paint(TYPE, "cargo workshop puzzle --give-up"));
}

/// A puzzle stands on what was learnt: the last section that is done and has some.
fn last_done<'a>(course: &'a Course, progress: &Progress) -> anyhow::Result<&'a Section> {
    let all = all()?;
    let has_some = |section: &&Section| all.iter().any(|puzzle| puzzle.section == section.slug);
    let mut sections = course.sections.iter().rev().filter(has_some);
    let done = sections.find(|section| progress.done(section));
    done.context(
        "puzzles are about what you have done, and no section is done yet. Name one all the \
         same, if you like: cargo workshop puzzle section1",
    )
}

/// One that was not given yet, the easier ones first; when all were, the one given longest ago.
fn draw<'a>(section: &Section, given: &[String]) -> anyhow::Result<&'a Puzzle> {
    let of_section = all()?.iter().filter(|puzzle| puzzle.section == section.slug);
    let mut new: Vec<&Puzzle> =
        of_section.clone().filter(|puzzle| !given.contains(&puzzle.program)).collect();
    let easiest = new.iter().map(|puzzle| puzzle.level).min();
    new.retain(|puzzle| Some(puzzle.level) == easiest);
    let chance = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.subsec_nanos());
    if !new.is_empty() {
        return Ok(new[chance as usize % new.len()]);
    }
    let age = |puzzle: &&Puzzle| given.iter().position(|name| *name == puzzle.program);
    of_section
        .min_by_key(age)
        .with_context(|| format!("there is no puzzle for {}: it has no program", section.slug))
}

fn find(name: &str) -> anyhow::Result<&'static Puzzle> {
    let puzzle = all()?.iter().find(|puzzle| puzzle.program == name);
    puzzle.with_context(|| format!("there is no puzzle `{name}` any more"))
}

fn all() -> anyhow::Result<&'static [Puzzle]> {
    static PUZZLES: OnceLock<Result<Vec<Puzzle>, String>> = OnceLock::new();
    match PUZZLES.get_or_init(|| read().map_err(|error| format!("{error:#}"))) {
        Ok(puzzles) => Ok(puzzles),
        Err(error) => bail!("puzzles.toml: {error}"),
    }
}

fn read() -> anyhow::Result<Vec<Puzzle>> {
    let mut puzzles = toml::from_str::<File>(EMBEDDED)?.puzzle;
    let corpus: Corpus = toml::from_str(CORPUS)?;
    for puzzle in &mut puzzles {
        let program = corpus.program.iter().find(|program| program.name == puzzle.program);
        let program = program.with_context(|| format!("no program {}", puzzle.program))?;
        puzzle.section.clone_from(&program.section);
        puzzle.changes.clone_from(&program.change);
        ensure!((1..=3).contains(&puzzle.level), "{}: level is 1 to 3", puzzle.program);
    }
    Ok(puzzles)
}

impl Puzzle {
    /// The solution, broken.
    fn applied(&self, solution: &str) -> anyhow::Result<String> {
        let mut program = solution.to_owned();
        for Change { old, new } in &self.changes {
            ensure!(program.contains(old.as_str()), "{}: {old:?} is not there", self.program);
            program = program.replacen(old.as_str(), new, 1);
        }
        Ok(program)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_puzzle_changes_its_solution_and_fits_on_a_screen() {
        let course = Course::embedded().unwrap();
        let all = all().unwrap();
        assert!(all.len() >= 20);
        for puzzle in all {
            let section = course.section(&puzzle.section).unwrap();
            let solution = starter::finished(section, &section.files[0]).unwrap();
            assert_ne!(puzzle.applied(&solution).unwrap(), solution, "{}", puzzle.program);
            for text in [&puzzle.symptom, &puzzle.was] {
                assert!(text.lines().all(|line| line.chars().count() <= 78), "{text}");
            }
        }
    }

    #[test]
    fn none_comes_twice_before_all_have_come() {
        let section = Course::embedded().unwrap().section("section2").unwrap();
        let count = all().unwrap().iter().filter(|puzzle| puzzle.section == "section2").count();
        let mut given: Vec<String> = Vec::new();
        let mut level = 0;
        for _ in 0..count {
            let puzzle = draw(section, &given).unwrap();
            assert!(!given.contains(&puzzle.program), "{} again", puzzle.program);
            assert!(puzzle.level >= level, "an easier one after a harder one");
            level = puzzle.level;
            given.push(puzzle.program.clone());
        }
        assert_eq!(draw(section, &given).unwrap().program, given[0]);
    }
}
