//! Files as they were before a command changed them, and the progress that went with them.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};

use crate::learner::files;
use crate::learner::progress::Progress;
use crate::learner::workspace::Workspace;

/// What the first line of a backup's list says before the format's number.
const TITLE: &str = "cargo workshop backup, format 1: before `cargo workshop ";

/// What stands before the backup's number, in its list.
const NUMBER: &str = "number ";

/// What stands before the restored backup's name, in the command of an undo.
pub(crate) const UNDO: &str = "undo ";

/// The directory of a backup that is not whole yet.
pub(crate) const UNNAMED: &str = "backup";

/// The list of what a backup holds, beside its files.
const LIST: &str = "backup.txt";

/// Where its files are, each under its path from the root.
const FILES: &str = "files";

/// What was there before a command changed it.
#[derive(Debug, Default)]
pub(crate) struct Backup {
    /// Which one it is, from 1 in the order in which they were made; a clock may be set back.
    number: u64,
    /// The command that was about to change the files, without `cargo workshop`.
    pub command: String,
    /// Each file's path from the root, and what it held; `None` when there was no such file.
    pub files: Vec<(String, Option<Vec<u8>>)>,
    /// The slugs of the sections that the command was about.
    pub sections: Vec<String>,
    /// The progress in these sections.
    pub progress: Progress,
}

/// A backup in the list of all.
#[derive(Debug)]
pub(crate) struct BackupEntry {
    /// Its name.
    pub name: String,
    number: u64,
    /// The command that it was made before; empty when its list is damaged.
    pub command: String,
}

impl BackupEntry {
    fn read(name: String, list: &str) -> Self {
        let number = list.lines().find_map(|line| line.strip_prefix(NUMBER)?.parse().ok());
        let command = list.lines().next().and_then(command_of).unwrap_or_default().to_owned();
        // Backups of earlier versions have no number, and come first.
        Self { name, number: number.unwrap_or(0), command }
    }

    /// The name of the backup that an undo has restored, if this is one that an undo has made.
    pub(crate) fn undone(&self) -> Option<&str> {
        self.command.strip_prefix(UNDO)
    }
}

impl Backup {
    /// What a command is about to change.
    pub(crate) fn before(command: &str) -> Self {
        Self { command: command.to_owned(), ..Self::default() }
    }

    /// Writes the backup, and returns its name: the date (UTC) and the command.
    pub(crate) fn keep(&mut self, workspace: &Workspace) -> anyhow::Result<String> {
        let parent = backups(workspace);
        fs::create_dir_all(&parent)
            .with_context(|| format!("cannot make the directory {}", parent.display()))?;
        self.number = list(workspace)?.last().map_or(0, |newest| newest.number) + 1;
        // Half a backup is worse than none: it gets its name when it is whole.
        let directory = files::beside(&parent.join(UNNAMED));
        let kept = self.write(&directory).and_then(|()| self.name(&parent, &directory));
        if kept.is_err() {
            let _ = fs::remove_dir_all(&directory);
        }
        kept.with_context(|| format!("cannot keep a backup in {}", parent.display()))
    }

    /// Reads a backup by its name.
    pub(crate) fn open(workspace: &Workspace, name: &str) -> anyhow::Result<Self> {
        let directory = backups(workspace).join(name);
        ensure!(
            is_name(name) && directory.join(LIST).is_file(),
            "there is no backup `{name}`; `cargo workshop undo --list` shows them"
        );
        Self::read(&directory).with_context(|| format!("cannot use the backup {}", shown(name)))
    }

