//! The half of reading that uses the decoder's buffers: lines and events that extend over several
//! chunks, and events that cannot be borrowed.

use alloc::string::String;
use core::mem;
use core::ops::ControlFlow;

use memchr::{memchr, memchr2};

use super::borrowed::Unfinished;
use super::events::{Events, Found};
use super::limits::EventLimit;
use super::line::{self, Head, Line};
use super::{Carried, DecodeError, Decoder, State, text};
use crate::line_ends::LineEnds;
use crate::simd::BLOCK;

/// The initial capacity of the buffer for a line: more than most lines that are not data need.
const LINE_CAPACITY: usize = 64;

impl<'c> Events<'_, 'c> {
    /// Continues with what an earlier call left in the decoder, up to the end of an event.
    #[inline(never)]
    pub(super) fn resume(&mut self) -> Result<ControlFlow<Option<Found<'c>>>, DecodeError> {
        self.decoder.prepare()?;
        if self.decoder.line_len > 0
            && let ControlFlow::Break(found) = self.read_carried_line()?
        {
            return Ok(ControlFlow::Break(found));
        }
        if self.decoder.idle {
            return Ok(ControlFlow::Continue(()));
        }
        self.read_buffered(None)
    }

    /// Continues the line that earlier chunks began, up to its end or that of the chunk.
    #[inline]
    fn read_carried_line(&mut self) -> Result<ControlFlow<Option<Found<'c>>>, DecodeError> {
        let start = self.at;
        let Some(end) = self.end_of_carried_line() else {
            self.carry_rest()?;
            return Ok(ControlFlow::Break(None));
        };
        if self.decoder.line_len + (end - start) > self.decoder.max_line_len {
            return Err(self.line_too_long(start));
        }
        let part = &self.chunk[start..end];
        let found = match self.decoder.end_carried_line(part) {
            Ok(found) => found,
            // The part is counted in the line's length already.
            Err(limit) => return Err(self.event_too_long(limit, end)),
        };
        let mut line_ends = self.line_ends;
        let at = self.after_line_end(end, &mut line_ends);
        self.pass(at, line_ends);
        Ok(match found {
            Some(found) => ControlFlow::Break(Some(found)),
            None => ControlFlow::Continue(()),
        })
    }

    /// Returns where the carried line ends, if it does. A line that is cut is often a long one, for
    /// which a search is faster than the masks.
    #[inline]
    fn end_of_carried_line(&mut self) -> Option<usize> {
        let rest = self.remainder();
        if rest.len() <= BLOCK {
            return self.line_ends.next(self.chunk, self.at);
        }
        let end = self.at + memchr2(b'\n', b'\r', rest)?;
        self.line_ends = LineEnds::new(end + 1);
        Some(end)
    }

    /// Reads lines into the buffers, up to the end of an event. `first` is the first line, if it was
    /// found already.
    #[inline(never)]
    pub(super) fn read_buffered(
        &mut self,
        mut first: Option<(usize, usize)>,
    ) -> Result<ControlFlow<Option<Found<'c>>>, DecodeError> {
        let chunk = self.chunk;
        let (mut at, mut line_ends) = (self.at, self.line_ends);
        loop {
            let (start, end) = if let Some(line) = first.take() {
                line
            } else if let Some(end) = self.read_lines_of_data(&mut at, &mut line_ends) {
                let next = self.after_line_end(end, &mut line_ends);
                (mem::replace(&mut at, next), end)
            } else {
                break;
            };
            if end - start > self.decoder.max_line_len {
                return Err(self.line_too_long(start));
            }
            let result = if start == end {
                // HTML § 9.2.6: a blank line dispatches the event.
                Ok(self.decoder.dispatch())
            } else {
                let (kind, value) = Line::read_in(chunk, start, end);
                self.decoder.read_line(kind, &chunk[start + value..end])
            };
            match result {
                Ok(found) if found.is_some() || self.decoder.idle => {
                    self.pass(at, line_ends);
                    return Ok(match found {
                        Some(found) => ControlFlow::Break(Some(found)),
                        None => ControlFlow::Continue(()),
                    });
                }
                Ok(_) => {}
                Err(limit) => return Err(self.event_too_long(limit, start)),
            }
        }
        self.pass(at, line_ends);
        self.carry_rest()?;
        Ok(ControlFlow::Break(None))
    }

    /// Reads lines into the buffers as long as they are data and end with LF. Returns where the
    /// first line ends that is another one, or that needs a check of the limit.
    #[inline(always)]
    fn read_lines_of_data(&mut self, at: &mut usize, line_ends: &mut LineEnds) -> Option<usize> {
        let chunk = self.chunk;
        let Decoder {
            max_line_len,
            max_event_len,
            data,
            idle,
            ..
        } = &mut *self.decoder;
        loop {
            let (start, end) = (*at, line_ends.next(chunk, *at)?);
            if let Some(value) = Head::of(chunk, start).and_then(|head| head.value_after(b"data:"))
                && chunk.get(end) == Some(&b'\n')
                && end - start <= *max_line_len
                && data.push_line(
                    &chunk[start + value..],
                    end + 1 - (start + value),
                    *max_event_len,
                )
            {
                *idle = false;
                *at = end + 1;
            } else {
                return Some(end);
            }
        }
    }

    /// Returns where the line begins that follows the one which ends at `end`.
    #[inline]
    fn after_line_end(&mut self, end: usize, line_ends: &mut LineEnds) -> usize {
        if self.chunk[end] == b'\n' {
            end + 1
        } else {
            self.after_cr(end, line_ends)
        }
    }

    /// Moves what the lines of the chunk have set to the buffers, which are empty.
    #[inline]
    pub(super) fn keep(&mut self, unfinished: Unfinished<'c>) {
        let Unfinished { data, event, id } = unfinished;
        let decoder = &mut *self.decoder;
        if let Some(data) = data {
            // It is within the limit, which was checked when it was borrowed.
            let _ = decoder.read_data(data.as_bytes());
        }
        if !event.is_empty() {
            decoder.event.push_str(event);
            decoder.idle = false;
        }
        if let Some(id) = id {
            decoder.id.clear();
            decoder.id.push_str(id);
            decoder.has_id = true;
            decoder.idle = false;
        }
    }

    /// Stores the last line, which begins at `at` and does not end in the chunk.
    #[inline(never)]
    pub(super) fn end_chunk(&mut self, at: usize) -> Result<(), DecodeError> {
        self.pass(at, LineEnds::new(self.chunk.len()));
        self.carry_rest()
    }

    /// Stores the rest of the chunk, which contains no line end.
    #[inline]
    fn carry_rest(&mut self) -> Result<(), DecodeError> {
        let rest = self.remainder();
        if !rest.is_empty() {
            if self.decoder.line_len + rest.len() > self.decoder.max_line_len {
                return Err(self.line_too_long(self.at));
            }
            self.decoder.carry(rest);
            self.pass(self.chunk.len(), LineEnds::new(self.chunk.len()));
        }
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

    /// Ends the decoding with an error in the line of which `start` is the part in this chunk.
    fn fail(&mut self, start: usize, error: impl FnOnce(u64) -> DecodeError) -> DecodeError {
        self.pass(start, self.line_ends);
        let error = error(self.decoder.position - self.decoder.line_len as u64);
        self.decoder.state = State::Failed(error);
        self.decoder.idle = false;
        error
    }
}

