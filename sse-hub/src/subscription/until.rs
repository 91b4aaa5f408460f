//! What ends a subscription from the server's side: a future, and the event that it yields.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use sse_codec::{Encode, Encoder};

use crate::entry::{self, EventError};

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
