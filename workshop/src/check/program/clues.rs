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
        &["static "],
        "A static is made when it is first used, and is not registered by that. Make the counter \
         in `main`, and register a clone of it.",
    ),
];

/// Where visits are not observed.
pub(crate) const UNOBSERVED: &[Clue] = &[
    (
        &["stop_and_discard"],
        "`stop_and_discard` ends the timer without an observation; `stop_and_record` or a drop \
         makes one.",
    ),
    (&["forget("], "A timer observes when it is dropped, and what is given to `forget` never is."),
    (
        &["spawn"],
        "A task of its own observes, at a time of its own. Observe at once, below the `match`.",
    ),
    (
        &["if ", "as_millis"],
        "A time decides here what is observed. Quick answers and slow ones count alike: without \
         them, every quantile is wrong.",
    ),
    (
        &["if ", "as_secs"],
        "A time decides here what is observed. Quick answers and slow ones count alike: without \
         them, every quantile is wrong.",
    ),
    (
        &["return"],
        "What returns here is not observed. Let every arm hand its endpoint and its answer to the \
         lines below the `match`.",
    ),
];

/// Where something else is observed than the time that a visit took.
pub(crate) const MISMEASURED: &[Clue] = &[
    (
        &["observe(", "status"],
        "The status is observed here, and not the time: `started.elapsed().as_secs_f64()`.",
    ),
    (
        &["UNIX_EPOCH"],
        "This is the time of day, counted since UNIX_EPOCH. How long a request took is \
         `started.elapsed().as_secs_f64()`, with an `Instant` from above the `match`.",
    ),
    (
        &["if ", "INFINITY"],
        "Once something infinite is observed, the sum is infinite for ever. A failure has taken \
         its time, too: observe that.",
    ),
    (
        &["Mutex<Instant>"],
        "All requests share one clock here. Start one for each request: `let started = \
         Instant::now();` above the `match`.",
    ),
    (
        &["round()"],
        "`round()` takes away what makes the difference. Observe the seconds as they are.",
    ),
    (
        &["ceil()"],
        "`ceil()` takes away what makes the difference. Observe the seconds as they are.",
    ),
    (&["subsec_nanos"], "`subsec_nanos` leaves whole seconds out. `as_secs_f64()` has all."),
    (
        &[".min("],
        "`min` cuts off what is long, and that is what a histogram should show. Observe the \
         seconds as they are.",
    ),
    (&[".max("], "`max` lifts what is quick. Observe the seconds as they are."),
    (&["settings.latency"], "What the settings allow is observed here, and nothing is measured."),
    (
        &["observe_closure_duration"],
        "The closure only makes the future, and that takes no time. What is waited for at the \
         `.await` lies outside of it. Start a clock above the `match`.",
    ),
    (
        &["drop(", "timer"],
        "The timer is dropped here, before the answer is made, and observes when it is.",
    ),
    (
        &["observe(", "/ 2"],
        "The half is observed here. A visit has taken all the time from its start to its end.",
    ),
];
