//! What a line of the learner's file tells of a mistake, once a check has found that there is one.

use crate::check::program::source::Source;
use crate::check::verdict::Quote;

/// What a line has in it, all of it, and what that means.
pub(crate) type Clue = (&'static [&'static str], &'static str);

/// The first clue that a line of the file gives, and that line.
pub(crate) fn told(source: &Source, clues: &[Clue]) -> Option<(String, Quote)> {
    clues.iter().find_map(|(parts, cause)| {
        let line = source.line_with(parts)?;
        Some(((*cause).to_owned(), line))
    })
}

/// Where visits are not counted.
pub(crate) const UNCOUNTED: &[Clue] = &[
    (
        &["spawn"],
        "A task of its own counts, at a time of its own. Count at once: `inc()` waits for nothing.",
    ),
    (
        &["try_lock"],
        "Who does not get the lock at once is not counted. A metric needs no lock: many requests \
         may raise it at the same time.",
    ),
    (
        &["get_metric_with_label_values"],
        "`get_metric_with_label_values` gives an error when the values do not fit the names, and \
         that is thrown away here. `with_label_values(&[status, endpoint])` takes one for each.",
    ),
    (&["if ", "elapsed"], "A time decides here whether an answer is counted. Every answer is."),
    (
        &["if ", "query"],
        "The query decides here whether a visit counts. With and without one, it is a visit.",
    ),
    (
        &[".get() <"],
        "The counter's own value decides here whether it is raised. Every answer counts.",
    ),
];

/// Where the counter is not at /metrics.
pub(crate) const UNREGISTERED: &[Clue] = &[
    (
        &["register_int_counter"],
        "`register_int_counter_vec!` registers with the crate's own default registry, and \
         /metrics shows yours. Use `registry.register(Box::new(requests.clone()))`.",
    ),
    (
        &["prometheus::register("],
        "`prometheus::register` registers with the crate's own default registry, and /metrics \
         shows yours. Use `registry.register(Box::new(requests.clone()))`.",
    ),
    (
        &["default_registry"],
        "This is the crate's own default registry, and /metrics shows yours. Register with the \
         one that MetricsHandler is given.",
    ),
    (&["unregister("], "`unregister` takes it out of the registry again."),
    (
        &["static ", "CounterVec"],
        "A static is made when it is first used, and is not registered by that. Make the counter \
         in `main`, and register a clone of it.",
    ),
];
