//! The programs that Prometheus comes with: where they are, and where they work.

use std::path::PathBuf;

/// What the names of folders begin with in which they work.
pub(crate) const FOLDER: &str = "workshop-prometheus";

/// Where a program is, if it is installed. On Windows its name ends in `.exe`.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|dir| dir.join(&file))
        .find(|path| path.is_file())
}

/// A text in YAML.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
