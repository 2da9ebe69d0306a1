//! The answers that every section shares, and the building blocks of the others.

use hyper::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Method, StatusCode};

use crate::page::TreeCountPage;
use crate::{Request, Response, page};

pub(crate) const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The front page: what there is to see here.
pub fn index(request: &Request) -> Response {
    match method_not_allowed(request) {
        Some(refusal) => refusal,
        None => respond(StatusCode::OK, HTML, page::index()),
    }
}

/// 404, with a page that says where to look instead.
pub fn not_found() -> Response {
    respond(StatusCode::NOT_FOUND, HTML, page::not_found())
}

/// 200 with the count, as a page or, for a client that asks for it, as JSON: `{"count":1}`.
pub(crate) fn tree_count(request: &Request, count: u64, page: &TreeCountPage) -> Response {
    if wants_json(request) {
        return respond(StatusCode::OK, JSON, format!("{{\"count\":{count}}}\n"));
    }
    respond(StatusCode::OK, HTML, page.of(count))
}

/// 503 with the reason, as a page or as JSON: `{"error":"…"}`.
pub(crate) fn unavailable(request: &Request, reason: &'static str) -> Response {
    if wants_json(request) {
        let body = format!("{{\"error\":\"{reason}\"}}\n");
        return respond(StatusCode::SERVICE_UNAVAILABLE, JSON, body);
    }
    respond(StatusCode::SERVICE_UNAVAILABLE, HTML, page::unavailable(reason))
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
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
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
