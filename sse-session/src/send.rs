//! The futures that send, and wait for room where there is none.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use sse_codec::Encode;
use tokio::sync::futures::Notified;

use crate::buffer::Batch;
use crate::error::{SendAllError, SendError, TrySendError};
use crate::pipe::Pipe;

pin_project! {
    /// Repeats an attempt to send until there is room.
    pub(crate) struct Retry<'a> {
        pipe: &'a Pipe,
        // Present since an attempt was refused.
        #[pin]
        room: Option<Notified<'a>>,
    }
}

impl<'a> Retry<'a> {
    pub(crate) fn new(pipe: &'a Pipe) -> Self {
        Self { pipe, room: None }
    }

    /// Polls `attempt`, and the room in between.
    #[inline]
    pub(crate) fn poll<T>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut attempt: impl FnMut(&Pipe, &mut Context<'_>) -> Result<T, TrySendError>,
    ) -> Poll<Result<T, SendError>> {
        let mut this = self.project();
        loop {
            let result = match attempt(this.pipe, cx) {
                Ok(result) => Ok(result),
                Err(TrySendError::Encode(error)) => Err(SendError::Encode(error)),
                Err(TrySendError::Closed) => Err(SendError::Closed),
                Err(TrySendError::Full) => {
                    match this.room.as_mut().as_pin_mut() {
                        Some(room) => {
                            ready!(room.poll(cx));
                            this.room.set(None);
                        }
                        // Before the next attempt: what happens in between must not be missed.
                        None => this.room.set(Some(this.pipe.room())),
                    }
                    continue;
                }
            };
            this.room.set(None);
            return Poll::Ready(result);
        }
    }
}

pin_project! {
    /// Sends one event. Polled after it has completed, it stays pending.
    pub(crate) struct SendEvent<'a, E> {
        // Until it is sent, or cannot be.
        event: Option<E>,
        #[pin]
        retry: Retry<'a>,
    }
}

impl<'a, E: Encode> SendEvent<'a, E> {
    #[inline]
    pub(crate) fn new(pipe: &'a Pipe, event: E) -> Self {
        Self {
            event: Some(event),
            retry: Retry::new(pipe),
        }
    }
}

impl<E: Encode> Future for SendEvent<'_, E> {
    type Output = Result<(), SendError>;

    // Always, so that the future is part of the handler, and only the attempt is a call: a text of 16
    // bytes takes 23 ns instead of 27, of which 17 are those of a lock.
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let mut this = self.project();
        let Some(event) = this.event else {
            return Poll::Pending;
        };
        // The error of this attempt is dropped, and found again by the next one: to return it from
        // here would cost each event 8 ns of 30. Code from elsewhere must not run twice for that.
        let result = if !E::RUNS_FOREIGN_CODE && send_now(this.retry.pipe, event) {
            Ok(())
        } else {
            ready!(wait_and_send(this.retry.as_mut(), event, cx))
        };
        *this.event = None;
        Poll::Ready(result)
    }
}

/// Out of line, once for each type of event: it is too large for each place that sends.
#[inline(never)]
fn send_now(pipe: &Pipe, event: &impl Encode) -> bool {
    pipe.offer(event).is_ok()
}

/// Apart from the attempt that usually succeeds.
#[cold]
#[inline(never)]
fn wait_and_send(
    retry: Pin<&mut Retry<'_>>,
    event: &impl Encode,
    cx: &mut Context<'_>,
) -> Poll<Result<(), SendError>> {
    retry.poll(cx, |pipe, _| pipe.offer(event))
}

pin_project! {
    /// The future of [`Sse::send_all`](crate::Sse::send_all).
    ///
    /// Polled after it has completed, it stays pending and sends nothing more.
    ///
    /// ```
    /// use std::pin::pin;
    ///
    /// use futures_util::future::{Either, select};
    /// use sse_session::{SendError, Sse};
    ///
    /// /// Sends events until `stop` resolves, and returns how many.
    /// async fn send_until(
    ///     sse: &Sse,
    ///     events: Vec<String>,
    ///     stop: impl Future,
    /// ) -> Result<usize, SendError> {
    ///     let mut sending = pin!(sse.send_all(events));
    ///     if let Either::Left((sent, _)) = select(sending.as_mut(), pin!(stop)).await {
    ///         sent?;
    ///     }
    ///     Ok(sending.sent())
    /// }
    /// ```
    #[must_use = "futures do nothing unless polled"]
    pub struct SendAll<'a, I> {
        // Until all are sent, or one cannot be.
        events: Option<I>,
        sent: usize,
        #[pin]
        retry: Retry<'a>,
    }
}

