//! The events of one chunk.
//!
//! Before a call returns `None`, it moves what belongs to an incomplete event to the decoder's
//! buffers, so this value can be dropped at any time. `borrowed` reads the lines of events that lie
//! within the chunk, `buffered` all other lines.

use core::time::Duration;

use super::item::Item;
use super::text::Text;
use super::{Ahead, DecodeError, Decoder};
use crate::line_ends::LineEnds;
use crate::received::EventRef;

/// The events of a chunk, returned by [`Decoder::feed`].
///
/// Each item borrows from the chunk or from the decoder's buffers, and is valid until the next
/// call. [`EventRef::into_owned`] makes it independent of them.
#[derive(Debug)]
pub struct Events<'d, 'c> {
    pub(super) decoder: &'d mut Decoder,
    pub(super) chunk: &'c [u8],
    /// The offset in the stream of the first byte of the chunk.
    chunk_position: u64,
    /// The offset in the chunk of the next byte to read: the start of a line, or a position within
    /// a line that an earlier chunk began.
    pub(super) at: usize,
    pub(super) line_ends: LineEnds,
    pub(super) text: Text<'c>,
    /// The last event was only one line of data, so the next one may be too. Nothing is unfinished
    /// then.
    pub(super) is_data_only: bool,
}

impl Decoder {
    /// Takes the next chunk of the stream, of any length, and returns its events. The chunk is read
    /// as they are taken.
    ///
    /// Take events until there are no more, or pass [`Events::remainder`] to the next call;
    /// otherwise the rest of the chunk is lost.
    #[inline]
    pub fn feed<'c>(&mut self, chunk: &'c [u8]) -> Events<'_, 'c> {
        let start = self.position;
        let mut at = 0;
        if self.ahead != Ahead::Nothing {
            at = self.skip_ahead(chunk);
            self.position += at as u64;
        }
        Events::new(self, chunk, at, start)
    }
}

/// An item that was found, not yet borrowed from the decoder.
pub(super) enum Found<'c> {
    /// An event within the chunk.
    Event {
        data: &'c str,
        event: &'c str,
        sets_id: bool,
    },
    /// The event in the decoder's buffers.
    Buffered {
        sets_id: bool,
    },
    Retry(Duration),
    /// The comment in the decoder's buffer.
    Comment,
}

impl<'d, 'c> Events<'d, 'c> {
    #[inline]
    pub(super) fn new(
        decoder: &'d mut Decoder,
        chunk: &'c [u8],
        at: usize,
        chunk_position: u64,
    ) -> Self {
        Self {
            decoder,
            chunk,
            chunk_position,
            at,
            line_ends: LineEnds::new(at),
            text: Text::new(),
            is_data_only: false,
        }
    }

    /// Returns the next item: an event, or a comment or reconnection time if the decoder reports
    /// those. Returns `None` if the chunk has no more.
    ///
    /// ```
    /// use sse_codec::{Decoder, Item};
    ///
    /// let mut decoder = Decoder::new().report_comments(true);
    /// let mut items = decoder.feed(b": keep-alive\n\ndata: x\n\n");
    /// while let Some(item) = items.next()? {
    ///     match item {
    ///         Item::Event(event) => assert_eq!(event.data(), "x"),
    ///         Item::Comment(text) => assert_eq!(text, "keep-alive"),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok::<(), sse_codec::DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the stream exceeds a limit, and on every call from then on; see [`Decoder`].
    #[allow(
        clippy::should_implement_trait,
        reason = "items borrow from this value, which an `Iterator` does not allow"
    )]
    // The path of the most frequent event is inlined into the caller's loop. That takes a third off
    // the time of the shortest events.
    #[inline(always)]
    pub fn next(&mut self) -> Result<Option<Item<'_>>, DecodeError> {
        if let Some((data, sets_id)) = self.find_data_only() {
            return Ok(Some(Item::Event(self.event_ref(data, "", sets_id))));
        }
        self.next_other()
    }

    #[inline(never)]
    fn next_other(&mut self) -> Result<Option<Item<'_>>, DecodeError> {
        let found = self.find()?;
        Ok(found.map(|found| match found {
            Found::Retry(time) => Item::Retry(time),
            Found::Comment => Item::Comment(&self.decoder.comment),
            Found::Event {
                data,
                event,
                sets_id,
            } => Item::Event(self.event_ref(data, event, sets_id)),
            Found::Buffered { sets_id } => Item::Event(self.buffered(sets_id)),
        }))
    }

    /// Returns the next event and skips other items. Returns `None` if the chunk has no more.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    // Inlined like `next`.
    #[inline(always)]
    pub fn next_event(&mut self) -> Result<Option<EventRef<'_>>, DecodeError> {
        if let Some((data, sets_id)) = self.find_data_only() {
            return Ok(Some(self.event_ref(data, "", sets_id)));
        }
        self.next_other_event()
    }

    #[inline(never)]
    fn next_other_event(&mut self) -> Result<Option<EventRef<'_>>, DecodeError> {
        loop {
            match self.find()? {
                None => return Ok(None),
                Some(Found::Retry(_) | Found::Comment) => {}
                Some(Found::Event {
                    data,
                    event,
                    sets_id,
                }) => return Ok(Some(self.event_ref(data, event, sets_id))),
                Some(Found::Buffered { sets_id }) => return Ok(Some(self.buffered(sets_id))),
            }
        }
    }

    /// Returns the part of the chunk that is not read yet. To continue after the last item, pass it
    /// to the decoder, alone or followed by more bytes.
    ///
    /// ```
    /// use sse_codec::Decoder;
    ///
    /// let mut decoder = Decoder::new();
    /// let mut events = decoder.feed(b"data: a\n\ndata: b\n\n");
    /// assert_eq!(events.next_event()?.map(|event| event.data()), Some("a"));
    /// assert_eq!(events.remainder(), b"data: b\n\n");
    /// # Ok::<(), sse_codec::DecodeError>(())
    /// ```
    #[must_use]
    pub fn remainder(&self) -> &'c [u8] {
        &self.chunk[self.at..]
    }

    #[inline]
    fn event_ref(&self, data: &'c str, event: &'c str, sets_id: bool) -> EventRef<'_> {
        EventRef::new(data, event, &self.decoder.last_event_id, sets_id)
    }

    fn buffered(&mut self, sets_id: bool) -> EventRef<'_> {
        let Decoder {
            data,
            event,
            last_event_id,
            ..
        } = &mut *self.decoder;
        EventRef::new(data.text(), event, last_event_id, sets_id)
    }

    /// Returns where the next line begins, given a line that ends with a CR at `end`.
    ///
    /// HTML § 9.2.5: a CR ends the line, whatever follows. A following LF is part of the line end,
    /// but is not waited for.
    #[inline]
    pub(super) fn after_cr(&mut self, end: usize, line_ends: &mut LineEnds) -> usize {
        match self.chunk.get(end + 1) {
            Some(b'\n') => {
                line_ends.skip_adjacent();
                return end + 2;
            }
            Some(_) => {}
            None => self.decoder.ahead = Ahead::LineFeed,
        }
        end + 1
    }

    /// Records that everything before `at` is read.
    #[inline]
    pub(super) fn pass(&mut self, at: usize, line_ends: LineEnds) {
        self.at = at;
        self.line_ends = line_ends;
        self.decoder.position = self.chunk_position + at as u64;
    }
}
