//! One request to the learner's program, and its answer. A probe can be printed as a `curl` that
//! does the same.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hyper::{Method, Uri};

use crate::http::fetch::{Answer, Fetch};
use crate::http::no_answer::NoAnswer;

/// The largest answer that is read of the learner's program: its page has some kilobytes, and a
/// check keeps many answers.
const BODY_LIMIT: usize = 2 << 20;

/// Where the learner's program listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// Host and port.
    authority: String,
}

/// A request that is about to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    pub(crate) method: Method,
    /// What is sent besides what every request has.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// The path, with its query.
    pub(crate) path: String,
    /// How long the whole answer may take.
    pub(crate) limit: Duration,
}

/// An answer, and how long it took: from before the connection to the last byte.
#[derive(Debug, Clone)]
pub(crate) struct Timed {
    pub(crate) answer: Answer,
    pub(crate) took: Duration,
}

impl From<SocketAddr> for Address {
    fn from(addr: SocketAddr) -> Self {
        Self { authority: addr.to_string() }
    }
}

impl From<&Uri> for Address {
    fn from(url: &Uri) -> Self {
        let authority = url.authority().map_or("", |authority| authority.as_str());
        Self { authority: authority.to_owned() }
    }
}

impl Address {
    /// Host and port, as a command names them.
    pub(crate) fn host(&self) -> &str {
        &self.authority
    }
}

impl Probe {
    /// A request for a path.
    pub(crate) fn get(path: impl Into<String>, limit: Duration) -> Self {
        Self { method: Method::GET, headers: &[], path: path.into(), limit }
    }

    /// The same with another method.
    #[must_use]
    pub(crate) fn by(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// The same with these headers.
    #[must_use]
    pub(crate) fn with(mut self, headers: &'static [(&'static str, &'static str)]) -> Self {
        self.headers = headers;
        self
    }

    /// Sends the request on a connection of its own, and reads the whole answer.
    pub(crate) async fn send(&self, address: &Address) -> Result<Timed, NoAnswer> {
        let url = format!("http://{}{}", address.authority, self.path);
        let url: Uri = url.parse().map_err(|_| NoAnswer::NotHttp)?;
        let (method, headers, most) = (self.method.clone(), self.headers, BODY_LIMIT);
        let fetch = Fetch { method, headers, limit: self.limit, most, ..Fetch::get(&url) };
        let started = Instant::now();
        let answer = fetch.send().await?;
        Ok(Timed { answer, took: started.elapsed() })
    }

    /// The same request, to paste into a terminal.
    pub(crate) fn curl(&self, host: &str) -> String {
        let how = match self.method {
            Method::GET => "-i".to_owned(),
            Method::HEAD => "-I".to_owned(),
            ref method => format!("-i -X {method}"),
        };
        let headers = self.headers.iter().map(|(name, value)| match *name {
            // A terminal should not be sent what is compressed: curl asks for it, and unpacks it.
            "accept-encoding" => " --compressed".to_owned(),
            _ => format!(" -H \"{name}: {value}\""),
        });
        let headers: String = headers.collect();
        let url = format!("http://{host}{}", self.path);
        // A shell has its own ideas of a question mark.
        match self.path.contains(['?', '&', '[']) {
            true => format!("curl {how}{headers} \"{url}\""),
            false => format!("curl {how}{headers} {url}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    /// What a probe makes of a server that does this with each connection.
    fn probe(serve: impl Fn(&mut TcpStream) + Send + 'static) -> Result<Timed, NoAnswer> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::from(listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            serve(&mut stream);
        });
        send(&address)
    }

    fn send(address: &Address) -> Result<Timed, NoAnswer> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(Probe::get("/metrics", Duration::from_millis(300)).send(address))
    }

    fn write(text: &'static [u8]) -> impl Fn(&mut TcpStream) + Send + 'static {
        move |stream| {
            let _ = stream.write_all(text);
        }
    }

    #[test]
    fn reads_an_answer() {
        let timed =
            probe(write(b"HTTP/1.1 503 No\r\nContent-Type: a/b\r\nContent-Length: 2\r\n\r\nup"));
        let answer = timed.unwrap().answer;
        assert_eq!((answer.status, answer.content_type.as_str()), (503, "a/b"));
        assert_eq!(answer.body, b"up");
        // A body that ends with its connection is whole.
        assert_eq!(probe(write(b"HTTP/1.1 200 OK\r\n\r\nup 1\n")).unwrap().answer.body, b"up 1\n");
    }

    #[test]
    fn whatever_a_server_does_ends() {
        assert_eq!(probe(|_| ()).unwrap_err(), NoAnswer::Closed);
        assert_eq!(probe(write(b"up 1\n")).unwrap_err(), NoAnswer::NotHttp);
        let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nup";
        assert_eq!(probe(write(cut)).unwrap_err(), NoAnswer::Closed);
        let silent = |_: &mut TcpStream| std::thread::sleep(Duration::from_secs(5));
        assert!(matches!(probe(silent).unwrap_err(), NoAnswer::TimedOut(_)));
        let drip = |stream: &mut TcpStream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n");
            while stream.write_all(b"x").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        };
        assert!(matches!(probe(drip).unwrap_err(), NoAnswer::TimedOut(_)));
        let endless = |stream: &mut TcpStream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            while stream.write_all(&[b'x'; 1 << 16]).is_ok() {}
        };
        assert!(matches!(
            probe(endless).unwrap_err(),
            NoAnswer::TooLarge(_) | NoAnswer::TimedOut(_)
        ));
        let going_on = |stream: &mut TcpStream| {
            while stream.write_all(&b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100)).is_ok() {}
        };
        assert_eq!(probe(going_on).unwrap_err(), NoAnswer::OnlyInformational);
    }

    #[test]
    fn nobody_listens() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::from(listener.local_addr().unwrap());
        drop(listener);
        assert_eq!(send(&address).unwrap_err(), NoAnswer::Refused);
    }
}
