//! A stream that tells late that the client sends no more.
//!
//! hyper drops the request in hand as soon as it sees that end, since a client who is gone needs no
//! answer. But a client may close its side alone, right behind its request, and still want to
//! read. From here the two look the same. So the end is kept back for one round: what can be
//! answered at once is, and what has to wait for something is dropped, as nginx does.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

pub(super) struct LateEnd {
    stream: TcpStream,
    has_ended: bool,
}

impl LateEnd {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, has_ended: false }
    }

    pub(super) fn get_ref(&self) -> &TcpStream {
        &self.stream
    }
}

impl AsyncRead for LateEnd {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() == before && !self.has_ended {
            self.has_ended = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for LateEnd {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
