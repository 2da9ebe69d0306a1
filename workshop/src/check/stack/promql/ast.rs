//! A query's syntax tree, as Prometheus's parser gives it in JSON.

use serde_json::Value;

/// A part of a query.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node<'a>(pub(crate) &'a Value);

/// One matcher of a selector: `status=~"5.."`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Matcher<'a> {
    pub(crate) label: &'a str,
    pub(crate) how: &'a str,
    pub(crate) value: &'a str,
}

/// How the series of an operator's two sides find each other.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Matching<'a> {
    /// By these labels, or else by all but these.
    pub(crate) on: bool,
    pub(crate) labels: Vec<&'a str>,
    /// `group_left` or `group_right`.
    pub(crate) group: Option<&'static str>,
}

impl<'a> Node<'a> {
    pub(crate) fn kind(self) -> &'a str {
        self.0["type"].as_str().unwrap_or_default()
    }

    /// The function that is called; empty for other nodes.
    pub(crate) fn function(self) -> &'a str {
        self.0["func"]["name"].as_str().unwrap_or_default()
    }

    /// `sum`, `topk` or `/`; empty for other nodes.
    pub(crate) fn operator(self) -> &'a str {
        self.0["op"].as_str().unwrap_or_default()
    }

    pub(crate) fn is_aggregation(self) -> bool {
        self.kind() == "aggregation"
    }

    /// Whether it is one of the functions that turn a counter into a rate.
    pub(crate) fn is_rate(self) -> bool {
        matches!(self.function(), "rate" | "irate" | "increase")
    }

    /// The parts, in the order in which they are written.
    pub(crate) fn children(self) -> Vec<Node<'a>> {
        let single = ["expr", "param", "lhs", "rhs"].into_iter().map(|name| &self.0[name]);
        let listed = self.0["args"].as_array().into_iter().flatten();
        single.chain(listed).filter(|value| value.is_object()).map(Node).collect()
    }

    /// This node and all below it.
    pub(crate) fn all(self) -> Vec<Node<'a>> {
        let mut found = vec![self];
        let mut next = 0;
        while next < found.len() {
            let children = found[next].children();
            found.extend(children);
            next += 1;
        }
        found
    }

    pub(crate) fn any(self, test: impl Fn(Node<'a>) -> bool) -> bool {
        self.all().into_iter().any(test)
    }

    /// What stands in parentheses.
    pub(crate) fn inside_parentheses(self) -> Node<'a> {
        let mut node = self;
        while node.kind() == "parenExpr" {
            match node.children().first() {
                Some(inner) => node = *inner,
                None => break,
            }
        }
        node
    }

    /// The metric of a selector, with or without a window; empty when it names none.
    pub(crate) fn metric(self) -> &'a str {
        self.matchers()
            .into_iter()
            .find(|m| m.label == "__name__" && m.how == "=")
            .map_or("", |m| m.value)
    }

    pub(crate) fn is_selector(self) -> bool {
        matches!(self.kind(), "vectorSelector" | "matrixSelector")
    }

    pub(crate) fn matchers(self) -> Vec<Matcher<'a>> {
        let text = |value: &'a Value, name: &str| value[name].as_str().unwrap_or_default();
        let matchers = self.0["matchers"].as_array().into_iter().flatten();
        matchers
            .map(|matcher| Matcher {
                label: text(matcher, "name"),
                how: text(matcher, "type"),
                value: text(matcher, "value"),
            })
            .collect()
    }

    /// The window of a range selector or subquery, in seconds.
    pub(crate) fn window(self) -> Option<f64> {
        matches!(self.kind(), "matrixSelector" | "subquery")
            .then(|| self.0["range"].as_f64().unwrap_or(0.0) / 1000.0)
    }

    /// How far back a selector looks, in seconds.
    pub(crate) fn offset(self) -> f64 {
        self.0["offset"].as_f64().unwrap_or(0.0) / 1000.0
    }

    /// The labels that an aggregation names.
    pub(crate) fn grouping(self) -> Vec<&'a str> {
        self.0["grouping"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    pub(crate) fn matching(self) -> Matching<'a> {
        let matching = &self.0["matching"];
        let labels = matching["labels"].as_array().into_iter().flatten();
        Matching {
            on: matching["on"].as_bool().unwrap_or(false),
            labels: labels.filter_map(Value::as_str).collect(),
            group: match matching["card"].as_str() {
                Some("many-to-one") => Some("group_left"),
                Some("one-to-many") => Some("group_right"),
                _ => None,
            },
        }
    }

    pub(crate) fn without(self) -> bool {
        self.0["without"].as_bool().unwrap_or(false)
    }

    /// A number that is written there, with its sign and without parentheses.
    pub(crate) fn number(self) -> Option<&'a str> {
        let inside = self.inside_parentheses();
        (inside.kind() == "numberLiteral").then(|| inside.0["val"].as_str().unwrap_or_default())
    }

    /// Whether a comparison gives 0 or 1.
    pub(crate) fn compares_to_bool(self) -> bool {
        self.0["bool"].as_bool().unwrap_or(false)
    }

    /// Seconds from one value of a subquery to the next; 0 when it does not say.
    pub(crate) fn step(self) -> f64 {
        self.0["step"].as_f64().unwrap_or(0.0) / 1000.0
    }

    /// What stands behind its `@`.
    pub(crate) fn fixed_time(self) -> Option<String> {
        if let Some(word) = self.0["startOrEnd"].as_str() {
            return Some(format!("{word}()"));
        }
        self.0["timestamp"].as_f64().map(|millis| (millis / 1000.0).to_string())
    }
}
