//! A plain stream of events as a handler.

use std::pin::pin;

use futures_core::Stream;
use futures_util::StreamExt as _;
use sse_codec::{Data, Encode, Event, Frame};

use crate::error::BoxError;
use crate::sse::Sse;

/// An item of a stream that can be served: something to send, or a `Result` of it whose error
/// cuts the stream.
pub trait IntoEvent {
    /// What is sent.
    type Event: Encode;

    /// The event to send.
    ///
    /// # Errors
    ///
    /// The item's own error.
    fn into_event(self) -> Result<Self::Event, BoxError>;
}

impl<T: Encode, E: Into<BoxError>> IntoEvent for Result<T, E> {
    type Event = T;

    fn into_event(self) -> Result<T, BoxError> {
        self.map_err(Into::into)
    }
}

impl<'a, D: Data> IntoEvent for Event<'a, D> {
    type Event = Self;

    fn into_event(self) -> Result<Self, BoxError> {
        Ok(self)
    }
}

macro_rules! plain_items {
    ($($item:ty),+ $(,)?) => {$(
        impl IntoEvent for $item {
            type Event = Self;

            fn into_event(self) -> Result<Self, BoxError> {
                Ok(self)
            }
        }
    )+};
}

plain_items!(Frame, String, &str);

#[cfg(feature = "json")]
plain_items!(serde_json::Value);

#[cfg(feature = "json")]
impl<T> IntoEvent for sse_codec::Json<T>
where
    Self: Data,
{
    type Event = Self;

    fn into_event(self) -> Result<Self, BoxError> {
        Ok(self)
    }
}

/// Sends all that `source` yields, and ends with it.
///
/// The adapters' `sse_stream` is this; call it in a handler to send something before or after.
///
/// # Errors
///
/// The first error of the source or of a send.
///
/// # Cancel safety
///
/// Not cancel safe: an item that waits for room is lost.
pub async fn forward<S>(source: S, sse: &Sse) -> Result<(), BoxError>
where
    S: Stream,
    S::Item: IntoEvent,
{
    let mut source = pin!(source);
    while let Some(item) = source.next().await {
        sse.send(item.into_event()?).await?;
    }
    Ok(())
}
