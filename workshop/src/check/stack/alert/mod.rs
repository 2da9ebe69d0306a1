//! The learner's alert: whether it is valid and loaded, and how it behaves on days that are made up.

pub(crate) mod behaviour;
mod promtool_error;
mod replay;
pub(crate) mod rule;
pub(crate) mod rule_files;
mod templates;
mod unit_tests;
