//! What the workshop consists of: the sections, steps, checks, hints and minutes of sections.toml.
//!
//! The file is embedded, so nothing has to be found at run time, and it is validated as a whole: a
//! mistake in it is an error that names the place, never a hint that is silently missing.

use std::collections::HashSet;
use std::path::Path;
use std::sync::OnceLock;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

/// The metadata file, as it was when the program was built.
const EMBEDDED: &str = include_str!("../sections.toml");

/// The version of sections.toml that this program reads.
const FORMAT: u32 = 1;

/// A hint's lines stand indented by two on a screen of 80 columns.
const HINT_COLUMNS: usize = 78;

/// A comment of the starter stands indented by up to twelve, in lines of at most 100 columns.
const TODO_COLUMNS: usize = 80;

/// What fits between a step's number and its minutes.
const TITLE_COLUMNS: usize = 42;

/// A question, a pointer, and the shape of the code.
const HINTS: usize = 3;

/// A TODO comment says what to do; how to do it is the lesson's to tell.
const TODO_LINES: usize = 2;

/// All sections, in the order in which they are taught.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Course {
    format: u32,
    /// The sections, first to last.
    #[serde(rename = "section")]
    pub sections: Vec<Section>,
}

/// One lesson: a package that the learner edits.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// What the learner types, and the key of the progress: `section2`.
    pub slug: String,
    /// Its cargo package, which is also its directory under the root.
    pub package: String,
    /// What it is about, in a few words.
    pub title: String,
    /// What the learner can do after it, in half a sentence.
    pub learnt: String,
    /// The `//!` lines of its starter, without their mark.
    pub header: Vec<String>,
    /// The files that the learner edits; the first is the program.
    #[serde(rename = "file")]
    pub files: Vec<LearnerFile>,
    /// Its steps, as its README numbers them from 1.
    #[serde(rename = "step")]
    pub steps: Vec<Step>,
}

/// A file that belongs to the learner.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearnerFile {
    /// Its path in the section's package.
    pub path: String,
    /// The path of its finished state, from the root.
    pub solution: String,
    /// The path of its first state, from the root. Without one it is generated from the solution
    /// of the section before: see `learner::starter`.
    pub starter: Option<String>,
    /// Its first state is the solution's questions, without the answers.
    #[serde(default)]
    pub questions: bool,
}

/// One thing to do, under one heading of the section's README.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The heading, without `Step N:`.
    pub title: String,
    /// The lines of its TODO comment in the starter.
    pub todo: Option<Vec<String>>,
    /// How the line begins that the TODO comment stands before, in the solution before.
    pub before: Option<String>,
    /// The path of the file that this step changes, as it is at its end, from the root.
    pub end: Option<String>,
    /// What is judged, in this order.
    #[serde(rename = "check")]
    pub checks: Vec<Check>,
}

/// One thing that is judged about the learner's program.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Its name in the code, in the progress and on the screen. No two sections share one.
    pub slug: String,
    /// What holds when it passes.
    pub title: String,
    /// How long a learner needs for it.
    pub minutes: u32,
    /// In tiers: a question, a pointer, and the shape of the code.
    pub hints: Vec<String>,
    /// What there is to know of one that is answered in PromQL.
    pub question: Option<Question>,
}

/// A question of section 3. What is asked, and the finished answer, stand in the solution's file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// What data there must be for the question to make sense.
    pub needs: String,
    /// Asked of those who have done the bonus: it may stay open.
    #[serde(default)]
    pub bonus: bool,
    /// Asked about a time without any data as well, because its answer is empty on a good day.
    #[serde(default)]
    pub before_everything: bool,
    /// A label that has to be named, even when the result is the same without.
    pub about: Option<String>,
}

