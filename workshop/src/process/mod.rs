//! What is started from here, all of it in one registry. The learner's program is built by cargo,
//! started on a free port, listened to, and stopped with everything it has started.

pub(crate) mod announcement;
mod build;
pub(crate) mod command;
pub(crate) mod guard;
mod leftovers;
mod output;
mod program;
pub(crate) mod registry;
pub(crate) mod termination;

pub(crate) use crate::process::build::{Build, Built, CompileError};
pub(crate) use crate::process::output::Output;
pub(crate) use crate::process::program::{NoStart, Program};
