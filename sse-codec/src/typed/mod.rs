//! Serde enums as events: the variant's name is the event's name, its content the JSON data.
//!
//! This is serde's externally tagged representation, with the tag in the `event` field instead of
//! the JSON. [`write`] serializes, [`read`] deserializes.

mod read;
mod write;

pub use self::read::TypedError;
pub use self::write::Typed;
