//! Sends one request and waits for its answer, on a connection kept from an earlier one if there
//! is any, to each address of the target in turn.

use std::cell::{Cell, RefCell};
use std::error::Error as _;
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderValue, USER_AGENT};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::commands::traffic::target::Target;

/// A visitor's patience.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// An address that is no longer there may swallow packets instead of refusing.
const CONNECT_PATIENCE: Duration = Duration::from_secs(1);
/// How long an address that could not be reached is tried last.
const SHUNNED: Duration = Duration::from_secs(2);

/// Why a request has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Failure {
    Refused,
    /// The system's reason for no connection, other than those that have a name here.
    NotConnected(ErrorKind),
    ConnectTimedOut,
    Reset,
    Closed,
    NotHttp,
    TimedOut,
    NeverSent,
    TooManyFiles,
    Stopped,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "connection refused: nothing listens there",
            Self::NotConnected(reason) => return write!(f, "no connection: {reason}"),
            Self::ConnectTimedOut => "no connection within a second",
            Self::Reset => "the other side reset the connection",
            Self::Closed => "the connection closed before the answer was complete",
            Self::NotHttp => "the answer was not HTTP",
            Self::TimedOut => "no answer within 10 s",
            Self::NeverSent => "waited 10 s for a free connection and was given up",
            Self::TooManyFiles => {
                "this system allows no more open connections: lower --connections"
            }
            Self::Stopped => "still waiting for an answer when the traffic was stopped",
        })
    }
}

/// The connections to a target.
pub(crate) struct Pool {
    authority: HeaderValue,
    hosts: RefCell<Vec<Host>>,
    turn: Cell<usize>,
}

struct Host {
    address: SocketAddr,
    idle: Vec<SendRequest<Empty<Bytes>>>,
    failed: Option<Instant>,
}

impl Pool {
    pub(crate) fn new(target: &Target, addresses: &[SocketAddr]) -> anyhow::Result<Self> {
        let pool = Self {
            authority: HeaderValue::from_str(&target.authority())?,
            hosts: RefCell::default(),
            turn: Cell::new(0),
        };
        pool.set_addresses(addresses);
        Ok(pool)
    }

    /// Takes in what the name stands for now; connections to addresses that stay are kept.
    pub(crate) fn set_addresses(&self, addresses: &[SocketAddr]) {
        let mut hosts = self.hosts.borrow_mut();
        hosts.retain(|host| addresses.contains(&host.address));
        for &address in addresses {
            if !hosts.iter().any(|host| host.address == address) {
                hosts.push(Host { address, idle: Vec::new(), failed: None });
            }
        }
    }

    /// Sends a GET and reads the whole answer; gives its status.
    pub(crate) async fn get(&self, path: &Uri) -> Result<u16, Failure> {
        tokio::time::timeout(PATIENCE, self.exchange(path)).await.unwrap_or(Err(Failure::TimedOut))
    }

    async fn exchange(&self, path: &Uri) -> Result<u16, Failure> {
        let mut failure = Failure::NotConnected(ErrorKind::AddrNotAvailable);
        for address in self.in_turn() {
            loop {
                let (mut connection, reused) = match self.take_idle(address) {
                    Some(connection) => (connection, true),
                    None => match connect(address).await {
                        Ok(connection) => (connection, false),
                        Err(reason) => {
                            // Another replica may be there: only the last address's refusal counts.
                            failure = reason;
                            self.with(address, |host| host.failed = Some(Instant::now()));
                            break;
                        }
                    },
                };
                match self.on(&mut connection, path).await {
                    Ok(status) => {
                        self.with(address, |host| {
                            host.failed = None;
                            host.idle.push(connection);
                        });
                        return Ok(status);
                    }
                    // The server closed the kept connection in the meantime, as it may.
                    Err(error)
                        if reused
                            && (error.is_closed()
                                || error.is_canceled()
                                || error.is_incomplete_message()
                                || is_reset(&error)) => {}
                    Err(error) if error.is_parse() => return Err(Failure::NotHttp),
                    Err(error) if is_reset(&error) => return Err(Failure::Reset),
                    Err(_) => return Err(Failure::Closed),
                }
            }
        }
        Err(failure)
    }

    async fn on(
        &self,
        connection: &mut SendRequest<Empty<Bytes>>,
        path: &Uri,
    ) -> hyper::Result<u16> {
        connection.ready().await?;
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = path.clone();
        request.headers_mut().insert(HOST, self.authority.clone());
        request
            .headers_mut()
            .insert(USER_AGENT, HeaderValue::from_static("cargo-workshop-traffic"));
        let response = connection.send_request(request).await?;
        let status = response.status().as_u16();
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            frame?;
        }
        Ok(status)
    }

    /// All addresses: each time another one first, and those that failed just now last.
    fn in_turn(&self) -> Vec<SocketAddr> {
        let hosts = self.hosts.borrow();
        let turn = self.turn.get();
        self.turn.set(turn.wrapping_add(1));
        let mut order: Vec<&Host> = hosts.iter().collect();
        order.rotate_left(turn % hosts.len().max(1));
        order.sort_by_key(|host| host.failed.is_some_and(|failed| failed.elapsed() < SHUNNED));
        order.iter().map(|host| host.address).collect()
    }

    fn take_idle(&self, address: SocketAddr) -> Option<SendRequest<Empty<Bytes>>> {
        let mut hosts = self.hosts.borrow_mut();
        let host = hosts.iter_mut().find(|host| host.address == address)?;
        while let Some(connection) = host.idle.pop() {
            if !connection.is_closed() {
                return Some(connection);
            }
        }
        None
    }

    fn with(&self, address: SocketAddr, change: impl FnOnce(&mut Host)) {
        // The address may have left the pool while the request was under way.
        if let Some(host) = self.hosts.borrow_mut().iter_mut().find(|host| host.address == address)
        {
            change(host);
        }
    }
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Empty<Bytes>>, Failure> {
    let stream = tokio::time::timeout(CONNECT_PATIENCE, TcpStream::connect(address))
        .await
        .map_err(|_| Failure::ConnectTimedOut)?
        .map_err(|error| not_connected(&error))?;
    let _ = stream.set_nodelay(true);
    let (sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|_| Failure::Closed)?;
    tokio::task::spawn_local(async move {
        // Its errors reach the request that waits on it.
        let _ = connection.await;
    });
    Ok(sender)
}

fn not_connected(error: &io::Error) -> Failure {
    match error.kind() {
        _ if is_out_of_files(error) => Failure::TooManyFiles,
        ErrorKind::ConnectionRefused => Failure::Refused,
        ErrorKind::ConnectionReset => Failure::Reset,
        // The system may give up before a visitor does.
        ErrorKind::TimedOut => Failure::ConnectTimedOut,
        other => Failure::NotConnected(other),
    }
}

/// Whether the connection was torn down instead of closed.
fn is_reset(error: &hyper::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| {
        matches!(cause.kind(), ConnectionReset | ConnectionAborted | BrokenPipe)
    })
}

/// Too many open files: of this process or of the whole system (24 and 23 on every Unix).
fn is_out_of_files(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_connection_is_called_what_it_is() {
        for (kind, words) in [
            (ErrorKind::ConnectionRefused, "connection refused: nothing listens there"),
            (ErrorKind::ConnectionReset, "the other side reset the connection"),
            (ErrorKind::NetworkUnreachable, "no connection: network unreachable"),
            (ErrorKind::AddrNotAvailable, "no connection: address not available"),
            (ErrorKind::TimedOut, "no connection within a second"),
        ] {
            assert_eq!(not_connected(&kind.into()).to_string(), words);
        }
    }
}
