//! The events of one chunk: its lines, read one after the other (HTML § 9.2.6).
//!
//! Within one call everything stays where it is, in the chunk. Before a call returns, whatever
//! belongs to an event that is not complete goes to the decoder's buffers, so that nothing hangs
//! on this value and it can be dropped at any time. The buffers are the matter of `buffered`.

use core::mem;
use core::ops::ControlFlow;
use core::time::Duration;

use super::line::{Head, Line};
use super::text::Text;
use super::{Ahead, DecodeError, Decoder};
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

/// What comes next in a chunk, if it is plain.
enum Plain<'c> {
    /// An event that has this data, and nothing else.
    Event(&'c str),
    /// No line ends any more.
    End,
    /// A line that is not plain, and where it ends.
    Line(usize),
}

/// What comes next in a chunk, if it is not plain.
enum Whole<'c> {
    Event(Found<'c>),
    /// A blank line that dispatches nothing.
    Nothing,
    /// No line ends any more.
    End(Unfinished<'c>),
    /// A line that cannot be borrowed, or makes that impossible for the event.
    Line {
        start: usize,
        end: usize,
        unfinished: Unfinished<'c>,
    },
}

/// What the lines of the chunk have set so far of an event that is not complete.
#[derive(Default)]
pub(super) struct Unfinished<'c> {
    pub(super) data: Option<&'c str>,
    /// Empty for the default.
    pub(super) event: &'c str,
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

    fn buffered(&mut self, sets_id: bool) -> EventRef<'_> {
        let Decoder {
            data,
            event,
            last_event_id,
            ..
        } = &mut *self.decoder;
        EventRef::new(data.text(), event, last_event_id, sets_id)
    }

    /// Reads lines up to one that completes an item, or to the end of the chunk.
    ///
    /// Most lines are so short that every instruction counts here. So there is a way for the
    /// commonest event and for comments, one for other events of which all is in the chunk, with
    /// one line of data, and one for all the rest, by way of the decoder's buffers.
    #[inline]
    fn find(&mut self) -> Result<Option<Found<'c>>, DecodeError> {
        if !self.decoder.idle
            && let ControlFlow::Break(found) = self.resume()?
        {
            return Ok(found);
        }
        // In locals, as long as nothing else needs them.
        let (mut at, mut line_ends) = (self.at, self.line_ends);
        loop {
            let end = match self.read_plain(&mut at, &mut line_ends) {
                Plain::Event(data) => {
                    self.pass(at, line_ends);
                    return Ok(Some(Found::Event {
                        data,
                        event: "",
                        sets_id: mem::take(&mut self.decoder.sets_id),
                    }));
                }
                Plain::End => {
                    self.end_chunk(at, Unfinished::default())?;
                    return Ok(None);
                }
                Plain::Line(end) => end,
            };
            match self.read_whole(&mut at, &mut line_ends, end) {
                Whole::Event(found) => {
                    self.pass(at, line_ends);
                    return Ok(Some(found));
                }
                Whole::Nothing => {}
                Whole::End(unfinished) => {
                    self.end_chunk(at, unfinished)?;
                    return Ok(None);
                }
                Whole::Line {
                    start,
                    end,
                    unfinished,
                } => {
                    self.keep(unfinished);
                    self.pass(at, line_ends);
                    if let ControlFlow::Break(found) = self.read_buffered(Some((start, end)))? {
                        return Ok(found);
                    }
                    (at, line_ends) = (self.at, self.line_ends);
                }
            }
        }
    }

    /// Passes over comments, and reads an event that is nothing but a line of data, where lines
    /// end with LF. Whatever else there is stays for [`read_whole`](Self::read_whole).
    #[inline(always)]
    fn read_plain(&mut self, at: &mut usize, line_ends: &mut LineEnds) -> Plain<'c> {
        let chunk = self.chunk;
        let longest = self.decoder.max_plain_len;
        loop {
            let Some(end) = line_ends.next(chunk, *at) else {
                return Plain::End;
            };
            let Some(head) = Head::of(chunk, *at) else {
                return Plain::Line(end);
            };
            if chunk[end] != b'\n' || end - *at > longest {
                return Plain::Line(end);
            }
            if let Some(value) = head.value_after(b"data:") {
                if chunk.get(end + 1) == Some(&b'\n')
                    && let Some(data) = self.text.get(chunk, *at + value, end)
                {
                    line_ends.skip_adjacent();
                    *at = end + 2;
                    return Plain::Event(data);
                }
                return Plain::Line(end);
            }
            if head.value_after(b":").is_none() || self.decoder.report_comments {
                return Plain::Line(end);
            }
            *at = end + 1;
            // HTML § 9.2.6: without data a blank line does nothing.
            if chunk.get(*at) == Some(&b'\n') {
                line_ends.skip_adjacent();
                *at += 1;
            }
        }
    }

    /// Reads an event that can be borrowed, from the line on that ends at `end`.
    #[inline(always)]
    fn read_whole(
        &mut self,
        at: &mut usize,
        line_ends: &mut LineEnds,
        mut end: usize,
    ) -> Whole<'c> {
        let chunk = self.chunk;
        let mut unfinished = Unfinished::default();
        loop {
            let start = *at;
            *at = end + 1;
            let is_lf = chunk[end] == b'\n';
            if !is_lf {
                *at = self.behind_cr(end, line_ends);
            }
            if start < end {
                if !self.read_borrowed(start, end, &mut unfinished) {
                    return Whole::Line {
                        start,
                        end,
                        unfinished,
                    };
                }
                if !is_lf || chunk.get(*at) != Some(&b'\n') {
                    end = match line_ends.next(chunk, *at) {
                        Some(end) => end,
                        None => return Whole::End(unfinished),
                    };
                    continue;
                }
                // A blank line follows, as so often.
                line_ends.skip_adjacent();
                *at += 1;
            }

            // HTML § 9.2.6: a blank line dispatches the event.
            if let Some(id) = unfinished.id {
                self.decoder.set_last_event_id(id);
            }
            return match unfinished.data {
                Some(data) => Whole::Event(Found::Event {
                    data,
                    event: unfinished.event,
                    sets_id: mem::take(&mut self.decoder.sets_id),
                }),
                None => Whole::Nothing,
            };
        }
    }

    /// Reads a line of an event that can be borrowed. Whether it is one.
    #[inline(always)]
    fn read_borrowed(&mut self, start: usize, end: usize, unfinished: &mut Unfinished<'c>) -> bool {
        if end - start > self.decoder.max_plain_len {
            return false;
        }
        // Each name by itself, so that each has its own way from here on.
        if let Some(head) = Head::of(self.chunk, start) {
            if let Some(value) = head.value_after(b"data:") {
                return self.read_borrowed_value(Line::Data, start + value, end, unfinished);
            }
            if let Some(value) = head.value_after(b"event:") {
                return self.read_borrowed_value(Line::Event, start + value, end, unfinished);
            }
            if let Some(value) = head.value_after(b"id:") {
                return self.read_borrowed_value(Line::Id, start + value, end, unfinished);
            }
        }
        let (kind, value) = Line::read(&self.chunk[start..end]);
        self.read_borrowed_value(kind, start + value, end, unfinished)
    }

    #[inline(always)]
    fn read_borrowed_value(
        &mut self,
        kind: Line,
        value: usize,
        end: usize,
        unfinished: &mut Unfinished<'c>,
    ) -> bool {
        let mut text = || self.text.get(self.chunk, value, end);
        match kind {
            Line::Data if unfinished.data.is_some() => false,
            Line::Data => {
                unfinished.data = text();
                unfinished.data.is_some()
            }
            Line::Event => text().map(|text| unfinished.event = text).is_some(),
            Line::Id => match text() {
                Some(text) => {
                    // HTML § 9.2.6: an id with NUL is ignored.
                    if !text.as_bytes().contains(&0) {
                        unfinished.id = Some(text);
                    }
                    true
                }
                None => false,
            },
            Line::Comment => !self.decoder.report_comments,
            Line::Retry => false,
            Line::Unknown => true,
        }
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
