//! The hints for mistakes with the counter: each leads to all mistakes of its kind.

use crate::check::program::mistake::Hints;

/// The counter has another name.
pub(crate) const NAME: Hints = [
    "Compare the name behind `# TYPE` at /metrics with the one that is asked for, letter by \
     letter. What is different?",
    "`Opts::new` takes the name. A namespace, a subsystem or a registry with a prefix puts a word \
     before it. The name of a counter says what is counted, and ends in _total.",
];

/// There are several counters, where one with labels is wanted.
pub(crate) const SPLIT: Hints = [
    "How would you ask for all requests together, if they are spread over counters of different \
     names?",
    "One name, one counter. Labels split it into series: `IntCounterVec::new` takes the names of \
     the labels, and `with_label_values` takes a value for each of them.",
];

/// It is another kind of metric.
pub(crate) const KIND: Hints = [
    "What does the line `# TYPE requests_total` say at /metrics, if there is one? Which kinds of \
     metrics are there, and which one fits a count of requests?",
    "docs.rs/prometheus has a type for each kind, and one with `Vec` in its name for the same with \
     labels. What is registered writes its own TYPE and HELP.",
];

/// Labels that nobody asked for.
pub(crate) const FURTHER: Hints = [
    "Which name stands between the braces at /metrics that the lesson does not have, and where \
     does it come from?",
    "Labels come from three places: the names in `IntCounterVec::new`, the `const_label` of its \
     Opts, and a registry that is made with labels of its own.",
];

/// Main names other series than those that come.
pub(crate) const OTHERS: Hints = [
    "Compare the series that /metrics shows at the start with those that a visit raises. In which \
     label do they differ?",
    "`with_label_values` makes the series of the values that it is given, letter by letter. An \
     endpoint is the path of the page, and a status is one number.",
];

/// The status is named before it is known.
pub(crate) const EARLY: Hints = [
    "A visitor still waits for the answer. Can your program know its status yet?",
    "What stands above an `.await` runs before the answer is there. The status is known below it: \
     `response.status()`.",
];

/// Several counters are made.
pub(crate) const ONE: Hints = [
    "How many counters does your program make while it runs, and which of them does the registry \
     have?",
    "Each `IntCounterVec::new` makes another counter, which begins with nothing. A clone is the \
     same counter. Make one in `main`, register a clone of it, and keep the other in App.",
];

/// Something decides which requests count.
pub(crate) const CONDITION: Hints = [
    "Which requests does your program answer without counting them? What is special about them?",
    "Every answer counts, whoever asks and however it ends. One line below the `match` counts them \
     all, if no `return` stands above it and no condition around it.",
];

/// It counts at another time.
pub(crate) const LATER: Hints = [
    "When does the counter rise: when the answer is ready, or some time after?",
    "`inc()` on the registered counter waits for nothing. It needs no task, no buffer and no lock, \
     and a scrape sees it at once.",
];

/// Nothing raises the counter.
pub(crate) const NOTHING: Hints = [
    "Visit the page a few times. Which line of your program should raise a number at /metrics \
     then?",
    "docs.rs/prometheus: `with_label_values` gives the counter of one series, and `inc()` raises \
     it by one. It belongs below the `match`, where every answer passes.",
];

/// It rises by something else than one.
pub(crate) const AMOUNT: Hints = [
    "Visit the page once, then once more. By how much does its series rise each time?",
    "`inc()` adds one, and `inc_by` what it is told. A counter of requests rises by one for each \
     request, when it is answered.",
];

/// A request is counted in two places.
pub(crate) const TWICE: Hints = [
    "Follow one request through your program. How many lines does it pass that raise the counter?",
    "Every request counts once, in one series. One line below the `match` does that; no other is \
     needed, in an arm or beside it.",
];

/// What was counted is taken back.
pub(crate) const FALLS: Hints = [
    "Look at /metrics, visit the page a few times, and look twice more. Does any series get lower, \
     or vanish?",
    "A number that only rises is what Prometheus needs: it works out itself what is new since the \
     last scrape. `reset` and the calls that remove series take that away.",
];

/// The endpoint is not the one that it should be.
pub(crate) const ENDPOINT: Hints = [
    "Which endpoint does /metrics show for these requests, and which one does the lesson name?",
    "The path chooses an arm, and the arm names the endpoint: the path itself if it is served, \
     \"other\" for all the rest. The line that counts takes that, as it is.",
];

/// The status is not that of the answer.
pub(crate) const STATUS: Hints = [
    "What does `curl -i` show in its first line, and what does the label say?",
    "docs.rs/http: `status()` of a Response gives a StatusCode, and that has `as_str()`: the \
     number, as text. Then the label is right for every answer, also for those that nobody has \
     thought of.",
];