impl Decoder {
    /// Reads a line into the buffers.
    fn read_line<'c>(&mut self, kind: Line, value: &[u8]) -> Result<Option<Found<'c>>, EventLimit> {
        match kind {
            Line::Data => self.read_data(value).map(|()| None),
            _ => Ok(self.read_other_line(kind, value)),
        }
    }

    #[inline]
    fn read_data(&mut self, value: &[u8]) -> Result<(), EventLimit> {
        self.idle = false;
        self.data.push(value, self.max_event_len);
        self.data.end_line(self.max_event_len)
    }

    /// Reads a line that is not one of data.
    fn read_other_line<'c>(&mut self, kind: Line, value: &[u8]) -> Option<Found<'c>> {
        match kind {
            Line::Event => {
                replace(&mut self.event, value);
                self.idle = false;
            }
            Line::Id => {
                // HTML § 9.2.6: an id with NUL is ignored.
                if memchr(0, value).is_none() {
                    replace(&mut self.id, value);
                    self.has_id = true;
                    self.idle = false;
                }
            }
            Line::Retry => {
                // HTML § 9.2.6: the line sets it, not the dispatch of its event.
                let time = line::reconnection_time(value)?;
                self.reconnection_time = Some(time);
                return self.report_retry.then_some(Found::Retry(time));
            }
            Line::Comment => {
                if self.report_comments {
                    replace(&mut self.comment, value);
                    return Some(Found::Comment);
                }
            }
            Line::Data | Line::Unknown => {}
        }
        None
    }

