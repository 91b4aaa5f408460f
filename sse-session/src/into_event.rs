//! What an item of a served stream can be.

use bytes::Bytes;
use sse_codec::{Data, Display, Encode, EncodedEvents, Event, Frame, ReceivedEvent};

use crate::error::BoxError;

/// An item of a stream that can be served: an event, or a `Result` of one whose error cuts the
/// stream.
///
/// ```
/// use sse_session::{BoxError, Display, Event, IntoEvent};
///
/// struct Price {
///     symbol: String,
///     cents: u64,
/// }
///
/// impl IntoEvent for Price {
///     type Event = Event<'static, Display<u64>>;
///
///     fn into_event(self) -> Result<Self::Event, BoxError> {
///         Ok(Event::new().event(self.symbol).display(self.cents))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event that a stream can yield",
    note = "wrap it in `Json` to send it as JSON, in `Typed` if it is an enum of events, or in \
            `Display` to send what it displays"
)]
pub trait IntoEvent {
    /// The event's type.
    type Event: Encode;

    /// Returns the event to send.
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

/// Items that are events themselves.
macro_rules! events {
    ($([$($data:ident)?] $item:ty),+ $(,)?) => {$(
        impl$(<$data>)? IntoEvent for $item
        where
            Self: Encode,
        {
            type Event = Self;

            fn into_event(self) -> Result<Self, BoxError> {
                Ok(self)
            }
        }
    )+};
}

events!([] Frame, [] EncodedEvents, [] ReceivedEvent, [] String, [] &str, [] Bytes, [T] Display<T>);

#[cfg(feature = "json")]
events!([] serde_json::Value, [T] sse_codec::Json<T>, [T] sse_codec::Typed<T>);
