//! What ends a subscription from the server's side: a future, and the event that it yields.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use sse_codec::{Encode, Encoder};

use super::{Extras, Piece, Subscription};
use crate::entry::{self, EventError};
use crate::subscription::error::SubscriptionError;
use crate::subscription::merge;

/// Ends a subscription. The output is the last event, without an id; empty if there is none.
pub(crate) type Until = Pin<Box<dyn Future<Output = Result<Bytes, EventError>> + Send>>;

/// Ends without an event.
pub(crate) fn without_event(end: impl Future + Send + 'static) -> Until {
    Box::pin(async move {
        end.await;
        Ok(Bytes::new())
    })
}

/// Ends with the event that the future yields.
pub(crate) fn with_event(end: impl Future<Output: Encode> + Send + 'static) -> Until {
    Box::pin(async move {
        let event = end.await;
        let mut encoded = Vec::new();
        entry::encode(&event, Encoder::DEFAULT_MAX_EVENT_LEN, &mut encoded)?;
        Ok(encoded.into())
    })
}

/// Ends when the first one does.
pub(crate) fn either(first: Option<Until>, second: Until) -> Until {
    let Some(first) = first else {
        return second;
    };
    Box::pin(async move {
        let ended = futures_util::future::select(first, second);
        ended.await.factor_first().0
    })
}

impl Subscription {
    /// Has the subscription end when the future does.
    pub(super) fn set_until(&mut self, until: Until) {
        self.is_usual = false;
        self.extras.get_or_insert_default().until = Some(until);
    }

    /// Returns the last piece when the subscription is to end, whatever it has not yielded yet.
    pub(super) fn poll_until(&mut self, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        let until = Extras::until(&mut self.extras);
        let Some(until) = until else {
            return Poll::Pending;
        };
        let last = ready!(until.as_mut().poll(cx));
        self.end();
        Poll::Ready(match last {
            Ok(event) if event.is_empty() => None,
            Ok(event) => {
                let ids = self.core.registry().ids();
                let lines = entry::lines(&event);
                Some(Ok(merge::with_id(
                    lines,
                    ids,
                    self.salt,
                    self.id_positions(),
                )))
            }
            Err(error) => Some(Err(SubscriptionError::LastEvent(error))),
        })
    }
}
