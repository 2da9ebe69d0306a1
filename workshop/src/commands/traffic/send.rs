//! Sends one request and waits for its answer, on a connection kept from an earlier one if there
//! is any, to each address of the target in turn.

use std::cell::{Cell, RefCell};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderValue, USER_AGENT};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::commands::traffic::target::Target;
use crate::http::exchange;
use crate::http::no_answer::{NoAnswer, is_reset};

/// A visitor's patience.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// An address that is no longer there may swallow packets instead of refusing.
const CONNECT_PATIENCE: Duration = Duration::from_secs(1);
/// How long an address that could not be reached is tried last.
const SHUNNED: Duration = Duration::from_secs(2);

/// More bytes than any page has.
const BODY_LIMIT: usize = 16 << 20;

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
    pub(crate) async fn get(&self, path: &Uri) -> Result<u16, NoAnswer> {
        tokio::time::timeout(PATIENCE, self.exchange(path))
            .await
            .unwrap_or(Err(NoAnswer::TimedOut(PATIENCE)))
    }

    async fn exchange(&self, path: &Uri) -> Result<u16, NoAnswer> {
        let mut failure = NoAnswer::NotConnected(ErrorKind::AddrNotAvailable);
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
                match self.on(&mut connection, path).await? {
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
                    Err(error) => return Err(NoAnswer::answering(&error)),
                }
            }
        }
        Err(failure)
    }

    async fn on(
        &self,
        connection: &mut SendRequest<Empty<Bytes>>,
        path: &Uri,
    ) -> Result<hyper::Result<u16>, NoAnswer> {
        if let Err(error) = connection.ready().await {
            return Ok(Err(error));
        }
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = path.clone();
        request.headers_mut().insert(HOST, self.authority.clone());
        request
            .headers_mut()
            .insert(USER_AGENT, HeaderValue::from_static("cargo-workshop-traffic"));
        let response = match exchange::send(connection, request).await? {
            Ok(response) => response,
            Err(error) => return Ok(Err(error)),
        };
        let status = response.status().as_u16();
        Ok(exchange::read(response.into_body(), BODY_LIMIT, |_| {}).await?.map(|()| status))
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

async fn connect(address: SocketAddr) -> Result<SendRequest<Empty<Bytes>>, NoAnswer> {
    let stream = tokio::time::timeout(CONNECT_PATIENCE, TcpStream::connect(address))
        .await
        .map_err(|_| NoAnswer::ConnectTimedOut(CONNECT_PATIENCE))?
        .map_err(|error| NoAnswer::connecting(&error, CONNECT_PATIENCE))?;
    let _ = stream.set_nodelay(true);
    let (sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|_| NoAnswer::Closed)?;
    tokio::task::spawn_local(async move {
        // Its errors reach the request that waits on it.
        let _ = connection.await;
    });
    Ok(sender)
}
