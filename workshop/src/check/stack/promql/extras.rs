//! What stands in a query and not in the finished one, and the reverse: where to look first when
//! the result is another one.

use std::collections::BTreeMap;

use crate::check::stack::promql::ast::Node;
use crate::check::stack::promql::mistake::seconds;

/// So many names are enough to look at.
const MOST: usize = 5;

/// What two queries do not have in common.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Extras {
    /// In the learner's alone.
    pub(crate) more: Vec<String>,
    /// In the finished one alone.
    pub(crate) less: Vec<String>,
    /// In both, but not equally often.
    pub(crate) counted: Vec<String>,
    /// The learner's has no metric at all.
    pub(crate) constant: bool,
}

/// Compares two queries by their parts.
pub(crate) fn extras(tree: Node<'_>, reference: Node<'_>) -> Extras {
    let (mut found, wanted) = (parts(tree), parts(reference));
    // In a ratio of increases the seconds of the window are on both sides, and do not matter.
    let is_ratio = |tree: Node<'_>| tree.inside_parentheses().operator() == "/";
    let increases = found.counts.get("increase") == wanted.counts.get("rate");
    if is_ratio(tree) && is_ratio(reference) && increases && !found.counts.contains_key("rate") {
        found.counts.remove("increase");
        found.counts.extend(wanted.counts.get_key_value("rate").map(|(k, v)| (k.clone(), *v)));
    }
    let mut extras = Extras { constant: !tree.any(Node::is_selector), ..Extras::default() };
    for (part, count) in &found.counts {
        match wanted.counts.get(part) {
            None => extras.more.push(part.clone()),
            Some(other) if other != count => extras.counted.push(part.clone()),
            Some(_) => {}
        }
    }
    let lacks = |part: &&String| !found.counts.contains_key(*part);
    // What a condition is compared with is the learner's to find.
    let told = |part: &&String| lacks(part) && !part.contains('"');
    extras.less = wanted.counts.keys().filter(told).cloned().collect();
    for (label, count) in &wanted.conditions {
        let other = found.conditions.get(label).unwrap_or(&0);
        // One selector may do where the finished query has two.
        if other < count && *other < found.selectors {
            extras.less.push(format!("{label} in every selector's braces"));
        }
    }
    extras
}

impl Extras {
    /// Where to look first, without what was said before.
    pub(crate) fn in_words(&self, said: &str) -> Option<String> {
        if self.constant {
            let (own, lacking) = (list(&self.more), list(&self.less));
            return Some(format!(
                "There is no metric in it, and a constant ({own}) says nothing of what happens. It \
                 lacks {lacking}."
            ));
        }
        let new = |parts: &[String]| -> Vec<String> {
            let told = |part: &str| part.len() > 2 && said.contains(part);
            parts.iter().filter(|part| !told(part)).cloned().collect()
        };
        let (more, less) = (new(&self.more), new(&self.less));
        let mut words = Vec::new();
        if !more.is_empty() {
            words.push(format!("Look first at what is not asked for: {}.", list(&more)));
        }
        if !less.is_empty() {
            words.push(format!("It has no {}.", list(&less)));
        }
        if words.is_empty() && self.more.is_empty() && self.less.is_empty() {
            words.push(match &self.counted[..] {
                [] => "The parts are the right ones: are the two sides of an operator swapped?"
                    .to_owned(),
                counted => format!("How often, and where, does it need {}?", list(counted)),
            });
        }
        (!words.is_empty()).then(|| words.join(" "))
    }
}

fn list(parts: &[String]) -> String {
    let code = |part: &String| match part.split_once(" in every ") {
        Some((label, _)) => format!("condition on {label} in each selector"),
        None if part == "/" => "`/`, a division".to_owned(),
        None => format!("`{part}`"),
    };
    let mut shown: Vec<String> = parts.iter().take(MOST).map(code).collect();
    if parts.len() > MOST {
        shown.push("...".to_owned());
    }
    shown.join(", ")
}

#[derive(Default)]
struct Parts {
    counts: BTreeMap<String, usize>,
    /// By label, how many selectors have a matcher on it.
    conditions: BTreeMap<String, usize>,
    selectors: usize,
}