    /// Stores more of a line that has not ended.
    #[inline]
    pub(super) fn carry(&mut self, part: &[u8]) {
        self.idle = false;
        let before = self.line_len;
        self.line_len = before + part.len();
        if before >= Line::HEAD {
            self.carry_on(part);
        } else if before == 0 && part.len() >= Line::HEAD {
            self.begin_to_carry(part);
            if self.carried == Carried::Whole {
                self.line.extend_from_slice(part);
            }
        } else {
            self.carry_head(before, part);
        }
    }

    /// Decides by the first bytes of a line how it is stored.
    #[inline]
    fn begin_to_carry(&mut self, part: &[u8]) {
        if self.line.capacity() == 0 {
            // Allocates on the first cut line, so that later ones allocate nothing, whichever
            // field they are.
            self.line.reserve(LINE_CAPACITY);
        }
        match Line::read_in(part, 0, part.len()) {
            (Line::Data, value) => {
                self.carried = Carried::Data;
                self.data.push(&part[value..], self.max_event_len);
            }
            (Line::Comment, _) if self.report_comments => {}
            (Line::Comment | Line::Unknown, _) => self.carried = Carried::Ignored,
            (Line::Event | Line::Id | Line::Retry, _) => {}
        }
    }

    /// Collects the first bytes of a line until there are enough of them. `before` are there.
    #[inline(never)]
    fn carry_head(&mut self, before: usize, part: &[u8]) {
        let (head, rest) = part.split_at(part.len().min(Line::HEAD - before));
        self.head[before..before + head.len()].copy_from_slice(head);
        if before + head.len() == Line::HEAD {
            let head = self.head;
            self.begin_to_carry(&head);
            if self.carried == Carried::Whole {
                self.line.extend_from_slice(&head);
            }
            self.carry_on(rest);
        }
    }

    /// Stores what follows the first bytes.
    #[inline]
    fn carry_on(&mut self, part: &[u8]) {
        match self.carried {
            Carried::Data => self.data.push(part, self.max_event_len),
            Carried::Whole => self.line.extend_from_slice(part),
            Carried::Ignored => {}
        }
    }

    /// Ends the carried line with `part`, and reads it into the buffers.
    #[inline]
    fn end_carried_line<'c>(&mut self, part: &[u8]) -> Result<Option<Found<'c>>, EventLimit> {
        self.carry(part);
        let found = match self.carried {
            Carried::Data => {
                self.data.end_line(self.max_event_len)?;
                None
            }
            Carried::Whole => self.end_whole_line()?,
            Carried::Ignored => None,
        };
        self.end_line();
        self.idle = !self.data.has_line() && !self.has_id && self.event.is_empty();
        Ok(found)
    }

    #[inline(never)]
    fn end_whole_line<'c>(&mut self) -> Result<Option<Found<'c>>, EventLimit> {
        if self.line_len < Line::HEAD {
            let head = self.head;
            let line = &head[..self.line_len];
            let (kind, value) = Line::read(line);
            return self.read_line(kind, &line[value..]);
        }
        let line = mem::take(&mut self.line);
        let (kind, value) = Line::read(&line);
        let result = self.read_line(kind, &line[value..]);
        self.line = line;
        result
    }

    /// Handles a blank line (HTML § 9.2.6).
    #[inline]
    fn dispatch<'c>(&mut self) -> Option<Found<'c>> {
        if mem::take(&mut self.has_id) {
            mem::swap(&mut self.last_event_id, &mut self.id);
            self.sets_id = true;
        }
        if !self.data.has_line() {
            self.event.clear();
            self.idle = true;
            return None;
        }
        self.state = State::Dispatched;
        self.idle = false;
        Some(Found::Buffered {
            sets_id: mem::take(&mut self.sets_id),
        })
    }
}

/// Replaces `out` with the value of a line.
fn replace(out: &mut String, value: &[u8]) {
    out.clear();
    text::push_lossy(out, value);
}
