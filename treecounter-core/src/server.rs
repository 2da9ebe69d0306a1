//! The HTTP server: one task a connection, bounded in number and in time.

mod coarse_timer;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use coarse_timer::{CoarseTimer, ticking};

use crate::responses::{health, internal_error};
use crate::{Handler, Request, Response};

/// What a client, or many, can cost the server.
#[derive(Clone, Copy)]
struct Limits {
    connections: usize,
    header_timeout: Duration,
    stop_timeout: Duration,
}

const LIMITS: Limits = Limits {
    // More clients wait in the system's queue. Below the 1024 open files of most systems.
    connections: 900,
    // A connection that has sent no complete request header for this long is closed, whether it
    // is slow, silent, or idle after an answer.
    header_timeout: Duration::from_secs(30),
    // How long requests in flight may take to finish once the server is told to stop.
    stop_timeout: Duration::from_secs(5),
};

/// The wait after an accept that failed, doubled up to the maximum while it keeps failing: out of
/// file descriptors, a loop without a wait would take a whole core until some are free.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(5);
const MAX_ACCEPT_BACKOFF: Duration = Duration::from_secs(1);

/// Serves `handler` on `listener` until `shutdown` completes; then lets the requests in flight
/// finish, for five seconds at most. Logs to standard error.
///
/// `GET /healthz` is answered here: a probe is no visit, so it never reaches the handler.
pub async fn run(listener: TcpListener, handler: impl Handler, shutdown: impl Future<Output = ()>) {
    run_within(LIMITS, listener, handler, shutdown).await;
}

async fn run_within(
    limits: Limits,
    listener: TcpListener,
    handler: impl Handler,
    shutdown: impl Future<Output = ()>,
) {
    let handler = Arc::new(handler);
    let connections = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut shutdown = pin!(shutdown);

    loop {
        let (stream, permit) = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &connections) => accepted,
        };
        let handler = Arc::clone(&handler);
        let watcher = graceful.watcher();
        tokio::spawn(async move {
            let service = service_fn(move |request: hyper::Request<Incoming>| {
                let handler = Arc::clone(&handler);
                async move { Ok::<_, Infallible>(answer(&*handler, request).await) }
            });
            let connection = http1::Builder::new()
                .timer(CoarseTimer)
                .header_read_timeout(limits.header_timeout)
                .serve_connection(TokioIo::new(stream), service);
            // An error here is the client's: it went away, was too slow, or spoke no HTTP.
            let _ = ticking(watcher.watch(connection)).await;
            drop(permit);
        });
    }

    drop(listener);
    let Limits { stop_timeout, .. } = limits;
    if tokio::time::timeout(stop_timeout, graceful.shutdown()).await.is_err() {
        eprintln!("stopping: some requests took longer than {stop_timeout:?} and were dropped");
    }
}

/// The next connection, once there is room for one more.
async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    let permit = Arc::clone(connections).acquire_owned().await;
    let permit = permit.expect("the semaphore is never closed");
    let mut backoff = ACCEPT_BACKOFF;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Answers are small and sent at once: waiting to fill a packet only adds latency.
                let _ = stream.set_nodelay(true);
                return (stream, permit);
            }
            Err(error) if is_clients_fault(&error) => {}
            Err(error) => {
                eprintln!("cannot accept a connection: {error}; trying again in {backoff:?}");
                tokio::time::sleep(backoff).await;
                backoff = (backoff * 2).min(MAX_ACCEPT_BACKOFF);
            }
        }
    }
}

/// Whether the client went away between connecting and being accepted, which is no reason to wait.
fn is_clients_fault(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
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
