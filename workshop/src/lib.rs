//! The commands of `cargo workshop`, one module each, and what they share.

pub mod backup;
pub mod change;
pub mod cli;
pub mod embedded;
pub mod progress;
pub mod screen;
pub mod section3;
pub mod sections;
pub mod starter;
pub mod tool;
pub mod workspace;

pub mod check;
pub mod doctor;
pub mod exposition;
mod fetch;
pub mod goto;
pub mod hint;
mod learner;
pub mod prefetch;
mod probe;
pub mod reset;
pub mod scrape;
mod settings;
mod shell;
pub mod solution;
pub mod status;
mod stop;
pub mod traffic;
pub mod undo;
pub mod verdict;

pub use cli::run;
