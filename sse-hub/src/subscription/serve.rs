//! The handler that sends a client what its subscription yields.
//!
//! It is a hand-written future: an async function would contain the subscription twice, and keep
//! until its end what only its beginning needs. With many streams, this has left the processor's
//! caches before the next event, so it is small, and what each event needs is close together.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::future::BoxFuture;
use sse_session::{BoxError, SendError, Sse, TrySendError};

use crate::subscription::Subscription;

/// Serves one client. Polled after it has completed, it is ready again and does nothing.
pub(crate) struct Serve(State);

enum State {
    Starting(BoxFuture<'static, Result<Serve, BoxError>>),
    /// Not polled yet. The stream may not know before whether it is compressed.
    #[cfg(feature = "gzip")]
    New(Serving),
    Serving(Serving),
    /// The subscription has ended, even if this future is kept.
    Done,
}

struct Serving {
    /// Sends a piece for which there was no room.
    sending: Option<BoxFuture<'static, Result<(), SendError>>>,
    sse: Sse,
    subscription: Subscription,
}

impl Serve {
    pub(crate) fn new(subscription: Subscription, sse: Sse) -> Self {
        let serving = Serving {
            sending: None,
            sse,
            subscription,
        };
        #[cfg(feature = "gzip")]
        let state = State::New(serving);
        #[cfg(not(feature = "gzip"))]
        let state = State::Serving(serving);
        Self(state)
    }

    /// Serves nothing: the client has everything.
    pub(crate) fn nothing() -> Self {
        Self(State::Done)
    }

    /// Serves what `start` returns.
    pub(crate) fn starting(
        start: impl Future<Output = Result<Self, BoxError>> + Send + 'static,
    ) -> Self {
        Self(State::Starting(Box::pin(start)))
    }
}

#[cfg(feature = "gzip")]
impl Serve {
    /// Begins to serve.
    fn begin(&mut self) {
        if let State::New(mut serving) = std::mem::replace(&mut self.0, State::Done) {
            if serving.sse.is_compressed() {
                serving.subscription.share();
            }
            self.0 = State::Serving(serving);
        }
    }
}

impl Future for Serve {
    type Output = Result<(), BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let result = match &mut self.0 {
                State::Serving(serving) => ready!(serving.poll(cx)),
                State::Starting(start) => match ready!(start.as_mut().poll(cx)) {
                    Ok(started) => {
                        *self = started;
                        continue;
                    }
                    Err(error) => Err(error),
                },
                State::Done => Ok(()),
                #[cfg(feature = "gzip")]
                State::New(_) => {
                    self.begin();
                    continue;
                }
            };
            self.0 = State::Done;
            return Poll::Ready(result);
        }
    }
}

impl Serving {
    #[inline]
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        loop {
            if let Some(sending) = &mut self.sending {
                let sent = ready!(sending.as_mut().poll(cx));
                self.sending = None;
                match sent {
                    Ok(()) => {}
                    Err(SendError::Closed) => return Poll::Ready(Ok(())),
                    Err(error) => return Poll::Ready(Err(error.into())),
                }
            }
            let next = ready!(self.subscription.poll_piece(cx));
            let Some(mut events) = next.transpose()? else {
                if !self.subscription.is_finished() {
                    // The hub has shut down, or the client is too slow: the content goes on.
                    self.sse.set_incomplete();
                }
                return Poll::Ready(Ok(()));
            };
            #[cfg(feature = "gzip")]
            if let Some(piece) = self.subscription.take_shared() {
                match self.sse.try_send_shared(&piece) {
                    Ok(()) => {}
                    Err(TrySendError::Closed) => return Poll::Ready(Ok(())),
                    Err(_) => {
                        let sse = self.sse.clone();
                        self.sending = Some(Box::pin(async move { sse.send_shared(piece).await }));
                    }
                }
                continue;
            }
            // Usually there is room.
            match self.sse.try_send_encoded(&mut events) {
                Ok(()) => {}
                Err(TrySendError::Closed) => return Poll::Ready(Ok(())),
                Err(_) => {
                    let sse = self.sse.clone();
                    self.sending = Some(Box::pin(async move { sse.send_encoded(events).await }));
                }
            }
        }
    }
}

impl Subscription {
    /// Sends the client everything until it disconnects or the hub shuts down, as
    /// [`Subscribe::serve`](crate::Subscribe::serve) does.
    ///
    /// The stream's last event ID is not asked: this resumes where [`Subscribe::resume`] said. To answer a
    /// request with a status if the subscription cannot begin, [`Subscribe::open`] is simpler.
    ///
    /// [`Subscribe::resume`]: crate::Subscribe::resume
    /// [`Subscribe::open`]: crate::Subscribe::open
    ///
    /// # Errors
    ///
    /// Those of [`SubscriptionError`](crate::SubscriptionError) and of sending, boxed, as a handler
    /// may return them.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the subscription.
    pub fn serve(self, sse: Sse) -> impl Future<Output = Result<(), BoxError>> + Send + use<> {
        Serve::new(self, sse)
    }
}
