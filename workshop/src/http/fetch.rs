//! One HTTP request and its whole answer, within a time and a size. Plain words when there is none.

use std::io::ErrorKind;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{
    ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HOST, LOCATION, USER_AGENT,
};
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::http::exchange;
use crate::http::no_answer::NoAnswer;

/// The largest answer that is read, unless something else is said.
const BODY_LIMIT: usize = 16 << 20;
/// How long a whole answer may take, unless it is told otherwise.
const LIMIT: Duration = Duration::from_secs(5);
/// A name may have an address that swallows packets; the others must still get their turn.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Empty when there is none.
    pub(crate) content_type: String,
    /// Empty when there is none.
    pub(crate) content_encoding: String,
    /// Where a redirect points.
    pub(crate) location: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// Reads a URL as people type it: `localhost:9090` is fine, `https` is not spoken here.
pub(crate) fn http_url(text: &str, example: &str) -> anyhow::Result<Uri> {
    let text = text.trim();
    let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let uri: Uri = whole
        .parse()
        .map_err(|_| anyhow::anyhow!("`{text}` is not a URL: write it like {example}"))?;
    let reason = match uri.scheme_str() {
        Some("https") => "asks for https, which is not spoken here",
        Some("http") if uri.host().is_none_or(str::is_empty) => "names no host",
        Some("http")
            if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) =>
        {
            "holds a name or a password, which goes nowhere here"
        }
        Some("http") if !has_good_port(&uri) => {
            "names a port that no machine has: ports are 1 to 65535"
        }
        Some("http") => return Ok(uri),
        _ => "is not an http URL",
    };
    anyhow::bail!("`{text}` {reason}: write it like {example}")
}

/// Whether the port is one, if a URL names any. A number that is too large is none to its parser.
fn has_good_port(uri: &Uri) -> bool {
    let named = uri.authority().and_then(|authority| authority.as_str().strip_prefix(uri.host()?));
    named.is_none_or(str::is_empty) || uri.port_u16().is_some_and(|port| port != 0)
}

/// A request that is about to be sent.
pub(crate) struct Fetch<'a> {
    pub(crate) url: &'a Uri,
    pub(crate) accept: &'a str,
    /// `Basic ...`, for servers with a login.
    pub(crate) authorization: Option<&'a str>,
    /// Fields of a form: with them the request is a POST.
    pub(crate) form: Option<&'a [(&'a str, &'a str)]>,
    /// What else is sent; a name of those above replaces it.
    pub(crate) headers: &'a [(&'static str, &'static str)],
    pub(crate) method: Method,
    pub(crate) limit: Duration,
    /// The most bytes of a body that are read.
    pub(crate) most: usize,
}

impl<'a> Fetch<'a> {
    /// A GET of anything.
    pub(crate) fn get(url: &'a Uri) -> Self {
        Self {
            url,
            accept: "*/*",
            authorization: None,
            form: None,
            headers: &[],
            method: Method::GET,
            limit: LIMIT,
            most: BODY_LIMIT,
        }
    }

    /// Sends the request and reads the whole answer.
    pub(crate) async fn send(&self) -> Result<Answer, NoAnswer> {
        tokio::time::timeout(self.limit, self.exchange())
            .await
            .unwrap_or(Err(NoAnswer::TimedOut(self.limit)))
    }

