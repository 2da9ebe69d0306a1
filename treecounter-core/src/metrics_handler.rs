//! The `/metrics` endpoint: what a registry holds, in the text format that Prometheus reads.

mod gzip;

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue, VARY};
use prometheus::{Encoder, Registry, TextEncoder};

use crate::log::log;
use crate::responses::{TEXT, is_refused, method_not_allowed, respond};
use crate::{Request, Response};
use gzip::Gzip;

/// The media type of the text format. Prometheus 3 fails a scrape whose type it does not know.
/// <https://prometheus.io/docs/instrumenting/exposition_formats/>
const TEXT_FORMAT: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Answers scrapes with the metrics of one registry.
#[derive(Debug, Clone)]
pub struct MetricsHandler {
    registry: Registry,
    gzip: Arc<Gzip>,
}

impl MetricsHandler {
    /// Exposes the metrics that are registered with `registry`, also those registered later.
    pub fn new(registry: Registry) -> Self {
        Self { registry, gzip: Arc::default() }
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
                log(format_args!("cannot encode the metrics: {error}"));
                let body = format!("cannot encode the metrics: {error}\n");
                return respond(StatusCode::INTERNAL_SERVER_ERROR, TEXT, body);
            }
        };
        let zipped = accepts_gzip(request);
        let body = if zipped { self.gzip.zip(&body) } else { body };
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

/// The values of `name[]` in a query. No character of a metric's name needs escaping: the colon is
/// for recording rules.
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

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;
    use http_body_util::BodyExt;
    use hyper::header::{ALLOW, CONTENT_TYPE};
    use hyper::{HeaderMap, Method};
    use prometheus::core::{Collector, Desc};
    use prometheus::proto::{Metric, MetricFamily};
    use prometheus::{IntCounter, IntGauge};

    use super::*;

    fn handler() -> MetricsHandler {
        let registry = Registry::new();
        let visits = IntCounter::new("visits_total", "Visits.").unwrap();
        visits.inc_by(3);
        registry.register(Box::new(visits)).unwrap();
        let depth = IntGauge::new("depth_meters", "A \"depth\", in \\ or\nso.").unwrap();
        registry.register(Box::new(depth)).unwrap();
        MetricsHandler::new(registry)
    }

    fn request(uri: &str) -> Request {
        Request::get(uri).body(()).unwrap()
    }

    fn answer(request: &Request) -> (StatusCode, HeaderMap, Vec<u8>) {
        let (parts, body) = handler().respond(request).into_parts();
        (parts.status, parts.headers, bytes(body))
    }

    fn bytes(body: http_body_util::Full<hyper::body::Bytes>) -> Vec<u8> {
        let mut collected = std::pin::pin!(body.collect());
        let context = &mut std::task::Context::from_waker(std::task::Waker::noop());
        match Future::poll(collected.as_mut(), context) {
            std::task::Poll::Ready(body) => body.unwrap().to_bytes().to_vec(),
            std::task::Poll::Pending => panic!("a full body is there at once"),
        }
    }

    const DEPTH: &str = "# HELP depth_meters A \"depth\", in \\\\ or\\nso.\n\
                         # TYPE depth_meters gauge\n\
                         depth_meters 0\n";
    const VISITS: &str = "# HELP visits_total Visits.\n\
                          # TYPE visits_total counter\n\
                          visits_total 3\n";

    #[test]
    fn a_scrape_gets_every_family_in_the_text_format() {
        let (status, headers, body) = answer(&request("/metrics"));
        assert_eq!(status, StatusCode::OK);
        assert_eq!(headers[CONTENT_TYPE], "text/plain; version=0.0.4; charset=utf-8");
        assert_eq!(String::from_utf8(body).unwrap(), format!("{DEPTH}{VISITS}"));
    }

    #[test]
    fn the_query_chooses_families_by_name() {
        for (query, expected) in [
            ("name[]=visits_total", VISITS.to_owned()),
            ("name%5B%5D=depth_meters", DEPTH.to_owned()),
            ("name[]=visits_total&name[]=depth_meters", format!("{DEPTH}{VISITS}")),
            ("name[]=visits", String::new()),
            ("other=visits_total", format!("{DEPTH}{VISITS}")),
        ] {
            let (status, _, body) = answer(&request(&format!("/metrics?{query}")));
            assert_eq!(status, StatusCode::OK, "{query}");
            assert_eq!(String::from_utf8(body).unwrap(), expected, "{query}");
        }
    }

    #[test]
    fn the_answer_is_zipped_for_those_who_take_it() {
        for (accepted, zipped) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000", false),
            ("identity", false),
        ] {
            let mut request = request("/metrics");
            request.headers_mut().insert(ACCEPT_ENCODING, accepted.parse().unwrap());
            let (_, headers, body) = answer(&request);
            assert_eq!(headers[VARY], "accept-encoding");
            assert_eq!(headers.contains_key(CONTENT_ENCODING), zipped, "{accepted}");
            let mut text = String::new();
            if zipped {
                GzDecoder::new(&body[..]).read_to_string(&mut text).unwrap();
            } else {
                text = String::from_utf8(body).unwrap();
            }
            assert_eq!(text, format!("{DEPTH}{VISITS}"), "{accepted}");
        }
    }

    #[test]
    fn other_methods_are_refused() {
        let mut request = request("/metrics");
        *request.method_mut() = Method::DELETE;
        let (status, headers, _) = answer(&request);
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(headers[ALLOW], "GET, HEAD");
    }

    /// A collector whose family has no name, which cannot be encoded.
    struct Nameless(Desc);

    impl Collector for Nameless {
        fn desc(&self) -> Vec<&Desc> {
            vec![&self.0]
        }

        fn collect(&self) -> Vec<MetricFamily> {
            let mut family = MetricFamily::default();
            family.set_metric(vec![Metric::default()]);
            vec![family]
        }
    }

    #[test]
    fn what_cannot_be_encoded_is_a_500_in_plain_text() {
        let handler = handler();
        let desc = Desc::new("a".into(), "b".into(), Vec::new(), Default::default()).unwrap();
        handler.registry.register(Box::new(Nameless(desc))).unwrap();
        let response = handler.respond(&request("/metrics"));
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/plain; charset=utf-8");
        let body = String::from_utf8(bytes(response.into_body())).unwrap();
        assert!(body.starts_with("cannot encode the metrics: "), "{body}");
    }
}
