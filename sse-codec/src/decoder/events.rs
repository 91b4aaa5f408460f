//! The events of one chunk: its lines, read one after the other (HTML § 9.2.6).
//!
//! Within one call everything stays where it is, in the chunk. Before a call returns, whatever
//! belongs to an event that is not complete goes to the decoder's buffers, so that nothing hangs
//! on this value and it can be dropped at any time. The buffers are the matter of `buffered`.

use core::mem;
use core::ops::ControlFlow;
use core::time::Duration;

use super::line::Line;
use super::text::Text;
use super::{DecodeError, Decoder};
use crate::item::Item;
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

/// What the lines of the chunk have set so far of an event that is not complete.
pub(super) struct Unfinished<'c> {
    pub(super) data: Option<&'c str>,
    pub(super) event: Option<&'c str>,
    pub(super) id: Option<&'c str>,
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
    #[inline]
    pub fn next(&mut self) -> Result<Option<Item<'_>>, DecodeError> {
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
    #[inline]
    pub fn next_event(&mut self) -> Result<Option<EventRef<'_>>, DecodeError> {
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

    fn buffered(&self, sets_id: bool) -> EventRef<'_> {
        let Decoder {
            data,
            event,
            last_event_id,
            ..
        } = &*self.decoder;
        EventRef::new(data, event, last_event_id, sets_id)
    }

    /// Reads lines up to one that completes an item, or to the end of the chunk.
    ///
    /// Most lines are so short that everything counts here. So the loop itself is for events of
    /// which all is in the chunk, with one line of data, and holds them in locals. Whatever needs
    /// the decoder's buffers is in calls, and from then on to the end of the event everything is
    /// in the buffers: the decoder is not idle.
    #[inline]
    fn find(&mut self) -> Result<Option<Found<'c>>, DecodeError> {
        if !self.decoder.idle
            && let ControlFlow::Break(found) = self.resume()?
        {
            return Ok(found);
        }
        let chunk = self.chunk;
        let (mut at, mut line_ends) = (self.at, self.line_ends);
        let (mut data, mut event, mut id) = (None, None, None);
        while let Some(end) = line_ends.next(chunk) {
            let start = at;
            if end < start {
                // The second of two bytes that were passed together.
                continue;
            }
            at = end + 1;
            if chunk[end] == b'\r' {
                at = self.behind_cr(end);
                if at > end + 1 {
                    line_ends.skip_adjacent();
                }
            }
            if end - start > self.decoder.max_line_len {
                return Err(self.line_too_long(start));
            }

            if start < end {
                let (kind, offset) = Line::read_in(chunk, start, end);
                let value = start + offset;
                // Whether the line is read, if only to be ignored.
                let read = match kind {
                    Line::Data => {
                        let text = self.text.get(chunk, value, end);
                        let fits = end - value <= self.decoder.max_event_len;
                        if data.is_some() {
                            false
                        } else if self.decoder.idle && text.is_some() && fits {
                            data = text;
                            true
                        } else {
                            self.push_data(text, start, value, end)?;
                            true
                        }
                    }
                    Line::Event => {
                        let text = self.text.get(chunk, value, end);
                        event = text.or(event);
                        text.is_some()
                    }
                    Line::Id => {
                        let text = self.text.get(chunk, value, end);
                        // HTML § 9.2.6: an id with NUL is ignored.
                        let ignored = chunk[value..end].contains(&0);
                        if !ignored {
                            id = text.or(id);
                        }
                        ignored || text.is_some()
                    }
                    Line::Comment => !self.decoder.report_comments,
                    Line::Retry => {
                        let report = self.decoder.report_retry;
                        if !report {
                            self.decoder.set_reconnection_time(&chunk[value..end]);
                        }
                        !report
                    }
                    Line::Unknown => true,
                };
                if !read {
                    self.keep(Unfinished { data, event, id });
                    (data, event, id) = (None, None, None);
                    if let Some(found) = self.read_line(kind, start, value, end)? {
                        self.pass(at, line_ends);
                        return Ok(Some(found));
                    }
                }
                if chunk[end] != b'\n' || chunk.get(at) != Some(&b'\n') {
                    continue;
                }
                // A blank line follows, as so often.
                line_ends.skip_adjacent();
                at += 1;
            }

            // HTML § 9.2.6: a blank line dispatches the event.
            self.pass(at, line_ends);
            if !self.decoder.idle {
                if let Some(found) = self.dispatch_buffered(Unfinished { data, event, id }) {
                    return Ok(Some(found));
                }
            } else {
                if let Some(id) = id {
                    self.decoder.set_last_event_id(id);
                }
                if let Some(data) = data {
                    return Ok(Some(Found::Event {
                        data,
                        event: event.unwrap_or_default(),
                        sets_id: mem::take(&mut self.decoder.sets_id),
                    }));
                }
            }
            (data, event, id) = (None, None, None);
        }
        self.pass(at, line_ends);
        self.keep(Unfinished { data, event, id });
        self.carry_line()?;
        Ok(None)
    }

    /// Where the next line begins, if this one ends with a CR at `end`.
    ///
    /// HTML § 9.2.5: a CR ends the line, whatever follows. If that is an LF it is part of the
    /// line end, but nothing waits for it.
    #[inline]
    pub(super) fn behind_cr(&mut self, end: usize) -> usize {
        match self.chunk.get(end + 1) {
            Some(b'\n') => return end + 2,
            Some(_) => {}
            None => self.decoder.after_cr = true,
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
