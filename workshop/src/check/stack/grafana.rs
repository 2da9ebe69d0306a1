//! Grafana, if there is one: its data source works, and one of its dashboards shows requests_total.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use hyper::Uri;
use serde_json::Value;

use crate::check::verdict::{Finding, Judgement};
use crate::http::fetch::Fetch;
use crate::http::no_answer::NoAnswer;

const LIMIT: Duration = Duration::from_secs(5);
/// The stack's login, which its README tells everybody: astronomer, workshop.
const LOGIN: &str = "Basic YXN0cm9ub21lcjp3b3Jrc2hvcA==";
/// So many dashboards are looked at.
const MOST: usize = 100;
/// The folder of the dashboards that come with the kit, from the root.
const DASHBOARDS: &str = "deploy/grafana/dashboards";

/// A Grafana at a URL.
pub(crate) struct Grafana {
    base: String,
}

impl Grafana {
    pub(crate) fn new(url: &Uri) -> Self {
        Self { base: url.to_string().trim_end_matches('/').to_owned() }
    }

    async fn get(&self, path: &str) -> Result<(u16, Value), NoAnswer> {
        let url: Uri = format!("{}{path}", self.base).parse().map_err(|_| NoAnswer::NotHttp)?;
        let accept = "application/json";
        let answer = Fetch { accept, authorization: Some(LOGIN), limit: LIMIT, ..Fetch::get(&url) }
            .send()
            .await?;
        Ok((answer.status, serde_json::from_slice(&answer.body).unwrap_or(Value::Null)))
    }

    /// Whether a Grafana answers there.
    pub(crate) async fn reachable(&self) -> bool {
        matches!(self.get("/api/health").await, Ok((200, health)) if health["database"].is_string())
    }

    /// The data source can be asked, and a dashboard has a panel on requests_total that did not
    /// come with the kit in `root`.
    pub(crate) async fn judge(&self, root: &Path) -> Judgement {
        let expected = "Grafana has a data source that works";
        let source = match self.get("/api/datasources").await {
            Ok((200, sources)) => {
                let sources = sources.as_array().cloned().unwrap_or_default();
                sources.into_iter().find(|source| source["type"] == "prometheus")
            }
            Ok((401 | 403, _)) => {
                return Finding::new(expected, "the login astronomer / workshop is not taken")
                    .because(
                        "With another login, this cannot be looked at. `docker compose down \
                        --volumes` forgets it.",
                    )
                    .could_not_tell();
            }
            Ok((status, _)) => {
                return Finding::new(expected, format!("status {status}")).could_not_tell();
            }
            Err(none) => return Finding::new(expected, none.to_string()).could_not_tell(),
        };
        let Some(source) = source else {
            return Finding::new(expected, "there is no data source of the type Prometheus")
                .because(
                    "It is provisioned when Grafana starts: \
                    deploy/grafana/provisioning/datasources",
                )
                .try_with("docker compose restart grafana")
                .fail();
        };
        let uid = source["uid"].as_str().unwrap_or_default();
        match self.get(&format!("/api/datasources/uid/{uid}/health")).await {
            Ok((200, _)) => {}
            Ok((_, health)) => {
                let words =
                    health["message"].as_str().unwrap_or("its health check fails").to_owned();
                return Finding::new(expected, words)
                    .because(
                        "From Grafana's container Prometheus is called \
                        http://prometheus:9090, not localhost.",
                    )
                    .fail();
            }
            Err(none) => return Finding::new(expected, none.to_string()).could_not_tell(),
        }
        self.panel(&kit_queries(root)).await
    }

    async fn panel(&self, kit: &BTreeMap<String, Vec<String>>) -> Judgement {
        let expected = "a saved dashboard of yours with a panel on requests_total";
        let found = match self.get(&format!("/api/search?type=dash-db&limit={MOST}")).await {
            Ok((200, found)) => found,
            Ok((status, _)) => {
                return Finding::new(expected, format!("status {status}")).could_not_tell();
            }
            Err(none) => return Finding::new(expected, none.to_string()).could_not_tell(),
        };
        for dashboard in found.as_array().into_iter().flatten() {
            let Some(uid) = dashboard["uid"].as_str() else { continue };
            let Ok((200, found)) = self.get(&format!("/api/dashboards/uid/{uid}")).await else {
                continue;
            };
            let came_with_kit = kit.get(uid).map(Vec::as_slice).unwrap_or_default();
            let own = queries(&found["dashboard"])
                .into_iter()
                .filter(|query| !came_with_kit.contains(query));
            if own.into_iter().any(|query| query.contains("requests_total")) {
                return Ok(());
            }
        }
        Finding::new(expected, "none so far")
            .because(
                "Log in as astronomer / workshop, open the first dashboard, add a panel, and save.",
            )
            .try_with(self.base.clone())
            .fail()
    }
}

/// The queries of the kit's dashboards, by the dashboards' uids.
fn kit_queries(root: &Path) -> BTreeMap<String, Vec<String>> {
    let files = std::fs::read_dir(root.join(DASHBOARDS)).into_iter().flatten().flatten();
    let dashboards = files
        .filter_map(|file| serde_json::from_slice::<Value>(&std::fs::read(file.path()).ok()?).ok());
    dashboards
        .filter_map(|dashboard| Some((dashboard["uid"].as_str()?.to_owned(), queries(&dashboard))))
        .collect()
}

/// All queries of a dashboard's panels, also of those in rows.
fn queries(dashboard: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for panel in dashboard["panels"].as_array().into_iter().flatten() {
        let targets = panel["targets"].as_array().into_iter().flatten();
        found.extend(targets.filter_map(|target| target["expr"].as_str()).map(str::to_owned));
        found.extend(queries(panel));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_in_panels_and_in_rows() {
        let dashboard = serde_json::json!({"panels": [
            {"targets": [{"expr": "rate(requests_total[1m])"}, {"refId": "B"}]},
            {"type": "row", "panels": [{"targets": [{"expr": "up"}]}]},
            {"type": "text"},
        ]});
        assert_eq!(queries(&dashboard), ["rate(requests_total[1m])", "up"]);
    }
}
