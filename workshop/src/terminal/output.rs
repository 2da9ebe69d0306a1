//! Writing to standard output and standard error. Colours stay on a terminal only.
//!
//! The other end may be gone, as with `cargo workshop scrape | head`. Then the rest is not written,
//! the command ends with its own exit code, and nothing is said. The macros stand before those of
//! the standard library, which panic.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};
use std::sync::OnceLock;

/// Why standard output takes no more.
static LOST: OnceLock<std::io::Error> = OnceLock::new();

macro_rules! print {
    ($($text:tt)*) => { $crate::terminal::output::write(format_args!($($text)*)) };
}

macro_rules! println {
    () => { $crate::terminal::output::write(format_args!("\n")) };
    ($($text:tt)*) => {
        $crate::terminal::output::write(format_args!("{}\n", format_args!($($text)*)))
    };
}

/// A line for people, broken at blanks where the terminal is narrow. A pipe gets it whole.
macro_rules! say {
    ($($text:tt)*) => { println!("{}", $crate::terminal::flow(&format!($($text)*))) };
}

macro_rules! eprintln {
    () => { $crate::terminal::output::tell(format_args!("")) };
    ($($text:tt)*) => { $crate::terminal::output::tell(format_args!($($text)*)) };
}

/// Writes to standard output, unless nobody takes it any more.
pub(crate) fn write(text: Arguments<'_>) {
    if !is_lost() {
        keep_error(anstream::stdout().lock().write_fmt(text));
    }
}

/// Writes a line to standard error. Where that fails there is no place to say so.
pub(crate) fn tell(text: Arguments<'_>) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// Nobody takes what is written.
pub(crate) fn is_lost() -> bool {
    LOST.get().is_some()
}

/// Writes what is still held back, and says whether all of it was taken or not wanted. A full disk
/// is worth a word; a reader that has gone knows it.
pub(crate) fn finish() -> std::io::Result<()> {
    keep_error(std::io::stdout().flush());
    match LOST.get() {
        Some(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(std::io::Error::new(error.kind(), error.to_string()))
        }
        _ => Ok(()),
    }
}

fn keep_error(result: std::io::Result<()>) {
    if let Err(error) = result {
        // The first error is the cause of those after it.
        let _ = LOST.set(error);
    }
}
