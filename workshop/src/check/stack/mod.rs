//! Section 3: the stack, the learner's PromQL, and the alert, judged by a real Prometheus. Nothing of
//! the learner's is ever written.

pub(crate) mod alert;
mod app;
mod grafana;
mod judge;
mod options;
pub(crate) mod prometheus;
pub(crate) mod promql;

pub use crate::check::stack::judge::Judge;
pub use crate::check::stack::options::Options;
