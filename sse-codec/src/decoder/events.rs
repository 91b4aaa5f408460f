//! The events of one chunk: its lines, read one after the other (HTML § 9.2.6).
//!
//! Within one call everything stays where it is, in the chunk. Before a call returns, whatever
//! belongs to an event that is not complete goes to the decoder's buffers, so that nothing hangs
//! on this value and it can be dropped at any time.

use alloc::string::String;
use core::mem;
use core::ops::ControlFlow;
use core::time::Duration;

use memchr::{memchr, memchr2};

use super::line::{self, Line};
use super::line_ends::LineEnds;
use super::text::{self, Text};
use super::{DecodeError, Decoder, State};
use crate::item::Item;
use crate::received::EventRef;

/// The events of a piece of the stream, made by [`Decoder::feed`].
///
/// What it yields borrows from the piece or from the decoder's buffers, until the next one is
/// asked for. Keep an event with [`EventRef::into_owned`].
#[derive(Debug)]
pub struct Events<'d, 'c> {
    decoder: &'d mut Decoder,
    chunk: &'c [u8],
    /// Where the first byte of the chunk is in the stream.
    chunk_position: u64,
    /// Up to where the chunk was read: the start of a line, or the middle of one that an earlier
    /// chunk began.
    at: usize,
    line_ends: LineEnds,
    text: Text<'c>,
}

