//! The half of reading that copies nothing: events that lie within the chunk and have one line of
//! data (HTML § 9.2.6). `buffered` reads everything else.
//!
//! Most lines are short, so every instruction counts here: loops keep their state in local
//! variables, and small functions are always inlined.

use core::mem;
use core::ops::ControlFlow;

use super::DecodeError;
use super::events::{Events, Found};
use super::line::{Head, Line};
use crate::line_ends::LineEnds;

/// What the lines of the chunk have set so far of an incomplete event.
#[derive(Default)]
pub(super) struct Unfinished<'c> {
    pub(super) data: Option<&'c str>,
    /// Empty for the default.
    pub(super) event: &'c str,
    pub(super) id: Option<&'c str>,
}

/// What [`Events::read_whole`] found in the chunk.
enum Whole<'c> {
    Event(Found<'c>),
    /// A blank line that dispatches nothing.
    Nothing,
    /// No further line ends in the chunk.
    End(Unfinished<'c>),
    /// A line that cannot be borrowed, or that prevents borrowing the event.
    Line {
        start: usize,
        end: usize,
        unfinished: Unfinished<'c>,
    },
}

impl<'c> Events<'_, 'c> {
    /// Reads lines up to one that completes an item, or up to the end of the chunk.
    ///
    /// There is a path for the most frequent event, one for comments, one for other events that can
    /// be borrowed, and one through the decoder's buffers for the rest.
    #[inline(always)]
    pub(super) fn find(&mut self) -> Result<Option<Found<'c>>, DecodeError> {
        if !self.decoder.idle
            && let ControlFlow::Break(found) = self.resume()?
        {
            return Ok(found);
        }
        self.is_data_only = false;
        let (mut at, mut line_ends) = (self.at, self.line_ends);
        loop {
            let mut end = line_ends.next(self.chunk, at);
            // The first byte of a line selects the path.
            match self.chunk.get(at) {
                Some(b'd') => {
                    if let Some(end) = end
                        && let Some(data) = self.read_data_only(at, end)
                    {
                        line_ends.skip_adjacent();
                        self.pass(end + 2, line_ends);
                        self.is_data_only = true;
                        return Ok(Some(Found::Event {
                            data,
                            event: "",
                            sets_id: mem::take(&mut self.decoder.sets_id),
                        }));
                    }
                }
                Some(b':') => end = self.skip_comments(&mut at, &mut line_ends, end),
                _ => {}
            }
            let Some(end) = end else {
                self.end_chunk(at)?;
                return Ok(None);
            };
            match self.read_whole(&mut at, &mut line_ends, end) {
                Whole::Event(found) => {
                    self.pass(at, line_ends);
                    return Ok(Some(found));
                }
                Whole::Nothing => {}
                Whole::End(unfinished) => {
                    self.keep(unfinished);
                    self.end_chunk(at)?;
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

    /// Returns the data of the next event, and whether an id was set, if this event and the one
    /// before it are only one line of data each. Small enough to be inlined into the caller's loop.
    #[inline(always)]
    pub(super) fn find_data_only(&mut self) -> Option<(&'c str, bool)> {
        if !self.is_data_only {
            return None;
        }
        let mut line_ends = self.line_ends;
        let end = line_ends.next(self.chunk, self.at)?;
        let data = self.read_data_only(self.at, end)?;
        line_ends.skip_adjacent();
        self.pass(end + 2, line_ends);
        Some((data, mem::take(&mut self.decoder.sets_id)))
    }

    /// Reads an event that consists only of the line of data from `start` to `end`, where lines end
    /// with LF.
    #[inline(always)]
    fn read_data_only(&mut self, start: usize, end: usize) -> Option<&'c str> {
        let value = Head::of(self.chunk, start)?.value_after(b"data:")?;
        let is_data_only =
            self.chunk.get(end..)?.starts_with(b"\n\n") && end - start <= self.decoder.min_limit;
        if is_data_only {
            self.text.get(self.chunk, start + value, end)
        } else {
            None
        }
    }

    /// Skips comments that are followed by a blank line, which servers send to keep a connection
    /// alive. Begins with the line that ends at `end`, and returns where the first other line ends,
    /// if it does.
    #[inline(always)]
    fn skip_comments(
        &self,
        at: &mut usize,
        line_ends: &mut LineEnds,
        end: Option<usize>,
    ) -> Option<usize> {
        let chunk = self.chunk;
        let mut end = end?;
        let longest = if self.decoder.report_comments {
            0
        } else {
            self.decoder.max_line_len
        };
        while chunk.get(*at) == Some(&b':') && end - *at <= longest {
            // Comments without a blank line are not handled here: the compiler would then compute
            // the start of the next line without a branch, and so later.
            if !chunk[end..].starts_with(b"\n\n") {
                break;
            }
            // HTML § 9.2.6: without data a blank line does nothing.
            line_ends.skip_adjacent();
            *at = end + 2;
            end = line_ends.next(chunk, *at)?;
        }
        Some(end)
    }

    /// Reads an event that can be borrowed, beginning with the line that ends at `end`.
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
                *at = self.after_cr(end, line_ends);
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
                // A blank line follows.
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

    /// Reads a line of an event that can be borrowed. Returns `false` if it cannot be.
    #[inline(always)]
    fn read_borrowed(&mut self, start: usize, end: usize, unfinished: &mut Unfinished<'c>) -> bool {
        if end - start > self.decoder.min_limit {
            return false;
        }
        // One call per name, so that each is compiled to a path of its own.
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
