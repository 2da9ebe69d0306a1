//! How each check of sections.toml is judged: the one table from a slug to its function. In which
//! section and order checks come, and what they are called, sections.toml says.

use crate::check::program::context::Context;
use crate::check::program::faults::Faults;
use crate::check::program::{
    all_requests, bonus, buckets, format, life, pre_created, section1, section2, unknown_paths,
    visits, waits,
};
use crate::check::stack::Judge;
use crate::check::stack::promql::questions::{self, Question};
use crate::check::verdict::Judgement;
use crate::course::Section;

type OfProgram = fn(&Context<'_>) -> Judgement;
type OfStack = fn(&mut Judge) -> Judgement;

/// Who or what judges a check.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Method {
    /// Cargo.
    Build,
    /// What was seen of the learner's program; besides when every visit succeeds, with these
    /// faults.
    Program(OfProgram, &'static [Faults]),
    /// All checks of an earlier section, again.
    Again(&'static str),
    /// The stack itself, whatever the learner has written.
    Stack(OfStack),
    /// What the learner has written for the stack.
    Work(OfStack),
    /// An answer in PromQL.
    Answer(Question),
}

/// A check, and how it is judged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    slug: &'static str,
    pub(crate) method: Method,
    /// While this cannot be told, nothing after it can.
    pub(crate) first: bool,
}

const fn entry(slug: &'static str, method: Method) -> Entry {
    Entry { slug, method, first: false }
}

const fn first(slug: &'static str, method: Method) -> Entry {
    Entry { slug, method, first: true }
}

const fn program(slug: &'static str, judge: OfProgram) -> Entry {
    entry(slug, Method::Program(judge, &[]))
}

const fn program_with(slug: &'static str, faults: &'static [Faults], judge: OfProgram) -> Entry {
    entry(slug, Method::Program(judge, faults))
}

const fn work(slug: &'static str, judge: OfStack) -> Entry {
    entry(slug, Method::Work(judge))
}

/// The check that comes before all, in every section.
pub(crate) const BUILDS: &str = "builds";

/// The check of the histogram's buckets.
pub(crate) const BUCKETS: &str = "buckets";

/// The checks. A question of section 3 needs no line here: it has its answer in the solutions.
const ENTRIES: &[Entry] = &[
    entry(BUILDS, Method::Build),
    first("starts", Method::Program(life::stays_alive, &[])),
    first("serves-trees", Method::Program(visits::serves_trees, &[Faults::SLOW, Faults::FAILING])),
    program("metrics-status", section1::metrics_status),
    program("metrics-content-type", format::metrics_content_type),
    program("metrics-parses", format::metrics_parses),
    program("base-metrics", section1::base_metrics),
    program("unknown-path-404", section1::unknown_path_404),
    program_with("scrape-not-delayed", &[Faults::STUCK], waits::scrape_not_delayed),
    program("requests-counter", section2::requests_counter),
    program("labels", section2::labels),
    program("pre-created", pre_created::pre_created),
    program_with("counts-visits", &[Faults::STUCK], section2::counts_visits),
    program_with("status-from-response", &[Faults::FAILING], section2::status_from_response),
    program("scrapes-apart", all_requests::scrapes_apart),
    program("bounded-paths", unknown_paths::bounded_paths),
    program("counts-all", all_requests::counts_all),
    program("latency-histogram", bonus::latency_histogram),
    program(BUCKETS, buckets::fine_buckets),
    program("counts-observations", bonus::counts_observations),
    program_with("measures-latency", &[Faults::SLOW, Faults::LONG], bonus::measures_latency),
    program_with("failed-observed", &[Faults::FAILING], bonus::failed_observed),
    entry("still-counted", Method::Again("section2")),
    first("prometheus-reachable", Method::Stack(Judge::reachable)),
    entry("target-up", Method::Stack(Judge::target_up)),
    entry("requests-arrive", Method::Stack(Judge::requests_arrive)),
    work("alert-valid", Judge::alert_valid),
    work("alert-described", Judge::alert_described),
    work("alert-quiet", Judge::alert_quiet),
    work("alert-fires", Judge::alert_fires),
    work("grafana-panel", Judge::grafana_panel),
];

/// How a check is judged, if there is one of that slug.
pub(crate) fn find(slug: &str) -> Option<Entry> {
    let question = || {
        Some(questions::find(slug)?).map(|question| entry(question.name, Method::Answer(question)))
    };
    ENTRIES.iter().find(|entry| entry.slug == slug).copied().or_else(question)
}

/// The checks of a section, in its order.
pub(crate) fn of_section(section: &Section) -> impl Iterator<Item = (&str, Entry)> {
    section.checks().filter_map(|(.., check)| Some((check.slug.as_str(), find(&check.slug)?)))
}

impl Method {
    /// The stack has to run for it, instead of the learner's program.
    pub(crate) fn wants_stack(self) -> bool {
        matches!(self, Self::Stack(_) | Self::Work(_) | Self::Answer(_))
    }

    /// Judges a check of the stack; nothing, if it is none.
    pub(crate) fn judge_stack(self, judge: &mut Judge) -> Option<Judgement> {
        match self {
            Self::Stack(function) | Self::Work(function) => Some(function(judge)),
            Self::Answer(question) => Some(judge.answer(question)),
            Self::Build | Self::Program(..) | Self::Again(_) => None,
        }
    }
}

impl Judge {
    /// The judgement of a check of the stack, by its slug.
    ///
    /// # Panics
    /// When it is none.
    pub fn judge(&mut self, slug: &str) -> Judgement {
        let judgement = find(slug).and_then(|entry| entry.method.judge_stack(self));
        judgement.unwrap_or_else(|| panic!("`{slug}` is no check of the stack"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::course::Course;

    /// An entry without a check would never be judged, and a check without an entry has no judge.
    #[test]
    fn every_check_has_an_entry_and_the_reverse() {
        let course = Course::embedded().unwrap();
        let checks = course.sections.iter().flat_map(Section::checks);
        let described: BTreeSet<&str> = checks.map(|(.., check)| check.slug.as_str()).collect();
        let questions = questions::all().map(|question| question.name);
        let judged: BTreeSet<&str> =
            ENTRIES.iter().map(|entry| entry.slug).chain(questions).collect();
        assert_eq!(described, judged);
        assert_eq!(judged.len(), ENTRIES.len() + questions::all().count(), "one twice");
    }

    /// A section is judged on a program or on the stack, never on both.
    #[test]
    fn a_section_looks_at_one_thing() {
        for section in &Course::embedded().unwrap().sections {
            let kinds: BTreeSet<bool> =
                of_section(section).map(|(_, entry)| entry.method.wants_stack()).collect();
            assert_eq!(kinds.len(), 1, "{}", section.slug);
        }
    }
}