/// An item, before it is known how long it can be borrowed.
enum Found<'c> {
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
struct Unfinished<'c> {
    data: Option<&'c str>,
    event: Option<&'c str>,
    id: Option<&'c str>,
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
            // HTML § 9.2.5: a CR ends the line, whatever follows. If that is an LF it is part of
            // the line end, but nothing waits for it.
            at = end + 1;
            if chunk[end] == b'\r' {
                match chunk.get(at) {
                    Some(b'\n') => {
                        line_ends.skip_adjacent();
                        at += 1;
                    }
                    Some(_) => {}
                    None => self.decoder.after_cr = true,
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
                    Line::Data => match self.text.get(chunk, value, end) {
                        text @ Some(_)
                            if data.is_none()
                                && self.decoder.idle
                                && end - value <= self.decoder.max_event_len =>
                        {
                            data = text;
                            true
                        }
                        text if data.is_none() => {
                            self.push_data(text, start, value, end)?;
                            true
                        }
                        _ => false,
                    },
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

    /// Everything before `at` was read.
    #[inline]
    fn pass(&mut self, at: usize, line_ends: LineEnds) {
        self.at = at;
        self.line_ends = line_ends;
        self.decoder.position = self.chunk_position + at as u64;
    }

    /// Goes on with what an earlier call has left in the decoder.
    #[inline(never)]
    fn resume(&mut self) -> Result<ControlFlow<Option<Found<'c>>>, DecodeError> {
        self.decoder.be_ready()?;
        let flow = if self.decoder.line_len == 0 {
            ControlFlow::Continue(())
        } else {
            self.read_carried_line()?
        };
        self.decoder.update_idle();
        Ok(flow)
    }

    /// Goes on with the line that earlier chunks began. It is over when that has an end here; if
    /// not, so is the chunk.
    fn read_carried_line(&mut self) -> Result<ControlFlow<Option<Found<'c>>>, DecodeError> {
        let Some(len) = memchr2(b'\n', b'\r', self.remainder()) else {
            self.carry_line()?;
            return Ok(ControlFlow::Break(None));
        };
        let (start, end) = (self.at, self.at + len);
        if self.decoder.line_len + len > self.decoder.max_line_len {
            return Err(self.line_too_long(start));
        }
        let result = self.decoder.end_carried_line(&self.chunk[start..end]);
        let found = result.map_err(|limit| self.event_too_long(limit, start))?;
        self.decoder.end_line();

        let mut at = end + 1;
        if self.chunk[end] == b'\r' {
            match self.chunk.get(at) {
                Some(b'\n') => at += 1,
                Some(_) => {}
                None => self.decoder.after_cr = true,
            }
        }
        self.pass(at, LineEnds::new(at));
        Ok(match found {
            Some(found) => ControlFlow::Break(Some(found)),
            None => ControlFlow::Continue(()),
        })
    }

    /// Reads a line of data of an event that is in the buffers.
    #[inline(never)]
    fn push_data(
        &mut self,
        text: Option<&str>,
        start: usize,
        value: usize,
        end: usize,
    ) -> Result<(), DecodeError> {
        self.decoder
            .push_data(text, &self.chunk[value..end])
            .map_err(|limit| self.event_too_long(limit, start))
    }

    /// Reads a line of the chunk by way of the buffers.
    #[inline(never)]
    fn read_line(
        &mut self,
        kind: Line,
        start: usize,
        value: usize,
        end: usize,
    ) -> Result<Option<Found<'c>>, DecodeError> {
        let text = self.text.get(self.chunk, value, end);
        self.decoder
            .read_line(kind, text, &self.chunk[value..end])
            .map_err(|limit| self.event_too_long(limit, start))
    }

    /// HTML § 9.2.6, what a blank line does when the event is in the buffers.
    #[inline(never)]
    fn dispatch_buffered(&mut self, unfinished: Unfinished<'c>) -> Option<Found<'c>> {
        self.keep(unfinished);
        self.decoder.dispatch()
    }

    /// Keeps what the lines of the chunk have set, for the lines that are still to come.
    #[inline]
    fn keep(&mut self, unfinished: Unfinished<'c>) {
        let Unfinished { data, event, id } = unfinished;
        let decoder = &mut *self.decoder;
        if let Some(data) = data {
            decoder.begin_data_line().push_str(data);
        }
        if let Some(event) = event {
            replace(&mut decoder.event, Some(event), b"");
        }
        if let Some(id) = id {
            replace(&mut decoder.id, Some(id), b"");
            decoder.has_id = true;
        }
        if event.is_some() || id.is_some() {
            decoder.idle = false;
        }
    }

    /// Keeps the line that the chunk does not end.
    fn carry_line(&mut self) -> Result<(), DecodeError> {
        let rest = self.remainder();
        if !rest.is_empty() {
            if self.decoder.line_len + rest.len() > self.decoder.max_line_len {
                return Err(self.line_too_long(self.at));
            }
            self.decoder.carry(rest);
            self.pass(self.chunk.len(), self.line_ends);
        }
        self.decoder.update_idle();
        Ok(())
    }

    #[cold]
    fn line_too_long(&mut self, start: usize) -> DecodeError {
        let limit = self.decoder.max_line_len;
        self.fail(start, |position| DecodeError::LineTooLong {
            limit,
            position,
        })
    }

    #[cold]
    fn event_too_long(&mut self, EventLimit(limit): EventLimit, start: usize) -> DecodeError {
        self.fail(start, |position| DecodeError::EventTooLong {
            limit,
            position,
        })
    }

    /// Ends the decoding at the line that is read from `start` on, and maybe was begun before.
    fn fail(&mut self, start: usize, error: impl FnOnce(u64) -> DecodeError) -> DecodeError {
        self.pass(start, self.line_ends);
        let error = error(self.decoder.position - self.decoder.line_len as u64);
        self.decoder.state = State::Failed(error);
        self.decoder.idle = false;
        error
    }
}

/// How much of a line is gathered before it is worth looking at.
const LONG: usize = 256;

/// The limit on an event's data was passed.
struct EventLimit(usize);

