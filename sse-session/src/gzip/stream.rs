//! A stream of events, compressed.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use pin_project_lite::pin_project;

use super::member::Member;
use crate::error::HandlerError;
use crate::handler_result::IntoHandlerResult;
use crate::shutdown::Shutdown;
use crate::stream::{ShutdownHandle, SseStream};

pin_project! {
    /// An [`SseStream`] whose bytes are compressed with gzip.
    ///
    /// It is for adapters to other servers, for responses with `Content-Encoding: gzip`: see
    /// [`SseOptions::uses_gzip`](crate::SseOptions::uses_gzip). Each piece of it can be decoded when it is
    /// received. Nothing waits in a compressor: what a stream keeps is its last 2 KiB of text (in 4 KiB at most), and each thread
    /// that polls streams has a compressor, of 0.3 MiB, which it makes with the first piece.
    ///
    /// The stream ends with the checksum if it ends in order. One whose handler failed has none: to the
    /// client, it is cut in the coding as well.
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct GzipStream<F> {
        #[pin]
        stream: SseStream<F>,
        member: Member,
        has_begun: bool,
        has_ended: bool,
        is_settled: bool,
    }
}

impl<F> GzipStream<F>
where
    F: Future,
    F::Output: IntoHandlerResult,
{
    /// Compresses a stream that was not polled yet.
    pub fn new(stream: SseStream<F>) -> Self {
        stream.note_compression();
        Self {
            stream,
            member: Member::default(),
            has_begun: false,
            has_ended: false,
            is_settled: false,
        }
    }

    /// Ends the stream when `signal` is given, see [`SseStream::shutdown_on`].
    pub fn shutdown_on(self: Pin<&mut Self>, signal: &Shutdown) {
        self.project().stream.shutdown_on(signal);
    }

    /// Whether the stream is known to have ended, see [`SseStream::has_ended`].
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// See [`SseStream::is_settled`].
    #[doc(hidden)]
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.is_settled
    }

    /// Returns a handle that shuts the stream down, also when the stream is boxed.
    #[must_use]
    pub fn shutdown_handle(&self) -> ShutdownHandle {
        self.stream.shutdown_handle()
    }
}

impl<F> Stream for GzipStream<F>
where
    F: Future,
    F::Output: IntoHandlerResult,
{
    type Item = Result<Bytes, HandlerError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        *this.is_settled = false;
        if *this.has_ended {
            return Poll::Ready(None);
        }
        let mut piece = Vec::new();
        match this.stream.as_mut().poll_next(cx) {
            Poll::Ready(Some(Ok(plain))) => {
                *this.is_settled = this.stream.is_settled();
                *this.has_ended = this.stream.has_ended();
                if let Some(shared) = this.stream.take_shared(&plain) {
                    this.member.open(&mut piece);
                    let compressed = this.member.write_shared(&shared);
                    if piece.is_empty() && !*this.has_ended {
                        // The usual case, without a copy.
                        return Poll::Ready(Some(Ok(compressed)));
                    }
                    piece.extend_from_slice(&compressed);
                } else {
                    let secrets = this.stream.take_secrets();
                    this.member.write(&plain, &secrets, &mut piece);
                }
                if *this.has_ended {
                    this.member.end(&mut piece);
                }
            }
            Poll::Ready(Some(Err(error))) => {
                *this.has_ended = true;
                return Poll::Ready(Some(Err(error)));
            }
            Poll::Ready(None) => {
                *this.has_ended = true;
                this.member.end(&mut piece);
            }
            // The opening goes out with the head of the response.
            Poll::Pending if !*this.has_begun => this.member.open(&mut piece),
            Poll::Pending => return Poll::Pending,
        }
        *this.has_begun = true;
        Poll::Ready(Some(Ok(piece.into())))
    }
}
