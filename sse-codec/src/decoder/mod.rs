//! The decoder: the state of a stream between one chunk and the next.
//!
//! This file holds the settings, the state that the standard defines, and the buffers for whatever
//! a chunk leaves unfinished. [`Events`] reads the lines of a chunk.

mod borrowed;
mod buffered;
mod data;
mod events;
mod item;
mod limits;
mod line;
mod text;

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use self::data::Data;
pub use self::events::Events;
pub use self::item::Item;
pub use self::limits::DecodeError;
use crate::received::ReceivedEvent;

/// The byte order mark, in UTF-8.
const BOM: [u8; 3] = *b"\xEF\xBB\xBF";

/// Decodes an event stream according to HTML § 9.2.6, from chunks of any length.
///
/// [`feed`](Self::feed) takes a chunk and returns its events. Where the stream is cut makes no
/// difference, even within a line, a CRLF, a character or the byte order mark.
///
/// ```
/// use sse_codec::Decoder;
///
/// let mut decoder = Decoder::new();
/// let mut received = Vec::new();
/// for chunk in [&b"data: hel"[..], b"lo\n\nevent: tick\nid: 7\nda", b"ta: 1\n\ndata: lost"] {
///     let mut events = decoder.feed(chunk);
///     while let Some(event) = events.next_event()? {
///         received.push((event.event().to_owned(), event.data().to_owned()));
///     }
/// }
/// assert_eq!(received, [
///     ("message".to_owned(), "hello".to_owned()),
///     ("tick".to_owned(), "1".to_owned()),
/// ]);
/// assert_eq!(decoder.last_event_id(), "7");
/// # Ok::<(), sse_codec::DecodeError>(())
/// ```
///
/// # The end of the stream
///
/// No call is needed: an event without its blank line is discarded (HTML § 9.2.6). Drop the
/// decoder, or [`reset`](Self::reset) it for the next connection. Before that,
/// [`incomplete_event`](Self::incomplete_event) returns what is discarded.
///
/// # Text
///
/// A stream is UTF-8. Invalid bytes are replaced by U+FFFD according to the Encoding Standard, one
/// for each maximal subpart of a character, so text is always a `str`.
///
/// # Memory
///
/// An event that lies within one chunk and has one line of data is borrowed from that chunk. Any
/// other event is assembled in buffers, which are reused and never exceed what the limits on
/// [a line](Self::max_line_len) and on [an event](Self::max_event_len) allow. Unknown fields, and
/// comments that are not reported, are not stored.
///
/// # After an error
///
/// Events returned before the error stay valid. Every further read returns the same error, until
/// the decoder is [`reset`](Self::reset). The last event ID stays available, so a client can
/// resume.
#[derive(Clone, Debug)]
pub struct Decoder {
    max_line_len: usize,
    max_event_len: usize,
    /// The lower of the two limits: a line of this length exceeds neither.
    min_limit: usize,
    report_comments: bool,
    report_retry: bool,

    /// The offset in the stream of the next byte to read.
    position: u64,
    ahead: Ahead,
    /// The length so far of the line that earlier chunks began.
    line_len: usize,
    carried: Carried,
    /// The first bytes of that line, until they suffice to identify its field.
    head: [u8; line::Line::HEAD],
    /// All of that line so far, if it is collected ([`Carried::Whole`]).
    line: Vec<u8>,

    /// The data so far of the unfinished event.
    data: Data,
    /// The name of the unfinished event; empty for the default.
    event: String,
    /// The id of the unfinished event, if it set one (the standard's last event ID *buffer*).
    id: String,
    has_id: bool,

    /// The last event ID *string*, as of the last blank line.
    last_event_id: String,
    /// Whether an id was set since the last event that was returned.
    sets_id: bool,
    reconnection_time: Option<Duration>,
    /// A comment that is returned and could not be borrowed from the chunk.
    comment: String,
    state: State,
    /// Nothing is unfinished: the next byte begins a line and an event.
    idle: bool,
}

