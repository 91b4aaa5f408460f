//! The half of reading that leaves everything where it is, in the chunk: the lines of events that
//! it holds whole, with one line of data (HTML § 9.2.6). Whatever else there is goes to `buffered`.
//!
//! Most lines are so short that every instruction counts here: what a loop needs is in locals, and
//! small functions are put into it.

use core::mem;
use core::ops::ControlFlow;

use super::DecodeError;
use super::events::{Events, Found};
use super::line::{Head, Line};
use crate::line_ends::LineEnds;

/// What the lines of the chunk have set so far of an event that is not complete.
#[derive(Default)]
pub(super) struct Unfinished<'c> {
    pub(super) data: Option<&'c str>,
    /// Empty for the default.
    pub(super) event: &'c str,
    pub(super) id: Option<&'c str>,
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

impl<'c> Events<'_, 'c> {
    /// Reads lines up to one that completes an item, or to the end of the chunk.
    ///
    /// There is a way for the commonest event and for comments, one for other events that can be
    /// borrowed, and one for all the rest, by way of the decoder's buffers.
    #[inline]
    pub(super) fn find(&mut self) -> Result<Option<Found<'c>>, DecodeError> {
        if !self.decoder.idle
            && let ControlFlow::Break(found) = self.resume()?
        {
            return Ok(found);
        }
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
}
