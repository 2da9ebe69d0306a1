//! The learner's answers in PromQL: read by Prometheus, and compared with the finished ones.

pub(crate) mod answers;
pub(crate) mod ast;
mod comparison;
mod differences;
pub(crate) mod explanations;
pub(crate) mod extras;
mod functions;
pub(crate) mod mistake;
mod mistakes;
mod quantiles;
pub(crate) mod query;
pub(crate) mod questions;
pub(crate) mod refusals;
mod seen;
pub(crate) mod selectors;
mod sides;
pub(crate) mod syntax_errors;
mod window_errors;
