//! Why something else was most likely measured than what a visitor waits.

use crate::check::program::mistake::{Hints, Mistake, Sign, given_away};
use crate::check::program::source::Source;
use crate::check::verdict::Quote;

/// Whether the clock that it is about is that of all requests.
pub(crate) fn is_shared(source: &Source, mistake: &Mistake) -> bool {
    source.has("Instant") && source.has("Mutex<") && mistake.is_at("lock()")
}

/// Why something else was measured; `ratio` says how much of the wait, and 1 would be right.
pub(crate) fn mismeasured(source: &Source, ratio: f64, sum: f64) -> Mistake {
    let whole = source.line_with(&["as_secs()"]);
    if sum == 0.0 && (whole.is_some() || source.text.is_empty()) {
        return WHOLE.at(whole);
    }
    if ratio < 1.0
        && whole.is_none()
        && let Some(line) = source.line_with(&["subsec_"])
    {
        return PARTS.at(line);
    }
    if let Some(mistake) = given_away(source, MISMEASURED) {
        return mistake;
    }
    if let Some(line) = source.line(observes_number) {
        return FIXED.at(line);
    }
    let telling = ["as_millis", "as_micros", "as_nanos", "subsec", "observe(", "elapsed"];
    let line = source.line(scales);
    let line = line.or_else(|| telling.iter().find_map(|part| source.line_with(&[part])));
    // Too little may also be a clock that was not there: a line has to say otherwise.
    let converted = ratio > 1.0 || line.is_some() || source.text.is_empty();
    if let Some(unit) = unit(ratio).filter(|_| converted) {
        return in_unit(unit, line);
    }
    if ratio > 1.0 {
        let begun = source.line_with(&[": Instant,"]).or(source.line_with(&["<Instant>"]));
        return match begun.or(source.line_with(&["static ", "Instant"])) {
            Some(line) => BEGUN_ONCE.at(line),
            None => TOO_MUCH.at(source.line_with(&["Instant::now"]).or(line)),
        };
    }
    if source.count("Instant::now()") > 1 {
        return STARTED_AGAIN.at(source.second_line_with("Instant::now()"));
    }
    if let Some(line) = line.filter(|line| scales(&line.text)) {
        return SCALED.at(line);
    }
    let place = |part: &str| source.text.find(part);
    let clock = || source.place(|line| line.contains("Instant::now()"));
    match (place("Instant::now()"), place("match request.uri()"), place("elapsed()")) {
        (Some(clock), Some(page), Some(read)) if clock < page && page < read => {
            AROUND.at(source.line_with(&[".observe("]))
        }
        (Some(started), Some(page), Some(_)) if page < started => STARTED_LATE.at(clock()),
        (Some(_), Some(page), Some(read)) if read < page => {
            READ_EARLY.at(source.line_with(&["elapsed()"]))
        }
        _ => OUTSIDE.at(source.line_with(&["start_timer"]).or_else(clock)),
    }
}

/// Why something else was measured of failures, and of failures alone.
pub(crate) fn mismeasured_failure(source: &Source, ratio: f64) -> Mistake {
    let sorts = |line: &str| {
        let asks = ["503", "is_success", "is_server_error", "status()"];
        line.contains("if ") && asks.iter().any(|part| line.contains(part))
    };
    let sorted = source.line(sorts);
    let fixed = sorted.as_ref().is_some_and(|line| !line.text.ends_with('{'));
    let infinite = sorted.as_ref().is_some_and(|line| line.text.contains("INFINITY"));
    match unit(ratio) {
        _ if infinite => Mistake::new(INFINITE, FAILURES).at(sorted),
        Some(unit) => {
            let cause = format!("Failures are observed in another way. {unit} {SECONDS}");
            Mistake::naming(cause, FAILURES).at(source.line(scales).or(sorted))
        }
        None if fixed => Mistake::new(FIXED_FAILURE, FAILURES).at(sorted),
        None => {
            let line = sorted.or(source.line_with(&[".observe("]));
            Mistake::new(OTHERWISE, FAILURES).at(line)
        }
    }
}

/// Whether a line observes a number, and nothing else.
fn observes_number(line: &str) -> bool {
    let given = line.split_once("observe(").and_then(|(_, given)| given.split_once(')'));
    given.is_some_and(|(given, _)| given.parse::<f64>().is_ok_and(|number| number > 0.0))
}

/// Whether a line multiplies or divides what a clock shows.
fn scales(line: &str) -> bool {
    let number = |(_, behind): (&str, &str)| behind.starts_with(|c: char| c.is_ascii_digit());
    let scaled =
        [" * ", " / ", " *= ", " /= "].iter().any(|by| line.split_once(by).is_some_and(number));
    scaled && ["elapsed", "seconds", "as_", "observe"].iter().any(|part| line.contains(part))
}

