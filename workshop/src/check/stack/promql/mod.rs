//! The learner's answers in PromQL: read by Prometheus, and compared with the finished ones.

pub(crate) mod answers;
pub(crate) mod ast;
mod comparison;
mod differences;
pub(crate) mod mistakes;
pub(crate) mod query;
pub(crate) mod questions;
pub(crate) mod selectors;
mod syntax_errors;
