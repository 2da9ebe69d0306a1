//! One connection: requests in, answers out, until the client leaves or lingers, or the server
//! stops.
//!
//! hyper has a time-out for request headers, but it takes a timer for every request, a good
//! twentieth of all the work of answering one. Here the server tells all connections at once that
//! time has passed, and each counts how often it heard so since its last progress. This also ends
//! clients who send requests and never read the answers.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::responses::{health, internal_error};
use crate::{Handler, Request, Response};

/// What the server tells its connections.
#[derive(Clone, Copy)]
pub(super) enum Signal {
    /// One more unit of time has passed.
    Tick,
    /// Finish the request in flight, and close.
    Stop,
}

/// Serves a client, who may let the server wait for `patience` whole ticks, with its next request
/// or with reading an answer.
pub(super) async fn serve(
    stream: TcpStream,
    handler: Arc<impl Handler>,
    mut signals: watch::Receiver<Signal>,
    patience: u32,
) {
    // Counts requests come and requests answered, together: odd while one is being handled.
    let progress = &AtomicU32::new(0);
    let handler = &*handler;
    let service = service_fn(move |request| async move {
        progress.fetch_add(1, Ordering::Relaxed);
        let response = answer(handler, request).await;
        progress.fetch_add(1, Ordering::Relaxed);
        Ok::<_, Infallible>(response)
    });
    // Answers are small: to send header and body as one buffer costs less than as two.
    let mut http = http1::Builder::new();
    let mut http = pin!(http.writev(false).serve_connection(TokioIo::new(stream), service));

    let (mut seen, mut ticks) = (None, 0);
    loop {
        tokio::select! {
            biased;
            // An error here is the client's: it went away, or spoke no HTTP.
            _ = &mut http => return,
            changed = signals.changed() => if changed.is_err() {
                return; // The server has waited long enough for its last requests.
            },
        }
        match *signals.borrow() {
            Signal::Stop => http.as_mut().graceful_shutdown(),
            Signal::Tick => {
                let progress = progress.load(Ordering::Relaxed);
                let waiting = progress.is_multiple_of(2) && seen == Some(progress);
                ticks = if waiting { ticks + 1 } else { 0 };
                seen = Some(progress);
                if ticks == patience {
                    return;
                }
            }
        }
    }
}

async fn answer(handler: &impl Handler, request: hyper::Request<Incoming>) -> Response {
    // The body is dropped unread: no route takes one.
    let request: Request = request.map(drop);
    if request.uri().path() == "/healthz" {
        return health(&request);
    }
    // A panic is this request's misfortune, not the server's. The panic hook has printed it.
    let mut handling = pin!(async { handler.handle(&request).await });
    std::future::poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| handling.as_mut().poll(context)))
            .unwrap_or_else(|_| Poll::Ready(internal_error()))
    })
    .await
}
