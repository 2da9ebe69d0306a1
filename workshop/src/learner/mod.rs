//! The learner's copy of the workshop: its files, what they are at each section's start, and what
//! was done so far.

pub(crate) mod backup;
pub mod embedded;
pub(crate) mod files;
pub(crate) mod plan;
pub mod progress;
pub(crate) mod puzzles;
pub(crate) mod stale;
pub mod starter;
pub mod workspace;
