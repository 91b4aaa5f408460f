//! The body of one response: it owns the handler and drives it.
//!
//! A poll of the body is a poll of the handler. No task is spawned, a dropped body drops the handler
//! where it waits, and a transport that does not poll holds the handler back.

use std::error::Error as _;
use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::error::HandlerError;
use crate::handler_result::IntoHandlerResult;
use crate::keep_alive::KeepAliveTimer;
use crate::options::SseOptions;
use crate::pipe::{After, Pipe, Take};
use crate::shutdown::{Shutdown, ShutdownSignals};
use crate::sse::Sse;
use crate::waker::StreamWaker;

pin_project! {
    /// One event stream: a `Stream` of bytes that runs its handler while it is polled.
    ///
    /// The adapters give it to their servers as the response's body. It yields all that was sent
    /// since the last poll as one piece. An error means that the handler failed, and is the last
    /// item; after the last item there is none, however often it is polled.
    #[must_use = "streams do nothing unless polled"]
    // What each piece needs comes first, as in the pipe.
    #[repr(C)]
    pub struct SseStream<F> {
        pipe: Arc<Pipe>,
        // From the first poll on.
        waker: Option<Arc<StreamWaker>>,
        is_polling_handler: bool,
        failure_is_announced: bool,
        has_ended: bool,
        is_settled: bool,
        #[pin]
        keep_alive: Option<KeepAliveTimer>,
        #[pin]
        handler: Option<F>,
        shutdown: ShutdownSignals,
        closing: Box<[u8]>,
        failure: Option<HandlerError>,
    }

    impl<F> PinnedDrop for SseStream<F> {
        fn drop(this: Pin<&mut Self>) {
            // The client is gone, or all was sent: handles in other tasks must know.
            this.pipe.abandon();
        }
    }
}

impl<F> SseStream<F>
where
    F: Future,
    F::Output: IntoHandlerResult,
{
    /// A stream whose handler is the future that `handler` returns. It is first polled when the
    /// stream is.
    pub fn new(
        options: &SseOptions,
        last_event_id: Option<&str>,
        handler: impl FnOnce(Sse) -> F,
    ) -> Self {
        let pipe = Pipe::new(
            options.encoder(),
            options.high_water(),
            options.opening(),
            last_event_id,
        );
        let handler = handler(Sse::first(Arc::clone(&pipe)));
        Self {
            pipe,
            waker: None,
            is_polling_handler: false,
            failure_is_announced: false,
            has_ended: false,
            is_settled: false,
            keep_alive: options.keep_alive_timer(),
            handler: Some(handler),
            shutdown: ShutdownSignals::new(options.shutdown_signal()),
            closing: options.closing().into(),
            failure: None,
        }
    }

    /// Ends the stream when `signal` is given, as the signal in its [`SseOptions`] does. This is for
    /// servers that have a signal of their own. A stream has one of each; another one of the
    /// server's replaces the first.
    pub fn shutdown_on(self: Pin<&mut Self>, signal: &Shutdown) {
        let this = self.project();
        this.shutdown.set_server(signal, this.pipe);
    }

    /// Whether the stream is known to have ended.
    ///
    /// This is known with the last piece if the handler has returned, and the last handle is gone,
    /// by then. A server can send the end of the body along with that piece.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Whether there is nothing more until the task is woken that has last polled the stream.
    ///
    /// This is known only if the last poll yielded a piece. A server that writes each piece at once
    /// is spared the poll that would otherwise find nothing.
    #[doc(hidden)]
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        self.is_settled
    }

    /// Returns a handle that shuts the stream down, also when the stream is boxed.
    #[must_use]
    pub fn shutdown_handle(&self) -> ShutdownHandle {
        ShutdownHandle(Arc::clone(&self.pipe))
    }
}

