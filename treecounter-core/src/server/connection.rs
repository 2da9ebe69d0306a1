//! One connection: requests in, answers out, until the client leaves or the server wants it to.

use std::convert::Infallible;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HOST, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Version};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::clients::Client;
use super::late_end::LateEnd;
use crate::log::log;
use crate::responses::{bad_host, health, internal_error};
use crate::{Handler, Request, Response};

/// How long, and how many bytes, a client may go on sending after its last answer.
const LINGER: Duration = Duration::from_secs(1);
const MAX_LINGER_BYTES: usize = 4 * 1024 * 1024;

/// Serves a client until one of the two has enough.
pub(super) async fn serve(stream: TcpStream, handler: &impl Handler, client: &Client) {
    let mut stream = LateEnd::new(stream);
    let service = service_fn(|request| async move {
        client.asks();
        let mut response = answer(handler, request).await;
        client.is_answered();
        if client.must_leave() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok::<_, Infallible>(response)
    });
    {
        // Answers are small: to send header and body as one buffer costs less than as two.
        let mut http = http1::Builder::new();
        let http = http.writev(false).serve_connection(TokioIo::new(&mut stream), service);
        let mut http = pin!(http);
        loop {
            tokio::select! {
                biased;
                // An error here is the client's: it went away, or spoke no HTTP.
                _ = &mut http => break,
                () = client.called() => {}
            }
            if client.is_dismissed() {
                return;
            }
            http.as_mut().graceful_shutdown();
        }
    }
    tokio::select! {
        biased;
        () = drain(stream.get_ref()) => {}
        () = client.called() => {}
        () = tokio::time::sleep(LINGER) => {}
    }
}

/// Reads what the client still sends. To close on unread bytes is to reset the connection, and a
/// reset can overtake the last answer: the client would see a broken pipe in its place.
async fn drain(stream: &TcpStream) {
    let mut left = MAX_LINGER_BYTES;
    while left > 0 && stream.readable().await.is_ok() {
        match stream.try_read(&mut [0; 4096]) {
            Ok(0) => return,
            Ok(read) => left = left.saturating_sub(read),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

async fn answer(handler: &impl Handler, request: hyper::Request<Incoming>) -> Response {
    // The body is dropped unread: no route takes one.
    let request: Request = request.map(drop);
    if !names_one_host(request.version(), request.headers()) {
        return bad_host();
    }
    if request.uri().path() == "/healthz" {
        return health(&request);
    }
    // A panic ends this request, not the server. The panic hook has printed it.
    let mut handling = pin!(async { handler.handle(&request).await });
    std::future::poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| handling.as_mut().poll(context))).unwrap_or_else(|_| {
            log("a request was answered with 500 because its handler panicked; no metric has it");
            Poll::Ready(internal_error())
        })
    })
    .await
}

/// Whether there is one `Host`, with nothing that no host can have, or none in HTTP/1.0
/// (RFC 9112, section 3.2).
fn names_one_host(version: Version, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => version < Version::HTTP_11,
        (Some(host), None) => host.as_bytes().iter().all(may_be_in_host),
        (Some(_), Some(_)) => false,
    }
}

/// Whether a host's name, its address or its port may have this (RFC 3986, section 3.2.2).
fn may_be_in_host(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b".:-_~[]%!$&'()*+,;=".contains(byte)
}
