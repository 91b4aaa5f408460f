//! A serde enum as an event: the variant's name is the event's, its content the JSON data.
//!
//! This is serde's externally tagged enum with the tag moved from the JSON to the `event` field.
//! The two directions are in [`write`] and [`read`].

mod read;
mod write;

pub use self::read::TypedError;
pub use self::write::Typed;