impl<F> Stream for SseStream<F>
where
    F: Future,
    F::Output: IntoHandlerResult,
{
    type Item = Result<Bytes, HandlerError>;

    fn poll_next(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let waker = match this.waker {
            Some(waker) if waker.is_for(task) => {
                if waker.is_waiting() {
                    return Poll::Pending;
                }
                &*waker
            }
            waker => {
                let new = waker.insert(StreamWaker::new(task.waker()));
                this.pipe.wake_by(Arc::clone(new));
                if let Some(keep_alive) = this.keep_alive.as_mut().as_pin_mut() {
                    keep_alive.forget_waker();
                }
                new
            }
        };
        waker.begin_poll();
        *this.is_settled = false;
        let by_ref = waker.by_ref();
        let cx = &mut Context::from_waker(&by_ref);

        if this.shutdown.is_given(this.pipe) {
            this.pipe.close(this.closing);
        }
        if this.handler.is_some() && !*this.is_polling_handler && this.pipe.is_closed() {
            this.handler.set(None);
        }
        if let Some(handler) = this.handler.as_mut().as_pin_mut() {
            let result = if mem::replace(this.is_polling_handler, true) {
                // The last poll has not come back from the handler: it panicked.
                Poll::Ready(Err("the handler panicked".into()))
            } else {
                handler.poll(cx).map(IntoHandlerResult::into_result)
            };
            *this.is_polling_handler = false;
            if let Poll::Ready(result) = result {
                // Dropped before the pipe is checked, as its handle would keep the stream open.
                this.handler.set(None);
                if let Err(error) = result {
                    tracing::error!(
                        error = &*error as &dyn std::error::Error,
                        "event stream cut: its handler failed"
                    );
                    *this.failure = Some(HandlerError::new(error));
                    this.pipe.close(b"");
                }
            }
        }

        match this.pipe.take(waker) {
            Take::Frame(frame, after) => {
                let is_last = after == After::End;
                if is_last && this.pipe.is_closed() {
                    this.handler.set(None);
                }
                *this.has_ended = is_last && this.handler.is_none() && this.failure.is_none();
                let mut keep_alive = this.keep_alive.as_pin_mut();
                if let Some(keep_alive) = &mut keep_alive {
                    keep_alive.as_mut().record_write();
                }
                *this.is_settled = after == After::Silence && settle(keep_alive, waker, cx);
                Poll::Ready(Some(Ok(frame)))
            }
            Take::Ended => {
                this.handler.set(None);
                this.pipe.close(b"");
                if this.failure.is_some() && !mem::replace(this.failure_is_announced, true) {
                    // Servers drop what they have not written when a body fails, and write when
                    // it has nothing for them. So it has nothing for them once before it fails.
                    task.waker().wake_by_ref();
                    return Poll::Pending;
                }
                *this.has_ended = true;
                Poll::Ready(this.failure.take().map(Err))
            }
            nothing @ (Take::Empty | Take::Woken) => {
                let is_empty = matches!(nothing, Take::Empty);
                if let Some(mut keep_alive) = this.keep_alive.as_pin_mut()
                    && let Poll::Ready(comment) = keep_alive.as_mut().poll_silence(cx)
                {
                    *this.is_settled = is_empty && settle(Some(keep_alive), waker, cx);
                    return Poll::Ready(Some(Ok(comment)));
                }
                if !is_empty {
                    task.waker().wake_by_ref();
                }
                Poll::Pending
            }
        }
    }
}

/// Whether a stream that yields a piece, and has nothing left, will be woken when it is silent.
fn settle(
    keep_alive: Option<Pin<&mut KeepAliveTimer>>,
    waker: &StreamWaker,
    cx: &mut Context<'_>,
) -> bool {
    // The silence begins now, so this only makes the timer wake the stream.
    let is_settled = keep_alive.is_none_or(|timer| timer.poll_silence_from_now(cx).is_pending());
    if !is_settled {
        waker.wake();
    }
    is_settled
}

impl<F> fmt::Debug for SseStream<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SseStream")
            .field("closed", &self.pipe.is_closed())
            .field(
                "failure",
                &self.failure.as_ref().and_then(HandlerError::source),
            )
            .finish_non_exhaustive()
    }
}

/// Shuts one stream down, as the signal in its [`SseOptions`] does.
#[derive(Clone, Debug)]
pub struct ShutdownHandle(Arc<Pipe>);

impl ShutdownHandle {
    /// Ends the stream: what was sent before still goes out, then the reconnection time given to
    /// [`SseOptions::retry_on_shutdown`], if any, then the end.
    pub fn shutdown(&self) {
        self.0.shutdown();
    }
}
