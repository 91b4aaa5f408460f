//! What an item of a served stream can be.

use sse_codec::{Data, Encode, Event, Frame};

use crate::error::BoxError;

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
