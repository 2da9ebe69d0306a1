//! `--healthcheck`: the program asks its own running twin whether it is well. A container without
//! a shell has no other program that could.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes. More than a healthy answer has; what listens there may be anything.
const MAX_ANSWER: u64 = 1024;

/// Whether a program that listens on `addr` answers `/healthz` with 200.
pub(crate) async fn is_healthy(addr: SocketAddr) -> bool {
    tokio::time::timeout(TIMEOUT, ask(reachable(addr)))
        .await
        .is_ok_and(|answer| answer.unwrap_or(false))
}

async fn ask(addr: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(addr).await?;
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer).await?;
    Ok(answer.starts_with(b"HTTP/1.1 200 "))
}

/// Listening on all addresses (0.0.0.0) means being reachable on this one.
fn reachable(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, addr.port())
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn an_answer_without_end_is_not_read_to_its_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            while stream.write_all(&[b'x'; 1024]).await.is_ok() {}
        });
        let asked = Instant::now();
        assert!(is_healthy(addr).await);
        assert!(asked.elapsed() < TIMEOUT);
    }

    #[tokio::test]
    async fn an_answer_that_never_comes_is_unhealthy() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let asked = Instant::now();
        assert!(!is_healthy(listener.local_addr().unwrap()).await);
        assert!(asked.elapsed() < TIMEOUT * 2);
    }
}
