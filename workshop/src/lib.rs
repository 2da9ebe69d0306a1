//! `cargo workshop`. What depends on what, from below: `terminal`, `exposition`, `course` and `http`
//! know nothing of each other; `process` starts programs; `learner` keeps the learner's files;
//! `check` judges; `commands` are what is typed.

pub mod check;
mod cli;
mod commands;
pub mod course;
pub mod exposition;
mod http;
pub mod learner;
mod process;
mod terminal;

pub use cli::run;
