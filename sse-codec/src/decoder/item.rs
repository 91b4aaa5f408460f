//! The items that a decoder reports.

use core::time::Duration;

use crate::received::EventRef;

/// An item of an event stream: an event, a comment or a reconnection time.
///
/// Comments and `retry` fields are reported on request, see
/// [`Decoder::report_comments`](crate::Decoder::report_comments) and
/// [`Decoder::report_retry`](crate::Decoder::report_retry): for proxies, for tools, or to monitor
/// keep-alives. They are reported when their line is read. One that stands within an event
/// therefore precedes that event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Item<'a> {
    /// An event, completed by its blank line.
    Event(EventRef<'a>),
    /// A reconnection time. More milliseconds than fit a `u64` become `u64::MAX`.
    Retry(Duration),
    /// The text of a comment line: everything after the colon and one optional space.
    Comment(&'a str),
}