/// What is observed is in this unit, or as many times too much.
fn in_unit(unit: &str, line: Option<Quote>) -> Mistake {
    let scaled = |line: &Quote| line.text.contains("as_secs_f") && scales(&line.text);
    let mistake = match line.as_ref().is_some_and(scaled) {
        true => Mistake::naming(format!("{unit} {ALREADY}"), UNCHANGED),
        false => Mistake::naming(format!("{unit} {SECONDS}"), UNITS),
    };
    mistake.at(line)
}

/// The unit that makes this ratio, if one does.
fn unit(ratio: f64) -> Option<&'static str> {
    const UNITS: [(f64, &str); 8] = [
        (1e3, "These are milliseconds."),
        (1e6, "These are microseconds."),
        (1e9, "These are nanoseconds."),
        (1.0 / 60.0, "These are minutes: each has 60 seconds."),
        (10.0, "10 times too much is observed."),
        (0.1, "10 times too little is observed."),
        (0.01, "100 times too little is observed."),
        (0.001, "1000 times too little is observed."),
    ];
    let near = |factor: f64| (0.8..1.25).contains(&(ratio / factor));
    UNITS.iter().find(|(factor, _)| near(*factor)).map(|(_, unit)| *unit)
}

const SECONDS: &str = "Times are in seconds, in every metric: `started.elapsed().as_secs_f64()` \
    gives them.";
const ALREADY: &str = "`as_secs_f64()` gives seconds already, as every metric has them: observe \
    that as it is, and neither multiply nor divide it.";

const UNITS: Hints = [
    "Ask for a page with `curl -w '%{time_total}\\n'`, and look at how much _sum rises. By which \
     factor do the two differ?",
    "A Duration gives the same time in several units: `as_millis()`, `as_secs_f64()` and others. \
     One of them has seconds, with their fractions. It needs no factor.",
];

const UNCHANGED: Hints = [
    "Ask for a page with `curl -w '%{time_total}\\n'`, and look at how much _sum rises. What does \
     your line do with the time, so that the two differ?",
    "Follow the number from `elapsed()` to `observe`. `as_secs_f64()` has seconds, with their \
     fractions, and nothing has to be done with them: the buckets sort them by size.",
];

const OTHER_THINGS: Hints = [
    "What is it that `observe` gets in your line, and where does that come from?",
    "`observe` takes any number. What is wanted is the time from the request to its answer, in \
     seconds: an `Instant` from above the `match`, and what its `elapsed()` says below.",
];

const OWN_CLOCK: Hints = [
    "Two visitors ask at the same time. How many clocks run in your program?",
    "What is kept in App, or in a static, is there once, for all requests. A variable in `handle` \
     belongs to one request alone: `let started = ...`.",
];

const BETWEEN: Hints = [
    "When is the clock or the timer started, when is it read or dropped, and what does `handle` \
     wait for in between?",
    "A clock measures from `Instant::now()` to `elapsed()`, and a timer from `start_timer()` until \
     it is dropped or told to observe. The `.await` of the page has to lie between the two.",
];

const FAILURES: Hints = [
    "Force failures, with TREECOUNTER_FAILURE_RATE=1, and ask for a page with `curl -w \
     '%{time_total}\\n'`. How long does it take, and by how much does _sum rise?",
    "A failure is an answer, and a visitor has waited for it. The time is measured as that of any \
     other: look for what treats an answer otherwise by its status, between the clock and \
     `observe`.",
];

const INFINITE: &str = "Once something infinite is observed, the sum is infinite for ever. A \
    failure has taken its time, too: observe that.";
const FIXED_FAILURE: &str = "The status decides here what is observed, so _sum does not tell how \
    long failures take. They have taken their time, too: observe what the clock shows.";
const OTHERWISE: &str = "What succeeds is measured rightly, and what fails is not: something \
    treats failures otherwise, so _sum does not tell how long they take. Observe what the clock \
    shows, whatever the status is.";

