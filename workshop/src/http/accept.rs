//! Connections to a port of this program, as many at a time as it can bear.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// Serves each connection on a task of its own. Whoever comes when there are `most` is sent away.
pub(crate) async fn serve_each<S, F>(listener: TcpListener, most: usize, serve: S) -> !
where
    S: Fn(TcpStream) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let free = Arc::new(Semaphore::new(most));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of files, most likely: connections that end will give some back.
                eprintln!("cannot take a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&free).try_acquire_owned() else { continue };
        let served = serve(stream);
        tokio::spawn(async move {
            served.await;
            drop(place);
        });
    }
}

/// Fails unless something on this machine takes connections where `address` listens.
pub(crate) async fn health(address: SocketAddr) -> io::Result<()> {
    TcpStream::connect(("127.0.0.1", address.port())).await.map(drop)
}
