//! What promtool says of a rule file that is refused, and the line it means.

/// What promtool has to say, each thing once. It reads the file twice, and complains twice:
///
/// `/scratch/rules.yml: 7:15: group "mine", rule 1, "X": could not parse expression: ...`
///
/// `/scratch/rules.yml: yaml: unmarshal errors:`, and below it `  line 12: field fro not found ...`
pub(crate) fn complaint(words: &str) -> String {
    let mut said: Vec<&str> = Vec::new();
    for line in words.lines() {
        let line = line.split_once("rules.yml: ").map_or(line, |(_, rest)| rest).trim();
        let heading = line.is_empty() || line.starts_with("Checking") || line == "FAILED:";
        // The second time the types have other names.
        let place = line.split_once(": ").map_or(line, |(place, _)| place);
        let again = place.starts_with("line ") && said.iter().any(|said| said.starts_with(place));
        if !heading && line != "yaml: unmarshal errors:" && !again && !said.contains(&line) {
            said.push(line);
        }
    }
    said.truncate(2);
    said.join("; ")
}

/// `7:15: ...` or `yaml: line 4: ...`
pub(crate) fn line_of(words: &str) -> Option<usize> {
    let digits = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        text[..end].parse().ok()
    };
    if let Some((_, after)) = words.split_once("line ") {
        return digits(after);
    }
    digits(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_in_complaints() {
        assert_eq!(line_of("7:15: group \"mine\", rule 1"), Some(7));
        assert_eq!(line_of("yaml: line 4: mapping values"), Some(4));
        assert_eq!(line_of("yaml: unmarshal errors: line 12: field x"), Some(12));
        assert_eq!(line_of("groupname must not be empty"), None);
    }

    #[test]
    fn a_complaint_is_made_once_and_nothing_dangles() {
        for (words, said) in [
            (
                "Checking /x/rules.yml\n  FAILED:\n/x/rules.yml: yaml: unmarshal errors:\n  line \
                 12: field fro not found in type rulefmt.Rule\n",
                "line 12: field fro not found in type rulefmt.Rule",
            ),
            (
                "  FAILED:\nrules.yml: yaml: unmarshal errors:\n  line 2: cannot unmarshal !!map \
                 into []rulefmt.RuleGroup\nrules.yml: yaml: unmarshal errors:\n  line 2: cannot \
                 unmarshal !!map into []rulefmt.RuleGroupNode\n",
                "line 2: cannot unmarshal !!map into []rulefmt.RuleGroup",
            ),
            (
                "rules.yml: not a valid duration string: \"30\"\nrules.yml: not a valid duration \
                 string: \"30\"\n",
                "not a valid duration string: \"30\"",
            ),
            (
                "rules.yml: yaml: unmarshal errors:\n  line 12: field fro\n  line 13: field \
                 lables\n",
                "line 12: field fro; line 13: field lables",
            ),
        ] {
            assert_eq!(complaint(words), said);
        }
    }
}
