//! The family that was most likely meant to have a certain name.

use crate::exposition::{Exposition, Family};

/// The family whose name is nearest to `wanted`, unless all are far away.
pub(crate) fn nearest<'a>(read: &'a Exposition, wanted: &str) -> Option<&'a Family> {
    let stem = stem(wanted);
    let near = |family: &&Family| {
        let name = family.name.to_lowercase();
        let distance = strsim::damerau_levenshtein(&name, wanted);
        let shares = stem.len() > 4 && name.contains(stem);
        (shares || distance <= 3).then_some(distance)
    };
    let candidates = read.families.iter().filter(|family| !is_base(&family.name));
    candidates
        .filter_map(|family| Some((near(&family)?, family)))
        .min_by_key(|(d, _)| *d)
        .map(|(_, f)| f)
}

/// The word that a learner keeps even when the rest of the name is another: `request`.
fn stem(name: &str) -> &str {
    name.split('_').next().unwrap_or(name).trim_end_matches('s')
}

/// The base metrics are nobody's slip of the pen.
fn is_base(name: &str) -> bool {
    ["process_", "tokio_", "treecounter_build"].iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_of_the_pen() {
        let near = |name: &str| {
            let text = format!("process_cpu_seconds_total 1\n{name} 1\n");
            let read = crate::exposition::parse(text.as_bytes()).unwrap();
            nearest(&read, "requests_total").map(|family| family.name.clone())
        };
        for name in ["requests", "request_total", "requests_count", "http_requests_total"] {
            assert_eq!(near(name).as_deref(), Some(name));
        }
        assert_eq!(near("trees_total"), None);
    }
}
