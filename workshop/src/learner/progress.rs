//! What the learner has done: a plain text file, keyed by slugs, safe to delete.
//!
//! A check calls [`record`]; every other command reads. An entry that this version does not know
//! is kept and ignored. A file that cannot be understood is set aside, never fatal.

mod entry;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::course::{Check, Course, Section};
use crate::learner::files;
use crate::learner::progress::entry::{Entry, Given};
use crate::learner::workspace::Workspace;

/// What the first line says before the format's number.
const TITLE: &str = "cargo workshop progress, format ";

/// What the first line says after it.
const ADVICE: &str = ". Safe to delete: a check writes it again.";

/// The version of the file that this program writes, and the newest that it reads.
const FORMAT: u32 = 1;

/// What follows the slug of the section that was checked last.
const LATEST: &str = "checked-last";

/// Written when doctor has found nothing in the way of section 1.
const EXAMINED: &str = "doctor found-nothing";

/// What has been passed, failed and hinted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    sections: BTreeMap<String, Entry>,
    /// The section that was checked last.
    latest: Option<String>,
    /// Doctor has found nothing in the way of section 1.
    examined: bool,
}

/// What a load found: the progress, and what the learner should be told about the file.
#[derive(Debug, Default)]
pub struct ProgressFile {
    /// What has been done; nothing, when the file could not be understood.
    pub progress: Progress,
    /// Why the file was set aside, and where it is now.
    pub note: Option<String>,
}

/// Writes down what a check of a section found: all that passed, all that was left out because
/// there was nothing to look at, and what failed first. What could not be told is in none of them,
/// and leaves what was known before.
pub fn record(
    workspace: &Workspace,
    section: &Section,
    [passed, left_out]: [&[&str]; 2],
    failed: Option<&str>,
) -> anyhow::Result<()> {
    let mut progress = Progress::load(workspace);
    progress.note(section, passed, failed);
    progress.note_left_out(section, left_out);
    progress.save(workspace)
}

impl Progress {
    /// Reads the progress, and tells the learner on stderr when the file had to be set aside.
    #[must_use]
    pub fn load(workspace: &Workspace) -> Self {
        let loaded = Self::read(workspace);
        if let Some(note) = loaded.note {
            eprintln!("note: {note}");
        }
        loaded.progress
    }

    /// Reads the progress. A file that is damaged or from a newer version is set aside.
    #[must_use]
    pub fn read(workspace: &Workspace) -> ProgressFile {
        let path = path(workspace);
        let unread = |note| ProgressFile { progress: Self::default(), note: Some(note) };
        let text = match files::read(&path) {
            Ok(None) => return ProgressFile::default(),
            Ok(Some(bytes)) => String::from_utf8(bytes).map_err(|_| "is damaged".to_owned()),
            Err(error) => {
                return unread(format!("{error:#}. Going on as if nothing was done yet."));
            }
        };
        match text.and_then(|text| Self::parse(&text)) {
            Ok(progress) => ProgressFile { progress, note: None },
            Err(reason) => unread(set_aside(&path, &reason)),
        }
    }

    /// Writes the progress, in one step.
    pub fn save(&self, workspace: &Workspace) -> anyhow::Result<()> {
        files::replace(&path(workspace), self.to_string().as_bytes())
    }

