//! Clients who are slow, silent, or many.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_cut_off() {
    let server = Server::start(LIMITS).await;
    let patience = LIMITS.tick * LIMITS.patience;
    // The clock jumps whenever everybody waits.
    for (silence, since_tick) in [("", 0.1), ("GET / HTTP/1.1\r\nhost:", 0.9)] {
        sleep(LIMITS.tick.mul_f64(since_tick)).await;
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
    assert!(timeout(hour, written).await.is_ok(), "it was let wait");
}

#[tokio::test(start_paused = true)]
async fn a_client_may_wait_for_a_slow_answer() {
    let server = Server::start(LIMITS).await;
    let mut stream = server.connect().await;
    stream.write_all(get("/slow").as_bytes()).await.unwrap();
    server.routes.arrived.notified().await;
    sleep(LIMITS.tick * LIMITS.patience * 10).await;
    server.routes.release.notify_one();
    assert!(read_to_end(&mut stream).await.ends_with("/slow"));
}

/// A server with as many places as are taken by these clients, each of whom has sent this.
async fn full(sent: &[&str]) -> (Server, Vec<TcpStream>) {
    let server = Server::start(Limits { connections: sent.len() as u32, ..LIMITS }).await;
    let mut clients = Vec::new();
    for bytes in sent {
        let mut stream = server.connect().await;
        stream.write_all(bytes.as_bytes()).await.unwrap();
        clients.push(stream);
    }
    (server, clients)
}

#[tokio::test]
async fn when_it_is_full_the_idlest_has_to_go() {
    let (server, mut clients) = full(&["", "GET / HTTP/1.1\r\nhost:", ""]).await;
    // The first of all asks, and so it is no longer the idlest.
    assert!(ask(&mut clients[0], "/first").await.ends_with("/first"));
    assert!(server.get("/fourth").await.ends_with("/fourth"));
    assert_eq!(read_to_end(&mut clients[1]).await, "", "it had let the server wait longest");
    for index in [0, 2] {
        assert!(ask(&mut clients[index], "/still").await.ends_with("/still"), "{index}");
    }
}

#[tokio::test]
async fn when_it_is_full_nobody_goes_who_waits_for_an_answer() {
    let slow = get("/slow");
    let (server, mut clients) = full(&[&slow, &slow]).await;
    for _ in 0..2 {
        server.routes.arrived.notified().await;
    }
    let mut third = server.connect().await;
    third.write_all(get("/third").as_bytes()).await.unwrap();
    let wait = Duration::from_millis(100);
    let mut byte = [0];
    assert!(timeout(wait, third.read(&mut byte)).await.is_err(), "served beyond the limit");
    server.routes.release.notify_one();
    assert!(read_to_end(&mut third).await.ends_with("/third"));
    server.routes.release.notify_one();
    for client in &mut clients {
        assert!(read_to_end(client).await.ends_with("/slow"));
    }
}

#[tokio::test]
async fn many_who_come_and_stay_keep_nobody_out() {
    let server = Server::start(Limits { connections: 8, ..LIMITS }).await;
    let mut crowd = Vec::new();
    for _ in 0..20 {
        for _ in 0..20 {
            crowd.push(server.connect().await);
        }
        let asked = Instant::now();
        assert!(server.get("/healthz").await.ends_with("ok\n"));
        assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    }
}

#[tokio::test]
async fn a_client_that_stays_after_its_last_answer_is_let_go() {
    let server = Server::start(LIMITS).await;
    let mut stream = server.connect().await;
    stream.write_all(get("/last").as_bytes()).await.unwrap();
    assert!(read_to_end(&mut stream).await.ends_with("/last"));
    let sends = async {
        while stream.write_all(b"more").await.is_ok() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(timeout(LIMITS.tick, sends).await.is_ok(), "its connection is still there");
}
