//! What a server may send back for one request: so many announcements, and so many bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::BodyExt as _;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::{Request, Response};
use tokio::sync::Notify;

use crate::http::no_answer::NoAnswer;

/// The most answers of the kind `100 Continue` before the one that counts.
const MOST_INFORMATIONAL: usize = 50;

/// Sends a request on a connection, and gives the head of its answer.
pub(crate) async fn send<B: Body + 'static>(
    sender: &mut SendRequest<B>,
    mut request: Request<B>,
) -> Result<hyper::Result<Response<Incoming>>, NoAnswer> {
    let too_many = Arc::new(Notify::new());
    let (seen, tell) = (AtomicUsize::new(0), Arc::clone(&too_many));
    hyper::ext::on_informational(&mut request, move |_| {
        if seen.fetch_add(1, Ordering::Relaxed) == MOST_INFORMATIONAL {
            tell.notify_one();
        }
    });
    tokio::select! {
        biased;
        () = too_many.notified() => Err(NoAnswer::OnlyInformational),
        answer = sender.send_request(request) => Ok(answer),
    }
}

/// Reads a body of at most `limit` bytes to its end, and gives each part of it to `take`; an error
/// of the connection is in the inner result.
pub(crate) async fn read(
    mut body: Incoming,
    limit: usize,
    mut take: impl FnMut(&[u8]),
) -> Result<hyper::Result<()>, NoAnswer> {
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => return Ok(Err(error)),
        };
        let Some(data) = frame.data_ref() else { continue };
        length += data.len();
        if length > limit {
            return Err(NoAnswer::TooLarge(limit));
        }
        take(data);
    }
    Ok(Ok(()))
}
