//! `cargo workshop gateway`, hidden: stands before the app's replicas in the stack. It takes each
//! connection to port 8001 and hands it to the next replica, so that `http://localhost:8001` stays
//! true however many there are. (Docker can publish one port for one container only, and a range of
//! ports moves with each start.)
//!
//! It copies bytes and knows no HTTP, but for the page that it answers with when no replica does.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::time::timeout;

use crate::http::accept::{health, serve_each};
use crate::process::termination::stop_signal;

/// A replica that was just removed may swallow packets, and its name may be asked in vain.
const PATIENCE: Duration = Duration::from_secs(1);
/// A browser keeps its connections open; this is far from what one class needs.
const MOST_CONNECTIONS: usize = 512;
/// As much of a request as is read before it is answered with a page that does not depend on it.
const HEAD: usize = 16 * 1024;

/// Lead one port to every replica of the app in turn
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to listen
    #[arg(long, default_value = "0.0.0.0:8001")]
    listen: SocketAddr,
    /// The name and port that stand for all replicas
    #[arg(long, default_value = "app:8001")]
    to: String,
    /// Only say, by the exit code, whether a gateway takes connections on that port
    #[arg(long)]
    healthcheck: bool,
}

/// Runs the command. It ends by a signal only.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    // Names are asked for on threads; a crowd of them must not fill the container.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(8)
        .build()?;
    if args.healthcheck {
        // Healthy is who takes connections. Whether the app is well, its own check says: if both
        // said it, the end of the app would stop what only waits for the gateway.
        runtime.block_on(health(args.listen))?;
        return Ok(ExitCode::SUCCESS);
    }
    runtime.block_on(listen(args))
}

async fn listen(args: Args) -> anyhow::Result<ExitCode> {
    let listener = TcpListener::bind(args.listen).await?;
    println!("gateway: {} leads to every replica of {} in turn", listener.local_addr()?, args.to);
    let (replicas, turn) = (Arc::<str>::from(args.to), AtomicUsize::new(0));
    let each = |client| serve(client, Arc::clone(&replicas), turn.fetch_add(1, Ordering::Relaxed));
    tokio::select! {
        () = stop_signal() => Ok(ExitCode::SUCCESS),
        never = serve_each(listener, MOST_CONNECTIONS, each) => never,
    }
}

async fn serve(mut client: TcpStream, replicas: Arc<str>, turn: usize) {
    match connect(&replicas, turn).await {
        // Either side may hang up whenever it likes: that is how connections end.
        Ok(mut replica) => {
            let _ = client.set_nodelay(true);
            let _ = replica.set_nodelay(true);
            let _ = copy_bidirectional(&mut client, &mut replica).await;
        }
        Err(error) => {
            eprintln!("gateway: {error}");
            let _ = timeout(PATIENCE, answer_alone(&mut client)).await;
        }
    }
}

/// Connects to the replica whose turn it is, or to the first one after it that answers.
async fn connect(replicas: &str, turn: usize) -> io::Result<TcpStream> {
    let no_answer = || io::Error::from(io::ErrorKind::TimedOut);
    let found = timeout(PATIENCE, lookup_host(replicas)).await;
    let found = found.unwrap_or_else(|_| Err(no_answer()));
    let mut addresses: Vec<SocketAddr> = found
        .map_err(|error| io::Error::other(format!("nothing has the name {replicas}: {error}")))?
        .collect();
    addresses.sort();
    let mut last = io::Error::other(format!("nothing has the name {replicas}"));
    for place in 0..addresses.len() {
        let replica = addresses[turn.wrapping_add(place) % addresses.len()];
        let connected = timeout(PATIENCE, TcpStream::connect(replica)).await;
        match connected.unwrap_or_else(|_| Err(no_answer())) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = io::Error::other(format!("the app at {replica}: {error}")),
        }
    }
    Err(last)
}

/// Says that there is no app, to whatever was asked.
async fn answer_alone(client: &mut TcpStream) -> io::Result<()> {
    let mut head = Vec::new();
    while head.len() < HEAD && !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if client.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let page = if head.starts_with(b"HEAD ") { "" } else { NO_APP };
    let answer = format!(
        "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html; charset=utf-8\r\n\
         Content-Length: {}\r\nRefresh: 3\r\nCache-Control: no-store\r\n\
         Connection: close\r\n\r\n{page}",
        NO_APP.len(),
    );
    client.write_all(answer.as_bytes()).await?;
    client.shutdown().await?;
    // What the client still sends is taken, or it would be told of a broken connection instead.
    let mut rest = [0; 1024];
    while client.read(&mut rest).await? > 0 {}
    Ok(())
}

const NO_APP: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<meta name=\"color-scheme\" content=\"light dark\">
<title>502: the app does not run</title>
<style>
body { font: 1.2rem/1.5 system-ui, sans-serif; max-width: 36em; margin: 10vh auto }
</style>
<h1>The app does not run</h1>
<p>The gateway is here, and no replica of the app behind it answers. Prometheus notices it too:
after half a minute an alert fires.</p>
<p>Start the app with <code>docker compose start app</code>. This page looks again every three
seconds.</p>
</html>
";