/// Bytes that may come next and belong to no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ahead {
    /// The byte order mark, of which `seen` bytes were read.
    Bom {
        seen: u8,
    },
    /// The LF of a CRLF.
    LineFeed,
    Nothing,
}

/// How the line that earlier chunks began is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carried {
    /// Collected, and read once it is complete.
    Whole,
    /// A line of data, whose value is appended to the event's data as it arrives.
    Data,
    /// Not stored: an unknown field, or a comment that is not reported.
    Ignored,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    /// An event was returned from the buffers, which must be cleared before the next.
    Dispatched,
    Failed(DecodeError),
}

impl Decoder {
    /// The default limit on the length of one line: 16 MiB.
    pub const DEFAULT_MAX_LINE_LEN: usize = 16 * 1024 * 1024;

    /// The default limit on the length of one event's data: 16 MiB.
    pub const DEFAULT_MAX_EVENT_LEN: usize = 16 * 1024 * 1024;

    /// Returns a decoder with the default limits, which reports events only.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_line_len: Self::DEFAULT_MAX_LINE_LEN,
            max_event_len: Self::DEFAULT_MAX_EVENT_LEN,
            min_limit: Self::DEFAULT_MAX_LINE_LEN,
            report_comments: false,
            report_retry: false,
            position: 0,
            ahead: Ahead::Bom { seen: 0 },
            line_len: 0,
            carried: Carried::Whole,
            head: [0; line::Line::HEAD],
            line: Vec::new(),
            data: Data::new(),
            event: String::new(),
            id: String::new(),
            has_id: false,
            last_event_id: String::new(),
            sets_id: false,
            reconnection_time: None,
            comment: String::new(),
            state: State::Reading,
            idle: true,
        }
    }

    /// Sets the limit on the length of one line, in bytes, without its line end.
    ///
    /// It applies to every line, including comments and unknown fields.
    #[must_use]
    pub fn max_line_len(mut self, limit: usize) -> Self {
        self.max_line_len = limit;
        self.with_min_limit()
    }

    /// Sets the limit on the length of one event's data, in bytes of the decoded text: its lines
    /// joined with LF, and U+FFFD in place of invalid UTF-8.
    ///
    /// The name and the id are limited by [`max_line_len`](Self::max_line_len), as each is one
    /// line.
    #[must_use]
    pub fn max_event_len(mut self, limit: usize) -> Self {
        self.max_event_len = limit;
        self.with_min_limit()
    }

    fn with_min_limit(mut self) -> Self {
        self.min_limit = self.max_line_len.min(self.max_event_len);
        self
    }

    /// Sets whether comments are reported, as [`Item::Comment`]. The default is `false`.
    #[must_use]
    pub fn report_comments(mut self, report: bool) -> Self {
        self.report_comments = report;
        self
    }

    /// Sets whether `retry` fields are reported, as [`Item::Retry`]. The default is `false`;
    /// [`reconnection_time`](Self::reconnection_time) returns the last one in any case.
    #[must_use]
    pub fn report_retry(mut self, report: bool) -> Self {
        self.report_retry = report;
        self
    }

    /// Sets the initial last event ID: the one that was sent as `Last-Event-ID` to request this
    /// stream.
    ///
    /// As in browsers, events have it as their last event ID until the stream sets an id.
    #[must_use]
    pub fn with_last_event_id(mut self, id: impl Into<String>) -> Self {
        self.last_event_id = id.into();
        self
    }

    /// Returns the last event ID, which a client sends as `Last-Event-ID` when it reconnects,
    /// unless it is empty.
    ///
    /// It is the one of the last complete event, with or without data. The id of an incomplete
    /// event does not count (HTML § 9.2.6).
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// Returns the reconnection time, if the stream has set one: how long a client waits before it
    /// connects again.
    #[must_use]
    pub fn reconnection_time(&self) -> Option<Duration> {
        self.reconnection_time
    }

    /// Returns the event that a blank line would complete now, if it has data: at the end of a
    /// stream, the event that is discarded (HTML § 9.2.6).
    ///
    /// A last line without its line end is part of it, so the data may be cut off anywhere. Some
    /// servers leave out the last blank line; whether such an event is complete is for the protocol
    /// to say, for instance because its data is JSON.
    ///
    /// ```
    /// use sse_codec::Decoder;
    ///
    /// let mut decoder = Decoder::new();
    /// let mut events = decoder.feed(b"data: 1\n\ndata: tw");
    /// while events.next_event()?.is_some() {}
    /// assert_eq!(decoder.incomplete_event().expect("half an event").data(), "tw");
    /// # Ok::<(), sse_codec::DecodeError>(())
    /// ```
    ///
    /// It copies what was received of the event, so it is meant for the end of a stream.
    #[must_use]
    pub fn incomplete_event(&self) -> Option<ReceivedEvent> {
        // An event that was returned is not cleared before the next read.
        if self.idle || self.state != State::Reading {
            return None;
        }
        let mut copy = self.clone().report_comments(false).report_retry(false);
        // One line end for the line, or for the LF of a CRLF, and one that is the blank line.
        let event = copy.feed(b"\n\n").next_event().ok()??.into_owned();
        Some(event)
    }

    /// Prepares the decoder for a new stream, that of the next connection.
    ///
    /// An incomplete event or line is discarded, an error is cleared, and a byte order mark is
    /// expected again. The [last event ID](Self::last_event_id), the
    /// [reconnection time](Self::reconnection_time), the settings and the memory of the buffers
    /// are kept.
    pub fn reset(&mut self) {
        self.position = 0;
        self.ahead = Ahead::Bom { seen: 0 };
        self.end_line();
        self.clear_event();
        self.has_id = false;
        self.sets_id = false;
        self.state = State::Reading;
        self.idle = true;
    }

    /// Returns how many bytes at the start of `chunk` belong to no line.
    #[inline(never)]
    fn skip_ahead(&mut self, chunk: &[u8]) -> usize {
        let mut at = 0;
        while let (Ahead::Bom { seen }, Some(byte)) = (self.ahead, chunk.get(at)) {
            // HTML § 9.2.5: one byte order mark at the very start is not part of the stream.
            let seen = usize::from(seen);
            if *byte == BOM[seen] {
                at += 1;
                self.ahead = match BOM.len() - seen {
                    1 => Ahead::Nothing,
                    _ => Ahead::Bom {
                        seen: seen as u8 + 1,
                    },
                };
            } else {
                self.ahead = Ahead::Nothing;
                if seen > 0 {
                    // It was none: these bytes begin the first line.
                    self.carry(&BOM[..seen]);
                }
            }
        }
        if self.ahead == Ahead::LineFeed && !chunk.is_empty() {
            // The CR has already ended the line.
            self.ahead = Ahead::Nothing;
            at = usize::from(chunk[0] == b'\n');
        }
        at
    }

    /// Prepares for reading on.
    ///
    /// # Errors
    ///
    /// The error that ended the decoding, if one did.
    #[inline]
    fn prepare(&mut self) -> Result<(), DecodeError> {
        match self.state {
            State::Reading => Ok(()),
            State::Dispatched => {
                self.clear_event();
                self.state = State::Reading;
                self.idle = true;
                Ok(())
            }
            State::Failed(error) => Err(error),
        }
    }

    /// Resets the state of the carried line.
    #[inline]
    fn end_line(&mut self) {
        self.line_len = 0;
        self.carried = Carried::Whole;
        self.line.clear();
    }

    fn clear_event(&mut self) {
        self.data.clear();
        self.event.clear();
    }

    #[inline]
    fn set_last_event_id(&mut self, id: &str) {
        self.last_event_id.clear();
        self.last_event_id.push_str(id);
        self.sets_id = true;
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}
