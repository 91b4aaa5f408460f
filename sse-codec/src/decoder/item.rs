//! What a stream has to say, one thing at a time.

use core::time::Duration;

use crate::received::EventRef;

/// Something that a decoder found in a stream.
///
/// Events are always reported, the rest if [`Decoder`](crate::Decoder) was told to: for proxies,
/// for tools, or to watch that keep-alives come. Comments and `retry` fields are reported where
/// they stand, which may be before the event that they were written into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Item<'a> {
    /// An event was completed by its blank line.
    Event(EventRef<'a>),
    /// The reconnection time was set. More milliseconds than fit a `u64` become `u64::MAX`.
    Retry(Duration),
    /// A comment line: what follows the colon, without one space after it.
    Comment(&'a str),
}
