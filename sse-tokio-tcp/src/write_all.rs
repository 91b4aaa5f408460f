//! Writing a buffer to a client that may be slow.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Buf;
use sse_session::second_look::TimeLimit;
use tokio::io::AsyncWrite;
use tokio_util::io::poll_write_buf;

use crate::framing::{INLINE_SIZE, MAX_SLICES};

/// Writes all bytes of a buffer, then flushes.
pub(crate) struct WriteAll<B> {
    bytes: B,
    /// Set only while the client accepts nothing, and boxed, as most writes never wait.
    write_deadline: Option<Pin<Box<TimeLimit>>>,
}

impl<B: Buf> WriteAll<B> {
    pub(crate) const fn new(bytes: B) -> Self {
        Self {
            bytes,
            write_deadline: None,
        }
    }

    /// Completes when all bytes are written and flushed.
    ///
    /// # Errors
    ///
    /// When the connection is gone, or the client accepts nothing for `timeout`.
    pub(crate) fn poll<I>(
        &mut self,
        io: &mut I,
        cx: &mut Context<'_>,
        timeout: Duration,
    ) -> Poll<io::Result<()>>
    where
        I: AsyncWrite + Unpin,
    {
        loop {
            let io = Pin::new(&mut *io);
            let written = if self.bytes.has_remaining() {
                poll_write_some(io, cx, &mut self.bytes).map_ok(Some)
            } else {
                io.poll_flush(cx).map_ok(|()| None)
            };
            match written {
                Poll::Ready(Ok(Some(0))) => {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                Poll::Ready(Ok(Some(_))) => self.write_deadline = None,
                Poll::Ready(Ok(None)) => return Poll::Ready(Ok(())),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    let deadline = &mut self.write_deadline;
                    let deadline =
                        deadline.get_or_insert_with(|| Box::pin(TimeLimit::new(timeout)));
                    ready!(deadline.as_mut().poll(cx));
                    return Poll::Ready(Err(io::Error::new(
                        io::ErrorKind::TimedOut,
                        "the client accepted nothing within the write timeout",
                    )));
                }
            }
        }
    }
}

/// Writes some of `bytes`.
fn poll_write_some<I, B>(
    io: Pin<&mut I>,
    cx: &mut Context<'_>,
    bytes: &mut B,
) -> Poll<io::Result<usize>>
where
    I: AsyncWrite,
    B: Buf,
{
    let len = bytes.remaining();
    if len > INLINE_SIZE || bytes.chunk().len() == len {
        return poll_write_buf(io, cx, bytes);
    }
    let mut slices = [IoSlice::new(&[]); MAX_SLICES];
    let count = bytes.chunks_vectored(&mut slices);
    let mut buffer = [0; INLINE_SIZE];
    let mut filled = 0;
    for slice in &slices[..count] {
        buffer[filled..filled + slice.len()].copy_from_slice(slice);
        filled += slice.len();
    }
    let written = ready!(io.poll_write(cx, &buffer[..filled]))?;
    bytes.advance(written);
    Poll::Ready(Ok(written))
}
