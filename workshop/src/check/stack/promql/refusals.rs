//! What Prometheus's words say of a query that it does not evaluate.

/// Whether a query failed since several series were found where one must be.
pub(crate) fn matching_problem(message: &str) -> bool {
    message.contains("many-to-many") || message.contains("multiple matches for labels")
}

pub(crate) const ONE_TO_ONE: &str = "Each series on the left must find exactly one on the right. \
                                     Sum both sides by the same labels, and they do.";

/// `invalid parameter "query": 1:29: parse error: words`: the place and the words.
pub(crate) fn place_of(message: &str) -> (Option<(usize, usize)>, &str) {
    let Some((before, words)) = message.split_once("parse error: ") else { return (None, message) };
    let mut numbers = before.trim_end_matches([' ', ':']).rsplit([' ', ':']);
    let column = numbers.next().and_then(|text| text.parse().ok()).filter(|column| *column > 0);
    let line = numbers.next().and_then(|text| text.parse().ok()).filter(|line| *line > 0);
    (line.zip(column), words)
}

/// The line of a query in which such a place is, and below it a mark at its column.
pub(crate) fn marked(query: &str, (line, column): (usize, usize)) -> String {
    let text = query.lines().nth(line - 1).unwrap_or_default();
    let before = text.chars().take(column - 1).map(|c| if c == '\t' { '\t' } else { ' ' });
    format!("{text}\n{}^", before.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_from_prometheus_words() {
        let found =
            place_of("invalid parameter \"query\": 3:29: parse error: unclosed left parenthesis");
        assert_eq!(found, (Some((3, 29)), "unclosed left parenthesis"));
        assert_eq!(place_of("1:6: parse error: x"), (Some((1, 6)), "x"));
        assert_eq!(place_of("query timed out"), (None, "query timed out"));
        assert_eq!(place_of("parse error: no place"), (None, "no place"));
    }
}
