//! The programs that Prometheus comes with: where they are, and what they are given to work on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::process::command;
use crate::process::registry::Folder;

/// What the names of folders begin with in which they work.
pub(crate) const FOLDER: &str = "workshop-prometheus";
/// How long promtool may take; usually it is some tens of milliseconds.
const LIMIT: Duration = Duration::from_secs(60);

/// Where a program is, if it is installed. On Windows its name ends in `.exe`.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|dir| dir.join(&file))
        .find(|path| path.is_file())
}

/// Runs promtool on a file that is written for it.
pub(crate) fn promtool(
    promtool: &Path,
    args: &[&str],
    file: &str,
    contents: &str,
) -> anyhow::Result<(bool, String)> {
    let folder = Folder::new(FOLDER)?;
    let path = folder.path().join(file);
    fs::write(&path, contents).with_context(|| format!("cannot write {}", path.display()))?;
    let mut command = Command::new(promtool);
    command.args(args).arg(&path);
    // It makes folders of its own, and leaves them when it is killed.
    command.env("TMPDIR", folder.path()).env("TMP", folder.path());
    match command::run(command, LIMIT) {
        Ok(said) => Ok((said.success, said.stdout + &said.stderr)),
        Err(fault) => bail!("promtool {fault}"),
    }
}

/// A text in YAML.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