impl<'a, I> SendAll<'a, I> {
    pub(crate) fn new(pipe: &'a Pipe, events: I) -> Self {
        Self {
            events: Some(events),
            sent: 0,
            retry: Retry::new(pipe),
        }
    }

    /// Returns how many events were sent so far.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.sent
    }
}

impl<I> Future for SendAll<'_, I>
where
    I: Iterator,
    I::Item: Encode,
{
    type Output = Result<(), SendAllError<SendError>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(events) = this.events else {
            return Poll::Pending;
        };
        let result = this.retry.poll(cx, |pipe, cx| {
            let sent = send_while_room(pipe, events, this.sent)?;
            Ok(or_yield(sent, cx))
        });
        let result = match ready!(result) {
            Ok(Poll::Ready(())) => Ok(()),
            Ok(Poll::Pending) => return Poll::Pending,
            Err(error) => Err(SendAllError::new(*this.sent, error)),
        };
        *this.events = None;
        Poll::Ready(result)
    }
}

impl<I> fmt::Debug for SendAll<'_, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendAll")
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}

/// Sends events until there is no room or no other event, and adds their number to `sent`. Returns
/// `None` as [`send_batches`] does.
pub(crate) fn send_while_room<I>(
    pipe: &Pipe,
    events: &mut I,
    sent: &mut usize,
) -> Result<Option<()>, TrySendError>
where
    I: Iterator,
    I::Item: Encode,
{
    let next = |batch: &mut Batch| match events.next() {
        Some(event) => batch.encode(&event).err().map(|error| Err(error.into())),
        None => Some(Ok(())),
    };
    match send_batches(pipe, next, sent) {
        Err(TrySendError::Full) if events.size_hint().1 == Some(0) => Ok(Some(())),
        result => result?.transpose(),
    }
}

/// Pending where [`send_batches`] has returned `None`, and polled again after other tasks.
pub(crate) fn or_yield<R>(result: Option<R>, cx: &mut Context<'_>) -> Poll<R> {
    match result {
        Some(result) => Poll::Ready(result),
        None => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    }
}

/// Calls `next` to encode one event after the other, until it returns something else or there is no
/// room. Adds to `sent` how many events were sent.
///
/// Returns `None` after many events that are encoded to nothing: they take no room, so a source
/// without end would not let other tasks run.
///
/// `next` is called only if there is room for an event, so that it may take one from its source, and
/// outside of the lock, as it runs code from elsewhere.
pub(crate) fn send_batches<R>(
    pipe: &Pipe,
    mut next: impl FnMut(&mut Batch) -> Option<R>,
    sent: &mut usize,
) -> Result<Option<R>, TrySendError> {
    let mut open = OpenBatch {
        pipe,
        batch: None,
        sent,
    };
    loop {
        let batch = open.batch.insert(pipe.begin_batch()?);
        let mut result = None;
        while result.is_none() && batch.has_room() {
            result = next(batch);
        }
        let is_endless = batch.is_endless();
        open.append()?;
        if result.is_some() || is_endless {
            return Ok(result);
        }
    }
}

/// A batch that is appended even if its source or an event panics, so that nothing is lost that was
/// taken from the source.
struct OpenBatch<'a> {
    pipe: &'a Pipe,
    batch: Option<Batch>,
    sent: &'a mut usize,
}

impl OpenBatch<'_> {
    fn append(&mut self) -> Result<(), TrySendError> {
        let Some(batch) = self.batch.take() else {
            return Ok(());
        };
        let encoded = batch.events();
        self.pipe.append(batch)?;
        *self.sent += encoded;
        Ok(())
    }
}

impl Drop for OpenBatch<'_> {
    fn drop(&mut self) {
        // Fails only if the stream has ended.
        let _ = self.append();
    }
}
