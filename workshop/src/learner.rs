//! The learner's program as a process: built by cargo, started on a free port, listened to, and
//! stopped with everything it started.

mod build;
pub(crate) mod guard;
mod output;
mod program;
mod stray;

pub(crate) use build::{Build, Built};
pub(crate) use output::Output;
pub(crate) use program::{NoStart, Program, stop_all};
