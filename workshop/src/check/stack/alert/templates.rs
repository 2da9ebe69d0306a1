//! The templates in the annotations of an alert.

/// What is wrong with a template although Prometheus takes it, and why.
pub(crate) fn bad_template(text: &str) -> Option<(&'static str, &'static str)> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, template)) = rest.split_once("{{") {
        plain.push_str(before);
        let (inside, after) = template.split_once("}}").unwrap_or((template, ""));
        let mut words = inside.trim_matches(['-', ' ']).split_whitespace();
        if words.next() == Some("value") && words.next().is_none_or(|next| next == "|") {
            return Some((
                "{{ value }}",
                "`value` needs a dollar: {{ $value | humanizePercentage }}",
            ));
        }
        rest = after;
    }
    plain.push_str(rest);
    ["$value", "$labels"].iter().any(|name| plain.contains(name)).then_some((
        "a template that is none: it would be read as it is written",
        "A template has two braces on both sides: {{ $value }}, {{ $labels.instance }}",
    ))
}

/// The labels of the alert that a template asks for. A template with a query of its own may mean
/// those of its answer.
pub(crate) fn labels_in(text: &str) -> impl Iterator<Item = &str> {
    let text = if text.contains("query") { "" } else { text };
    text.match_indices("abels.").filter_map(|(at, found)| {
        let before = &text[..at];
        let name = &text[at + found.len()..];
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        (before.ends_with("$l") || before.ends_with(".L"))
            .then(|| &name[..end.unwrap_or(name.len())])
            .filter(|name| !name.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_that_prometheus_takes_and_nobody_can_read() {
        for good in [
            "{{ $value | humanizePercentage }} of {{ $labels.endpoint }} fail",
            "{{- $value -}}",
            "{{ query \"up\" | first | value }}",
            "oh",
        ] {
            assert_eq!(bad_template(good), None, "{good}");
        }
        for bad in [
            "{ $value | humanizePercentage }",
            "{{ value | humanize }}",
            "{{ $value }} $labels.job",
        ] {
            assert!(bad_template(bad).is_some(), "{bad}");
        }
        let labels: Vec<&str> =
            labels_in("{{ $labels.a_1 }}{{ .Labels.b}} labels.c; all labels. ").collect();
        assert_eq!(labels, ["a_1", "b"]);
        assert_eq!(labels_in("{{ range query \"up\" }}{{ .Labels.job }}{{ end }}").count(), 0);
    }
}
