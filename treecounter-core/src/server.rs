//! The HTTP server: one task a connection, bounded in number and in time.

mod clients;
mod connection;
mod stream;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};

use crate::Handler;
use crate::log::log;
use clients::{Client, Clients};

/// What a client, or many, can cost the server.
#[derive(Clone, Copy)]
struct Limits {
    connections: u32,
    tick: Duration,
    patience: u32,
    stop_notice: Duration,
    stop_timeout: Duration,
}

const LIMITS: Limits = Limits {
    // Below the 1024 open files of most systems. When one more comes, the idlest goes.
    connections: 900,
    // A client that lets the server wait for this many ticks, half a minute, loses its connection:
    // silent, slow, idle after an answer, or not reading it.
    tick: Duration::from_secs(5),
    patience: 6,
    // How long clients may go on asking once the server is told to stop, to learn from the answer
    // that it is the last.
    stop_notice: Duration::from_millis(100),
    // How long requests in flight may take to finish after that.
    stop_timeout: Duration::from_secs(5),
};

/// How many clients the system keeps in the queue until they are accepted.
pub(crate) const LISTEN_QUEUE: u32 = 1024;

/// The wait after an accept that failed, doubled up to the maximum while it keeps failing.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(5);
const MAX_ACCEPT_BACKOFF: Duration = Duration::from_secs(1);
/// An accept fails when the process is out of file descriptors, which idle clients have. This many
/// of them go: for those who wait to be accepted, and for the files that a scrape reads.
const SPARE_CONNECTIONS: usize = 16;
/// How long the log is silent about accepts that fail, once it has told of one.
const ACCEPT_LOG_INTERVAL: Duration = Duration::from_secs(60);

/// Serves `handler` on `listener` until `shutdown` completes; then lets the requests in flight
/// finish, for five seconds at most. Logs to standard error.
///
/// `GET /healthz` is answered here: a probe is no visit, so it never reaches the handler. Nor does
/// a request without a host, or with two: that is a 400.
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
    let clients = Clients::new(limits.connections);
    tokio::select! {
        biased;
        () = shutdown => {}
        never = accept_all(&listener, &clients, &handler) => match never {},
        never = keep_time(&clients, limits) => match never {},
    }
    clients.announce_stop();
    accept_queued(listener, &clients, &handler);
    // A connection that was closed while a request is on its way would leave it without an answer.
    // So nobody is closed yet: most ask once more, are told, and go by themselves.
    if timeout(limits.stop_notice, clients.gone()).await.is_ok() {
        return;
    }
    clients.close();
    if timeout(limits.stop_timeout, clients.gone()).await.is_err() {
        let waited = limits.stop_timeout;
        match clients.cut_off() {
            0 => log(format_args!(
                "stopping: cut off clients with half a request or an unread answer after {waited:?}"
            )),
            in_hand => log(format_args!(
                "stopping: dropped requests that took longer than {waited:?}: {in_hand}"
            )),
        }
    }
}

async fn accept_all(
    listener: &TcpListener,
    clients: &Clients,
    handler: &Arc<impl Handler>,
) -> Infallible {
    let mut backoff = ACCEPT_BACKOFF;
    let mut logged: Option<Instant> = None;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                backoff = ACCEPT_BACKOFF;
                spawn(stream, clients.admit().await, handler);
            }
            Err(error) if is_clients_fault(&error) => {}
            Err(error) => {
                if logged.is_none_or(|logged| logged.elapsed() > ACCEPT_LOG_INTERVAL) {
                    log(format_args!("cannot accept a connection: {error}; trying again"));
                    logged = Some(Instant::now());
                }
                for _ in 0..SPARE_CONNECTIONS {
                    clients.dismiss_idlest();
                }
                sleep(backoff).await;
                backoff = (backoff * 2).min(MAX_ACCEPT_BACKOFF);
            }
        }
    }
}

fn spawn(
    stream: TcpStream,
    (client, place): (Arc<Client>, OwnedSemaphorePermit),
    handler: &Arc<impl Handler>,
) {
    // Answers are small and sent at once: waiting to fill a packet only adds latency.
    let _ = stream.set_nodelay(true);
    let handler = Arc::clone(handler);
    tokio::spawn(async move {
        connection::serve(stream, &*handler, &client).await;
        drop(place);
    });
}

/// Ends the connections of those who let the server wait too long.
async fn keep_time(clients: &Clients, Limits { tick, patience, .. }: Limits) -> Infallible {
    let mut clock = interval_at(Instant::now() + tick, tick);
    // A machine that slept does not find all its clients impatient at once.
    clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut latest_ticks = VecDeque::new();
    loop {
        clock.tick().await;
        latest_ticks.push_back(clients.next_turn());
        if latest_ticks.len() > patience as usize {
            let longest_ago = latest_ticks.pop_front().expect("it was just pushed to");
            clients.dismiss_idle_since_before(longest_ago);
        }
    }
}

/// Closes the port, but not to those who are connected already and wait to be accepted, as far as
/// there is a place for them.
fn accept_queued(listener: TcpListener, clients: &Clients, handler: &Arc<impl Handler>) {
    let Ok(listener) = listener.into_std() else { return };
    // Whoever comes between the last accept and the close would find a connection and no answer.
    // A queue for one keeps the others out: they knock once more, and find the port closed.
    let _ = SockRef::from(&listener).listen(0);
    for _ in 0..LISTEN_QUEUE {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if is_clients_fault(&error) => continue,
            Err(_) => return,
        };
        let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
        if let (Ok(stream), Some(place)) = (stream, clients.try_admit()) {
            spawn(stream, place, handler);
        }
    }
}

/// Whether the client went away between connecting and being accepted, which is no reason to wait.
fn is_clients_fault(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}
