//! The HTTP server: one task a connection, bounded in number and in time.

mod connection;
#[cfg(test)]
mod tests;

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, MissedTickBehavior};

use crate::Handler;
use connection::Signal;

/// What a client, or many, can cost the server.
#[derive(Clone, Copy)]
struct Limits {
    connections: u32,
    tick: Duration,
    patience: u32,
    stop_timeout: Duration,
}

const LIMITS: Limits = Limits {
    // More clients wait in the system's queue. Below the 1024 open files of most systems.
    connections: 900,
    // A client that lets the server wait for this many ticks, half a minute, loses its connection:
    // silent, slow, idle after an answer, or not reading it.
    tick: Duration::from_secs(5),
    patience: 6,
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
    let Limits { connections, tick, patience, stop_timeout } = limits;
    let handler = Arc::new(handler);
    let permits = Arc::new(Semaphore::new(connections as usize));
    let (signals, _) = watch::channel(Signal::Tick);
    let mut clock = tokio::time::interval_at(Instant::now() + tick, tick);
    // A machine that slept does not find all its clients impatient at once.
    clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut shutdown = pin!(shutdown);

    loop {
        let (stream, permit) = tokio::select! {
            () = &mut shutdown => break,
            _ = clock.tick() => {
                signals.send_replace(Signal::Tick);
                continue;
            }
            accepted = accept(&listener, &permits) => accepted,
        };
        let served = connection::serve(stream, Arc::clone(&handler), signals.subscribe(), patience);
        tokio::spawn(async {
            served.await;
            drop(permit);
        });
    }

    drop(listener);
    signals.send_replace(Signal::Stop);
    // All permits are there again when no connection is left.
    if tokio::time::timeout(stop_timeout, permits.acquire_many(connections)).await.is_err() {
        eprintln!("stopping: some requests took longer than {stop_timeout:?} and were dropped");
    }
}

/// The next connection, once there is room for one more.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    let permit = Arc::clone(permits).acquire_owned().await;
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