impl Decoder {
    /// Reads a line into the buffers: its value as `text` if that is known, and as `bytes`.
    fn read_line<'c>(
        &mut self,
        kind: Line,
        text: Option<&str>,
        bytes: &[u8],
    ) -> Result<Option<Found<'c>>, EventLimit> {
        match kind {
            Line::Data => self.push_data(text, bytes)?,
            Line::Event => {
                replace(&mut self.event, text, bytes);
                self.idle = false;
            }
            Line::Id => {
                // HTML § 9.2.6: an id with NUL is ignored.
                if memchr(0, bytes).is_none() {
                    replace(&mut self.id, text, bytes);
                    self.has_id = true;
                    self.idle = false;
                }
            }
            Line::Retry => {
                let time = self.set_reconnection_time(bytes);
                return Ok(time.filter(|_| self.report_retry).map(Found::Retry));
            }
            Line::Comment => {
                if self.report_comments {
                    replace(&mut self.comment, text, bytes);
                    return Ok(Some(Found::Comment));
                }
            }
            Line::Unknown => {}
        }
        Ok(None)
    }

    /// Keeps more of a line that has not ended. What is gathered of a long line of data becomes
    /// data from time to time, so that it need not be copied and looked at again at its end.
    fn carry(&mut self, part: &[u8]) {
        self.line_len += part.len();
        if self.line_is_data && self.line.is_empty() && part.len() >= LONG {
            let (whole, cut) = part.split_at(part.len() - text::cut_character(part));
            text::push_lossy(&mut self.data, whole);
            self.line.extend_from_slice(cut);
            return;
        }
        self.line.extend_from_slice(part);
        if self.line.len() < LONG {
            return;
        }
        let value = if self.line_is_data {
            0
        } else if let (Line::Data, value) = Line::read(&self.line) {
            self.begin_data_line();
            self.line_is_data = true;
            value
        } else {
            return;
        };
        let whole = self.line.len() - text::cut_character(&self.line[value..]);
        text::push_lossy(&mut self.data, &self.line[value..whole]);
        self.line.drain(..whole);
    }

    /// Reads the line that `part` ends, into the buffers.
    fn end_carried_line<'c>(&mut self, part: &[u8]) -> Result<Option<Found<'c>>, EventLimit> {
        if !self.line_is_data {
            let mut line = mem::take(&mut self.line);
            line.extend_from_slice(part);
            let (kind, value) = Line::read(&line);
            let result = self.read_line(kind, None, &line[value..]);
            self.line = line;
            return result;
        }
        if self.line.is_empty() {
            text::push_lossy(&mut self.data, part);
        } else {
            self.line.extend_from_slice(part);
            text::push_lossy(&mut self.data, &self.line);
        }
        if self.data.len() > self.max_event_len {
            return Err(EventLimit(self.max_event_len));
        }
        Ok(None)
    }

    /// HTML § 9.2.6: it is set at once, by the line and not by its event.
    fn set_reconnection_time(&mut self, value: &[u8]) -> Option<Duration> {
        let time = line::reconnection_time(value)?;
        self.reconnection_time = Some(time);
        Some(time)
    }

    fn push_data(&mut self, text: Option<&str>, bytes: &[u8]) -> Result<(), EventLimit> {
        let limit = EventLimit(self.max_event_len);
        let before = self.data.len() + usize::from(self.has_data);
        if before.saturating_add(bytes.len()) > limit.0 {
            return Err(limit);
        }
        let data = self.begin_data_line();
        push(data, text, bytes);
        // Replacing what is not text makes it longer, never shorter.
        if data.len() > limit.0 {
            return Err(limit);
        }
        Ok(())
    }

    fn dispatch<'c>(&mut self) -> Option<Found<'c>> {
        if mem::take(&mut self.has_id) {
            mem::swap(&mut self.last_event_id, &mut self.id);
            self.sets_id = true;
        }
        if !self.has_data {
            self.event.clear();
            self.idle = true;
            return None;
        }
        self.state = State::Dispatched;
        Some(Found::Buffered {
            sets_id: mem::take(&mut self.sets_id),
        })
    }
}

/// Makes `out` what the value of a line is.
fn replace(out: &mut String, text: Option<&str>, bytes: &[u8]) {
    out.clear();
    push(out, text, bytes);
}

fn push(out: &mut String, text: Option<&str>, bytes: &[u8]) {
    match text {
        Some(text) => out.push_str(text),
        None => text::push_lossy(out, bytes),
    }
}