impl Parts {
    fn add(&mut self, part: impl Into<String>) {
        *self.counts.entry(part.into()).or_default() += 1;
    }

    fn selector(&mut self, node: Node<'_>) {
        self.selectors += 1;
        for matcher in node.matchers() {
            if matcher.label == "__name__" {
                self.add(matcher.value);
                continue;
            }
            *self.conditions.entry(matcher.label.to_owned()).or_default() += 1;
            self.add(format!("{}{}{:?}", matcher.label, matcher.how, matcher.value));
        }
    }

    fn aggregation(&mut self, node: Node<'_>) {
        self.add(called(node.operator(), node));
        if node.without() {
            self.add("without");
        }
        for label in node.grouping() {
            let word = if node.without() { "without" } else { "by" };
            self.add(format!("{word} ({label})"));
        }
    }

    fn operation(&mut self, node: Node<'_>) {
        let matching = node.matching();
        if !matching.labels.is_empty() || matching.on {
            let word = if matching.on { "on" } else { "ignoring" };
            self.add(format!("{word} ({})", matching.labels.join(", ")));
        }
        if let Some(group) = matching.group {
            self.add(group);
        }
        let bool = if node.compares_to_bool() { " bool" } else { "" };
        let operator = format!("{}{bool}", node.operator());
        let [left, right] = node.children()[..] else { return };
        match (left.number(), right.number()) {
            (_, Some(number)) => self.add(format!("{operator} {number}")),
            (Some(number), _) => self.add(format!("{number} {operator}")),
            _ if right.function() == "vector" => {
                let inside = right.children().first().and_then(|inner| inner.number());
                self.add(format!("{operator} vector({})", inside.unwrap_or("...")));
            }
            _ => self.add(operator),
        }
    }
}

/// A name, with the number that topk or histogram_quantile takes first.
fn called(name: &str, node: Node<'_>) -> String {
    let arguments = node.children();
    match arguments.iter().find_map(|argument| argument.number()) {
        Some(number) if arguments.len() > 1 => format!("{name}({number}, ...)"),
        Some(number) => format!("{name}({number})"),
        None => name.to_owned(),
    }
}

fn parts(tree: Node<'_>) -> Parts {
    let mut parts = Parts::default();
    for node in tree.all() {
        if node.is_selector() {
            parts.selector(node);
        }
        if node.is_aggregation() {
            parts.aggregation(node);
        } else if node.kind() == "binaryExpr" {
            parts.operation(node);
        } else if !node.function().is_empty() {
            parts.add(called(node.function(), node));
        }
        if let Some(window) = node.window() {
            let step = match (node.kind(), node.step()) {
                ("subquery", 0.0) => ":".to_owned(),
                ("subquery", step) => format!(":{}", seconds(step)),
                _ => String::new(),
            };
            parts.add(format!("[{}{step}]", seconds(window)));
        }
        if node.offset() != 0.0 {
            parts.add(format!("offset {}", seconds(node.offset())));
        }
        if let Some(time) = node.fixed_time() {
            parts.add(format!("@ {time}"));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_more_and_what_is_less() {
        let selector = json!({"type": "vectorSelector", "matchers": [
            {"name": "__name__", "type": "=", "value": "up"},
            {"name": "job", "type": "=", "value": "a"},
        ]});
        let limited = json!({"type": "binaryExpr", "op": ">", "bool": false, "lhs": selector,
            "rhs": {"type": "numberLiteral", "val": "0"}});
        let summed = json!({"type": "aggregation", "op": "sum", "grouping": ["job"],
            "without": false, "expr": selector});
        let found = extras(Node(&limited), Node(&summed));
        assert_eq!(found.more, ["> 0"]);
        assert_eq!(found.less, ["by (job)", "sum"]);
        let words = found.in_words("").unwrap();
        assert!(words.contains("`> 0`") && words.contains("`sum`"), "{words}");
        let divided = json!({"type": "binaryExpr", "op": "/", "bool": false, "lhs": selector,
            "rhs": selector});
        let found = extras(Node(&limited), Node(&divided));
        assert_eq!(found.less, ["/"], "each selector has its condition");
        let number = json!({"type": "numberLiteral", "val": "1"});
        assert!(extras(Node(&number), Node(&summed)).in_words("").unwrap().contains("no metric"));
    }
}
