//! The handler that sends a client what its subscription gives.
//!
//! It is made by hand: an async function would hold the subscription twice, and what is needed
//! only at the beginning to the end. With many streams it has left the processor's caches before
//! the next event, so it is small, and what each event needs lies together.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::future::BoxFuture;
use sse_session::{BoxError, SendError, Sse, TrySendError};

use crate::subscription::Subscription;

/// Serves one client.
pub(crate) struct Serving(State);

enum State {
    Beginning(BoxFuture<'static, Result<Serving, BoxError>>),
    Going(Going),
    /// The subscription has ended, even if this is kept.
    Over,
}

struct Going {
    /// A piece that found no room.
    waiting: Option<BoxFuture<'static, Result<(), SendError>>>,
    sse: Sse,
    subscription: Subscription,
}

impl Serving {
    pub(crate) const fn new(subscription: Subscription, sse: Sse) -> Self {
        Self(State::Going(Going {
            waiting: None,
            sse,
            subscription,
        }))
    }

    /// Serves as soon as `beginning` has come to what it serves.
    pub(crate) fn beginning(
        beginning: impl Future<Output = Result<Self, BoxError>> + Send + 'static,
    ) -> Self {
        Self(State::Beginning(Box::pin(beginning)))
    }
}

impl Future for Serving {
    type Output = Result<(), BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let result = match &mut self.0 {
                State::Going(going) => ready!(going.poll(cx)),
                State::Beginning(beginning) => match ready!(beginning.as_mut().poll(cx)) {
                    Ok(going) => {
                        *self = going;
                        continue;
                    }
                    Err(error) => Err(error),
                },
                State::Over => Ok(()),
            };
            self.0 = State::Over;
            return Poll::Ready(result);
        }
    }
}

impl Going {
    #[inline]
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        loop {
            if let Some(waiting) = &mut self.waiting {
                let sent = ready!(waiting.as_mut().poll(cx));
                self.waiting = None;
                match sent {
                    Ok(()) => {}
                    Err(SendError::Closed) => return Poll::Ready(Ok(())),
                    Err(error) => return Poll::Ready(Err(error.into())),
                }
            }
            let next = ready!(self.subscription.poll_piece(cx));
            let Some(mut events) = next.transpose()? else {
                return Poll::Ready(Ok(()));
            };
            // Mostly there is room.
            match self.sse.try_send_encoded(&mut events) {
                Ok(()) => {}
                Err(TrySendError::Closed) => return Poll::Ready(Ok(())),
                Err(_) => {
                    let sse = self.sse.clone();
                    self.waiting = Some(Box::pin(async move { sse.send_encoded(events).await }));
                }
            }
        }
    }
}
