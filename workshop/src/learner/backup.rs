//! Files as they were before a command changed them, and the progress that went with them.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};

use crate::learner::progress::Progress;
use crate::learner::workspace;
use crate::learner::workspace::Workspace;

/// What the first line of a backup's list says before the format's number.
const TITLE: &str = "cargo workshop backup, format 1: before `cargo workshop ";

/// The list of what a backup holds, beside its files.
const LIST: &str = "backup.txt";

/// What was there before a command changed it.
#[derive(Debug)]
pub(crate) struct Backup {
    /// The command that was about to change the files, without `cargo workshop`.
    pub command: String,
    /// Each file's path from the root, and what it held; `None` when there was no such file.
    pub files: Vec<(String, Option<Vec<u8>>)>,
    /// The slugs of the sections that the command was about.
    pub sections: Vec<String>,
    /// The progress in these sections.
    pub progress: Progress,
}

impl Backup {
    /// Writes the backup, and returns its name: the date (UTC) and the command.
    pub(crate) fn keep(&self, workspace: &Workspace) -> anyhow::Result<String> {
        let (name, directory) = self.make_directory(workspace)?;
        let written = self.write(&directory);
        if written.is_err() {
            // Half a backup is worse than none: it looks like one.
            let _ = fs::remove_dir_all(&directory);
        }
        written.with_context(|| format!("cannot keep a backup in {}", shown(&name)))?;
        Ok(name)
    }

    /// Reads a backup by its name.
    pub(crate) fn open(workspace: &Workspace, name: &str) -> anyhow::Result<Self> {
        let names = list(workspace)?;
        ensure!(
            names.iter().any(|known| known == name),
            "there is no backup `{name}`; `cargo workshop undo --list` shows them"
        );
        let directory = backups(workspace).join(name);
        Self::read(&directory).with_context(|| format!("cannot use the backup {}", shown(name)))
    }

    fn make_directory(&self, workspace: &Workspace) -> anyhow::Result<(String, PathBuf)> {
        let parent = backups(workspace);
        fs::create_dir_all(&parent)
            .with_context(|| format!("cannot make the directory {}", parent.display()))?;
        // What an undo undoes has a long name already.
        let what = match self.command.split_once(' ') {
            Some(("undo", _)) => "undo".to_owned(),
            _ => self.command.replace(' ', "-"),
        };
        let stem = format!("{}-{what}", stamp(SystemTime::now()));
        for number in 1..100 {
            // Two commands at the same time each get a directory of their own.
            let name = if number == 1 { stem.clone() } else { format!("{stem}-{number}") };
            let directory = parent.join(&name);
            match fs::create_dir(&directory) {
                Ok(()) => return Ok((name, directory)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(error).with_context(|| {
                        format!("cannot make the directory {}", directory.display())
                    });
                }
            }
        }
        bail!("there are too many backups of this moment")
    }

    fn write(&self, directory: &Path) -> anyhow::Result<()> {
        let mut list = format!("{TITLE}{}`\n", self.command);
        for section in &self.sections {
            list += &format!("section {section}\n");
        }
        for (path, contents) in &self.files {
            match contents {
                Some(contents) => {
                    workspace::replace(&directory.join("files").join(path), contents)?;
                    list += &format!("kept {path}\n");
                }
                None => list += &format!("absent {path}\n"),
            }
        }
        let progress = self.progress.to_string();
        workspace::replace(&directory.join("progress.txt"), progress.as_bytes())?;
        workspace::replace(&directory.join(LIST), list.as_bytes())
    }

    fn read(directory: &Path) -> anyhow::Result<Self> {
        let list = fs::read_to_string(directory.join(LIST))
            .with_context(|| format!("cannot read its {LIST}"))?;
        let mut lines = list.lines();
        let command = lines
            .next()
            .and_then(|line| line.strip_prefix(TITLE)?.strip_suffix('`'))
            .with_context(|| format!("the first line of its {LIST} does not say what it is"))?;
        let progress = fs::read_to_string(directory.join("progress.txt")).unwrap_or_default();
        let mut backup = Self {
            command: command.to_owned(),
            files: Vec::new(),
            sections: Vec::new(),
            progress: Progress::parse(&progress).unwrap_or_default(),
        };
        for line in lines {
            match line.split_once(' ') {
                Some(("section", slug)) => backup.sections.push(slug.to_owned()),
                Some(("kept", path)) => {
                    check_inside(path)?;
                    let file = directory.join("files").join(path);
                    let contents =
                        fs::read(&file).with_context(|| format!("cannot read its {path}"))?;
                    backup.files.push((path.to_owned(), Some(contents)));
                }
                Some(("absent", path)) => {
                    check_inside(path)?;
                    backup.files.push((path.to_owned(), None));
                }
                _ => {}
            }
        }
        Ok(backup)
    }
}

/// The names of all complete backups, oldest first.
pub(crate) fn list(workspace: &Workspace) -> anyhow::Result<Vec<String>> {
    let directory = backups(workspace);
    let entries = match fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", directory.display()));
        }
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            entry.path().join(LIST).is_file().then(|| entry.file_name().into_string().ok())?
        })
        .collect();
    names.sort();
    Ok(names)
}

/// A backup's path as the learner reads it.
#[must_use]
pub(crate) fn shown(name: &str) -> String {
    format!(".workshop/backups/{name}")
}

fn backups(workspace: &Workspace) -> PathBuf {
    workspace.state().join("backups")
}

/// A list that was tampered with must not write outside of the workshop.
fn check_inside(path: &str) -> anyhow::Result<()> {
    let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    ensure!(inside && !path.is_empty(), "it names {path:?}, which is not in the workshop");
    Ok(())
}

/// The date and time in UTC, in letters that every file system takes, and that sort by age.
fn stamp(time: SystemTime) -> String {
    let elapsed = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (seconds, thousandths) = (elapsed.as_secs(), elapsed.subsec_millis());
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}{minute:02}{second:02}.{thousandths:03}Z")
}

/// The date of a day counted from 1970-01-01.
fn date(mut days: u64) -> (u64, u64, u64) {
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_the_date_and_time() {
        let at = |seconds| stamp(UNIX_EPOCH + Duration::from_secs_f64(seconds));
        assert_eq!(at(0.0), "1970-01-01T000000.000Z");
        assert_eq!(at(951_782_400.5), "2000-02-29T000000.500Z");
        assert_eq!(at(1_709_251_199.0), "2024-02-29T235959.000Z");
        assert_eq!(at(1_798_761_599.0), "2026-12-31T235959.000Z");
        assert_eq!(at(4_107_542_400.0), "2100-03-01T000000.000Z");
    }

    #[test]
    fn a_backup_writes_nowhere_else() {
        for path in ["section1-expose/src/main.rs", "a"] {
            assert!(check_inside(path).is_ok(), "{path}");
        }
        for path in ["", "../a", "/etc/passwd", "a/../../b", "./a/.."] {
            assert!(check_inside(path).is_err(), "{path}");
        }
    }
}
