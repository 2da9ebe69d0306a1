//! The commands that guide a learner, run as a learner runs them, in a workshop of their own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod doctor;
mod edits;
mod files;
mod prefetch;
mod progress;
#[cfg(target_os = "linux")]
#[path = "../support/pty.rs"]
mod pty;
mod puzzles;
mod screens;
#[path = "../support/mod.rs"]
mod support;
mod terminal;
mod tree;
