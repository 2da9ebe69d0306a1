//! The `/metrics` endpoint: what a registry holds, in the text format that Prometheus reads.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use hyper::StatusCode;
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue, VARY};
use prometheus::{Encoder, Registry, TextEncoder};

use crate::responses::{TEXT, is_refused, method_not_allowed, respond};
use crate::{Request, Response};

/// The media type of the text format. Prometheus 3 fails a scrape whose type it does not know.
/// <https://prometheus.io/docs/instrumenting/exposition_formats/>
const TEXT_FORMAT: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Answers scrapes with the metrics of one registry.
#[derive(Debug, Clone)]
pub struct MetricsHandler {
    registry: Registry,
}

impl MetricsHandler {
    /// Exposes the metrics that are registered with `registry`, also those registered later.
    pub fn new(registry: Registry) -> Self {
        Self { registry }
    }

    /// Answers a scrape: GET or HEAD, else 405. `?name[]=requests_total`, any number of times,
    /// limits the answer to the families of these names. A registry that cannot be encoded is a
    /// 500 in plain text.
    pub fn respond(&self, request: &Request) -> Response {
        if let Some(refusal) = method_not_allowed(request) {
            return refusal;
        }
        // All of the text is there before the first byte is sent: an error halfway is a 500, never
        // half a 200, which a scraper would store as if it were all.
        let body = match self.encode(request.uri().query().unwrap_or_default()) {
            Ok(body) => body,
            Err(error) => {
                eprintln!("cannot encode the metrics: {error}");
                let body = format!("cannot encode the metrics: {error}\n");
                return respond(StatusCode::INTERNAL_SERVER_ERROR, TEXT, body);
            }
        };
        let zipped = accepts_gzip(request);
        let body = if zipped { gzip(&body) } else { body };
        let mut response = respond(StatusCode::OK, TEXT_FORMAT, body);
        response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
        if zipped {
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }

    fn encode(&self, query: &str) -> prometheus::Result<Vec<u8>> {
        let mut families = self.registry.gather();
        let names: Vec<&str> = names(query).collect();
        if !names.is_empty() {
            families.retain(|family| names.contains(&family.name()));
        }
        let mut body = Vec::new();
        TextEncoder::new().encode(&families, &mut body)?;
        Ok(body)
    }
}

/// The values of `name[]` in a query. A metric's name has no character that needs escaping.
fn names(query: &str) -> impl Iterator<Item = &str> {
    query.split('&').filter_map(|pair| match pair.split_once('=') {
        Some(("name[]" | "name%5B%5D" | "name%5b%5d", name)) => Some(name),
        _ => None,
    })
}

fn accepts_gzip(request: &Request) -> bool {
    request
        .headers()
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"))
                && !parts.any(is_refused)
        })
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder
        .write_all(body)
        .and_then(|()| encoder.finish())
        .expect("writing to memory does not fail")
}
