//! A serde enum as an event: the variant's name is the event's, its content the JSON data.
//!
//! This is serde's externally tagged enum with the tag moved from the JSON to the `event` field.
//! The two directions are in [`write`] and [`read`].

mod read;
mod write;

use core::{error, fmt};

use serde::{Deserialize, Serialize};

use crate::encoder::{Buffer, Data, DataWriter, EncodeError};
use crate::json::JsonError;
use crate::received::{EventRef, ReceivedEvent};

/// Data from a serde enum, whose variant's name becomes the event's.
///
/// The content of the variant is the JSON data: a value, an array for several, an object for
/// named ones, and `null` for a variant without content, as an event without data would not be
/// dispatched. [`EventRef::typed`] is the way back. Names are those that serde is told to use,
/// so `#[serde(rename_all = "snake_case")]` works as ever.
///
/// ```
/// use sse_codec::{Decoder, Frame, Typed};
///
/// #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
/// #[serde(rename_all = "snake_case")]
/// enum Message {
///     Started,
///     Delta(String),
///     Usage { tokens: u32 },
///     #[serde(other)]
///     Unknown,
/// }
///
/// let frame = Frame::new(Typed(Message::Usage { tokens: 5 }))?;
/// assert_eq!(frame.as_bytes(), b"event: usage\ndata: {\"tokens\":5}\n\n");
///
/// let mut decoder = Decoder::new();
/// let mut events = decoder.feed(frame.as_bytes());
/// let message: Message = events.next_event()?.expect("a complete event").typed()?;
/// assert_eq!(message, Message::Usage { tokens: 5 });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A value that is not an enum gives [`EncodeError::NotAnEnum`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Typed<T>(pub T);

impl<T: Serialize> Data for Typed<T> {
    #[inline]
    fn write_to<B: Buffer>(&self, out: &mut DataWriter<'_, B>) -> Result<(), EncodeError> {
        write::content(&self.0, out)
    }

    #[inline]
    fn event_name(&self) -> Option<&str> {
        write::name(&self.0)
    }
}

impl<'a> EventRef<'a> {
    /// Reads the event as a serde enum: the variant by its name, the content from its JSON data.
    /// See [`Typed`].
    ///
    /// A variant without content takes any data, without looking at it. That makes the one with
    /// `#[serde(other)]` a catch-all for events of other names. To keep what those hold, let the
    /// last variant be `#[serde(untagged)]`: it is given a map of the name to the JSON data.
    ///
    /// # Errors
    ///
    /// [`TypedError::UnknownEvent`] if no variant has the event's name and none is a catch-all,
    /// [`TypedError::Json`] if the data is not the JSON of the variant's content. Both keep the
    /// event.
    pub fn typed<T: Deserialize<'a>>(self) -> Result<T, TypedError> {
        read::event(self)
    }
}

impl ReceivedEvent {
    /// Reads the event as a serde enum, see [`EventRef::typed`].
    ///
    /// # Errors
    ///
    /// As [`EventRef::typed`].
    pub fn typed<'a, T: Deserialize<'a>>(&'a self) -> Result<T, TypedError> {
        self.as_event_ref().typed()
    }
}

/// A received event was not one of the enum that was asked for.
#[derive(Debug)]
#[non_exhaustive]
pub enum TypedError {
    /// No variant has the event's name.
    UnknownEvent {
        /// The event as it was received.
        event: ReceivedEvent,
        /// The names of the variants.
        expected: &'static [&'static str],
    },
    /// The data is not what the variant holds.
    Json(JsonError),
}

impl TypedError {
    /// The event as it was received.
    #[must_use]
    pub fn event(&self) -> &ReceivedEvent {
        match self {
            Self::UnknownEvent { event, .. } => event,
            Self::Json(error) => error.event(),
        }
    }

    /// The event as it was received.
    #[must_use]
    pub fn into_event(self) -> ReceivedEvent {
        match self {
            Self::UnknownEvent { event, .. } => event,
            Self::Json(error) => error.into_event(),
        }
    }
}

impl fmt::Display for TypedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownEvent { event, .. } => {
                write!(f, "unknown event {:?}", event.event())
            }
            Self::Json(error) => error.fmt(f),
        }
    }
}

impl error::Error for TypedError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::UnknownEvent { .. } => None,
            Self::Json(error) => error.source(),
        }
    }
}
