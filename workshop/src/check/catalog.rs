//! Which function judges which check of sections.toml.

use crate::check::program::context::Context;
use crate::check::program::{bonus, section1, section2};
use crate::check::verdict::Judgement;

/// A check that looks at the learner's running program.
pub(crate) type JudgeFn = fn(&Context<'_>) -> Judgement;

/// The section whose checks look at the running stack, and are judged by [`crate::check::stack`].
pub(crate) const STACK: &str = "section3";

/// The check that comes first, and is cargo's to judge.
pub(crate) const BUILDS: &str = "builds";

/// The checks of the learner's running program, by section and in order.
pub(crate) const JUDGES: [(&str, &[(&str, JudgeFn)]); 3] = [
    (
        "section1",
        &[
            ("starts", section1::stays_alive),
            ("serves-trees", section1::serves_trees),
            ("metrics-status", section1::metrics_status),
            ("metrics-content-type", section1::metrics_content_type),
            ("metrics-parses", section1::metrics_parses),
            ("base-metrics", section1::base_metrics),
            ("unknown-path-404", section1::unknown_path_404),
            ("scrape-not-delayed", section1::scrape_not_delayed),
        ],
    ),
    (
        "section2",
        &[
            ("requests-counter", section2::requests_counter),
            ("labels", section2::labels),
            ("pre-created", section2::pre_created),
            ("counts-visits", section2::counts_visits),
            ("status-from-response", section2::status_from_response),
            ("scrapes-apart", section2::scrapes_apart),
            ("bounded-paths", section2::bounded_paths),
            ("counts-all", section2::counts_all),
        ],
    ),
    (
        "bonus",
        &[
            ("latency-histogram", bonus::latency_histogram),
            ("buckets", bonus::fine_buckets),
            ("counts-observations", bonus::counts_observations),
            ("measures-latency", bonus::measures_latency),
            ("failed-observed", bonus::failed_observed),
            ("still-counted", bonus::still_counted),
        ],
    ),
];

/// The checks of a section, if they look at the learner's program.
pub(crate) fn judges(section: &str) -> Option<&'static [(&'static str, JudgeFn)]> {
    JUDGES.iter().find(|(slug, _)| *slug == section).map(|(_, judges)| *judges)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::course::Course;

    /// An entry without a check would never be judged, and a check without an entry has no title.
    #[test]
    fn every_check_has_an_entry_and_the_reverse() {
        let course = Course::embedded().unwrap();
        for (slug, judges) in JUDGES {
            let section = course.section(slug).unwrap();
            let described: Vec<&str> = section
                .checks()
                .map(|(.., check)| check.slug.as_str())
                .filter(|s| *s != BUILDS)
                .collect();
            let judged: Vec<&str> = judges.iter().map(|(slug, _)| *slug).collect();
            assert_eq!(described, judged, "{slug}");
        }
    }
}
