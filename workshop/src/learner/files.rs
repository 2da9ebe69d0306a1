//! How the learner's files are read and written: whole or not at all, and nothing that stands in
//! the way is lost.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, bail};

/// What the name of a file ends in that is not yet, or no longer, in its place.
const BESIDE: &str = ".new";

/// What a file holds, or `None` when there is none. Only a file is read: a pipe in its place would
/// be waited on for ever.
pub(crate) fn read(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    let contents = fs::metadata(path).and_then(|metadata| match metadata.is_file() {
        true => fs::read(path),
        false => Err(io::Error::other(format!("it is {}", kind(metadata.file_type())))),
    });
    match contents {
        Ok(contents) => Ok(Some(contents)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Replaces a file as a whole, or leaves it as it was.
pub(crate) fn replace(path: &Path, contents: &[u8]) -> anyhow::Result<()> {
    let staged = StagedFile::new(path, contents)?;
    fs::rename(&staged.temporary, &staged.place)
        .with_context(|| format!("cannot replace {}", path.display()))
}

/// A file that is complete on the disk, and not yet in its place. Dropped, it is removed.
#[derive(Debug)]
pub(crate) struct StagedFile {
    temporary: PathBuf,
    place: PathBuf,
}

impl StagedFile {
    /// Writes what a file shall hold beside it. The file itself is not touched: a full disk is
    /// noticed here, before anything is lost.
    pub(crate) fn new(place: &Path, contents: &[u8]) -> anyhow::Result<Self> {
        let place = followed(place)?;
        let permissions = match fs::metadata(&place) {
            Ok(metadata) if !metadata.is_file() => {
                bail!("{} is not a file, but {}", place.display(), kind(metadata.file_type()))
            }
            Ok(metadata) if metadata.permissions().readonly() => {
                bail!("{} is read-only", place.display())
            }
            Ok(metadata) => Some(metadata.permissions()),
            Err(_) => None,
        };
        if let Some(directory) = place.parent() {
            fs::create_dir_all(directory)
                .with_context(|| format!("cannot make the directory {}", directory.display()))?;
        }
        let (temporary, file) =
            create_beside(&place).with_context(|| format!("cannot write {}", place.display()))?;
        // From here on the temporary file is removed with `staged`, whatever fails.
        let staged = Self { temporary, place };
        let written = write_through(file, contents).and_then(|()| match permissions {
            Some(permissions) => fs::set_permissions(&staged.temporary, permissions),
            None => Ok(()),
        });
        written.with_context(|| format!("cannot write {}", staged.place.display()))?;
        Ok(staged)
    }

    /// Puts it in its place, in one step: a reader sees the old file or the new one. Gives the path
    /// of what stood there until this very moment, if anything did.
    pub(crate) fn exchange(self) -> anyhow::Result<Option<PathBuf>> {
        let displaced = exchange(&self.temporary, &self.place)
            .with_context(|| format!("cannot replace {}", self.place.display()))?;
        if displaced.as_ref() == Some(&self.temporary) {
            // It is the learner's now.
            std::mem::forget(self);
        }
        Ok(displaced)
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        // Once it is in its place there is nothing left to remove.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Takes a file out of its place, and gives the path that it has now.
pub(crate) fn take_away(place: &Path) -> anyhow::Result<Option<PathBuf>> {
    let aside = beside(place);
    match fs::rename(place, &aside) {
        Ok(()) => Ok(Some(aside)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot remove {}", place.display())),
    }
}

/// A path that nothing has yet, beside another one. It names this process, so that a later one can
/// tell whether whoever needed it is still there: see [`process_of`].
pub(crate) fn beside(place: &Path) -> PathBuf {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    loop {
        let mut name = OsString::from(".");
        name.push(place.file_name().unwrap_or_default());
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        name.push(format!(".{}-{number}{BESIDE}", std::process::id()));
        let path = place.with_file_name(name);
        // A process of the same number may have been killed here long ago.
        if !path.exists() {
            return path;
        }
    }
}

/// The number of the process that made a path by [`beside`], for a file of this name.
pub(crate) fn process_of(path: &Path, name: &OsStr) -> Option<u32> {
    let ours = path.file_name()?.to_str()?;
    let rest = ours.strip_prefix('.')?.strip_prefix(name.to_str()?)?.strip_prefix('.')?;
    let (process, number) = rest.strip_suffix(BESIDE)?.split_once('-')?;
    number.parse::<usize>().ok()?;
    process.parse().ok()
}

/// Where a file really is. A link stays a link: what it points to is what is replaced.
pub(crate) fn followed(place: &Path) -> anyhow::Result<PathBuf> {
    match place.is_symlink() {
        true => place
            .canonicalize()
            .with_context(|| format!("cannot follow the link {}", place.display())),
        false => Ok(place.to_owned()),
    }
}

fn create_beside(place: &Path) -> io::Result<(PathBuf, File)> {
    let path = beside(place);
    let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
    Ok((path, file))
}

fn write_through(mut file: File, contents: &[u8]) -> io::Result<()> {
    file.write_all(contents)?;
    file.sync_all()
}

/// The system exchanges the two, so that nothing that is saved in between is lost.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn exchange(temporary: &Path, place: &Path) -> io::Result<Option<PathBuf>> {
    use nix::errno::Errno;
    use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

    let rename = |flags| renameat2(AT_FDCWD, temporary, AT_FDCWD, place, flags);
    loop {
        match rename(RenameFlags::RENAME_EXCHANGE) {
            Ok(()) => return Ok(Some(temporary.to_owned())),
            Err(Errno::ENOENT) => match rename(RenameFlags::RENAME_NOREPLACE) {
                Ok(()) => return Ok(None),
                Err(Errno::EEXIST) => {}
                Err(Errno::EINVAL | Errno::ENOSYS) => return link_and_replace(temporary, place),
                Err(error) => return Err(error.into()),
            },
            // Not every file system can.
            Err(Errno::EINVAL | Errno::ENOSYS) => return link_and_replace(temporary, place),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn exchange(temporary: &Path, place: &Path) -> io::Result<Option<PathBuf>> {
    link_and_replace(temporary, place)
}

/// Gives the old file a second name before it loses its first. What an editor puts in its place
/// between the two is lost, which are some microseconds.
fn link_and_replace(temporary: &Path, place: &Path) -> io::Result<Option<PathBuf>> {
    let aside = beside(place);
    let linked = fs::hard_link(place, &aside);
    let kept = match linked {
        Err(error) if error.kind() != ErrorKind::NotFound => fs::copy(place, &aside).map(|_| ()),
        other => other,
    };
    let displaced = match kept {
        Ok(()) => Some(aside),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    fs::rename(temporary, place)?;
    Ok(displaced)
}

/// What stands where a file should be.
fn kind(kind: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if kind.is_fifo() {
            return "a pipe";
        }
        if kind.is_socket() || kind.is_char_device() || kind.is_block_device() {
            return "a device or a socket";
        }
    }
    if kind.is_dir() { "a directory" } else { "something else" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_beside_a_file_names_its_process() {
        let place = Path::new("/nowhere/src/main.rs");
        let path = beside(place);
        assert_eq!(process_of(&path, OsStr::new("main.rs")), Some(std::process::id()));
        assert_ne!(beside(place), path);
        for other in [".main.rs.swp", ".main.rs.12.new", "main.rs", ".main.rs.x-1.new"] {
            assert_eq!(process_of(Path::new(other), OsStr::new("main.rs")), None, "{other}");
        }
        assert_eq!(process_of(&path, OsStr::new("other.rs")), None);
    }

    #[test]
    fn both_ways_of_exchanging_give_what_stood_there() {
        let directory = std::env::temp_dir().join(format!("workshop-files-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let place = directory.join("main.rs");
        for way in [exchange, link_and_replace] {
            let _ = fs::remove_file(&place);
            for (before, next) in [(None, "one"), (Some("one"), "two")] {
                let (temporary, file) = create_beside(&place).unwrap();
                write_through(file, next.as_bytes()).unwrap();
                let displaced = way(&temporary, &place).unwrap();
                let stood = displaced.map(|path| fs::read_to_string(path).unwrap());
                assert_eq!(stood.as_deref(), before);
                assert_eq!(fs::read_to_string(&place).unwrap(), next);
            }
        }
        fs::remove_dir_all(directory).unwrap();
    }
}
