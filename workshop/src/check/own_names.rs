//! What the finished program has, in the names that a learner has given to the same things.

/// What the finished program calls its things, and what comes behind the name where it is given.
const NAMES: [(&str, &str); 4] = [
    ("requests", " = IntCounterVec::new("),
    ("latency", " = HistogramVec::new("),
    ("registry", " = Registry::new("),
    ("settings", " = Settings::from_env("),
];

/// What it calls the fields of `App`.
const FIELDS: [(&str, &str); 4] = [
    ("requests", ": IntCounterVec,"),
    ("latency", ": HistogramVec,"),
    ("trees", ": TreeCounter,"),
    ("metrics", ": MetricsHandler,"),
];

/// A line of the finished program as the learner would write it.
pub(crate) fn in_own_names(line: &str, text: &str) -> String {
    let own = |given: &str| {
        let line = text.lines().find(|line| line.contains(given))?;
        let (before, _) = line.split_once(given)?;
        Some(before.trim().trim_start_matches("let ").trim_start_matches("mut ").to_owned())
    };
    let is_name = |name: &String| name.chars().all(|c| c.is_alphanumeric() || c == '_');
    // The name of a field need not be that of the variable.
    let field = |name: &str| {
        let (_, given) = FIELDS.iter().find(|(known, _)| *known == name)?;
        own(given).filter(is_name)
    };
    if let Some((name, _)) =
        FIELDS.iter().find(|(name, given)| line.trim() == format!("{name}{given}"))
    {
        return field(name).map_or_else(|| line.to_owned(), |own| line.replacen(name, &own, 1));
    }
    if let Some((name, given)) = NAMES.iter().find(|(name, _)| line.trim() == format!("{name},")) {
        let variable = own(given).filter(is_name);
        if let (Some(field), Some(variable)) = (field(name), variable)
            && field != variable
        {
            return line.replacen(name, &format!("{field}: {variable}"), 1);
        }
    }
    let mut written = line.to_owned();
    for (name, given) in FIELDS {
        if let Some(own) = own(given).filter(is_name) {
            written = renamed(&written, name, &own, |before| before.ends_with("self."));
        }
    }
    for (name, given) in NAMES {
        if let Some(own) = own(given).filter(is_name) {
            written = renamed(&written, name, &own, |before| !before.ends_with(['.', '"', '/']));
        }
    }
    written
}

/// A line with a word replaced where what stands before it fits.
fn renamed(line: &str, name: &str, own: &str, fits: impl Fn(&str) -> bool) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut written = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(name) {
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        written.push_str(before);
        let whole = !written.ends_with(is_part) && !after.starts_with(is_part);
        written.push_str(if whole && fits(&written) { own } else { name });
        rest = after;
    }
    written + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_and_a_variable_of_another_name_fit_together() {
        let text = "    hits: IntCounterVec,\n    let counter = IntCounterVec::new(opts)?;\n";
        for (finished, own) in [
            ("    requests: IntCounterVec,", "    hits: IntCounterVec,"),
            ("        requests,", "        hits: counter,"),
            ("    self.requests.inc();", "    self.hits.inc();"),
            ("    register(requests.clone());", "    register(counter.clone());"),
        ] {
            assert_eq!(in_own_names(finished, text), own);
        }
    }
}
