//! A time limit on the writes of a connection.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use sse_session::second_look::TimeLimit;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection that fails when its client accepts nothing for a time.
///
/// hyper polls neither the handler of a stream nor its keep-alives while it cannot write, so nothing
/// in a response can end a client that does not read: see [Clients that never
/// read](crate#clients-that-never-read). This ends the connection itself. hyper then drops the body and
/// the handler, over HTTP/2 those of all streams of the connection.
///
/// The time begins with the first write that waits, and ends with one that does not. Nothing is
/// spawned: the task of the connection is woken when the time is over. The timer is tokio's, as for
/// [`SseOptions::keep_alive`](crate::SseOptions::keep_alive), and exists only while a write
/// waits.
///
/// It implements hyper's I/O traits around those of hyper, and tokio's around those of tokio, as
/// `axum::serve` asks for them.
///
/// ```
/// use std::time::Duration;
///
/// use hyper::server::conn::http1;
/// use hyper_util::rt::{TokioIo, TokioTimer};
/// use sse_hyper::{Request, SendError, Sse, WriteTimeout, with_sse};
/// use tokio::net::TcpStream;
///
/// async fn hello(_request: Request, sse: Sse) -> Result<(), SendError> {
///     sse.send("hello").await
/// }
///
/// async fn serve(stream: TcpStream) -> hyper::Result<()> {
///     let io = WriteTimeout::new(TokioIo::new(stream), Duration::from_secs(60));
///     http1::Builder::new()
///         .timer(TokioTimer::new())
///         .serve_connection(io, with_sse(hello))
///         .await
/// }
/// ```
///
/// # What it does not end
///
/// * A client of HTTP/2 that reads from its connection, but grants a stream no window.
/// * A client that reads a little now and then.
/// * A client whose link is cut, before the system's send buffer is full: what is written goes there.
///   `TCP_USER_TIMEOUT` ends it.
/// * Around a layer that buffers, such as TLS, the time begins when the layer's buffer is full.
#[derive(Debug)]
pub struct WriteTimeout<I> {
    io: I,
    deadline: Deadline,
}

impl<I> WriteTimeout<I> {
    /// Returns the connection with this time limit.
    pub fn new(io: I, time: Duration) -> Self {
        Self {
            io,
            deadline: Deadline { time, limit: None },
        }
    }

    /// Returns the connection.
    pub fn get_ref(&self) -> &I {
        &self.io
    }

    /// Returns the connection without the time limit.
    pub fn into_inner(self) -> I {
        self.io
    }
}

/// When a write that waits has waited too long.
struct Deadline {
    time: Duration,
    /// Set only while a write waits, and boxed, as most streams never wait.
    limit: Option<Pin<Box<TimeLimit>>>,
}

impl Deadline {
    /// Returns the result of a write, or an error if it has waited for too long.
    fn check<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.limit = None;
            return written;
        }
        let time = self.time;
        let limit = self
            .limit
            .get_or_insert_with(|| Box::pin(TimeLimit::new(time)));
        limit.as_mut().poll(cx).map(|()| {
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the client accepted nothing within the write timeout",
            ))
        })
    }
}

impl fmt::Debug for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deadline")
            .field("time", &self.time)
            .field("waiting", &self.limit.is_some())
            .finish()
    }
}

impl<I: Read + Unpin> Read for WriteTimeout<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for WriteTimeout<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

/// Implements the writing of hyper and that of tokio, which have the same methods.
macro_rules! impl_write {
    ($($write:ident),*) => {$(
        impl<I: $write + Unpin> $write for WriteTimeout<I> {
            fn poll_write(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                let written = Pin::new(&mut self.io).poll_write(cx, bytes);
                self.deadline.check(cx, written)
            }

            fn poll_write_vectored(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                slices: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                let written = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
                self.deadline.check(cx, written)
            }

            fn is_write_vectored(&self) -> bool {
                self.io.is_write_vectored()
            }

            fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                let flushed = Pin::new(&mut self.io).poll_flush(cx);
                self.deadline.check(cx, flushed)
            }

            fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                let shut_down = Pin::new(&mut self.io).poll_shutdown(cx);
                self.deadline.check(cx, shut_down)
            }
        }
    )*};
}

impl_write!(Write, AsyncWrite);
