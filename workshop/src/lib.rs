//! `cargo workshop`. What depends on what, from below: `terminal`, `exposition`, `course` and
//! `http` know nothing of each other; `process` starts programs; `learner` keeps the learner's
//! files; `check` judges; `commands` are what is typed.

// First: its `print!`, `println!` and `eprintln!` are those of all modules.
#[macro_use]
mod terminal;

pub mod check;
mod cli;
mod commands;
pub mod course;
pub mod exposition;
mod http;
pub mod learner;
mod process;

pub use cli::run;
