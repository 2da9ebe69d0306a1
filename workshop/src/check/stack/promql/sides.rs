//! The two sides of an operator, and whether their labels meet.

use crate::check::stack::prometheus::api::{Instants, Prometheus};
use crate::check::stack::promql::ast::Node;
use crate::check::stack::promql::comparison::series_name;
use crate::check::stack::promql::mistake::Mistake;

/// Two sides with results whose labels never meet.
pub(crate) async fn nothing_matched(
    prometheus: &Prometheus,
    query: &str,
    tree: Node<'_>,
    at: Instants,
) -> Option<Mistake> {
    let operation = tree.inside_parentheses();
    if operation.kind() != "binaryExpr" || matches!(operation.operator(), "and" | "or" | "unless") {
        return None;
    }
    let (left, right) = sides(prometheus, query, operation.operator()).await?;
    let (left, right) =
        (prometheus.range(left, at).await.ok()?, prometheus.range(right, at).await.ok()?);
    if left.is_empty() || right.is_empty() {
        return None;
    }
    Some(Mistake {
        found: format!(
            "no result, although both sides of `{}` have some: {} and {}",
            operation.operator(),
            series_name(&left[0].labels),
            series_name(&right[0].labels)
        ),
        cause: "Two sides are matched by their labels, and all of them must be the same. Sum both \
                sides by the labels that you want to keep: sum by (endpoint) (...) / sum by \
                (endpoint) (...)"
            .to_owned(),
    })
}

/// The tree has no positions: each side is found as the part of the text that parses.
async fn sides<'a>(
    prometheus: &Prometheus,
    query: &'a str,
    operator: &str,
) -> Option<(&'a str, &'a str)> {
    for (at, _) in query.match_indices(operator) {
        let (left, right) = (&query[..at], &query[at + operator.len()..]);
        if prometheus.parse(left).await.is_ok() && prometheus.parse(right).await.is_ok() {
            return Some((left, right));
        }
    }
    None
}