const FIXED: Mistake = Mistake::new(
    "The same number is observed for every visit here, and nothing is measured. Observe what the \
     clock shows: `started.elapsed().as_secs_f64()`.",
    OTHER_THINGS,
);
const BEGUN_ONCE: Mistake = Mistake::new(
    "This clock is started once and not anew for each request, and shows the time since then. \
     Start one for each: `let started = Instant::now();` above the `match`.",
    OWN_CLOCK,
);
const TOO_MUCH: Mistake = Mistake::usual(
    "More is observed than a visitor waits. Start one clock for each request, above the `match`, \
     and observe what it shows as it is.",
);
const WHOLE: Mistake = Mistake::new(
    "A sum of exactly 0: whole seconds lose everything below one. Use `as_secs_f64()`.",
    UNCHANGED,
);
const PARTS: Mistake = Mistake::new(
    "`subsec_nanos`, `subsec_micros` and `subsec_millis` leave whole seconds out. `as_secs_f64()` \
     has all.",
    UNCHANGED,
);
const SCALED: Mistake = Mistake::new(
    "What the clock shows is changed here. `as_secs_f64()` gives seconds: observe them as they \
     are, and neither multiply nor divide them.",
    UNCHANGED,
);
const STARTED_AGAIN: Mistake = Mistake::new(
    "The clock is started a second time: `Instant::now()`. What has passed before is lost. Once, \
     above the `match`, is enough.",
    BETWEEN,
);
const STARTED_LATE: Mistake = Mistake::new(
    "The wait is outside of what is measured: the clock is started below the `match`, when the \
     answer is there already. Start it above.",
    BETWEEN,
);
const READ_EARLY: Mistake = Mistake::new(
    "The wait is outside of what is measured: `elapsed()` is read above the `match`, before the \
     page is asked for. Read it below.",
    BETWEEN,
);
const AROUND: Mistake = Mistake::new(
    "The clock is started above the `match` and read below it, as it should be: so what is \
     observed is not what it shows for this request. Look at what becomes of `started.elapsed()` \
     on its way into `observe`.",
    UNCHANGED,
);
const OUTSIDE: Mistake = Mistake::new(
    "The wait is outside of what is measured. Start the clock above the `match` and read it below: \
     the `.await` of the page has to lie between. A timer that is dropped early stops early.",
    BETWEEN,
);

/// Where something else is observed than the time that a visit took.
const MISMEASURED: &[Sign] = &[
    (
        &["observe(", "as_u16"],
        Mistake::new(
            "The status is observed here, and not the time: `started.elapsed().as_secs_f64()`.",
            OTHER_THINGS,
        ),
    ),
    (
        &["UNIX_EPOCH"],
        Mistake::new(
            "This is the time of day, counted since UNIX_EPOCH. How long a request took is \
             `started.elapsed().as_secs_f64()`, with an `Instant` from above the `match`.",
            OTHER_THINGS,
        ),
    ),
    (
        &["Mutex<Instant>"],
        Mistake::new(
            "All requests share one clock here. Start one for each request: `let started = \
             Instant::now();` above the `match`.",
            OWN_CLOCK,
        ),
    ),
    (&["round()"], Mistake::new(ROUNDS, UNCHANGED)),
    (&["ceil()"], Mistake::new(ROUNDS, UNCHANGED)),
    (&["floor()"], Mistake::new(ROUNDS, UNCHANGED)),
    (&["trunc()"], Mistake::new(ROUNDS, UNCHANGED)),
    (
        &["as_millis() / "],
        Mistake::new(
            "`as_millis()` is a whole number, and dividing it by another drops what is left over. \
             `as_secs_f64()` has seconds, with their fractions.",
            UNCHANGED,
        ),
    ),
    (
        &[".min("],
        Mistake::new(
            "`min` cuts off what is long, and that is what a histogram should show. Observe the \
             seconds as they are.",
            UNCHANGED,
        ),
    ),
    (
        &[".max("],
        Mistake::new("`max` lifts what is quick. Observe the seconds as they are.", UNCHANGED),
    ),
    (
        &["settings.latency"],
        Mistake::new(
            "What the settings allow is observed here, and nothing is measured. Observe what the \
             clock shows: `started.elapsed().as_secs_f64()`.",
            OTHER_THINGS,
        ),
    ),
    (
        &["observe_closure_duration"],
        Mistake::new(
            "The closure only makes the future, and that takes no time. What is waited for at the \
             `.await` lies outside of it. Start a clock above the `match`.",
            BETWEEN,
        ),
    ),
    (
        &["let _ =", "start_timer"],
        Mistake::new(
            "`let _ =` drops the timer at once, and a dropped timer observes. A name keeps it to \
             the end of the block: `let _timer = ...`.",
            BETWEEN,
        ),
    ),
    (
        &["drop(", "timer"],
        Mistake::new(
            "The timer is dropped by hand here, and observes at that moment. It drops itself at \
             the end of its block: take this line out.",
            BETWEEN,
        ),
    ),
    (&["observe_duration()"], Mistake::new(STOPPED, BETWEEN)),
    (&["stop_and_record()"], Mistake::new(STOPPED, BETWEEN)),
    (
        &["observe(", "/ 2"],
        Mistake::new(
            "The half is observed here. A visit has taken all the time from its start to its end.",
            UNCHANGED,
        ),
    ),
];

const ROUNDS: &str = "Rounding takes away what makes the difference: these are parts of a \
    second. Observe the seconds as they are.";
const STOPPED: &str = "The wait is outside of what is measured: the timer is stopped by hand here. \
    The `.await` of the page has to lie between `start_timer()` and this line.";