    /// The section that the learner works on: the one that was checked last, while it is not done;
    /// else the first that is not done.
    #[must_use]
    pub fn current<'a>(&self, course: &'a Course) -> Option<&'a Section> {
        let latest = |section: &&Section| self.latest.as_ref() == Some(&section.slug);
        let mut open = course.sections.iter().filter(|section| !self.done(section));
        open.clone().find(latest).or_else(|| open.next())
    }

    /// The section that a command is about: the one named, else the one whose directory this is,
    /// else the one that is worked on, else the last.
    pub(crate) fn pick<'a>(
        &self,
        course: &'a Course,
        workspace: &Workspace,
        name: Option<&str>,
    ) -> anyhow::Result<&'a Section> {
        if let Some(name) = name {
            return course.section(name);
        }
        let here = std::env::current_dir().and_then(std::path::absolute).ok();
        here.and_then(|path| course.section_at(workspace.root(), &path))
            .or_else(|| self.current(course))
            .or(course.sections.last())
            .context("there is no section")
    }

    /// Nothing is known yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    /// Doctor has found nothing in the way of section 1.
    #[must_use]
    pub(crate) fn examined(&self) -> bool {
        self.examined
    }

    /// Every check of the section has passed or was left out, or `goto` has finished it.
    #[must_use]
    pub fn done(&self, section: &Section) -> bool {
        self.entry(section).is_some_and(|entry| {
            let all = section.checks().all(|(.., check)| entry.settled(&check.slug));
            entry.caught_up || (all && entry.failed.is_none())
        })
    }

    /// `goto` has finished the section.
    #[must_use]
    pub(crate) fn caught_up(&self, section: &Section) -> bool {
        self.entry(section).is_some_and(|entry| entry.caught_up)
    }

    /// A check of the section has passed, the last time it ran.
    #[must_use]
    pub fn passed(&self, section: &Section, check: &Check) -> bool {
        self.entry(section).is_some_and(|entry| entry.passed.contains(&check.slug))
    }

    /// A check of the section was left out, because there was nothing to look at.
    #[must_use]
    pub(crate) fn left_out(&self, section: &Section, check: &Check) -> bool {
        self.entry(section).is_some_and(|entry| entry.left_out.contains(&check.slug))
    }

    /// The check that the last run of the section stopped at. It may be an earlier section's.
    #[must_use]
    pub fn failed(&self, section: &Section) -> Option<&str> {
        self.entry(section)?.failed.as_deref()
    }

    /// How many hints about a topic, a word without blanks, were given for a check of the section.
    /// Those about another one, which were given before, do not count.
    #[must_use]
    pub fn hints(&self, section: &Section, check: &Check, topic: &str) -> usize {
        let given = self.entry(section).and_then(|entry| entry.hints.get(&check.slug));
        let fits = |given: &&Given| given.topic.as_ref().is_none_or(|known| known == topic);
        given.filter(fits).map_or(0, |given| given.number)
    }

    /// In how many runs each check was the one that a run stopped at, in all sections together.
    #[must_use]
    pub fn tries(&self) -> BTreeMap<&str, usize> {
        let mut all = BTreeMap::new();
        for (check, tries) in self.sections.values().flat_map(|entry| &entry.tries) {
            *all.entry(check.as_str()).or_default() += tries;
        }
        all
    }

    /// Remembers what a check of a section found: see [`record`].
    pub fn note(&mut self, section: &Section, passed: &[&str], failed: Option<&str>) {
        self.latest = Some(section.slug.clone());
        let entry = self.entry_mut(section);
        for slug in passed {
            entry.passed.insert((*slug).to_owned());
            entry.hints.remove(*slug);
        }
        // Once the program has got past another section's check, its hints begin again.
        let own = |slug: &String| section.checks().any(|(.., check)| check.slug == *slug);
        entry.hints.retain(|slug, _| failed == Some(slug) || own(slug));
        if let Some(slug) = failed {
            entry.passed.remove(slug);
            *entry.tries.entry(slug.to_owned()).or_default() += 1;
            entry.caught_up = false;
        }
        entry.failed = failed.map(str::to_owned);
    }

    /// Remembers what was left out when a section was checked last.
    fn note_left_out(&mut self, section: &Section, left_out: &[&str]) {
        let entry = self.entry_mut(section);
        entry.left_out = left_out.iter().map(|slug| (*slug).to_owned()).collect();
        entry.passed.retain(|slug| !left_out.contains(&slug.as_str()));
    }

    /// Remembers that so many hints about a topic were given for a check of a section.
    pub(crate) fn note_hints(
        &mut self,
        section: &Section,
        check: &Check,
        topic: &str,
        number: usize,
    ) {
        let given = Given { number, topic: Some(topic.to_owned()) };
        self.entry_mut(section).hints.insert(check.slug.clone(), given);
    }

    /// Remembers that doctor has found nothing in the way of section 1.
    pub(crate) fn note_examined(&mut self) {
        self.examined = true;
    }

    /// Remembers that `goto` has finished a section.
    pub(crate) fn note_caught_up(&mut self, section: &Section) {
        self.entry_mut(section).caught_up = true;
    }

    /// Forgets a section, whose files are back to the starter: it is what is worked on next.
    pub fn forget(&mut self, section: &Section) {
        self.latest = Some(section.slug.clone());
        self.sections.remove(&section.slug);
    }

    /// What is known of a section becomes what `other` knows. What was checked last comes with it,
    /// unless another section was checked since.
    pub(crate) fn copy_from(&mut self, other: &Self, section: &str) {
        let is_here = |it: &Self| it.latest.as_deref() == Some(section);
        if self.latest.is_none() || is_here(self) || is_here(other) {
            self.latest.clone_from(&other.latest);
        }
        match other.sections.get(section) {
            Some(entry) => self.sections.insert(section.to_owned(), entry.clone()),
            None => self.sections.remove(section),
        };
    }

    /// Reads the text of a progress file; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        let first = lines.next().and_then(|line| line.strip_prefix(TITLE));
        let format = first.and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
        match format {
            None => return Err("is damaged: its first line does not say what it is".to_owned()),
            Some(newer) if newer > FORMAT => {
                return Err(format!(
                    "is from a newer version (format {newer}, and this one reads {FORMAT})"
                ));
            }
            Some(_) => {}
        }
        if text.contains('\0') {
            return Err("is damaged: it is not text".to_owned());
        }
        let mut progress = Self::default();
        for line in lines {
            let line = line.trim_end();
            let Some((section, rest)) = line.split_once(' ') else {
                continue;
            };
            match rest {
                _ if line == EXAMINED => progress.examined = true,
                LATEST => progress.latest = Some(section.to_owned()),
                _ => progress.sections.entry(section.to_owned()).or_default().read(rest),
            }
        }
        Ok(progress)
    }

    fn entry(&self, section: &Section) -> Option<&Entry> {
        self.sections.get(&section.slug)
    }

    fn entry_mut(&mut self, section: &Section) -> &mut Entry {
        self.sections.entry(section.slug.clone()).or_default()
    }
}

impl std::fmt::Display for Progress {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(out, "{TITLE}{FORMAT}{ADVICE}")?;
        if self.examined {
            writeln!(out, "{EXAMINED}")?;
        }
        for (section, entry) in &self.sections {
            for line in entry.lines() {
                writeln!(out, "{section} {line}")?;
            }
        }
        if let Some(latest) = &self.latest {
            writeln!(out, "{latest} {LATEST}")?;
        }
        Ok(())
    }
}

/// Where the progress is kept.
#[must_use]
pub fn path(workspace: &Workspace) -> PathBuf {
    workspace.state().join("progress.txt")
}

fn set_aside(path: &Path, reason: &str) -> String {
    let free = (1..).map(|number| path.with_extension(format!("set-aside-{number}.txt")));
    let aside = free.into_iter().find(|aside| !aside.exists());
    let Some(aside) = aside else {
        return format!("{} {reason}", path.display());
    };
    let said = match fs::rename(path, &aside) {
        Ok(()) => format!("It was set aside as {}", aside.display()),
        Err(error) => format!("It could not be set aside ({error})"),
    };
    format!("{} {reason}. {said}, and progress starts again.", path.display())
}
