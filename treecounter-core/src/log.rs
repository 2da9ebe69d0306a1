//! What the program says to whoever runs it, on standard error and standard output.

use std::fmt::Display;
use std::io::Write;

/// Writes a line to standard error.
///
/// Not `eprintln!`, which panics when the line cannot be written: a full disk behind the log, or a
/// reader of it that went away, is no reason to stop serving.
pub(crate) fn log(line: impl Display) {
    // In one piece, so that lines of several threads do not mix.
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// Writes a line to standard output, as patiently as [`log`].
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
