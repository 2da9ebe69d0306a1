//! What was most likely done wrong with the counter: the sentence that says so, the line that is to
//! blame, and the hints for all mistakes of its kind.

use crate::check::program::context::Context;
use crate::check::program::mistake::{Hints, Mistake};
use crate::check::verdict::{Finding, Judgement, Quote};

/// A mistake, and where it was made.
#[derive(Debug)]
pub(crate) struct Blame {
    mistake: Mistake,
    line: Option<Quote>,
    /// What shows it, where the check's own commands do not.
    commands: Option<Vec<String>>,
}

impl Blame {
    /// A mistake, most likely made in that line.
    pub(crate) fn new(cause: impl Into<String>, line: impl Into<Option<Quote>>) -> Self {
        let mistake = Mistake::naming(cause.into(), None);
        Self { mistake, line: line.into(), commands: None }
    }

    /// One of this kind.
    #[must_use]
    pub(crate) fn hinting(self, hints: Hints) -> Self {
        Self { mistake: self.mistake.hinting(hints), ..self }
    }

    /// One that other commands show. None, if it does not show by hand.
    #[must_use]
    pub(crate) fn seen_with(self, commands: Vec<String>) -> Self {
        Self { commands: Some(commands), ..self }
    }

    /// Whether its line has this in it.
    pub(crate) fn is_at(&self, part: &str) -> bool {
        self.line.as_ref().is_some_and(|line| line.text.contains(part))
    }

    /// One whose line is this, unless it is known.
    #[must_use]
    pub(crate) fn or_at(self, line: impl FnOnce() -> Option<Quote>) -> Self {
        Self { line: self.line.or_else(line), ..self }
    }
}

impl Finding {
    /// Adds what was done wrong.
    #[must_use]
    pub(crate) fn blaming(self, mistake: Blame) -> Self {
        let finding = self.told(mistake.mistake).showing(mistake.line);
        match mistake.commands {
            Some(commands) => Self { commands, ..finding },
            None => finding,
        }
    }
}

/// What can not be told of a program that others may visit as well.
pub(crate) fn others_visit(finding: Finding) -> Judgement {
    finding
        .because("Somebody else may be visiting as well. Without --attach, the check is alone.")
        .could_not_tell()
}

/// The commands that start the program, do this, and look at /metrics.
pub(crate) fn seen_after(context: &Context<'_>, requests: impl Into<String>) -> Vec<String> {
    let commands = [context.start_plain(), requests.into(), context.metrics()];
    commands.into_iter().filter(|command| !command.is_empty()).collect()
}

/// The counter has another name.
pub(crate) const NAME: Hints = [
    "Compare the name behind `# TYPE` at /metrics with the one that is asked for,\n\
     letter by letter. What is different?",
    "`Opts::new` takes the name. A namespace, a subsystem or a registry with a\n\
     prefix puts a word before it. The name of a counter says what is counted,\n\
     and ends in _total.",
];

/// There are several counters, where one with labels is wanted.
pub(crate) const SPLIT: Hints = [
    "How would you ask for all requests together, if they are spread over\n\
     counters of different names?",
    "One name, one counter. Labels split it into series: `IntCounterVec::new`\n\
     takes the names of the labels, and `with_label_values` takes a value for\n\
     each of them.",
];

/// It is another kind of metric.
pub(crate) const KIND: Hints = [
    "What does the line `# TYPE requests_total` say at /metrics, if there is one?\n\
     Which kinds of metrics are there, and which one fits a count of requests?",
    "docs.rs/prometheus has a type for each kind, and one with `Vec` in its name\n\
     for the same with labels. What is registered writes its own TYPE and HELP.",
];

/// It has no help text.
pub(crate) const HELP: Hints = [
    "Somebody who does not know your program reads the name at /metrics. What\n\
     tells them what is counted, and what does it say?",
    "`Opts::new(name, help)`: the second argument becomes the line `# HELP`. A\n\
     short sentence is enough.",
];

/// It is not in the registry that is shown.
pub(crate) const REGISTERED: Hints = [
    "Where does /metrics get its metrics from, and does your counter arrive\n\
     there?",
    "MetricsHandler shows what is in the registry that it is given, and nothing\n\
     else. `register` takes a counter into a registry, and `unregister` out of\n\
     it. A clone is the same counter; a second one that is made is another.",
];

/// Something is done when the program ends.
pub(crate) const LATE: Hints = [
    "Which lines of `main` run before the first visitor comes, and which after\n\
     the last?",
    "`serve` comes back when the program is stopped, and what stands below it\n\
     waits until then. What visitors should find is made ready above.",
];

/// No series was named.
pub(crate) const NAMED: Hints = [
    "Before anyone has said which status and which endpoint: what could a counter\n\
     with labels show?",
    "`with_label_values` makes a series when its values are first named. A\n\
     counter with labels has none of its own, and is left out at /metrics until\n\
     then.",
];

/// Labels that nobody asked for.
pub(crate) const FURTHER: Hints = [
    "Which name stands between the braces at /metrics that the lesson does not\n\
     have, and where does it come from?",
    "Labels come from three places: the names in `IntCounterVec::new`, the\n\
     `const_label` of its Opts, and a registry that is made with labels of its\n\
     own.",
];

/// A counter without labels.
pub(crate) const ALONE: Hints = [
    "How would you ask this counter how many visits have failed?",
    "docs.rs/prometheus: a type with `Vec` in its name has a series for each set\n\
     of label values. It takes the names when it is made, and the values in\n\
     `with_label_values`, each time it counts.",
];

/// The two values stand in the wrong order.
pub(crate) const SWAPPED: Hints = [
    "At /metrics, what stands behind `status=`, and what behind `endpoint=`?",
    "The names are declared once, in `IntCounterVec::new`. Every\n\
     `with_label_values` takes the values in the same order as those names.",
];

