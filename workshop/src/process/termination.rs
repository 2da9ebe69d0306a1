//! Being asked to end, other than by a key.

/// Completes on Ctrl-C, or when a container is stopped.
pub(crate) async fn stop_signal() {
    tokio::select! {
        () = terminated() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// Completes when a container is stopped, or somebody kills this process politely.
#[cfg(unix)]
pub(crate) async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            terminate.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

/// Never completes: Windows kills without asking.
#[cfg(not(unix))]
pub(crate) async fn terminated() {
    std::future::pending::<()>().await;
}
