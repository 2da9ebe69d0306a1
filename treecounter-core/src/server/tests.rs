//! What the tests of the server share, and those of its answers.

mod crowd;
mod stop;

use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::*;
use crate::responses::{TEXT, respond};
use crate::{Request, Response};

/// `/slow` waits to be released, `/panic` panics, everything else answers its path.
#[derive(Default)]
struct Routes {
    arrived: Notify,
    release: Notify,
    handled: AtomicUsize,
}

impl Handler for Arc<Routes> {
    async fn handle(&self, request: &Request) -> Response {
        self.handled.fetch_add(1, Ordering::Relaxed);
        match request.uri().path() {
            "/slow" => {
                self.arrived.notify_one();
                self.release.notified().await;
            }
            "/panic" => panic!("as it was asked to"),
            _ => {}
        }
        respond(StatusCode::OK, TEXT, request.uri().path().to_owned())
    }
}

struct Server {
    addr: std::net::SocketAddr,
    routes: Arc<Routes>,
    stop: oneshot::Sender<()>,
    stopped: JoinHandle<()>,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let routes = Arc::new(Routes::default());
        let (stop, stopping) = oneshot::channel::<()>();
        let shutdown = async {
            let _ = stopping.await;
        };
        let stopped = tokio::spawn(run_within(limits, listener, Arc::clone(&routes), shutdown));
        Self { addr, routes, stop, stopped }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }

    /// Sends these bytes on a connection of their own and reads until the server closes it.
    async fn exchange(&self, bytes: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_bytes()).await.unwrap();
        read_to_end(&mut stream).await
    }

    async fn get(&self, path: &str) -> String {
        self.exchange(&get(path)).await
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = timeout(Duration::from_secs(300), stream.read_to_end(&mut bytes)).await;
    // A reset is an end too, for a client that was cut off.
    let _ = read.expect("the server neither answers nor closes");
    String::from_utf8(bytes).unwrap()
}

/// Asks on a connection that is to stay, and gives the answer, whose body is the path.
async fn ask(stream: &mut TcpStream, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    while !answer.ends_with(path) {
        let mut bytes = [0; 1024];
        let read = stream.read(&mut bytes).await.unwrap();
        assert!(read > 0, "closed after {answer:?}");
        answer.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
    }
    answer
}

#[tokio::test]
async fn requests_are_handled_side_by_side() {
    let server = Server::start(LIMITS).await;
    let mut slow = server.connect().await;
    slow.write_all(get("/slow").as_bytes()).await.unwrap();
    server.routes.arrived.notified().await;
    assert!(server.get("/quick").await.ends_with("/quick"));
    server.routes.release.notify_one();
    assert!(read_to_end(&mut slow).await.ends_with("/slow"));
}

#[tokio::test]
async fn a_panic_is_a_500_and_the_server_lives() {
    let server = Server::start(LIMITS).await;
    assert!(server.get("/panic").await.starts_with("HTTP/1.1 500 "));
    assert!(server.get("/quick").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_health_probe_never_reaches_the_handler() {
    let server = Server::start(LIMITS).await;
    assert!(server.get("/healthz").await.ends_with("\r\n\r\nok\n"));
    assert_eq!(server.routes.handled.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn an_answer_to_head_has_no_body() {
    let server = Server::start(LIMITS).await;
    let answer = server.exchange(&get("/path").replace("GET", "HEAD")).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n"), "{answer}");
    assert!(answer.contains("content-length: 5\r\n"), "{answer}");
}

#[tokio::test]
async fn what_is_not_http_or_absurd_is_a_4xx_and_the_server_lives() {
    let server = Server::start(LIMITS).await;
    let headers = "x: y\r\n".repeat(200);
    for (bytes, status) in [
        ("hello\r\n\r\n".to_owned(), "400"),
        (get(&format!("/{}", "a".repeat(70_000))), "414"),
        (format!("GET / HTTP/1.1\r\n{headers}\r\n"), "431"),
    ] {
        let answer = server.exchange(&bytes).await;
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "expected {expected}: {answer}");
    }
    assert!(server.get("/quick").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_body_that_never_comes_does_not_hold_up_the_answer() {
    let server = Server::start(LIMITS).await;
    let mut stream = server.connect().await;
    stream.write_all(b"POST /p HTTP/1.1\r\nhost: l\r\ncontent-length: 9\r\n\r\n").await.unwrap();
    assert!(read_to_end(&mut stream).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_request_names_one_host() {
    let server = Server::start(LIMITS).await;
    for (version, hosts, status) in [
        ("1.1", "", 400),
        ("1.1", "host: a\r\nhost: a\r\n", 400),
        ("1.1", "host: a b\r\n", 400),
        ("1.1", "host:\r\n", 200),
        ("1.1", "host: [::1]:8001\r\n", 200),
        ("1.0", "", 200),
        ("1.0", "host: a\r\nhost: b\r\n", 400),
    ] {
        let request = format!("GET /host HTTP/{version}\r\n{hosts}connection: close\r\n\r\n");
        let answer = server.exchange(&request).await;
        assert!(answer.contains(&format!(" {status} ")), "{request}{answer}");
    }
}

#[tokio::test]
async fn a_client_that_sends_more_than_is_read_still_gets_its_answer() {
    let server = Server::start(LIMITS).await;
    let mut stream = server.connect().await;
    let head = b"POST /p HTTP/1.1\r\nhost: l\r\ncontent-length: 1000000\r\n\r\n";
    stream.write_all(head).await.unwrap();
    // Together a third of what the server grants, also where the shortest sleep is 16 ms (Windows).
    for _ in 0..20 {
        stream.write_all(&[b'b'; 50_000]).await.expect("the server still takes what is sent");
        sleep(Duration::from_millis(1)).await;
    }
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("/p"), "{answer}");
}

#[tokio::test]
async fn who_closes_the_own_side_gets_what_can_be_answered_at_once() {
    let server = Server::start(LIMITS).await;
    for _ in 0..50 {
        let mut stream = server.connect().await;
        stream.write_all(b"GET /quick HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        stream.shutdown().await.unwrap();
        assert!(read_to_end(&mut stream).await.ends_with("/quick"));
    }
    let mut stream = server.connect().await;
    stream.write_all(get("/slow").as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(read_to_end(&mut stream).await, "", "it may as well have left");
}