    /// Takes the file itself in, in place of the copy that was made before it left its own place:
    /// it may have been saved since, and whoever still writes to it writes into the backup.
    pub(crate) fn take_in(
        &mut self,
        workspace: &Workspace,
        name: &str,
        (path, newer): (&str, &Path),
    ) -> anyhow::Result<()> {
        let directory = backups(workspace).join(name);
        let file = directory.join(FILES).join(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        if fs::rename(newer, &file).is_err() {
            // The file is behind a link, on another disk.
            fs::copy(newer, &file)
                .with_context(|| format!("what you saved is in {}", newer.display()))?;
            fs::remove_file(newer)?;
        }
        if let Some((_, contents @ None)) = self.files.iter_mut().find(|(known, _)| known == path) {
            *contents = Some(Vec::new());
            files::replace(&directory.join(LIST), self.list().as_bytes())?;
        }
        Ok(())
    }

    /// Gives the directory of a whole backup its name.
    fn name(&self, parent: &Path, directory: &Path) -> anyhow::Result<String> {
        // What an undo undoes has a long name already.
        let what = match self.command.starts_with(UNDO) {
            true => "undo".to_owned(),
            false => self.command.replace(' ', "-"),
        };
        let stem = format!("{}-{what}", stamp(SystemTime::now()));
        for number in 1..100 {
            // Two commands at the same time each get a directory of their own.
            let name = if number == 1 { stem.clone() } else { format!("{stem}-{number}") };
            let place = parent.join(&name);
            if !place.exists() && fs::rename(directory, &place).is_ok() {
                return Ok(name);
            }
        }
        bail!("there are too many backups of this moment")
    }

    fn write(&self, directory: &Path) -> anyhow::Result<()> {
        for (path, contents) in &self.files {
            if let Some(contents) = contents {
                files::replace(&directory.join(FILES).join(path), contents)?;
            }
        }
        files::replace(&directory.join("progress.txt"), self.progress.to_string().as_bytes())?;
        files::replace(&directory.join(LIST), self.list().as_bytes())
    }

    /// The text of the list.
    fn list(&self) -> String {
        let mut list = format!("{TITLE}{}`\n{NUMBER}{}\n", self.command, self.number);
        for section in &self.sections {
            list += &format!("section {section}\n");
        }
        for (path, contents) in &self.files {
            let word = if contents.is_some() { "kept" } else { "absent" };
            list += &format!("{word} {path}\n");
        }
        list
    }

    fn read(directory: &Path) -> anyhow::Result<Self> {
        let list = fs::read_to_string(directory.join(LIST))
            .with_context(|| format!("cannot read its {LIST}"))?;
        let mut lines = list.lines();
        let command = lines
            .next()
            .and_then(command_of)
            .with_context(|| format!("the first line of its {LIST} does not say what it is"))?;
        let progress = fs::read_to_string(directory.join("progress.txt")).unwrap_or_default();
        let mut backup = Self {
            command: command.to_owned(),
            progress: Progress::parse(&progress).unwrap_or_default(),
            ..Self::default()
        };
        for line in lines {
            match line.split_once(' ') {
                Some(("section", slug)) => backup.sections.push(slug.to_owned()),
                Some(("kept", path)) => {
                    check_inside(path)?;
                    let file = directory.join(FILES).join(path);
                    let contents = files::read(&file)?;
                    let contents = contents.with_context(|| format!("it has no {path}"))?;
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

/// All complete backups, oldest first.
pub(crate) fn list(workspace: &Workspace) -> anyhow::Result<Vec<BackupEntry>> {
    let directory = backups(workspace);
    let entries = match fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", directory.display()));
        }
    };
    let mut listed: Vec<BackupEntry> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok().filter(|name| is_name(name))?;
            let list = files::read(&entry.path().join(LIST)).ok()??;
            Some(BackupEntry::read(name, &String::from_utf8_lossy(&list)))
        })
        .collect();
    listed.sort_by(|one, other| (one.number, &one.name).cmp(&(other.number, &other.name)));
    Ok(listed)
}

/// A backup's path as the learner reads it.
#[must_use]
pub(crate) fn shown(name: &str) -> String {
    format!(".workshop/backups/{name}")
}

/// The command that the first line of a list names.
fn command_of(line: &str) -> Option<&str> {
    line.strip_prefix(TITLE)?.strip_suffix('`')
}

/// Whether it may be a backup's, and not one that is being made.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\'])
}

/// Where all backups are.
pub(crate) fn backups(workspace: &Workspace) -> PathBuf {
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
