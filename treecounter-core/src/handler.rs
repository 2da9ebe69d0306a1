//! What a program is to the server: something that answers requests.

use http_body_util::Full;
use hyper::body::Bytes;

/// A request's method, path and headers. No route of the workshop reads a body.
pub type Request = hyper::Request<()>;

/// An answer whose whole body is known, so that a handler can never send half of one.
pub type Response = hyper::Response<Full<Bytes>>;

/// Answers requests. Shared by all connections, so it takes `&self`.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request. Write it as `async fn handle(&self, request: &Request) -> Response`.
    ///
    /// When the client goes away before the answer is there, or closes its side of the connection,
    /// or a stop runs out of time, the future is dropped at its `.await`.
    fn handle(&self, request: &Request) -> impl Future<Output = Response> + Send;
}
