//! The events of one chunk, as they are handed out one after the other.
//!
//! Before a call returns, whatever belongs to an event that is not complete goes to the decoder's
//! buffers, so that nothing hangs on this value and it can be dropped at any time. Reading the
//! lines is the matter of `borrowed`, which leaves everything in the chunk, and of `buffered`.

use core::time::Duration;

use super::item::Item;
use super::text::Text;
use super::{Ahead, DecodeError, Decoder};
use crate::line_ends::LineEnds;
use crate::received::EventRef;

/// The events of a piece of the stream, made by [`Decoder::feed`].
///
/// What it yields borrows from the piece or from the decoder's buffers, until the next one is
/// asked for. Keep an event with [`EventRef::into_owned`].
#[derive(Debug)]
pub struct Events<'d, 'c> {
    pub(super) decoder: &'d mut Decoder,
    pub(super) chunk: &'c [u8],
    /// Where the first byte of the chunk is in the stream.
    chunk_position: u64,
    /// Up to where the chunk was read: the start of a line, or the middle of one that an earlier
    /// chunk began.
    pub(super) at: usize,
    pub(super) line_ends: LineEnds,
    pub(super) text: Text<'c>,
    /// The last event was nothing but a line of data, so the next may be too. (Nothing is
    /// unfinished then.)
    pub(super) is_plain: bool,
}

impl Decoder {
    /// Takes the next piece of the stream, of any length; it is read as the events are taken.
    ///
    /// Take them until there are none left, or what follows is lost: who stops early feeds
    /// [`Events::remainder`] next.
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

/// An item, before it is known how long it can be borrowed.
pub(super) enum Found<'c> {
    /// An event that lies in the chunk.
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
            is_plain: false,
        }
    }

    /// The next item: an event, or what else the decoder was told to report. `None` when the
    /// piece has no more.
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
    /// When the stream passes a limit, and from then on; see [`Decoder`].
    #[allow(
        clippy::should_implement_trait,
        reason = "items borrow from this value, as an `Iterator`'s cannot"
    )]
    // What is inlined is the way of the commonest event. That leaves nothing but reading it in the
    // loop of whoever takes the events, and takes a third off the shortest.
    #[inline(always)]
    pub fn next(&mut self) -> Result<Option<Item<'_>>, DecodeError> {
        if let Some((data, sets_id)) = self.find_plain() {
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

    /// The next event, passing over whatever else is reported. `None` when the piece has no
    /// more.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    // Inlined as `next` is.
    #[inline(always)]
    pub fn next_event(&mut self) -> Result<Option<EventRef<'_>>, DecodeError> {
        if let Some((data, sets_id)) = self.find_plain() {
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

    /// What was not read yet of the piece. Feed it to the decoder, with or without more behind
    /// it, to go on after the last item that was taken.
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

    /// Where the next line begins, if this one ends with a CR at `end`.
    ///
    /// HTML § 9.2.5: a CR ends the line, whatever follows. If that is an LF it is part of the
    /// line end, but nothing waits for it.
    #[inline]
    pub(super) fn behind_cr(&mut self, end: usize, line_ends: &mut LineEnds) -> usize {
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

    /// Everything before `at` was read.
    #[inline]
    pub(super) fn pass(&mut self, at: usize, line_ends: LineEnds) {
        self.at = at;
        self.line_ends = line_ends;
        self.decoder.position = self.chunk_position + at as u64;
    }
}
