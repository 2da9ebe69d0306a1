//! What a command has left beside the learner's files because it was killed. It is removed, unless
//! it may be the only copy of something that the learner wrote.

use std::fs;
use std::path::{Path, PathBuf};

use crate::course::{Course, LearnerFile, Section};
use crate::learner::backup::{self, Backup};
use crate::learner::workspace::Workspace;
use crate::learner::{files, progress, starter};

/// What a backup is called that was not made before a command, but after one that was killed.
pub(crate) const RESCUE: &str = "rescue";

/// Clears away what commands that are gone have left. What cannot be done is a note: the next one
/// tries it again.
pub(crate) fn clear(course: &Course, workspace: &Workspace) {
    for section in &course.sections {
        for file in &section.files {
            let path = Workspace::relative(section, file);
            for left in left_beside(&workspace.root().join(&path)) {
                if let Err(error) = rescue(course, workspace, (section, file), &left) {
                    eprintln!("note: {} is left: {error:#}", left.display());
                }
            }
        }
    }
    for left in left_beside(&progress::path(workspace)) {
        let _ = fs::remove_file(left);
    }
    // A backup gets its name before the first file changes: what has none holds nothing more.
    for left in left_beside(&backup::backups(workspace).join(backup::UNNAMED)) {
        let _ = fs::remove_dir_all(left);
    }
}

/// What processes that are gone have left beside a file.
fn left_beside(place: &Path) -> Vec<PathBuf> {
    let Ok(place) = files::followed(place) else { return Vec::new() };
    let (Some(directory), Some(name)) = (place.parent(), place.file_name()) else {
        return Vec::new();
    };
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths
        .filter(|path| files::process_of(path, name).is_some_and(|process| is_gone(process, path)))
        .collect()
}

/// Removes a file that was left, and keeps a backup of it first when nothing else has its text.
fn rescue(
    course: &Course,
    workspace: &Workspace,
    (section, file): (&Section, &LearnerFile),
    left: &Path,
) -> anyhow::Result<()> {
    let path = Workspace::relative(section, file);
    let contents = files::read(left)?.unwrap_or_default();
    let texts = [starter::of_file(course, section, file)?, starter::finished(section, file)?];
    let known = contents.is_empty()
        || texts.iter().any(|text| text.as_bytes().starts_with(&contents))
        || files::read(&workspace.root().join(&path))?.as_ref() == Some(&contents)
        || is_kept(workspace, &path, &contents)?;
    if !known {
        let mut backup = Backup::before(RESCUE);
        backup.files.push((path.clone(), Some(contents)));
        let kept = backup.keep(workspace)?;
        eprintln!(
            "note: a command was killed while you saved {path}. What you saved then:\n    \
             cargo workshop undo {kept}"
        );
    }
    fs::remove_file(left)?;
    Ok(())
}

/// Whether a backup has this text of a file.
fn is_kept(workspace: &Workspace, path: &str, contents: &[u8]) -> anyhow::Result<bool> {
    let kept = backup::list(workspace)?.into_iter().filter_map(|listed| {
        let backup = Backup::open(workspace, &listed.name).ok()?;
        backup.files.into_iter().find(|(known, _)| known == path)?.1
    });
    Ok(kept.into_iter().any(|kept| kept == contents))
}

/// Whether no process has this number. This one's own is of an earlier process: nothing was written
/// yet.
#[cfg(unix)]
fn is_gone(process: u32, _left: &Path) -> bool {
    use nix::errno::Errno;
    use nix::sys::signal::kill;
    use nix::unistd::Pid;

    let Ok(id) = i32::try_from(process) else { return true };
    process == std::process::id() || kill(Pid::from_raw(id), None) == Err(Errno::ESRCH)
}

/// Windows does not tell without a crate for it; what is an hour old is nobody's any more.
#[cfg(not(unix))]
fn is_gone(_process: u32, left: &Path) -> bool {
    const LONG: std::time::Duration = std::time::Duration::from_secs(3600);
    let modified = fs::metadata(left).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|time| time.elapsed().is_ok_and(|age| age > LONG))
}
