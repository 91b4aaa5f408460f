//! The fields of an event and the rules for those that are one line.

use core::fmt;

use memchr::{memchr, memchr2};

use super::buffer::Buffer;
use super::error::EncodeError;
use super::plain::is_plain;

/// A field of the event stream (HTML § 9.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// `event`: the event's name, the type of the event that the client dispatches.
    Event,
    /// `data`: the event's data.
    Data,
    /// `id`: sets the client's last event ID.
    Id,
    /// `retry`: sets the client's reconnection time.
    Retry,
}

impl Field {
    /// The field's name as it stands in the stream.
    ///
    /// ```
    /// assert_eq!(sse_codec::Field::Id.as_str(), "id");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Data => "data",
            Self::Id => "id",
            Self::Retry => "retry",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Appends `event: name`. A line break would end the line and forge a field.
#[inline]
pub(crate) fn put_name<B: Buffer>(out: &mut B, name: &str) -> Result<(), EncodeError> {
    if !is_plain(name.as_bytes()) {
        check_line(Field::Event, name)?;
    }
    put_line(out, b"event: ", name);
    Ok(())
}

/// Appends `id: id`. HTML § 9.2.6: an id with NUL is ignored by the client, so it is an error
/// here rather than an event that silently cannot be resumed from.
#[inline]
pub(crate) fn put_id<B: Buffer>(out: &mut B, id: &str) -> Result<(), EncodeError> {
    if !is_plain(id.as_bytes()) {
        check_id(id)?;
    }
    put_line(out, b"id: ", id);
    Ok(())
}

#[inline]
fn put_line<B: Buffer, const N: usize>(out: &mut B, prefix: &[u8; N], value: &str) {
    out.put(prefix);
    out.put(value.as_bytes());
    out.put(b"\n");
}

#[cold]
fn check_id(id: &str) -> Result<(), EncodeError> {
    let field = Field::Id;
    match memchr(0, id.as_bytes()) {
        Some(position) => Err(EncodeError::Nul { field, position }),
        None => check_line(field, id),
    }
}

#[cold]
fn check_line(field: Field, value: &str) -> Result<(), EncodeError> {
    match memchr2(b'\n', b'\r', value.as_bytes()) {
        Some(position) => Err(EncodeError::LineBreak { field, position }),
        None => Ok(()),
    }
}
