//! The half of reading that goes by way of the decoder's buffers: lines and events that a chunk
//! does not hold whole, and those that cannot be borrowed as they are.

use alloc::string::String;
use core::mem;
use core::ops::ControlFlow;
use core::time::Duration;

use memchr::{memchr, memchr2};

use super::events::{Events, Found, Unfinished};
use super::line::{self, Line};
use super::{DecodeError, Decoder, State, text};
use crate::line_ends::LineEnds;

/// The length of a chunk in which the end of a line is searched for by itself.
const WORTH_A_SEARCH: usize = 1024;

/// How much of a line is gathered before it is worth looking at.
const LONG: usize = 256;

/// The limit on an event's data was passed.
struct EventLimit(usize);

impl<'c> Events<'_, 'c> {
    /// Goes on with what an earlier call has left in the decoder.
    #[inline(never)]
    pub(super) fn resume(&mut self) -> Result<ControlFlow<Option<Found<'c>>>, DecodeError> {
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
        let start = self.at;
        let mut line_ends = self.line_ends;
        // A line that is cut is often a long one, and then a search is quicker than the masks.
        let found = if self.chunk.len() > WORTH_A_SEARCH {
            let len = memchr2(b'\n', b'\r', self.remainder());
            line_ends = LineEnds::new(start + len.map_or(0, |len| len + 1));
            len.map(|len| start + len)
        } else {
            line_ends.next(self.chunk)
        };
        let Some(end) = found else {
            self.carry_line()?;
            return Ok(ControlFlow::Break(None));
        };
        if self.decoder.line_len + (end - start) > self.decoder.max_line_len {
            return Err(self.line_too_long(start));
        }
        let result = self.decoder.end_carried_line(&self.chunk[start..end]);
        let found = result.map_err(|limit| self.event_too_long(limit, start))?;
        self.decoder.end_line();

        let at = if self.chunk[end] == b'\r' {
            self.behind_cr(end)
        } else {
            end + 1
        };
        if at > end + 1 {
            line_ends.skip_adjacent();
        }
        self.pass(at, line_ends);
        Ok(match found {
            Some(found) => ControlFlow::Break(Some(found)),
            None => ControlFlow::Continue(()),
        })
    }

    /// Reads a line of data of an event that is in the buffers.
    #[inline(never)]
    pub(super) fn push_data(
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
    pub(super) fn read_line(
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
    pub(super) fn dispatch_buffered(&mut self, unfinished: Unfinished<'c>) -> Option<Found<'c>> {
        self.keep(unfinished);
        self.decoder.dispatch()
    }

    /// Keeps what the lines of the chunk have set, for the lines that are still to come.
    pub(super) fn keep(&mut self, unfinished: Unfinished<'c>) {
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
    pub(super) fn carry_line(&mut self) -> Result<(), DecodeError> {
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
    pub(super) fn line_too_long(&mut self, start: usize) -> DecodeError {
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
            push_within(&mut self.data, whole, self.max_event_len);
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
        push_within(&mut self.data, &self.line[value..whole], self.max_event_len);
        self.line.copy_within(whole.., 0);
        self.line.truncate(self.line.len() - whole);
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
            push_within(&mut self.data, part, self.max_event_len);
        } else {
            self.line.extend_from_slice(part);
            push_within(&mut self.data, &self.line, self.max_event_len);
        }
        if self.data.len() > self.max_event_len {
            return Err(EventLimit(self.max_event_len));
        }
        Ok(None)
    }

    /// HTML § 9.2.6: it is set at once, by the line and not by its event.
    pub(super) fn set_reconnection_time(&mut self, value: &[u8]) -> Option<Duration> {
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

/// Appends `bytes` as text, unless `data` has passed the limit already. That is no error before
/// the line has an end, as the line may turn out to be too long itself.
fn push_within(data: &mut String, bytes: &[u8], limit: usize) {
    if data.len() <= limit {
        text::push_lossy(data, bytes);
    }
}
