//! The programs that Prometheus comes with: where they are, and what they are given to work on.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;

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
    let directory = scratch()?;
    let path = directory.join(file);
    let run = || -> anyhow::Result<(bool, String)> {
        fs::File::create(&path)?.write_all(contents.as_bytes())?;
        let done = Command::new(promtool).args(args).arg(&path).stdin(Stdio::null()).output()?;
        let words = [done.stdout, done.stderr]
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .concat();
        Ok((done.status.success(), words))
    };
    let result = run().context("cannot run promtool");
    let _ = fs::remove_dir_all(&directory);
    result
}

/// A directory that nobody else uses.
pub(crate) fn scratch() -> anyhow::Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let directory =
        std::env::temp_dir().join(format!("workshop-prometheus-{}-{count}", std::process::id()));
    fs::create_dir_all(&directory)
        .with_context(|| format!("cannot make {}", directory.display()))?;
    Ok(directory)
}

/// A text in YAML.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
