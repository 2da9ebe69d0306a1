//! `cargo workshop`: checks the learner's running program, gives hints, makes traffic.

use std::process::ExitCode;

fn main() -> ExitCode {
    workshop::run()
}
