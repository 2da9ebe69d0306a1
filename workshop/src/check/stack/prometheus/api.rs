//! Prometheus's HTTP API, as far as it is needed, with plain words for all that may answer instead.

use std::time::Duration;

use hyper::Uri;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::check::stack::prometheus::objects::Matrix;
pub(crate) use crate::check::stack::prometheus::objects::{
    Answered, Instants, Rule, ScrapeTarget, Series,
};
use crate::http::fetch::{Answer, Fetch};
use crate::http::no_answer::NoAnswer;

/// What one question may cost: Prometheus gives up a query after this ...
const QUERY_LIMIT: &str = "3s";
/// ... and whoever asked, a little later.
const LIMIT: Duration = Duration::from_secs(6);

/// A Prometheus at a URL.
pub(crate) struct Prometheus {
    /// Without a slash at the end; with the path prefix if there is one.
    base: String,
    limit: Duration,
    /// Whether it is still there when the learner has read the report.
    stays: bool,
}

/// Why there is no data.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ApiError {
    NoAnswer(NoAnswer),
    /// 503: it reads its data, or shuts down.
    NotReady,
    /// A page for people instead of JSON.
    Html,
    /// Redirected to another path of the same server.
    MovedTo(String),
    /// 401 or 403.
    Locked,
    Status(u16),
    /// JSON of another shape.
    Foreign,
    /// Prometheus's own words on what was asked.
    Refused {
        kind: String,
        message: String,
    },
}

impl Prometheus {
    /// `url` must be one that `fetch::http_url` let through.
    pub(crate) fn new(url: &Uri) -> Self {
        Self { base: url.to_string().trim_end_matches('/').to_owned(), limit: LIMIT, stays: true }
    }

    /// One that is gone when the check is over.
    pub(crate) fn passing(url: &Uri) -> Self {
        Self { stays: false, ..Self::new(url) }
    }

    /// The address of one of its pages, to be opened later; empty when it will be gone by then.
    pub(crate) fn page(&self, path: &str) -> String {
        if self.stays { format!("{}{path}", self.base) } else { String::new() }
    }

