//! The answers that every section shares, and the building blocks of the others.

use std::sync::LazyLock;

use hyper::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{HeaderMap, Method, StatusCode};

use crate::page::{self, Page, TreeCountPage};
use crate::renewal::Renewal;
use crate::{Request, Response};

pub(crate) const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Each answer is the state of this moment.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// A page has its style and its icon in itself, and needs nothing else. Whether it may stand in a
/// frame is left open: hosted editors show it in one.
const CONTENT_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
     form-action 'none'",
);

/// The headers of every page. To copy them costs less than to put them together.
static PAGE_HEADERS: LazyLock<HeaderMap> = LazyLock::new(|| {
    HeaderMap::from_iter([
        (CONTENT_TYPE, HTML),
        (CACHE_CONTROL, NO_STORE),
        (CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ])
});

/// The front page: what there is to see here.
pub fn index(request: &Request) -> Response {
    match method_not_allowed(request) {
        Some(refusal) => refusal,
        None => html(StatusCode::OK, page::index(), None),
    }
}

/// 404, with a page that says where to look instead.
pub fn not_found() -> Response {
    html(StatusCode::NOT_FOUND, page::not_found(), None)
}

/// 200 with the count, as a page or, for a client that asks for it, as JSON: `{"count":1}`.
pub(crate) fn tree_count(
    request: &Request,
    count: u64,
    page: &TreeCountPage,
    renewal: Option<Renewal>,
) -> Response {
    if wants_json(request) {
        return respond(StatusCode::OK, JSON, format!("{{\"count\":{count}}}\n"));
    }
    html(StatusCode::OK, page.of(count), renewal)
}

/// 503 with the reason, as a page or as JSON: `{"error":"…"}`.
pub(crate) fn unavailable(
    request: &Request,
    reason: &'static str,
    renewal: Option<Renewal>,
) -> Response {
    failure(request, StatusCode::SERVICE_UNAVAILABLE, ["no count right now", reason], renewal)
}

/// 400 with what is accepted instead, as a page or as JSON.
pub(crate) fn bad_request(request: &Request, accepted: &'static str) -> Response {
    failure(request, StatusCode::BAD_REQUEST, ["nothing was counted", accepted], None)
}

fn failure(
    request: &Request,
    status: StatusCode,
    [what, reason]: [&'static str; 2],
    renewal: Option<Renewal>,
) -> Response {
    if wants_json(request) {
        return respond(status, JSON, format!("{{\"error\":\"{reason}\"}}\n"));
    }
    html(status, page::failure(status.as_u16(), what, reason), renewal)
}

/// 405 for every method but GET and HEAD (hyper leaves out the body of an answer to HEAD).
pub(crate) fn method_not_allowed(request: &Request) -> Option<Response> {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return None;
    }
    let body = format!("{} is not allowed here: use GET or HEAD.\n", request.method());
    let mut response = respond(StatusCode::METHOD_NOT_ALLOWED, TEXT, body);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    Some(response)
}

pub(crate) fn internal_error() -> Response {
    let body = "The handler of this request panicked; the program's output says where.\n";
    respond(StatusCode::INTERNAL_SERVER_ERROR, TEXT, body.to_owned())
}

pub(crate) fn bad_host() -> Response {
    let body = "A request names one host, in one Host header (RFC 9112, section 3.2).\n";
    respond(StatusCode::BAD_REQUEST, TEXT, body.to_owned())
}

pub(crate) fn health(request: &Request) -> Response {
    method_not_allowed(request).unwrap_or_else(|| respond(StatusCode::OK, TEXT, "ok\n".to_owned()))
}

/// A response that no cache may keep: each one is the state of this moment.
pub(crate) fn respond(
    status: StatusCode,
    content_type: HeaderValue,
    body: impl Into<hyper::body::Bytes>,
) -> Response {
    let mut response = Response::new(http_body_util::Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, NO_STORE);
    response
}

/// A page, for one visitor or, when its visit is repeated, with a note for that visitor.
fn html(status: StatusCode, page: Page, renewal: Option<Renewal>) -> Response {
    let body = match renewal {
        None => page.into(),
        Some(renewal) => page.noting(&renewal.note()),
    };
    let mut response = Response::new(http_body_util::Full::new(body));
    *response.status_mut() = status;
    *response.headers_mut() = PAGE_HEADERS.clone();
    if let Some(renewal) = renewal {
        renewal.repeat(&mut response);
    }
    response
}

/// Whether the client named JSON and not HTML, as programs do and browsers do not.
fn wants_json(request: &Request) -> bool {
    let accepts = |wanted: &str| {
        request.headers().get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).any(
            |value| {
                value.split(',').any(|range| {
                    let mut parts = range.split(';').map(str::trim);
                    parts.next().is_some_and(|media| media.eq_ignore_ascii_case(wanted))
                        && !parts.any(is_refused)
                })
            },
        )
    };
    accepts("application/json") && !accepts("text/html")
}

/// Whether a parameter of an `Accept` or `Accept-Encoding` element is a weight of zero, which
/// means "not this" (RFC 9110, section 12.4.2).
pub(crate) fn is_refused(parameter: &str) -> bool {
    parameter
        .strip_prefix("q=")
        .or_else(|| parameter.strip_prefix("Q="))
        .is_some_and(|weight| weight.trim().parse() == Ok(0.0))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::BodyExt;
    use hyper::header::REFRESH;

    use super::*;
    use crate::settings::Latency;
    use crate::{Settings, TreeCounter};

    const LATENCY: Duration = Duration::from_millis(20);

    async fn visit(failure_rate: f64, uri: &str, accepted: &str) -> (u16, HeaderMap, String) {
        let latency = Latency { min: LATENCY, max: LATENCY };
        let settings = Settings { failure_rate, latency, ..Settings::default() };
        let request = Request::get(uri).header(ACCEPT, accepted).body(()).unwrap();
        let response = TreeCounter::new(&settings).respond(&request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_visit_that_asks_for_it_is_repeated_and_timed() {
        for (failure_rate, status) in [(0.0, 200), (1.0, 503)] {
            let (found, headers, page) = visit(failure_rate, "/treecounter?every=2", "*/*").await;
            assert_eq!((found, &headers[REFRESH]), (status, &HeaderValue::from_static("2")));
            let took = page.split_once("took <strong>").unwrap().1.split_once("&nbsp;s</strong>");
            let took: f64 = took.unwrap().0.parse().unwrap();
            assert!(took >= LATENCY.as_secs_f64(), "{took}");

            let (found, headers, page) = visit(failure_rate, "/treecounter", "*/*").await;
            assert_eq!((found, headers.get(REFRESH)), (status, None));
            assert!(!page.contains("took"), "{page}");
        }
    }

    #[tokio::test]
    async fn a_time_that_is_none_is_refused_with_what_is_accepted() {
        for (accepted, start) in [("*/*", "<!doctype html>"), ("application/json", "{\"error\":")] {
            let (status, headers, body) = visit(0.0, "/treecounter?every=0", accepted).await;
            assert_eq!((status, headers.get(REFRESH)), (400, None));
            assert!(body.starts_with(start) && body.contains("from 1 to 3600"), "{body}");
        }
    }

    #[tokio::test]
    async fn a_page_gives_a_browser_no_rights() {
        for (failure_rate, uri) in
            [(0.0, "/treecounter"), (1.0, "/treecounter"), (0.0, "/treecounter?every=x")]
        {
            let (_, headers, _) = visit(failure_rate, uri, "*/*").await;
            let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'; "), "{policy}");
            assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert_eq!(headers[REFERRER_POLICY], "no-referrer");
        }
    }
}
