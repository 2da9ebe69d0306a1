//! From settings to a running server, and back on Ctrl-C.

use std::net::{Ipv4Addr, SocketAddr};
use std::{io, thread};

use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime;
use tokio::sync::oneshot;

use crate::announcement::{LISTENING, PORT_IN_USE, STOP};
use crate::healthcheck::is_healthy;
use crate::log::say;
use crate::server::LISTEN_QUEUE;
use crate::{Handler, Settings, run};

/// What the program was started for.
pub(crate) enum Order {
    Serve,
    Help,
    Healthcheck,
    Unknown(String),
}

impl Order {
    /// What the command line says.
    pub(crate) fn given() -> Self {
        let Some(argument) = std::env::args_os().nth(1) else { return Self::Serve };
        match argument.to_string_lossy().as_ref() {
            "--help" | "-h" => Self::Help,
            "--healthcheck" => Self::Healthcheck,
            unknown => Self::Unknown(unknown.to_owned()),
        }
    }
}

/// Why the server could not start.
#[derive(Debug, Error)]
pub enum ServeError {
    /// Another program listens on the port.
    #[error(
        "port {port} on {ip} {PORT_IN_USE}. {hint}",
        port = .0.port(), ip = .0.ip(), hint = port_hint(*.0)
    )]
    PortInUse(SocketAddr),
    /// The system refuses the address.
    #[error(
        "cannot listen on {addr}. Set TREECOUNTER_ADDR to an address of this machine: \
         127.0.0.1:8001 is the default, and ports below 1024 are often reserved"
    )]
    Bind {
        /// The address of the settings.
        addr: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// An argument that means nothing here.
    #[error(
        "unknown argument {0:?}. The settings are environment variables:\n{help}",
        help = Settings::help()
    )]
    UnknownArgument(String),
    /// `--healthcheck` found no healthy program.
    #[error("no healthy answer from {0}/healthz")]
    Unhealthy(SocketAddr),
}

/// Serves the handler at the address of the settings, and prints where to look. Ends on Ctrl-C or
/// SIGTERM, when the requests in flight have finished, or after five seconds; a second Ctrl-C ends
/// it at once, also when a handler blocks its thread, which nothing else would end.
///
/// Started as `program --healthcheck`, it asks a running program whether it is well instead, and
/// as `program --help`, it prints the settings.
///
/// # Errors
/// When the address cannot be listened on, the command line has something it does not know, or the
/// program that `--healthcheck` asks is not well.
pub async fn serve(settings: &Settings, handler: impl Handler) -> Result<(), ServeError> {
    match Order::given() {
        Order::Serve => {}
        Order::Help => {
            say(format_args!("The settings are environment variables:\n{}", Settings::help()));
            return Ok(());
        }
        Order::Healthcheck => {
            let healthy = is_healthy(settings.addr).await;
            return if healthy { Ok(()) } else { Err(ServeError::Unhealthy(settings.addr)) };
        }
        Order::Unknown(argument) => return Err(ServeError::UnknownArgument(argument)),
    }
    let bind_error = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => ServeError::PortInUse(settings.addr),
        _ => ServeError::Bind { addr: settings.addr, source },
    };
    let listener = listen(settings.addr).map_err(bind_error)?;
    let addr = listener.local_addr().map_err(bind_error)?;
    let stop = stop_signal().await;
    say(format_args!("{LISTENING}{}/treecounter\n{STOP}.", url(addr)));
    run(listener, handler, stop).await;
    Ok(())
}

/// As [`TcpListener::bind`], with a queue that takes more clients at once: to one who finds it full
/// the system has no answer for a second.
fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Windows would let a second program take the port.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(LISTEN_QUEUE)
}

/// What to open in a browser.
fn url(addr: SocketAddr) -> String {
    if addr.ip() == Ipv4Addr::LOCALHOST || addr.ip().is_unspecified() {
        return format!("http://localhost:{}", addr.port());
    }
    format!("http://{addr}")
}

fn port_hint(addr: SocketAddr) -> String {
    let port = addr.port();
    let find = if cfg!(windows) {
        format!("netstat -ano | findstr :{port}")
    } else if cfg!(target_os = "macos") {
        format!("lsof -nP -iTCP:{port} -sTCP:LISTEN")
    } else {
        format!("ss -ltnp 'sport = :{port}'")
    };
    let free = SocketAddr::new(addr.ip(), if port == u16::MAX { 8001 } else { port + 1 });
    let set = if cfg!(windows) {
        format!("$env:TREECOUNTER_ADDR = \"{free}\"")
    } else {
        format!("export TREECOUNTER_ADDR={free}")
    };
    format!(
        "Most often another section still runs in another terminal (stop it there with Ctrl-C) \
         or in Docker (`docker compose down`).\nThis tells who it is:\n    {find}\n\
         And this takes another port:\n    {set}"
    )
}

/// What completes on the first Ctrl-C or SIGTERM; the second ends the process at once. They are
/// waited for in a thread of their own: a handler that blocks may hold all of the runtime's.
async fn stop_signal() -> impl Future<Output = ()> {
    let (ready, is_ready) = oneshot::channel();
    let (stop, stopped) = oneshot::channel();
    // Where no thread or runtime is to be had, a signal ends the program at once, as any other.
    let _ = thread::Builder::new().name("signals".to_owned()).spawn(|| {
        let Ok(runtime) = runtime::Builder::new_current_thread().enable_io().build() else {
            return;
        };
        runtime.block_on(async {
            let _ = ready.send(());
            interrupt().await;
            let _ = stop.send(());
            interrupt().await;
            std::process::exit(130);
        });
    });
    // It needs descriptors, and clients may take them all.
    let _ = is_ready.await;
    async {
        if stopped.await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(unix)]
async fn interrupt() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = signal(SignalKind::terminate());
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = async {
            match terminated {
                Ok(mut terminated) => { terminated.recv().await; }
                Err(_) => std::future::pending().await,
            }
        } => {}
    }
}

#[cfg(not(unix))]
async fn interrupt() {
    let _ = tokio::signal::ctrl_c().await;
}