    /// Whether it is there when the check is over.
    pub(crate) fn stays(&self) -> bool {
        self.stays
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The address of a query's graph.
    pub(crate) fn graph(&self, query: &str) -> String {
        self.page(&format!(
            "/query?g0.expr={}&g0.tab=0&g0.range_input=15m",
            crate::http::fetch::encode(query)
        ))
    }

    /// The version, which also says that a Prometheus is there.
    pub(crate) async fn version(&self) -> Result<String, ApiError> {
        let info: Value = self.get("status/buildinfo", &[]).await?;
        info["version"].as_str().map(str::to_owned).ok_or(ApiError::Foreign)
    }

    /// Whether the last change of its configuration or rules was taken.
    pub(crate) async fn reloaded(&self) -> Result<bool, ApiError> {
        let info: Value = self.get("status/runtimeinfo", &[]).await?;
        Ok(info["reloadConfigSuccess"].as_bool().unwrap_or(true))
    }

    /// Whether it takes over changed files by itself.
    pub(crate) async fn reloads_by_itself(&self) -> bool {
        let flags: Result<Value, ApiError> = self.get("status/flags", &[]).await;
        let features = |flags: &Value| flags["enable-feature"].as_str().map(str::to_owned);
        flags
            .is_ok_and(|flags| features(&flags).is_some_and(|on| on.contains("auto-reload-config")))
    }

    /// When it last took its configuration and rules, in seconds since 1970; from its own metrics,
    /// for the API says it in whole seconds.
    pub(crate) async fn last_read(&self) -> Option<f64> {
        let url: Uri = format!("{}/metrics", self.base).parse().ok()?;
        let body = self.fetch(&url, None).await.ok()?.body;
        let metric = "prometheus_config_last_reload_success_timestamp_seconds ";
        let text = String::from_utf8_lossy(&body);
        text.lines().find_map(|line| line.strip_prefix(metric)?.trim().parse().ok())
    }

    /// Where `/` redirects to: the path prefix shows there.
    pub(crate) async fn redirect(&self) -> Option<String> {
        let url: Uri = format!("{}/", self.base).parse().ok()?;
        self.fetch(&url, None).await.ok()?.location
    }

    pub(crate) async fn targets(&self) -> Result<Vec<ScrapeTarget>, ApiError> {
        let mut targets: Value = self.get("targets", &[("state", "active")]).await?;
        serde_json::from_value(targets["activeTargets"].take()).map_err(|_| ApiError::Foreign)
    }

    pub(crate) async fn rules(&self) -> Result<Vec<Rule>, ApiError> {
        let rules: Value = self.get("rules", &[]).await?;
        let mut found = Vec::new();
        for group in rules["groups"].as_array().ok_or(ApiError::Foreign)? {
            for rule in group["rules"].as_array().into_iter().flatten() {
                let mut rule: Rule =
                    serde_json::from_value(rule.clone()).map_err(|_| ApiError::Foreign)?;
                rule.file = group["file"].as_str().unwrap_or_default().to_owned();
                rule.interval = group["interval"].as_f64().unwrap_or_default();
                found.push(rule);
            }
        }
        Ok(found)
    }

    /// The syntax tree of a query, as Prometheus itself reads it; nothing from one that cannot
    /// tell.
    pub(crate) async fn parse(&self, query: &str) -> Result<Option<Value>, ApiError> {
        match self.post("parse_query", &[("query", query)]).await {
            Ok(said) => Ok(Some(said.data)),
            Err(ApiError::Status(404)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The values of a query at some instants.
    pub(crate) async fn range(&self, query: &str, at: Instants) -> Result<Vec<Series>, ApiError> {
        Ok(self.answer(query, at).await?.series)
    }

    /// The same, with what Prometheus remarks on the query.
    pub(crate) async fn answer(&self, query: &str, at: Instants) -> Result<Answered, ApiError> {
        let (start, end, step) = (at.start.to_string(), at.end.to_string(), at.step.to_string());
        let fields = [
            ("query", query),
            ("start", &start),
            ("end", &end),
            ("step", &step),
            ("timeout", QUERY_LIMIT),
        ];
        let said: Said<Matrix> = self.post("query_range", &fields).await?;
        Ok(Answered { series: said.data.series(), remarks: said.remarks })
    }

    /// The values of a label among the series that a selector selects.
    pub(crate) async fn label_values(
        &self,
        label: &str,
        selector: &str,
    ) -> Result<Vec<String>, ApiError> {
        self.get(&format!("label/{label}/values"), &[("match[]", selector)]).await
    }

    /// The names of the labels of the series that a selector selects.
    pub(crate) async fn label_names(&self, selector: &str) -> Result<Vec<String>, ApiError> {
        self.get("labels", &[("match[]", selector)]).await
    }

    /// What the program that exposes a metric says its type is; nothing when nobody says.
    pub(crate) async fn metric_type(&self, metric: &str) -> Result<Option<String>, ApiError> {
        let data: Value = self.get("metadata", &[("metric", metric)]).await?;
        Ok(data[metric][0]["type"].as_str().map(str::to_owned))
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, ApiError> {
        let query = if query.is_empty() {
            String::new()
        } else {
            format!("?{}", crate::http::fetch::form(query))
        };
        Ok(self.call(&format!("{path}{query}"), None).await?.data)
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<Said<T>, ApiError> {
        self.call(path, Some(form)).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        path: &str,
        form: Option<&[(&str, &str)]>,
    ) -> Result<Said<T>, ApiError> {
        let url: Uri =
            format!("{}/api/v1/{path}", self.base).parse().map_err(|_| ApiError::Foreign)?;
        let answer = self.fetch(&url, form).await.map_err(ApiError::NoAnswer)?;
        said(&answer)
    }

    async fn fetch(&self, url: &Uri, form: Option<&[(&str, &str)]>) -> Result<Answer, NoAnswer> {
        let accept = "application/json";
        Fetch { accept, form, limit: self.limit, ..Fetch::get(url) }.send().await
    }
}

#[derive(Deserialize)]
struct Envelope<T> {
    status: String,
    data: Option<T>,
    #[serde(default, rename = "errorType")]
    error_type: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    infos: Vec<String>,
}

/// What a good answer holds.
#[derive(Debug, PartialEq)]
struct Said<T> {
    data: T,
    /// The warnings, and then the infos.
    remarks: Vec<String>,
}

/// What an answer holds, if it is one of Prometheus's.
fn said<T: DeserializeOwned>(answer: &Answer) -> Result<Said<T>, ApiError> {
    match answer.status {
        503 => {
            // Prometheus uses the same status for a query that took too long.
            return Err(refusal(answer).unwrap_or(ApiError::NotReady));
        }
        301 | 302 | 303 | 307 | 308 => {
            return Err(ApiError::MovedTo(answer.location.clone().unwrap_or_default()));
        }
        401 | 403 => return Err(ApiError::Locked),
        200 => {}
        status => return Err(refusal(answer).unwrap_or(ApiError::Status(status))),
    }
    if answer.body.trim_ascii_start().first() == Some(&b'<') {
        return Err(ApiError::Html);
    }
    let envelope: Envelope<T> =
        serde_json::from_slice(&answer.body).map_err(|_| ApiError::Foreign)?;
    if envelope.status == "success" {
        let remarks = [envelope.warnings, envelope.infos].concat();
        envelope.data.map(|data| Said { data, remarks }).ok_or(ApiError::Foreign)
    } else {
        Err(ApiError::Foreign)
    }
}

fn refusal(answer: &Answer) -> Option<ApiError> {
    let envelope: Envelope<Value> = serde_json::from_slice(&answer.body).ok()?;
    (envelope.status == "error")
        .then_some(ApiError::Refused { kind: envelope.error_type, message: envelope.error })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Result<Said<Value>, ApiError> {
        said(&Answer {
            status,
            content_type: String::new(),
            content_encoding: String::new(),
            location: Some("/prom/query".to_owned()),
            body: body.into(),
        })
    }

    #[test]
    fn every_kind_of_answer_is_told_apart() {
        let good = |remarks: &[&str]| {
            let remarks = remarks.iter().map(ToString::to_string).collect();
            Ok(Said { data: Value::from(1), remarks })
        };
        assert_eq!(read(200, r#"{"status":"success","data":1}"#), good(&[]));
        let remarked = r#"{"status":"success","data":1,"infos":["i"],"warnings":["w"]}"#;
        assert_eq!(read(200, remarked), good(&["w", "i"]));
        let refused =
            read(400, r#"{"status":"error","errorType":"bad_data","error":"1:2: parse error"}"#);
        assert!(
            matches!(refused, Err(ApiError::Refused { message, .. }) if message.contains("1:2"))
        );
        let slow =
            read(503, r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#);
        assert!(matches!(slow, Err(ApiError::Refused { kind, .. }) if kind == "timeout"));
        for (status, body, error) in [
            (503, "Service Unavailable", ApiError::NotReady),
            (200, "<!DOCTYPE html>", ApiError::Html),
            (200, "{}", ApiError::Foreign),
            (200, "", ApiError::Foreign),
            (404, "404 page not found", ApiError::Status(404)),
            (302, "", ApiError::MovedTo("/prom/query".to_owned())),
            (401, "{\"message\":\"Unauthorized\"}", ApiError::Locked),
        ] {
            assert_eq!(read(status, body), Err(error), "{status} {body}");
        }
    }
}
