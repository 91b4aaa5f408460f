//! The body of one response: it owns the handler and drives it.
//!
//! A poll of the body is a poll of the handler. No task is spawned, a dropped body drops the
//! handler where it waits, and a transport that does not poll holds the handler back.

use std::any::Any;
use std::error::Error as _;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::cut::Cut;
use crate::end_signals::{EndSignal, EndSignals};
use crate::error::{BoxError, HandlerError};
#[cfg(feature = "gzip")]
use crate::gzip::SharedPiece;
use crate::handler_result::IntoHandlerResult;
use crate::keep_alive::KeepAliveTimer;
use crate::options::{Ends, SseOptions};
use crate::pipe::Pipe;
use crate::shutdown::Shutdown;
use crate::sse::Sse;
use crate::sync::reach;
use crate::take::{After, Take};
use crate::waker::StreamWaker;

/// Opens a stream that begins with silence.
const OPENING_COMMENT: Bytes = Bytes::from_static(b":\n");

/// How the handler failed, and when the stream is cut.
struct Failure {
    error: HandlerError,
    cut: Cut,
}

pin_project! {
    /// One event stream: a `Stream` of bytes that runs its handler while it is polled.
    ///
    /// The adapters give it to their servers as the response's body. It yields all that was sent
    /// since the last poll as one piece. An error means that the handler failed, and is the last
    /// item; after the last item there is none, however often it is polled.
    ///
    /// A panic of the handler is a failure too: what it had sent still goes out. The panic hook
    /// reports the panic, and it does not reach the task that polls the stream.
    #[must_use = "streams do nothing unless polled"]
    // What each piece needs comes first, as in the pipe.
    #[repr(C)]
    pub struct SseStream<F> {
        pipe: Arc<Pipe>,
        // From the first poll on.
        waker: Option<Arc<StreamWaker>>,
        has_opening_comment: bool,
        has_ended: bool,
        is_settled: bool,
        #[pin]
        keep_alive: Option<KeepAliveTimer>,
        #[pin]
        handler: Option<F>,
        end_signals: EndSignals,
        ends: Arc<Ends>,
        // Boxed, as few streams fail.
        failure: Option<Box<Failure>>,
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
    ///
    /// The last event ID of a request is that of [`SseOptions::last_event_id`]. The stream keeps a copy,
    /// of a longer one than that returns only a NUL.
    pub fn new(
        options: &SseOptions,
        last_event_id: Option<&str>,
        handler: impl FnOnce(Sse) -> F,
    ) -> Self {
        let last_event_id = last_event_id.map(|id| options.bounded(id));
        let pipe = Pipe::new(
            options.encoder(),
            options.high_water(),
            options.opening(),
            last_event_id.as_deref(),
        );
        let handler = handler(Sse::first(Arc::clone(&pipe)));
        Self {
            pipe,
            waker: None,
            has_opening_comment: options.has_opening_comment(),
            has_ended: false,
            is_settled: false,
            keep_alive: options.keep_alive_timer(),
            handler: Some(handler),
            end_signals: EndSignals::new(options.shutdown_signal(), options.ends().max_age),
            ends: Arc::clone(options.ends()),
            failure: None,
        }
    }

    /// Ends the stream when `signal` is given, as the signal in its [`SseOptions`] does. This is
    /// for servers that have a signal of their own. A stream has one of each; another one of the
    /// server's replaces the first.
    pub fn shutdown_on(self: Pin<&mut Self>, signal: &Shutdown) {
        let this = self.project();
        this.end_signals.set_server(signal, this.pipe);
    }

    /// Whether the stream is known to have ended.
    ///
    /// This is known with the last piece if the handler has returned, and the last handle is gone,
    /// by then. A server can send the end of the body along with that piece.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Whether there is nothing more until the task is woken that has last polled the stream.
    ///
    /// This is known only if the last poll yielded a piece. A server that writes each piece at once
    /// is spared the poll that would otherwise find nothing.
    #[doc(hidden)]
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.is_settled
    }

    /// Returns where secret events are in the piece that was yielded last.
    #[cfg(feature = "gzip")]
    pub(crate) fn take_secrets(&self) -> Vec<std::ops::Range<usize>> {
        self.pipe.take_secrets()
    }

    /// Returns the shared piece that was yielded last, if these are its bytes.
    #[cfg(feature = "gzip")]
    pub(crate) fn take_shared(&self, plain: &Bytes) -> Option<Arc<SharedPiece>> {
        self.pipe.take_shared(plain)
    }

    /// Notes that what the stream yields is compressed.
    #[cfg(feature = "gzip")]
    pub(crate) fn note_compression(&self) {
        self.pipe.note_compression();
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
        let mut is_first = false;
        let waker = match this.waker {
            Some(waker) if waker.is_for(task) => {
                if waker.is_waiting() {
                    reach("polled while it waits");
                    return Poll::Pending;
                }
                &*waker
            }
            waker => {
                is_first = waker.is_none();
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

        match this.end_signals.poll(this.pipe) {
            None => {}
            Some(EndSignal::Shutdown) => this.pipe.close(&this.ends.retry_on_shutdown),
            Some(EndSignal::MaxAge) => this.pipe.close(b""),
        }
        if this.handler.is_some() && this.pipe.is_closed() {
            drop_handler(this.handler.as_mut());
        }
        if let Some(handler) = this.handler.as_mut().as_pin_mut()
            && let Poll::Ready(result) = poll_handler(handler, cx)
        {
            if let Err(error) = result {
                tracing::error!(
                    error = &*error as &dyn std::error::Error,
                    "event stream cut: its handler failed"
                );
                *this.failure = Some(Box::new(Failure {
                    error: HandlerError::new(error),
                    cut: Cut::default(),
                }));
                this.pipe.fail(&this.ends.failure_event);
            }
            // Dropped before the pipe is checked, as its handle would keep the stream open.
            drop_handler(this.handler.as_mut());
        }

        let last = this.handler.is_none().then_some(&*this.ends.end_event);
        match this.pipe.take(waker, last) {
            Take::Frame(frame, after) => {
                let is_last = after == After::End;
                if is_last {
                    drop_handler(this.handler.as_mut());
                }
                *this.has_ended = is_last && this.failure.is_none();
                let mut keep_alive = this.keep_alive.as_pin_mut();
                if let Some(keep_alive) = &mut keep_alive {
                    keep_alive.as_mut().record_write();
                }
                *this.is_settled = after == After::Silence && settle(keep_alive, waker, cx);
                Poll::Ready(Some(Ok(frame)))
            }
            Take::Ended => {
                drop_handler(this.handler.as_mut());
                if let Some(failure) = this.failure {
                    let has_event = !this.ends.failure_event.is_empty();
                    ready!(failure.cut.poll(has_event, task));
                }
                *this.has_ended = true;
                Poll::Ready(this.failure.take().map(|failure| Err(failure.error)))
            }
            nothing @ (Take::Empty | Take::Woken) => {
                let is_empty = matches!(nothing, Take::Empty);
                let mut keep_alive = this.keep_alive.as_pin_mut();
                let comment = if is_first && *this.has_opening_comment {
                    if let Some(keep_alive) = &mut keep_alive {
                        keep_alive.as_mut().record_write();
                    }
                    Poll::Ready(OPENING_COMMENT)
                } else if let Some(keep_alive) = &mut keep_alive {
                    keep_alive.as_mut().poll_silence(cx)
                } else {
                    Poll::Pending
                };
                if let Poll::Ready(comment) = comment {
                    *this.is_settled = is_empty && settle(keep_alive, waker, cx);
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

/// Polls a handler, which must not be polled again once it is ready. It may be ready because it
/// panicked.
fn poll_handler<F>(handler: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>>
where
    F: Future,
    F::Output: IntoHandlerResult,
{
    // Nothing sees the handler afterwards but its destructor.
    let poll = AssertUnwindSafe(|| handler.poll(cx).map(IntoHandlerResult::into_result));
    catch_unwind(poll).unwrap_or_else(|panic| Poll::Ready(Err(panic_error(&*panic))))
}

/// Drops a handler whose destructor may panic. The panic hook reports it, and the stream goes on: what
/// it has accepted still goes out.
fn drop_handler<F>(mut handler: Pin<&mut Option<F>>) {
    let _ = catch_unwind(AssertUnwindSafe(|| handler.set(None)));
}

/// Returns the error of a handler that panicked.
fn panic_error(panic: &(dyn Any + Send)) -> BoxError {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref().map(String::as_str));
    match message {
        Some(message) => format!("the handler panicked: {message}").into(),
        None => "the handler panicked".into(),
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
                &self
                    .failure
                    .as_ref()
                    .and_then(|failure| failure.error.source()),
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
