//! One answer: read by Prometheus, compared with the finished one, and explained where it differs.

use std::collections::BTreeSet;

use crate::check::stack::prometheus::api::{ApiError, Instants, Prometheus, Series};
use crate::check::stack::prometheus::connection;
use crate::check::stack::prometheus::made_up::MadeUp;
use crate::check::stack::promql::answers::{Answer, FINISHED};
use crate::check::stack::promql::ast::Node;
use crate::check::stack::promql::comparison::{Difference, difference, points};
use crate::check::stack::promql::differences::{At, in_words};
use crate::check::stack::promql::explanations;
use crate::check::stack::promql::extras::extras;
use crate::check::stack::promql::mistake::Mistake;
use crate::check::stack::promql::mistakes;
use crate::check::stack::promql::questions::Question;
use crate::check::stack::promql::refusals::{ONE_TO_ONE, marked, matching_problem, place_of};
use crate::check::stack::promql::selectors::nothing_selected;
use crate::check::stack::promql::sides::nothing_matched;
use crate::check::stack::promql::syntax_errors::advice;
use crate::check::verdict::{Finding, Judgement, Quote};
use crate::http::no_answer::NoAnswer;
use crate::terminal::shell::Shell;

/// An answer must be right at so many instants at least, or it may be right by chance.
const INSTANTS: usize = 3;

/// What an answer gave, and how that differs from what the finished one gives.
struct Outcome<'a> {
    difference: &'a Difference,
    found: &'a [Series],
    instants: Instants,
}

/// What an answer is judged on.
pub(crate) struct Bench<'a> {
    pub(crate) prometheus: &'a Prometheus,
    /// Where it is asked first, if there is one: what it gave on made-up visits.
    pub(crate) made_up: Option<&'a MadeUp>,
    /// The one that the learner can look at.
    pub(crate) shown: &'a Prometheus,
    pub(crate) instants: Instants,
    /// Beside those, when there is no target, for the question that is about that.
    pub(crate) empty: &'a [Instants],
    /// Seconds from one scrape to the next.
    pub(crate) interval: f64,
    /// The learner's file, as it is named to the learner.
    pub(crate) file: &'a str,
}

