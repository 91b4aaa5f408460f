//! The connection between the client and actix.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use sse_session::second_look::TimeLimit;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::gate::Gate;

/// The most that is read at a time.
const READ: usize = 8 * 1024;

/// How much is read while actix may be handed nothing, so that the end of the connection is seen.
const READ_AHEAD: usize = 8 * 1024;

/// How much of HTTP/2 is read at a time when requests would be refused, or while the client accepts nothing. What is
/// decoded takes a hundred times as much, and is held until its response is sent.
const HTTP_2_READ: usize = 128;

/// The shortest request of HTTP/2: the head of a frame (RFC 9113 § 4.1), and a byte.
const HTTP_2_REQUEST: usize = 10;

/// The limits of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct IoLimits {
    /// Whether a client that closes its sending side still gets its responses.
    pub(super) allow_half_closed: bool,
    /// How long a head may be.
    pub(super) max_head_size: usize,
    /// The time within which a head must be complete, if there is a limit.
    pub(super) head_timeout: Option<Duration>,
    /// The time within which something must be accepted.
    pub(super) write_timeout: Duration,
}

/// A connection from which actix reads no more than it is to hold, and which fails when the client
/// accepts nothing.
#[derive(Debug)]
pub(super) struct BoundedIo<I> {
    io: I,
    gate: Gate,
    limits: IoLimits,
    /// What was read, and actix was not handed.
    ahead: BytesMut,
    /// Set only while a head is incomplete, or a body whose response is complete.
    head_deadline: Option<Pin<Box<TimeLimit>>>,
    /// Set only while the client accepts nothing, and boxed, as most writes never wait.
    write_deadline: Option<Pin<Box<TimeLimit>>>,
    /// How much of HTTP/2 was read since its connection last worked on it, and since something was written.
    read: usize,
    read_since_write: usize,
    /// Whether reading waits until something is written.
    reads_after_write: bool,
}

impl<I> BoundedIo<I> {
    pub(super) fn new(io: I, gate: Gate, limits: IoLimits) -> Self {
        Self {
            io,
            gate,
            limits,
            ahead: BytesMut::new(),
            head_deadline: None,
            write_deadline: None,
            read: 0,
            read_since_write: 0,
            reads_after_write: false,
        }
    }

    pub(super) const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Hands out some of what was read before.
    fn hand_out(&mut self, buf: &mut ReadBuf<'_>) {
        let most = self.ahead.len().min(buf.remaining());
        let passed = self.gate.pass(&self.ahead[..most]);
        buf.put_slice(&self.ahead[..passed]);
        self.ahead.advance(passed);
        if self.ahead.is_empty() {
            self.ahead = BytesMut::new();
        }
    }
}