impl Course {
    /// The course that this program was built with.
    pub fn embedded() -> anyhow::Result<&'static Self> {
        static COURSE: OnceLock<Result<Course, String>> = OnceLock::new();
        COURSE
            .get_or_init(|| Self::parse(EMBEDDED).map_err(|error| format!("{error:#}")))
            .as_ref()
            .map_err(|error| anyhow::anyhow!("sections.toml: {error}"))
    }

    /// Reads a course, and says where it is wrong if it is.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let course: Self = toml::from_str(text)?;
        ensure!(
            course.format == FORMAT,
            "format is {}, and this program reads format {FORMAT}",
            course.format
        );
        ensure!(!course.sections.is_empty(), "there is no section");
        let mut slugs = HashSet::new();
        let mut checks = HashSet::new();
        for section in &course.sections {
            section
                .validate(&mut slugs, &mut checks)
                .with_context(|| format!("section `{}`", section.slug))?;
        }
        Ok(course)
    }

    /// The section of a slug, its short form, or a package, which a shell may complete to a path.
    pub fn section(&self, name: &str) -> anyhow::Result<&Section> {
        let name = name.trim_end_matches(['/', '\\']);
        let found = self.sections.iter().find(|section| section.is_called(name));
        found.map_or_else(|| bail!("{}", self.unknown(name)), Ok)
    }

    /// The section whose directory `path` is in, if it is in one.
    #[must_use]
    pub(crate) fn section_at(&self, root: &Path, path: &Path) -> Option<&Section> {
        let inside = path.strip_prefix(root).ok()?;
        let directory = inside.components().next()?.as_os_str().to_str()?;
        self.sections.iter().find(|section| section.package == directory)
    }

    /// The section that is taught before another.
    #[must_use]
    pub fn before(&self, section: &Section) -> Option<&Section> {
        let position = self.position(section)?;
        position.checked_sub(1).and_then(|before| self.sections.get(before))
    }

    /// The section that is taught after another.
    #[must_use]
    pub fn after(&self, section: &Section) -> Option<&Section> {
        self.sections.get(self.position(section)? + 1)
    }

    /// The check of a slug, with the step it belongs to, its number, and the section.
    #[must_use]
    pub fn check(&self, slug: &str) -> Option<(&Section, usize, &Step, &Check)> {
        self.sections.iter().find_map(|section| {
            let (number, step, check) = section.checks().find(|(.., check)| check.slug == slug)?;
            Some((section, number, step, check))
        })
    }

    /// How long all of it takes.
    #[must_use]
    pub fn minutes(&self) -> u32 {
        self.sections.iter().map(Section::minutes).sum()
    }

    fn position(&self, section: &Section) -> Option<usize> {
        self.sections.iter().position(|other| other.slug == section.slug)
    }

    fn unknown(&self, name: &str) -> String {
        let nearest = self
            .sections
            .iter()
            .flat_map(|section| [&section.slug, &section.package])
            .map(|known| (strsim::damerau_levenshtein(&name.to_lowercase(), known), known))
            .min()
            .filter(|(distance, _)| *distance <= 3);
        let meant = nearest.map(|(_, known)| format!("; did you mean `{known}`?"));
        let mut message = format!("there is no section `{name}`{}", meant.unwrap_or_default());
        message += "\n\nThe sections are:";
        for section in &self.sections {
            message += &format!("\n  {:<10} {}", section.slug, section.title);
        }
        message
    }
}

impl Section {
    /// How long it takes.
    #[must_use]
    pub fn minutes(&self) -> u32 {
        self.steps.iter().map(Step::minutes).sum()
    }

    /// Its checks in order, each with its step and the step's number, which starts at 1.
    pub fn checks(&self) -> impl Iterator<Item = (usize, &Step, &Check)> {
        self.steps
            .iter()
            .enumerate()
            .flat_map(|(index, step)| step.checks.iter().map(move |check| (index + 1, step, check)))
    }

    fn is_called(&self, name: &str) -> bool {
        // `1` and `s1` are short for `section1`.
        let short = self.slug.replace("section", "s");
        let name = name.to_lowercase();
        self.slug == name || self.package == name || short == name || short == format!("s{name}")
    }