impl Bench<'_> {
    /// Judges an answer that is not empty.
    pub(crate) async fn judge(&self, question: &Question, answer: &Answer) -> Judgement {
        let finding = Finding::new(question.asked(), "").quoting(self.quote(answer));
        let tree = match self.prometheus.parse(&answer.query).await {
            Ok(tree) => tree,
            Err(ApiError::Refused { message, .. }) => {
                return self.unreadable(question, answer, &message).await;
            }
            Err(error) => return connection::trouble(self.prometheus, &error).await,
        };
        let tree = tree.as_ref().map(Node);
        if let Some(tree) = tree
            && let Some(mistake) = self.always_wrong(question, tree).await
        {
            return told(finding, mistake).fail();
        }
        for instants in self.times(question) {
            let expected = match self.range(question.reference(), instants).await {
                Ok(expected) => expected,
                Err(error) => return connection::trouble(self.prometheus, &error).await,
            };
            // Before its data is asked for: what is refused is refused whatever there is.
            let found = match self.range(&answer.query, instants).await {
                Ok(found) => found,
                Err(ApiError::Refused { kind, message }) => {
                    return self.refused(finding, answer, &kind, &message);
                }
                // The finished query was quick enough.
                Err(ApiError::NoAnswer(NoAnswer::TimedOut(limit))) => {
                    let message = format!("no result within {} s", limit.as_secs());
                    return self.refused(finding, answer, "timeout", &message);
                }
                Err(error) => return connection::trouble(self.prometheus, &error).await,
            };
            let may_be_empty = question.before_everything && instants == self.instants;
            if !may_be_empty && points(&expected) < INSTANTS {
                if question.bonus && self.file == FINISHED {
                    return Finding::new(question.asked(), "no histogram so far").left_out();
                }
                return Finding::new(
                    format!(
                        "data to compare your answer on: {}",
                        Shell::HERE.command(&question.needs)
                    ),
                    if question.bonus { "no histogram so far" } else { "too little of it so far" },
                )
                .because(if question.bonus {
                    "Run the bonus's program for a while, and check again. Until then the answer \
                     may stay empty."
                } else {
                    "Give it a minute or two of traffic and check again."
                })
                .could_not_tell();
            }
            let Some(difference) = difference(&found, &expected) else { continue };
            let outcome = Outcome { difference: &difference, found: &found, instants };
            let mistake = self.explain(question, answer, tree, &outcome).await;
            return told(finding, mistake).try_with(self.link(answer)).fail();
        }
        Ok(())
    }

    /// What is wrong whatever the result is.
    async fn always_wrong(&self, question: &Question, tree: Node<'_>) -> Option<Mistake> {
        let gauges = self.gauges(tree).await;
        let is_gauge = |metric: &str| gauges.contains(metric);
        let asked = question.window();
        if let Some(wrong) = mistakes::always_wrong(tree, is_gauge, self.interval, asked) {
            return Some(wrong);
        }
        let wrong = mistakes::wrong_for(question, tree)?;
        // A name that nothing has is more to the point.
        Some(nothing_selected(self.prometheus, tree).await.unwrap_or(wrong))
    }

    async fn range(&self, query: &str, at: Instants) -> Result<Vec<Series>, ApiError> {
        match self.made_up.and_then(|made_up| made_up.range(query, at)) {
            Some(found) => found,
            None => self.prometheus.range(query, at).await,
        }
    }

    pub(crate) fn times(&self, question: &Question) -> Vec<Instants> {
        let empty = if question.before_everything { self.empty } else { &[] };
        std::iter::once(&self.instants).chain(empty).copied().collect()
    }

    /// The metrics in a query that are gauges: by what their program says, or by their names.
    async fn gauges(&self, tree: Node<'_>) -> BTreeSet<String> {
        let metrics: BTreeSet<&str> =
            tree.all().into_iter().map(Node::metric).filter(|metric| !metric.is_empty()).collect();
        let mut gauges = BTreeSet::new();
        for metric in metrics {
            let of_histogram =
                ["_bucket", "_count", "_sum"].iter().find_map(|end| metric.strip_suffix(end));
            let said = self.prometheus.metric_type(metric).await.ok().flatten();
            let gauge = match said.as_deref() {
                Some(kind) => kind == "gauge",
                // One that is not there is no gauge either.
                None if self.prometheus.label_names(metric).await.is_ok_and(|l| l.is_empty()) => {
                    false
                }
                None => !metric.ends_with("_total") && of_histogram.is_none(),
            };
            if gauge {
                gauges.insert(metric.to_owned());
            }
        }
        gauges
    }

    async fn explain(
        &self,
        question: &Question,
        answer: &Answer,
        tree: Option<Node<'_>>,
        outcome: &Outcome<'_>,
    ) -> Mistake {
        let difference = outcome.difference;
        let Some(tree) = tree else { return in_words(difference, question, self.at(), false) };
        let reference = self.prometheus.parse(question.reference()).await.ok().flatten();
        let reference = reference.as_ref().map(Node);
        let extras = reference.map(|reference| extras(tree, reference)).unwrap_or_default();
        let known = match self.known(question, answer, tree, outcome).await {
            Some(mistake) => Some(mistake),
            // Other labels are told from the result: that is more to the point than a window.
            None if matches!(difference, Difference::Labels { .. }) => None,
            None => reference.and_then(|reference| explanations::explains(tree, reference)),
        };
        let known =
            known.or_else(|| explanations::divided_by_itself(tree, difference, outcome.found));
        let explained = !extras.more.is_empty() || extras.constant;
        let mut mistake =
            known.unwrap_or_else(|| in_words(difference, question, self.at(), explained));
        let said = format!("{} {}", mistake.found, mistake.cause);
        if let Some(words) = extras.in_words(&said) {
            mistake.cause = format!("{} {words}", mistake.cause).trim().to_owned();
        }
        mistake
    }

    /// What explains another result whatever the finished answer looks like.
    async fn known(
        &self,
        question: &Question,
        answer: &Answer,
        tree: Node<'_>,
        outcome: &Outcome<'_>,
    ) -> Option<Mistake> {
        let Outcome { difference, instants, .. } = *outcome;
        if self.has_what_is_asked_for(question).await
            && let Some(mistake) = nothing_selected(self.prometheus, tree).await
        {
            return Some(mistake);
        }
        if let Some(mistake) = explanations::about_absence(question, tree, difference) {
            return Some(mistake);
        }
        if *difference == Difference::Empty {
            return nothing_matched(self.prometheus, &answer.query, tree, instants).await;
        }
        None
    }

    /// Made-up visits may have a metric that this Prometheus has not, and then its names say
    /// nothing.
    async fn has_what_is_asked_for(&self, question: &Question) -> bool {
        if self.made_up.is_none() {
            return true;
        }
        let reference = self.prometheus.parse(question.reference()).await.ok().flatten();
        match reference {
            Some(tree) => nothing_selected(self.prometheus, Node(&tree)).await.is_none(),
            None => false,
        }
    }

    /// A query that is no PromQL, with the place.
    async fn unreadable(&self, question: &Question, answer: &Answer, message: &str) -> Judgement {
        let (place, words) = place_of(message);
        let mut quote = self.quote(answer);
        if let Some(place) = place {
            quote.line = answer.line + place.0 - 1;
            quote.text = marked(&answer.query, place);
        }
        let finding = Finding::new(question.asked(), words).quoting(quote);
        if let Some(place) = place
            && self.begins_another(&answer.query, place).await
        {
            return finding
                .because("One query for each question; a second one begins here.")
                .fail();
        }
        match advice(words, &answer.query, place) {
            Some(cause) => finding.because(question.in_its_terms(&cause)).fail(),
            None => finding.fail(),
        }
    }

    /// Whether a second query stands below a first one, and begins at the place of the error.
    async fn begins_another(&self, query: &str, (line, column): (usize, usize)) -> bool {
        let lines: Vec<&str> = query.lines().collect();
        let Some((above, below)) = lines.split_at_checked(line - 1) else { return false };
        let indent = below.first().map_or(0, |first| first.len() - first.trim_start().len());
        column == indent + 1
            && self.prometheus.parse(&above.join("\n")).await.is_ok()
            && self.prometheus.parse(&below.join("\n")).await.is_ok()
    }

    /// A query that parses and is not evaluated all the same.
    fn refused(
        &self,
        mut finding: Finding,
        answer: &Answer,
        kind: &str,
        message: &str,
    ) -> Judgement {
        finding.found = message.to_owned();
        let is_costly = ["timeout", "canceled"].contains(&kind)
            || ["too many samples", "exceeded maximum resolution"]
                .iter()
                .any(|part| message.contains(part));
        let cause = match () {
            () if is_costly => Some(COSTLY.to_owned()),
            () if matching_problem(message) => Some(ONE_TO_ONE.to_owned()),
            () => advice(message, &answer.query, None),
        };
        match cause {
            Some(cause) => finding.because(cause).fail(),
            None => finding.fail(),
        }
    }

    fn quote(&self, answer: &Answer) -> Quote {
        let mut lines: Vec<&str> = answer.query.lines().take(4).collect();
        if answer.query.lines().count() > lines.len() {
            lines.push("...");
        }
        Quote { of: self.file.to_owned(), line: answer.line, text: lines.join("\n") }
    }

    /// A time of day helps to find an instant in a Prometheus that is there afterwards.
    fn at(&self) -> At {
        if self.made_up.is_none() && self.prometheus.stays() {
            At::TheClock
        } else {
            At::MadeUpVisits
        }
    }

    fn link(&self, answer: &Answer) -> String {
        self.shown.graph(&answer.query)
    }
}

fn told(mut finding: Finding, mistake: Mistake) -> Finding {
    finding.found = mistake.found;
    finding.because(mistake.cause)
}

const COSTLY: &str = "That is more than a query of a dashboard should cost. A smaller window or \
                      fewer steps will do.";