impl<I: AsyncRead + Unpin> BoundedIo<I> {
    /// Reads from the client, and keeps what actix may not be handed.
    fn poll_read_open(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // actix's buffer may be as large as the largest head.
        if buf.remaining() > 2 * READ {
            let mut bytes = [MaybeUninit::uninit(); READ];
            let mut bytes = ReadBuf::uninit(&mut bytes);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut bytes))?;
            let bytes = bytes.filled();
            if !bytes.is_empty() {
                let passed = self.gate.pass(bytes);
                buf.put_slice(&bytes[..passed]);
                self.ahead.extend_from_slice(&bytes[passed..]);
            }
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        let bytes = &buf.filled()[before..];
        if !bytes.is_empty() {
            let passed = self.gate.pass(bytes);
            self.ahead.extend_from_slice(&bytes[passed..]);
            buf.set_filled(before + passed);
        }
        Poll::Ready(Ok(()))
    }

    /// Reads from a client of HTTP/2 no more than a few requests beyond those that are answered, and goes on when these
    /// are with their handlers. Otherwise all that have arrived are decoded before one of them is answered, and any number
    /// while the client accepts no answers.
    fn poll_read_http_2(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let is_blocked = self.write_deadline.is_some();
        if is_blocked && self.read_since_write >= HTTP_2_READ {
            self.reads_after_write = true;
            return Poll::Pending;
        }
        let free = if is_blocked { 0 } else { self.gate.free() };
        let most = READ.min(HTTP_2_READ + free.saturating_mul(HTTP_2_REQUEST));
        if self.gate.end_pause() || self.read >= most {
            self.read = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut bytes = [MaybeUninit::uninit(); READ];
        let most = buf.remaining().min(most - self.read);
        let mut bytes = ReadBuf::uninit(&mut bytes[..most]);
        let read = Pin::new(&mut self.io).poll_read(cx, &mut bytes);
        if read.is_pending() {
            self.read = 0;
        }
        ready!(read)?;
        let bytes = bytes.filled();
        buf.put_slice(bytes);
        self.read += bytes.len();
        self.read_since_write += bytes.len();
        Poll::Ready(Ok(()))
    }

    /// Waits for the end of the connection.
    fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // More is read so that the end is seen, and not if the rest of a body waits for its reader. If
        // half-closed connections are served, what was read has to be handed out before the end.
        let most = if self.limits.allow_half_closed || self.gate.is_within_body() {
            1
        } else {
            READ_AHEAD
        };
        while self.ahead.len() < most {
            let mut bytes = [MaybeUninit::uninit(); READ];
            let mut bytes = ReadBuf::uninit(&mut bytes);
            let Poll::Ready(read) = Pin::new(&mut self.io).poll_read(cx, &mut bytes) else {
                break;
            };
            read?;
            if bytes.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.ahead.extend_from_slice(bytes.filled());
        }
        Poll::Pending
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for BoundedIo<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.gate.is_http_1() {
            return this.poll_read_http_2(cx, buf);
        }
        let is_pause = this.gate.end_pause();
        let read = if is_pause || !this.gate.is_open() {
            this.poll_closed(cx)
        } else if this.ahead.is_empty() {
            this.poll_read_open(cx, buf)
        } else {
            this.hand_out(buf);
            Poll::Ready(Ok(()))
        };
        if read.is_pending() {
            this.wait(cx, is_pause);
        }
        this.within_limits(cx, read)
    }
}

impl<I> BoundedIo<I> {
    /// Limits a head that is incomplete, and the time for which it is, or the rest of a body after its response.
    /// actix limits that time for the first head alone, the length to 128 KiB, and such a body not at all.
    fn within_limits(
        &mut self,
        cx: &mut Context<'_>,
        read: Poll<io::Result<()>>,
    ) -> Poll<io::Result<()>> {
        if self.gate.head_len() > self.limits.max_head_size {
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the head of a request is longer than its limit",
            )));
        }
        if !self.gate.is_awaited() {
            self.head_deadline = None;
            return read;
        }
        // Of a body that arrives without a pause, a part is handed out, and then the read is pending once.
        let (Some(timeout), Poll::Pending) = (self.limits.head_timeout, &read) else {
            return read;
        };
        let deadline = &mut self.head_deadline;
        let deadline = deadline.get_or_insert_with(|| Box::pin(TimeLimit::new(timeout)));
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "a request was not complete within the timeout of its head",
        )))
    }

    /// Has the task woken when there is something to do that is no byte of the client.
    fn wait(&self, cx: &mut Context<'_>, is_pause: bool) {
        let has_more = !self.ahead.is_empty();
        if is_pause && has_more {
            cx.waker().wake_by_ref();
        } else {
            self.gate.wake_when_open(cx.waker(), has_more);
        }
    }

    /// Limits the time for which a write is pending.
    fn within_timeout<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.write_deadline = None;
            self.read_since_write = 0;
            if std::mem::take(&mut self.reads_after_write) {
                cx.waker().wake_by_ref();
            }
            return written;
        }
        let timeout = self.limits.write_timeout;
        let deadline = &mut self.write_deadline;
        let deadline = deadline.get_or_insert_with(|| Box::pin(TimeLimit::new(timeout)));
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the client accepted nothing within the write timeout",
        )))
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for BoundedIo<I> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write(cx, bytes);
        this.within_timeout(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write_vectored(cx, slices);
        this.within_timeout(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.io).poll_flush(cx);
        this.within_timeout(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let shut_down = Pin::new(&mut this.io).poll_shutdown(cx);
        this.within_timeout(cx, shut_down)
    }
}
