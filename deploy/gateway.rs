//! Stands before the app's replicas: takes each connection to port 8001 and hands it to the next
//! replica, so that `http://localhost:8001` stays true however many there are. (Docker can publish
//! one port for one container only, and a range of ports moves with each start.)
//!
//! It copies bytes and knows no HTTP. Standard library only; built by `rustc` in the Dockerfile.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

const REPLICAS: &str = "app:8001";
const PORT: u16 = 8001;
/// A replica that was just removed may swallow packets.
const PATIENCE: Duration = Duration::from_secs(1);
/// A browser keeps its connections open; this is far from what one class needs.
const MOST_CONNECTIONS: usize = 512;
const STACK: usize = 128 * 1024;

fn main() -> ExitCode {
    let done = match std::env::args().nth(1).as_deref() {
        Some("--healthcheck") => healthcheck(),
        _ => listen(),
    };
    if let Err(error) = done {
        eprintln!("gateway: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn listen() -> io::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", PORT))?;
    println!("gateway: port {PORT} leads to every replica of {REPLICAS} in turn");
    let (turn, open) = (&AtomicUsize::new(0), &AtomicUsize::new(0));
    thread::scope(|scope| {
        loop {
            let client = match listener.accept() {
                Ok((client, _)) => client,
                Err(error) => {
                    // Out of files, most likely: connections that end will give some back.
                    eprintln!("gateway: cannot accept: {error}");
                    thread::sleep(Duration::from_millis(100));
                    continue;
                }
            };
            if open.fetch_add(1, Ordering::Relaxed) >= MOST_CONNECTIONS {
                open.fetch_sub(1, Ordering::Relaxed);
                continue;
            }
            let serve = move || {
                if let Err(error) = connect(turn).and_then(|replica| join(&client, &replica)) {
                    eprintln!("gateway: {error}");
                }
                open.fetch_sub(1, Ordering::Relaxed);
            };
            if let Err(error) = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, serve)
            {
                open.fetch_sub(1, Ordering::Relaxed);
                eprintln!("gateway: no thread for a connection: {error}");
            }
        }
    })
}

/// Connects to the replica whose turn it is, or to the first one after it that answers.
fn connect(turn: &AtomicUsize) -> io::Result<TcpStream> {
    let mut replicas: Vec<SocketAddr> = REPLICAS
        .to_socket_addrs()
        .map_err(|error| io::Error::other(format!("the app does not run ({error})")))?
        .collect();
    replicas.sort();
    let mut last = io::Error::other("the app does not run");
    let first = turn.fetch_add(1, Ordering::Relaxed);
    for place in 0..replicas.len() {
        let replica = replicas[(first + place) % replicas.len()];
        match TcpStream::connect_timeout(&replica, PATIENCE) {
            Ok(stream) => return Ok(stream),
            Err(error) => {
                last = io::Error::new(error.kind(), format!("the app at {replica}: {error}"));
            }
        }
    }
    Err(last)
}

/// Copies both ways until both sides have said all.
fn join(client: &TcpStream, replica: &TcpStream) -> io::Result<()> {
    client.set_nodelay(true)?;
    replica.set_nodelay(true)?;
    thread::scope(|scope| {
        thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, || pass_on(client, replica))?;
        pass_on(replica, client);
        Ok(())
    })
}

fn pass_on(mut from: &TcpStream, mut to: &TcpStream) {
    // Either side may hang up whenever it likes: that is how connections end.
    if io::copy(&mut from, &mut to).is_err() {
        let _ = from.shutdown(Shutdown::Both);
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// Healthy is who takes connections. Whether the app is well, its own check says: if both said it,
/// the end of the app would stop what only waits for the gateway.
fn healthcheck() -> io::Result<()> {
    TcpStream::connect(("127.0.0.1", PORT)).map(drop)
}
