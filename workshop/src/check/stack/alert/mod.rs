//! The learner's alert: whether it is valid and loaded, and how it behaves on days that are made
//! up.

pub(crate) mod behaviour;
pub(crate) mod chosen;
mod days;
mod promtool_error;
mod refusal;
mod replay;
pub(crate) mod rule;
pub(crate) mod rule_files;
mod summary;
mod templates;
pub(crate) mod unit_tests;
mod yaml_mistakes;
