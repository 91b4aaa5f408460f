//! Reads an event as an enum, by a deserializer that takes the variant from the event's name and
//! passes the content to the JSON deserializer.

use core::{error, fmt};

use serde::Deserialize;
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::json::JsonError;
use crate::received::{EventRef, ReceivedEvent};

impl<'a> EventRef<'a> {
    /// Deserializes the event as a serde enum: the event's name selects the variant, and the JSON
    /// data is its content. See [`Typed`](crate::Typed).
    ///
    /// A unit variant accepts any data and ignores it, so one with `#[serde(other)]` matches events
    /// of all other names. To keep their data, make the last variant `#[serde(untagged)]`: it is
    /// deserialized from a map of the name to the JSON data.
    ///
    /// # Errors
    ///
    /// [`TypedError::UnknownEvent`] if no variant matches the event's name,
    /// [`TypedError::Json`] if the data is not valid JSON for the variant's content. Both contain
    /// the event.
    pub fn typed<T: Deserialize<'a>>(self) -> Result<T, TypedError> {
        T::deserialize(Named(self)).map_err(|failed| match failed {
            Failed::Unknown(expected) => TypedError::UnknownEvent {
                event: self.into_owned(),
                expected,
            },
            Failed::Json(error) => TypedError::Json(JsonError::new(self, error)),
        })
    }
}

impl ReceivedEvent {
    /// Deserializes the event as a serde enum, see [`EventRef::typed`].
    ///
    /// # Errors
    ///
    /// As [`EventRef::typed`].
    pub fn typed<'a, T: Deserialize<'a>>(&'a self) -> Result<T, TypedError> {
        self.as_event_ref().typed()
    }
}

/// A received event could not be deserialized as an enum.
#[derive(Debug)]
#[non_exhaustive]
pub enum TypedError {
    /// No variant has the event's name.
    UnknownEvent {
        /// The received event.
        event: ReceivedEvent,
        /// The names of the variants.
        expected: &'static [&'static str],
    },
    /// The data is not valid JSON for the variant's content.
    Json(JsonError),
}

impl TypedError {
    /// Returns the received event.
    #[must_use]
    pub fn event(&self) -> &ReceivedEvent {
        match self {
            Self::UnknownEvent { event, .. } => event,
            Self::Json(error) => error.event(),
        }
    }

    /// Returns the received event.
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

/// An error that does not contain the event yet.
#[derive(Debug)]
enum Failed {
    Unknown(&'static [&'static str]),
    Json(serde_json::Error),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(_) => f.write_str("unknown event"),
            Self::Json(error) => error.fmt(f),
        }
    }
}

impl error::Error for Failed {}

impl Error for Failed {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Json(serde_json::Error::custom(message))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::Unknown(expected)
    }
}

/// An event to deserialize as the variant of its name.
struct Named<'de>(EventRef<'de>);

impl<'de> Named<'de> {
    fn name(&self) -> BorrowedStrDeserializer<'de, Failed> {
        BorrowedStrDeserializer::new(self.0.event())
    }

    /// Deserializes the whole data as JSON.
    fn data<T>(
        &self,
        read: impl FnOnce(
            &mut serde_json::Deserializer<serde_json::de::StrRead<'de>>,
        ) -> serde_json::Result<T>,
    ) -> Result<T, Failed> {
        let mut json = serde_json::Deserializer::from_str(self.0.data());
        let value = read(&mut json).map_err(Failed::Json)?;
        json.end().map_err(Failed::Json)?;
        Ok(value)
    }
}

impl<'de> Deserializer<'de> for Named<'de> {
    type Error = Failed;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failed> {
        visitor.visit_enum(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failed> {
        visitor.visit_newtype_struct(self)
    }

    /// Serde calls this for an enum with an untagged variant. The event is then the map that an
    /// externally tagged enum is in JSON.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        visitor.visit_map(OneEntry {
            event: self,
            key_read: false,
        })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> EnumAccess<'de> for Named<'de> {
    type Error = Failed;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Failed> {
        let variant = seed.deserialize(self.name())?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Named<'de> {
    type Error = Failed;

    /// Ignores the data, which may be that of any event for `#[serde(other)]`.
    fn unit_variant(self) -> Result<(), Failed> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Failed> {
        self.data(|json| seed.deserialize(json))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Failed> {
        self.data(|json| json.deserialize_tuple(len, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failed> {
        self.data(|json| json.deserialize_struct("", fields, visitor))
    }
}

/// An event as a map with its name as the only key.
struct OneEntry<'de> {
    event: Named<'de>,
    key_read: bool,
}

impl<'de> MapAccess<'de> for OneEntry<'de> {
    type Error = Failed;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Failed> {
        if core::mem::replace(&mut self.key_read, true) {
            return Ok(None);
        }
        seed.deserialize(self.event.name()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failed> {
        self.event.data(|json| seed.deserialize(json))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(usize::from(!self.key_read))
    }
}
