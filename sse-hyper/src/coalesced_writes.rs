//! Writing what many streams of one connection send at once by a single call.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How many bursts of writes are passed on at once, at most, before another one is deferred to see whether
/// that is worthwhile.
const MAX_SKIPPED: u8 = 63;

/// A write of so many bytes is never deferred: more would not make it cheaper.
const ENOUGH: usize = 16 * 1024;

/// A connection that gives its streams a turn before it writes.
///
/// Over HTTP/2, the streams of a connection are tasks of their own. An event for a hundred of them wakes a
/// hundred tasks, of which the first one wakes the task of the connection. On a multi-threaded runtime of
/// tokio, that runs next, so the connection makes a system call for each stream. With this, the
/// first write of a burst is deferred until the tasks that are ready have run, and all that they have sent leaves
/// together, up to 16 KiB.
///
/// ```
/// use hyper_util::rt::{TokioExecutor, TokioIo};
/// use hyper_util::server::conn::auto::Builder;
/// use sse_hyper::{CoalescedWrites, Request, SendError, Sse, with_sse};
/// use tokio::net::TcpStream;
///
/// async fn hello(_request: Request, sse: Sse) -> Result<(), SendError> {
///     sse.send("hello").await
/// }
///
/// async fn serve(stream: TcpStream) {
///     let io = CoalescedWrites::new(TokioIo::new(stream));
///     let server = Builder::new(TokioExecutor::new());
///     let _ = server.serve_connection(io, with_sse(hello)).await;
/// }
/// ```
///
/// An event at a time for ten connections with a hundred streams each takes about a third of the processor time
/// (`benches`, fan-out, HTTP/2).
///
/// Nothing is spawned and no timer is used: the task of the connection wakes itself, and runs again after those
/// that are ready. Where no other stream has sent anything meanwhile, as over HTTP/1.1, fewer and fewer
/// writes are deferred, down to one of 64.
///
/// Around [`WriteTimeout`](crate::WriteTimeout), not within: to that, a write that is deferred would be one
/// that waits. Around TLS, so that what is sent together is encrypted together. It implements hyper's I/O traits
/// around those of hyper, and tokio's around those of tokio, as `axum::serve` asks for them.
#[derive(Debug)]
pub struct CoalescedWrites<I> {
    io: I,
    turns: Turns,
}

impl<I> CoalescedWrites<I> {
    /// Returns the connection with coalesced writes.
    pub const fn new(io: I) -> Self {
        Self {
            io,
            turns: Turns {
                burst: Burst::None,
                skipped: 0,
                to_skip: 0,
            },
        }
    }

    /// Returns the connection.
    pub const fn get_ref(&self) -> &I {
        &self.io
    }

    /// Returns the connection with writes as they come.
    pub fn into_inner(self) -> I {
        self.io
    }
}

/// Decides which writes are deferred.
#[derive(Debug)]
struct Turns {
    burst: Burst,
    /// How many bursts were passed on at once since the last deferred one.
    skipped: u8,
    /// How many are before another one is deferred.
    to_skip: u8,
}

/// What is written until the connection is flushed.
#[derive(Clone, Copy, Debug)]
enum Burst {
    None,
    /// So many bytes are to be written when the task runs again, more than at first if it has `grown`.
    Deferred {
        len: usize,
        grown: bool,
    },
    Begun,
}

impl Turns {
    /// Whether a write of so many bytes is deferred. The task is woken then.
    fn defer(&mut self, len: usize, cx: &Context<'_>) -> bool {
        let grown = match self.burst {
            Burst::Begun => return false,
            _ if len >= ENOUGH => return self.begin(),
            Burst::None if self.skipped < self.to_skip => {
                self.skipped += 1;
                return self.begin();
            }
            Burst::None => false,
            // Others have sent something in their turn, and more of them may be ready.
            Burst::Deferred { len: before, .. } if len > before => true,
            Burst::Deferred { grown, .. } => {
                self.to_skip = if grown {
                    0
                } else {
                    (2 * self.to_skip + 1).min(MAX_SKIPPED)
                };
                return self.begin();
            }
        };
        self.skipped = 0;
        self.burst = Burst::Deferred { len, grown };
        cx.waker().wake_by_ref();
        true
    }

    /// Has everything written up to the next flush.
    const fn begin(&mut self) -> bool {
        self.burst = Burst::Begun;
        false
    }

    /// Notes that everything was written.
    const fn end_burst<T>(&mut self, flushed: &Poll<io::Result<T>>) {
        if flushed.is_ready() && matches!(self.burst, Burst::Begun) {
            self.burst = Burst::None;
        }
    }
}

fn len(slices: &[IoSlice<'_>]) -> usize {
    slices.iter().map(|slice| slice.len()).sum()
}

impl<I: Read + Unpin> Read for CoalescedWrites<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for CoalescedWrites<I> {
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
        impl<I: $write + Unpin> $write for CoalescedWrites<I> {
            fn poll_write(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                if self.turns.defer(bytes.len(), cx) {
                    return Poll::Pending;
                }
                Pin::new(&mut self.io).poll_write(cx, bytes)
            }

            fn poll_write_vectored(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                slices: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                if self.turns.defer(len(slices), cx) {
                    return Poll::Pending;
                }
                Pin::new(&mut self.io).poll_write_vectored(cx, slices)
            }

            fn is_write_vectored(&self) -> bool {
                self.io.is_write_vectored()
            }

            fn poll_flush(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
            ) -> Poll<io::Result<()>> {
                let flushed = Pin::new(&mut self.io).poll_flush(cx);
                self.turns.end_burst(&flushed);
                flushed
            }

            fn poll_shutdown(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
            ) -> Poll<io::Result<()>> {
                Pin::new(&mut self.io).poll_shutdown(cx)
            }
        }
    )*};
}

impl_write!(Write, AsyncWrite);
