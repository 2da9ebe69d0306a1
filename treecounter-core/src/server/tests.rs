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
    // A reset is an end too, for a client that was cut off.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8(bytes).unwrap()
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

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_cut_off() {
    let server = Server::start(LIMITS).await;
    let patience = LIMITS.tick * LIMITS.patience;
    // The clock jumps whenever everybody waits.
    for (silence, since_tick) in [("", 0.1), ("GET / HTTP/1.1\r\nhost:", 0.9)] {
        tokio::time::sleep(LIMITS.tick.mul_f64(since_tick)).await;
        let started = Instant::now();
        assert_eq!(server.exchange(silence).await, "");
        let waited = started.elapsed();
        assert!((patience..=patience + LIMITS.tick).contains(&waited), "{waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed() {
    let server = Server::start(LIMITS).await;
    let answer = server.exchange("GET /idle HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert!(answer.ends_with("/idle"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_reads_is_cut_off() {
    let server = Server::start(LIMITS).await;
    let mut stream = server.connect().await;
    let many = "GET /unread HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(1_000);
    let written = async { while stream.write_all(many.as_bytes()).await.is_ok() {} };
    let hour = Duration::from_secs(3600);
    assert!(tokio::time::timeout(hour, written).await.is_ok(), "it was let wait");
}

#[tokio::test(start_paused = true)]
async fn a_client_may_wait_for_a_slow_answer() {
    let server = Server::start(LIMITS).await;
    let mut stream = server.connect().await;
    stream.write_all(get("/slow").as_bytes()).await.unwrap();
    server.routes.arrived.notified().await;
    tokio::time::sleep(LIMITS.tick * LIMITS.patience * 10).await;
    server.routes.release.notify_one();
    assert!(read_to_end(&mut stream).await.ends_with("/slow"));
}

#[tokio::test]
async fn no_more_connections_than_the_limit_are_served() {
    let server = Server::start(Limits { connections: 2, ..LIMITS }).await;
    let first = server.connect().await;
    let _second = server.connect().await;
    let mut third = server.connect().await;
    third.write_all(get("/third").as_bytes()).await.unwrap();
    let wait = Duration::from_millis(100);
    let mut byte = [0];
    assert!(tokio::time::timeout(wait, third.read(&mut byte)).await.is_err(), "served beyond");
    drop(first);
    assert!(read_to_end(&mut third).await.ends_with("/third"));
}

#[tokio::test]
async fn a_stop_lets_a_request_in_flight_finish() {
    let server = Server::start(LIMITS).await;
    let mut idle = server.connect().await;
    let mut slow = server.connect().await;
    slow.write_all(get("/slow").as_bytes()).await.unwrap();
    server.routes.arrived.notified().await;
    server.stop.send(()).unwrap();
    assert_eq!(read_to_end(&mut idle).await, "", "an idle connection is closed at once");
    assert!(!server.stopped.is_finished());
    server.routes.release.notify_one();
    assert!(read_to_end(&mut slow).await.ends_with("/slow"));
    server.stopped.await.unwrap();
    assert!(TcpStream::connect(server.addr).await.is_err(), "the port is free again");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let limits = Limits { stop_timeout: Duration::from_millis(20), ..LIMITS };
    let server = Server::start(limits).await;
    let mut slow = server.connect().await;
    slow.write_all(get("/slow").as_bytes()).await.unwrap();
    server.routes.arrived.notified().await;
    server.stop.send(()).unwrap();
    server.stopped.await.unwrap();
}
