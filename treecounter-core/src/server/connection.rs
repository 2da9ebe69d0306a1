//! One connection: requests in, answers out, until the client leaves or the server wants it to.

use std::future::poll_fn;
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
use thiserror::Error;
use tokio::net::TcpStream;

use super::clients::Client;
use super::stream::Stream;
use crate::log::log;
use crate::responses::{bad_host, health, internal_error};
use crate::{Handler, Request, Response};

/// How long, and how many bytes, a client may go on sending after its last answer.
const LINGER: Duration = Duration::from_secs(1);
const MAX_LINGER_BYTES: usize = 4 * 1024 * 1024;

const PANICKED: &str =
    "a request was answered with 500 because its handler panicked; no metric has it";

/// Serves a client until one of the two has enough.
pub(super) async fn serve(stream: TcpStream, handler: &impl Handler, client: &Client) {
    let stream = Stream::new(stream);
    let service = service_fn(|request| answer(handler, request, client, &stream));
    {
        // Answers are small: to send header and body as one buffer costs less than as two. Whether
        // the client closes its side, `handle` looks.
        let mut http = http1::Builder::new();
        let http = http.writev(false).half_close(true);
        let mut http = pin!(http.serve_connection(TokioIo::new(&stream), service));
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
        () = drain(stream.into_inner()) => {}
        () = client.called() => {}
        () = tokio::time::sleep(LINGER) => {}
    }
}

/// Reads what the client still sends. To close on unread bytes is to reset the connection, and a
/// reset can overtake the last answer: the client would see a broken pipe in its place.
async fn drain(stream: TcpStream) {
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

/// The client is gone, and its answer was not there yet.
#[derive(Debug, Error)]
#[error("the client left")]
struct ClientLeft;

async fn answer(
    handler: &impl Handler,
    request: hyper::Request<Incoming>,
    client: &Client,
    stream: &Stream,
) -> Result<Response, ClientLeft> {
    client.asks();
    // The body is dropped unread: no route takes one.
    let request: Request = request.map(drop);
    let mut response = if !names_one_host(request.version(), request.headers()) {
        bad_host()
    } else if request.uri().path() == "/healthz" {
        health(&request)
    } else {
        handle(handler, &request, stream).await?
    };
    client.is_answered();
    if client.must_leave() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// The handler's answer, unless the client leaves while it has to wait for something: then it is
/// dropped, since nobody needs it.
///
/// A client may also close its side alone, right behind its request, and still want to read. From
/// here the two look the same. So what can be answered at once is, as nginx does it.
async fn handle(
    handler: &impl Handler,
    request: &Request,
    stream: &Stream,
) -> Result<Response, ClientLeft> {
    let mut handling = pin!(async { handler.handle(request).await });
    poll_fn(|context| {
        // A panic ends this request, not the server. The panic hook has printed it.
        match catch_unwind(AssertUnwindSafe(|| handling.as_mut().poll(context))) {
            Ok(Poll::Pending) => stream.poll_end(context).map(|()| Err(ClientLeft)),
            Ok(Poll::Ready(response)) => Poll::Ready(Ok(response)),
            Err(_) => {
                log(PANICKED);
                Poll::Ready(Ok(internal_error()))
            }
        }
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
