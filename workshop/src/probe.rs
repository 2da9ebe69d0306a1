//! One request to the learner's program, and its answer. A probe can be printed as a `curl` that
//! does the same.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The largest body that is read: far more than a workshop's /metrics has.
const BODY_LIMIT: usize = 8 << 20;

/// Where the learner's program listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What is connected to.
    pub addr: SocketAddr,
    /// What the `Host` header says, and a printed command uses.
    pub host: String,
}

/// A GET request that is about to be sent.
#[derive(Debug, Clone)]
pub struct Probe {
    /// The path, with its query.
    pub path: String,
    /// How long the whole answer may take.
    pub limit: Duration,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The `Content-Type`, empty when there is none.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
    /// From before the connection to the last byte.
    pub took: Duration,
}

/// Why nothing, or not all, came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    /// The connection was refused.
    Refused(String),
    /// The connection ended before the answer was whole.
    Cut(String),
    /// No whole answer within this time.
    TimedOut(Duration),
    /// A body beyond all measure.
    TooLarge,
}

impl Target {
    /// A program on this machine.
    pub fn local(addr: SocketAddr) -> Self {
        Self { addr, host: format!("localhost:{}", addr.port()) }
    }
}

impl Probe {
    /// A request for a path.
    pub fn get(path: impl Into<String>, limit: Duration) -> Self {
        Self { path: path.into(), limit }
    }

    /// Sends the request on a connection of its own, and reads the whole answer.
    pub async fn send(&self, target: &Target) -> Result<Answer, NoAnswer> {
        let started = Instant::now();
        let mut answer = timeout(self.limit, self.exchange(target))
            .await
            .map_err(|_| NoAnswer::TimedOut(self.limit))??;
        answer.took = started.elapsed();
        Ok(answer)
    }

    async fn exchange(&self, target: &Target) -> Result<Answer, NoAnswer> {
        let stream = TcpStream::connect(target.addr)
            .await
            .map_err(|error| NoAnswer::Refused(error.to_string()))?;
        let cut = |error: hyper::Error| NoAnswer::Cut(error.to_string());
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(cut)?;
        let request = Request::get(&self.path)
            .header("host", &target.host)
            .header("user-agent", "cargo-workshop")
            .header("connection", "close")
            .body(Empty::<Bytes>::new())
            .map_err(|error| NoAnswer::Cut(error.to_string()))?;
        let exchange = async {
            let response = sender.send_request(request).await.map_err(cut)?;
            let status = response.status().as_u16();
            let content_type = response.headers().get("content-type");
            let content_type = content_type
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                .unwrap_or_default();
            let body = Limited::new(response.into_body(), BODY_LIMIT);
            let body =
                body.collect().await.map_err(|error| match error.downcast::<hyper::Error>() {
                    Ok(error) => NoAnswer::Cut(error.to_string()),
                    Err(error) if error.is::<LengthLimitError>() => NoAnswer::TooLarge,
                    Err(error) => NoAnswer::Cut(error.to_string()),
                })?;
            Ok(Answer { status, content_type, body: body.to_bytes().into(), took: Duration::ZERO })
        };
        // The connection does the reading and writing; it ends by itself when the exchange has.
        tokio::pin!(exchange);
        tokio::select! {
            answer = &mut exchange => answer,
            ended = connection => match ended {
                Ok(()) => exchange.await,
                Err(error) => Err(cut(error)),
            },
        }
    }

    /// The same request, to paste into a terminal.
    pub fn curl(&self, host: &str) -> String {
        let url = format!("http://{host}{}", self.path);
        let plain = |c: char| c.is_ascii_alphanumeric() || "/:.-_".contains(c);
        match url.chars().all(plain) {
            true => format!("curl -i {url}"),
            false => format!("curl -i \"{url}\""),
        }
    }
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(reason) => write!(f, "the connection was refused ({reason})"),
            Self::Cut(reason) => write!(f, "the connection ended before the answer did ({reason})"),
            Self::TimedOut(limit) => write!(f, "no answer within {} s", limit.as_secs_f64()),
            Self::TooLarge => write!(f, "an answer of more than {} MiB", BODY_LIMIT >> 20),
        }
    }
}