    async fn exchange(&self) -> Result<Answer, NoAnswer> {
        let stream = connect(self.url).await?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|_| NoAnswer::Closed)?;
        let exchange = async {
            let response = exchange::send(&mut sender, self.request()?).await?;
            let response = response.map_err(|error| no_answer(&error))?;
            let header = |name| {
                let value = response.headers().get(name)?;
                Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
            };
            let (content_type, location) =
                (header(CONTENT_TYPE).unwrap_or_default(), header(LOCATION));
            let content_encoding = header(CONTENT_ENCODING).unwrap_or_default();
            let status = response.status().as_u16();
            let mut body = Vec::new();
            let read = exchange::read(response.into_body(), self.most, |data| {
                body.extend_from_slice(data);
            });
            read.await?.map_err(|_| NoAnswer::Closed)?;
            Ok(Answer { status, content_type, content_encoding, location, body })
        };
        // The connection does the reading and writing, and ends by itself when the exchange has.
        tokio::pin!(exchange);
        tokio::select! {
            answer = &mut exchange => answer,
            ended = connection => match ended {
                Ok(()) => exchange.await,
                Err(error) => Err(no_answer(&error)),
            },
        }
    }

    fn request(&self) -> Result<Request<Full<Bytes>>, NoAnswer> {
        let path = self.url.path_and_query().map_or("/", |path| path.as_str());
        let host = self.url.authority().map_or("", |authority| authority.as_str());
        let usual = [
            (HOST, host),
            (ACCEPT, self.accept),
            (USER_AGENT, "cargo-workshop"),
            (CONNECTION, "close"),
        ];
        let replaced = |name: &str| self.headers.iter().any(|(other, _)| *other == name);
        let mut request = Request::builder().method(self.method.clone()).uri(path);
        for (name, value) in usual.iter().filter(|(name, _)| !replaced(name.as_str())) {
            request = request.header(name, *value);
        }
        for (name, value) in self.headers {
            request = request.header(*name, *value);
        }
        if let Some(authorization) = self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let body = match self.form {
            None => Full::default(),
            Some(fields) => {
                request = request
                    .method(Method::POST)
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
                Full::new(Bytes::from(form(fields)))
            }
        };
        request.body(body).map_err(|_| NoAnswer::NotHttp)
    }
}

async fn connect(url: &Uri) -> Result<TcpStream, NoAnswer> {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_u16().unwrap_or(80);
    let addresses = tokio::net::lookup_host((host, port))
        .await
        .map_err(|_| NoAnswer::UnknownHost(host.to_owned()))?;
    let mut failure = NoAnswer::NotConnected(ErrorKind::AddrNotAvailable);
    for address in addresses {
        match tokio::time::timeout(CONNECT_LIMIT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            // Where one address refuses, that is the answer, whatever the others do.
            _ if failure == NoAnswer::Refused => {}
            Ok(Err(error)) => failure = NoAnswer::connecting(&error, CONNECT_LIMIT),
            Err(_) => failure = NoAnswer::ConnectTimedOut(CONNECT_LIMIT),
        }
    }
    Err(failure)
}

/// Whether a connection is reset or closed depends on who is quicker, and means the same here.
fn no_answer(error: &hyper::Error) -> NoAnswer {
    match NoAnswer::answering(error) {
        NoAnswer::Reset => NoAnswer::Closed,
        other => other,
    }
}

/// The body of a form, encoded.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}

/// Percent-encodes a part of a query.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_survives_what_promql_is_made_of() {
        assert_eq!(
            form(&[("query", "rate(a{b=~\"5..\"}[1m]) + 1"), ("step", "5")]),
            "query=rate%28a%7Bb%3D~%225..%22%7D%5B1m%5D%29%20%2B%201&step=5"
        );
    }

    #[test]
    fn urls_as_people_type_them() {
        for text in ["http://localhost:9090", "localhost:9090/", " http://[::1]:9090/prom "] {
            assert!(http_url(text, "http://localhost:9090").is_ok(), "{text}");
        }
        for (text, reason) in [
            ("", "is not a URL"),
            ("local host", "is not a URL"),
            ("http://", "is not a URL"),
            ("http://:9090", "names no host"),
            ("http://localhost:99999", "names a port that no machine has"),
            ("localhost:0", "names a port that no machine has"),
            ("http://[::1]:65536/", "names a port that no machine has"),
            ("http://localhost:", "names a port that no machine has"),
            ("https://localhost", "asks for https"),
            ("ftp://x", "is not an http URL"),
            ("http://me@localhost", "a name or a password"),
            ("http://me:word@localhost", "a name or a password"),
        ] {
            let error = http_url(text, "http://localhost:9090").unwrap_err().to_string();
            assert!(
                error.contains(reason) && error.ends_with("write it like http://localhost:9090"),
                "{text}: {error}"
            );
        }
    }
}