/// Main names other series than those that come.
pub(crate) const OTHERS: Hints = [
    "Compare the series that /metrics shows at the start with those that a visit\n\
     raises. In which label do they differ?",
    "`with_label_values` makes the series of the values that it is given, letter\n\
     by letter. An endpoint is the path of the page, and a status is one number.",
];

/// A series is taken away before it is needed.
pub(crate) const TAKEN: Hints = [
    "Follow a series from the line that names it. Is it still there when the\n\
     first visitor comes?",
    "docs.rs/prometheus: `reset` of a counter with labels takes all its series\n\
     away, and the calls with `remove` take one. They are back when somebody\n\
     names them again.",
];

/// A series is raised when it should only be made.
pub(crate) const RAISED: Hints = [
    "The program has just started. How many visits does /metrics tell of, and who\n\
     was it?",
    "`with_label_values` makes a series, and it stands at 0. `inc()` is for a\n\
     request that was answered.",
];

/// Requests are counted before it is known what they are.
pub(crate) const ABOVE: Hints = [
    "Look at /metrics a few times, and at nothing else. Which series rises?",
    "Only when the `match` is done, the endpoint and the status are known. The\n\
     line that counts belongs below it, and takes both from there.",
];

/// The status is named before it is known.
pub(crate) const EARLY: Hints = [
    "A visitor still waits for the answer. Can your program know its status yet?",
    "What stands above an `.await` runs before the answer is there. The status is\n\
     known below it: `response.status()`.",
];

/// Several counters are made.
pub(crate) const ONE: Hints = [
    "How many counters does your program make while it runs, and which of them\n\
     does the registry have?",
    "Each `IntCounterVec::new` makes another counter, which begins with nothing.\n\
     A clone is the same counter. Make one in `main`, register a clone of it, and\n\
     keep the other in App.",
];

/// Something decides which requests count.
pub(crate) const CONDITION: Hints = [
    "Which requests does your program answer without counting them? What is\n\
     special about them?",
    "Every answer counts, whoever asks and however it ends. One line below the\n\
     `match` counts them all, if no `return` stands above it and no condition\n\
     around it.",
];

/// The error of a call is dropped.
pub(crate) const FITTING: Hints = [
    "How many names were declared for the labels, and how many values are given\n\
     here?",
    "docs.rs/prometheus: `get_metric_with_label_values` gives a Result, and\n\
     `with_label_values` panics instead. Both want one value for each name, in\n\
     the same order.",
];

/// It counts at another time.
pub(crate) const LATER: Hints = [
    "When does the counter rise: when the answer is ready, or some time after?",
    "`inc()` on the registered counter waits for nothing. It needs no task, no\n\
     buffer and no lock, and a scrape sees it at once.",
];

/// Nothing raises the counter.
pub(crate) const NOTHING: Hints = [
    "Visit the page a few times. Which line of your program should raise a number\n\
     at /metrics then?",
    "docs.rs/prometheus: `with_label_values` gives the counter of one series, and\n\
     `inc()` raises it by one. It belongs below the `match`, where every answer\n\
     passes.",
];

/// It rises by something else than one.
pub(crate) const AMOUNT: Hints = [
    "Visit the page once, then once more. By how much does its series rise each\n\
     time?",
    "`inc()` adds one, and `inc_by` what it is told. A counter of requests rises\n\
     by one for each request, when it is answered.",
];

/// A request is counted in two places.
pub(crate) const TWICE: Hints = [
    "Follow one request through your program. How many lines does it pass that\n\
     raise the counter?",
    "Every request counts once, in one series. One line below the `match` does\n\
     that; no other is needed, in an arm or beside it.",
];

/// What was counted is taken back.
pub(crate) const FALLS: Hints = [
    "Look at /metrics, visit the page a few times, and look twice more. Does any\n\
     series get lower, or vanish?",
    "A number that only rises is what Prometheus needs: it works out itself what\n\
     is new since the last scrape. `reset` and the calls that remove series\n\
     take that away.",
];

/// The exposition is an old one.
pub(crate) const OLD: Hints = [
    "Look at /metrics twice. Does anything change from one time to the next?",
    "An exposition is true at the moment of the scrape. `respond` of\n\
     MetricsHandler gathers all metrics anew, each time it is called.",
];

/// The endpoint is not the one that it should be.
pub(crate) const ENDPOINT: Hints = [
    "Which endpoint does /metrics show for these requests, and which one does the\n\
     lesson name?",
    "The path chooses an arm, and the arm names the endpoint: the path itself if\n\
     it is served, \"other\" for all the rest. The line that counts takes that, as\n\
     it is.",
];

/// The status is not that of the answer.
pub(crate) const STATUS: Hints = [
    "What does `curl -i` show in its first line, and what does the label say?",
    "docs.rs/http: `status()` of a Response gives a StatusCode, and that has\n\
     `as_str()`: the number, as text. Then the label is right for every answer,\n\
     also for those that nobody has thought of.",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_fit_on_the_screen() {
        let of_names = [NAME, SPLIT, KIND, HELP, REGISTERED, LATE, NAMED, FURTHER, ALONE, SWAPPED];
        let of_counts =
            [OTHERS, TAKEN, RAISED, ABOVE, EARLY, ONE, CONDITION, FITTING, LATER, NOTHING, AMOUNT];
        let of_values = [TWICE, FALLS, OLD, ENDPOINT, STATUS];
        for [question, pointer] in of_names.into_iter().chain(of_counts).chain(of_values) {
            assert!(question.ends_with(['?']), "{question}");
            for line in question.lines().chain(pointer.lines()) {
                assert!(line.chars().count() <= 78, "{line}");
            }
        }
    }
}
