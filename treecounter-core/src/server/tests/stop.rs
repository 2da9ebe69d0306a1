//! The end: what was asked is answered, and nobody waits for ever.

use super::*;

#[tokio::test]
async fn a_stop_lets_a_request_in_flight_finish() {
    let server = Server::start(LIMITS).await;
    let mut idle = server.connect().await;
    let mut slow = server.connect().await;
    slow.write_all(get("/slow").as_bytes()).await.unwrap();
    server.routes.arrived.notified().await;
    server.stop.send(()).unwrap();
    assert_eq!(read_to_end(&mut idle).await, "", "an idle connection is closed");
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

#[tokio::test]
async fn a_stop_is_told_with_the_next_answer() {
    let server = Server::start(Limits { stop_notice: Duration::from_secs(60), ..LIMITS }).await;
    let mut stream = server.connect().await;
    assert!(!ask(&mut stream, "/first").await.contains("connection: close"));
    server.stop.send(()).unwrap();
    while TcpStream::connect(server.addr).await.is_ok() {}
    assert!(ask(&mut stream, "/last").await.contains("connection: close"));
    assert_eq!(read_to_end(&mut stream).await, "");
    drop(stream);
    server.stopped.await.unwrap();
}

#[tokio::test]
async fn a_stop_answers_who_waits_to_be_accepted() {
    let server = Server::start(LIMITS).await;
    // The test and the server share a thread: as long as this does not wait, nobody is accepted.
    let mut queued: Vec<_> = (0..50)
        .map(|_| {
            let mut stream = std::net::TcpStream::connect(server.addr).unwrap();
            io::Write::write_all(&mut stream, get("/queued").as_bytes()).unwrap();
            stream.set_nonblocking(true).unwrap();
            TcpStream::from_std(stream).unwrap()
        })
        .collect();
    server.stop.send(()).unwrap();
    for stream in &mut queued {
        assert!(read_to_end(stream).await.ends_with("/queued"));
    }
    drop(queued);
    server.stopped.await.unwrap();
}