    fn validate<'a>(
        &'a self,
        slugs: &mut HashSet<&'a str>,
        checks: &mut HashSet<&'a str>,
    ) -> anyhow::Result<()> {
        check_slug(&self.slug)?;
        ensure!(slugs.insert(&self.slug), "another section has this slug");
        ensure!(!self.title.is_empty(), "title is empty");
        ensure!(!self.header.is_empty(), "header is empty");
        ensure!(!self.files.is_empty(), "there is no file");
        let generated = self.files.iter().filter(|file| file.is_generated()).count();
        ensure!(
            generated == 1 && self.files[0].is_generated(),
            "the first file, and no other, has a generated starter"
        );
        ensure!(!self.steps.is_empty(), "there is no step");
        for (index, step) in self.steps.iter().enumerate() {
            step.validate(checks)
                .with_context(|| format!("step {} ({})", index + 1, step.title))?;
        }
        Ok(())
    }
}

impl LearnerFile {
    /// Its first state is made from the solution of the section before.
    #[must_use]
    pub(crate) fn is_generated(&self) -> bool {
        self.starter.is_none() && !self.questions
    }
}

impl Step {
    /// How long it takes.
    #[must_use]
    pub fn minutes(&self) -> u32 {
        self.checks.iter().map(|check| check.minutes).sum()
    }

    fn validate<'a>(&'a self, checks: &mut HashSet<&'a str>) -> anyhow::Result<()> {
        ensure!(!self.title.is_empty(), "title is empty");
        check_columns("title", [self.title.as_str()].into_iter(), TITLE_COLUMNS)?;
        ensure!(!self.checks.is_empty(), "there is no check");
        match (&self.todo, &self.before) {
            (None, None) => {}
            (Some(todo), Some(_)) => {
                let lines = todo.len();
                ensure!(
                    (1..=TODO_LINES).contains(&lines),
                    "todo has {lines} lines, and may have 1 to {TODO_LINES}"
                );
                check_columns("todo", todo.iter().map(String::as_str), TODO_COLUMNS)?;
            }
            (Some(_), None) => bail!("todo says nothing of the line it stands before"),
            (None, Some(_)) => bail!("before is there, and no todo"),
        }
        for check in &self.checks {
            check.validate(checks).with_context(|| format!("check `{}`", check.slug))?;
        }
        Ok(())
    }
}

impl Check {
    fn validate<'a>(&'a self, checks: &mut HashSet<&'a str>) -> anyhow::Result<()> {
        check_slug(&self.slug)?;
        ensure!(checks.insert(&self.slug), "another check has this slug");
        ensure!(!self.title.is_empty(), "title is empty");
        ensure!(
            (1..=60).contains(&self.minutes),
            "minutes is {}, and must be 1 to 60",
            self.minutes
        );
        let hints = self.hints.len();
        ensure!(hints == HINTS, "there are {hints} hints, and must be {HINTS}");
        for (index, hint) in self.hints.iter().enumerate() {
            ensure!(!hint.trim().is_empty(), "hint {} is empty", index + 1);
            check_columns("hint", hint.lines(), HINT_COLUMNS)?;
        }
        Ok(())
    }
}

fn check_slug(slug: &str) -> anyhow::Result<()> {
    let fits =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    ensure!(
        !slug.is_empty() && slug.chars().all(fits),
        "slug `{slug}` is not made of lowercase letters, digits and `-`"
    );
    Ok(())
}

fn check_columns<'a>(
    what: &str,
    mut lines: impl Iterator<Item = &'a str>,
    most: usize,
) -> anyhow::Result<()> {
    match lines.find(|line| line.chars().count() > most) {
        Some(line) => bail!("{what} has a line longer than {most} columns: {line:?}"),
        None => Ok(()),
    }
}
