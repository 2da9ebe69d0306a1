//! Section 3: the stack, the learner's PromQL, and the alert, judged by a real Prometheus. Nothing
//! of the learner's is ever written.

pub(crate) mod alert;
mod app;
mod grafana;
mod judge;
mod options;
pub(crate) mod prometheus;
pub(crate) mod promql;

pub use crate::check::stack::judge::Judge;
pub use crate::check::stack::options::Options;

/// How many texts that nobody thought of are tried, unless PROPTEST_CASES says it.
#[cfg(test)]
fn texts_of_any_kind() -> proptest::test_runner::Config {
    let config = proptest::test_runner::Config { failure_persistence: None, ..Default::default() };
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => config,
        None => proptest::test_runner::Config { cases: 300, ..config },
    }
}
