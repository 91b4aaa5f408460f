//! The decoder: what is kept of a stream between one piece of it and the next.
//!
//! Reading the lines of one piece is the work of [`Events`]; here are the settings, the state
//! that the standard asks for, and the buffers that carry whatever a piece leaves unfinished.

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

/// The byte order mark, in UTF-8.
const BOM: [u8; 3] = *b"\xEF\xBB\xBF";

/// Reads an event stream, as HTML § 9.2.6 says, from whatever pieces it arrives in.
///
/// Feed it each piece with [`feed`](Self::feed) and take the events out of that. How the stream
/// is cut makes no difference: not inside a line, a CRLF, a character or the byte order mark.
///
/// ```
/// use sse_codec::Decoder;
///
/// let mut decoder = Decoder::new();
/// let mut received = Vec::new();
/// for piece in [&b"data: hel"[..], b"lo\n\nevent: tick\nid: 7\nda", b"ta: 1\n\ndata: lost"] {
///     let mut events = decoder.feed(piece);
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
/// There is nothing to call: an event whose blank line has not come is discarded
/// (HTML § 9.2.6), so the decoder may simply be dropped, or [`reset`](Self::reset) for the next
/// connection.
///
/// # Text
///
/// A stream is UTF-8. What is not is replaced by U+FFFD as the Encoding Standard says, one for
/// each maximal subpart of a character, so that text is always handed out as `str`.
///
/// # Memory
///
/// An event whose lines lie in one piece and whose data is one line is borrowed from that piece.
/// Anything else is put together in buffers that are reused and never grow beyond what the
/// limits on [a line](Self::max_line_len) and on [an event](Self::max_event_len) allow. Lines of
/// no interest, comments that are not reported and unknown fields, are not kept at all.
///
/// # After an error
///
/// What was handed out before stays valid. The decoder itself is done: every further read gives
/// the same error, until it is [`reset`](Self::reset). The last event ID stays readable, so a
/// client can still resume.
#[derive(Clone, Debug)]
pub struct Decoder {
    max_line_len: usize,
    max_event_len: usize,
    /// A line of this length passes neither limit.
    max_plain_len: usize,
    report_comments: bool,
    report_retry: bool,

    /// Where in the stream the next byte to be read is.
    position: u64,
    ahead: Ahead,
    /// How much was read of a line that has begun and not ended yet.
    line_len: usize,
    carried: Carried,
    /// Its first bytes, until there are enough of them to tell what is to become of it.
    head: [u8; line::Line::HEAD],
    /// All that was read of it, from then on, if it is to be gathered.
    line: Vec<u8>,

    /// The data so far of the event that has begun.
    data: Data,
    /// The name of the event that has begun; empty for the default.
    event: String,
    /// The id set by the event that has begun, if any (the standard's last event ID *buffer*).
    id: String,
    has_id: bool,

    /// The last event ID *string*, that of the last blank line.
    last_event_id: String,
    /// Whether an id was set since the last event that was handed out.
    sets_id: bool,
    reconnection_time: Option<Duration>,
    /// A comment that is handed out but could not be borrowed.
    comment: String,
    state: State,
    /// Nothing is unfinished: the next byte begins a line and an event.
    idle: bool,
}

/// What may be ahead that is not part of any line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ahead {
    /// The byte order mark, without the bytes of it that were seen.
    Bom {
        seen: u8,
    },
    /// The LF of a CRLF.
    LineFeed,
    Nothing,
}

/// What becomes of the line that has begun and not ended yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carried {
    /// It is gathered, to be read when it is complete.
    Whole,
    /// It is a line of data, and its value goes to the data at once.
    Data,
    /// It is of no interest, whatever follows.
    Ignored,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    /// An event was handed out from the buffers, which are to be emptied before the next.
    Dispatched,
    Failed(DecodeError),
}

impl Decoder {
    /// The default limit on the length of one line: 16 MiB.
    pub const DEFAULT_MAX_LINE_LEN: usize = 16 * 1024 * 1024;

    /// The default limit on the length of one event's data: 16 MiB.
    pub const DEFAULT_MAX_EVENT_LEN: usize = 16 * 1024 * 1024;

    /// A decoder with the default limits that reports events only.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_line_len: Self::DEFAULT_MAX_LINE_LEN,
            max_event_len: Self::DEFAULT_MAX_EVENT_LEN,
            max_plain_len: Self::DEFAULT_MAX_LINE_LEN,
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
    /// It holds for every line, comments and unknown fields included.
    #[must_use]
    pub const fn max_line_len(mut self, limit: usize) -> Self {
        self.max_line_len = limit;
        self.with_max_plain_len()
    }

    /// Sets the limit on the length of one event's data, in bytes of the text that is handed
    /// out: its lines joined with LF, and U+FFFD where the stream was not UTF-8.
    ///
    /// The name and the id are one line each, so [the limit on that](Self::max_line_len) holds
    /// for them.
    #[must_use]
    pub const fn max_event_len(mut self, limit: usize) -> Self {
        self.max_event_len = limit;
        self.with_max_plain_len()
    }

    const fn with_max_plain_len(mut self) -> Self {
        self.max_plain_len = if self.max_line_len < self.max_event_len {
            self.max_line_len
        } else {
            self.max_event_len
        };
        self
    }

    /// Sets whether comments are reported, as [`Item::Comment`](crate::Item::Comment). The
    /// default is not to.
    #[must_use]
    pub const fn report_comments(mut self, report: bool) -> Self {
        self.report_comments = report;
        self
    }

    /// Sets whether `retry` fields are reported, as [`Item::Retry`](crate::Item::Retry). The
    /// default is not to; [`reconnection_time`](Self::reconnection_time) has them in any case.
    #[must_use]
    pub const fn report_retry(mut self, report: bool) -> Self {
        self.report_retry = report;
        self
    }

    /// Sets the last event ID to begin with: that of an earlier connection, by which this stream
    /// was asked for.
    ///
    /// Browsers report it with the events of the new stream until that sets an id of its own.
    #[must_use]
    pub fn with_last_event_id(mut self, id: impl Into<String>) -> Self {
        self.last_event_id = id.into();
        self
    }

    /// The last event ID: what a client sends as `Last-Event-ID` when it reconnects, unless it
    /// is empty.
    ///
    /// It is that of the last event that was complete, whether that had data or not. The id of
    /// an event that was not yet complete does not count (HTML § 9.2.6).
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// The reconnection time, if the stream has set one: how long a client waits before it
    /// connects again.
    #[must_use]
    pub const fn reconnection_time(&self) -> Option<Duration> {
        self.reconnection_time
    }

    /// Gets ready for a new stream: that of the next connection.
    ///
    /// An event or line that has begun is discarded, a failure forgotten, and a byte order mark
    /// is looked for again. What a client keeps over its connections stays: the
    /// [last event ID](Self::last_event_id), the
    /// [reconnection time](Self::reconnection_time), the settings, and the buffers.
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

    /// How many bytes at the start of `chunk` are not part of any line.
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
                    // It only began like one: these bytes are the start of the first line.
                    self.carry(&BOM[..seen]);
                }
            }
        }
        if self.ahead == Ahead::LineFeed && !chunk.is_empty() {
            // The line has ended with the CR already.
            self.ahead = Ahead::Nothing;
            at = usize::from(chunk[0] == b'\n');
        }
        at
    }

    /// Gets ready to read on, unless that has failed for good.
    #[inline]
    fn be_ready(&mut self) -> Result<(), DecodeError> {
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

    /// No line has begun.
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
