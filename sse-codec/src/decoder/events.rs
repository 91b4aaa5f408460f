//! The events of one chunk: its lines, read one after the other (HTML § 9.2.6).
//!
//! Within one call everything stays where it is, in the chunk. Before a call returns, whatever
//! belongs to an event that is not complete goes to the decoder's buffers, so that nothing hangs
//! on this value and it can be dropped at any time.

use alloc::string::String;
use core::mem;
use core::time::Duration;

use memchr::memchr;

use super::line::{self, Line};
use super::line_ends::LineEnds;
use super::text::{self, Text};
use super::{DecodeError, Decoder};
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

/// An item, before it is known what it borrows from: what is `None` is in the decoder's buffers.
enum Found<'c> {
    Event {
        data: Option<&'c str>,
        event: Option<&'c str>,
    },
    Retry(Duration),
    Comment(Option<&'c str>),
}

/// What the lines of the chunk have set so far of an event that is not complete.
#[derive(Default)]
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
            Found::Event { data, event } => Item::Event(self.event_ref(data, event)),
            Found::Retry(time) => Item::Retry(time),
            Found::Comment(text) => Item::Comment(text.unwrap_or(&self.decoder.comment)),
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
        while let Some(found) = self.find()? {
            if let Found::Event { data, event } = found {
                return Ok(Some(self.event_ref(data, event)));
            }
        }
        Ok(None)
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
    fn event_ref<'a>(&'a self, data: Option<&'a str>, event: Option<&'a str>) -> EventRef<'a> {
        EventRef::new(
            data.unwrap_or_else(|| self.decoder.buffered_data()),
            event.unwrap_or(&self.decoder.event),
            &self.decoder.last_event_id,
            self.decoder.sets_id,
        )
    }

    #[inline]
    fn find(&mut self) -> Result<Option<Found<'c>>, DecodeError> {
        if let Some(error) = self.decoder.failed {
            return Err(error);
        }
        self.decoder.forget_dispatched();
        let found = self.read_lines();
        self.decoder.position = self.chunk_position + self.at as u64;
        if let Err(error) = found {
            self.decoder.failed = Some(error);
        }
        found
    }

    /// Reads lines up to one that completes an item, or to the end of the chunk.
    fn read_lines(&mut self) -> Result<Option<Found<'c>>, DecodeError> {
        let mut unfinished = Unfinished::default();
        while let Some(end) = self.line_ends.next(self.chunk) {
            let start = self.at;
            if end < start {
                // The LF of a CRLF.
                continue;
            }
            if self.decoder.line.len() + (end - start) > self.decoder.max_line_len {
                return Err(self.line_too_long());
            }
            if !self.decoder.line.is_empty() {
                if let Some(found) = self.read_carried_line(start, end)? {
                    return Ok(Some(found));
                }
                continue;
            }
            if start == end {
                self.pass(end);
                if let Some(found) = self.dispatch(&mut unfinished) {
                    return Ok(Some(found));
                }
                continue;
            }

            let (kind, offset) = Line::read(&self.chunk[start..end]);
            let value = start + offset;
            match kind {
                Line::Data => self.read_data(&mut unfinished, value, end)?,
                Line::Event => {
                    unfinished.event = self.text.get(self.chunk, value, end);
                    if unfinished.event.is_none() {
                        replace(&mut self.decoder.event, &self.chunk[value..end]);
                    }
                }
                Line::Id => self.read_id(&mut unfinished, value, end),
                Line::Comment if self.decoder.report_comments => {
                    let comment = self.text.get(self.chunk, value, end);
                    if comment.is_none() {
                        replace(&mut self.decoder.comment, &self.chunk[value..end]);
                    }
                    self.keep(&unfinished);
                    self.pass(end);
                    return Ok(Some(Found::Comment(comment)));
                }
                Line::Retry => {
                    if let Some(found) = self.decoder.read_retry(&self.chunk[value..end]) {
                        self.keep(&unfinished);
                        self.pass(end);
                        return Ok(Some(found));
                    }
                }
                Line::Comment | Line::Unknown => {}
            }
            self.pass(end);
        }
        self.keep(&unfinished);
        self.carry_line()?;
        Ok(None)
    }

    /// Goes on behind the line end at `end`.
    ///
    /// HTML § 9.2.5: a CR ends the line, whatever follows. If that is an LF it is part of the
    /// line end, but nothing waits for it.
    #[inline]
    fn pass(&mut self, end: usize) {
        self.at = end + 1;
        if self.chunk[end] == b'\r' {
            match self.chunk.get(end + 1) {
                Some(b'\n') => self.at = end + 2,
                Some(_) => {}
                None => self.decoder.after_cr = true,
            }
        }
    }

    /// HTML § 9.2.6, what a blank line does.
    #[inline]
    fn dispatch(&mut self, unfinished: &mut Unfinished<'c>) -> Option<Found<'c>> {
        let Unfinished { data, event, id } = mem::take(unfinished);
        let decoder = &mut *self.decoder;
        decoder.commit_id(id);
        if data.is_none() && !decoder.has_data {
            decoder.event.clear();
            return None;
        }
        decoder.dispatched = true;
        Some(Found::Event { data, event })
    }

    /// A line of data. The first one of an event stays where it is, for it may be the only one.
    #[inline]
    fn read_data(
        &mut self,
        unfinished: &mut Unfinished<'c>,
        value: usize,
        end: usize,
    ) -> Result<(), DecodeError> {
        let text = self.text.get(self.chunk, value, end);
        if let (Some(text), None, false) = (text, unfinished.data, self.decoder.has_data) {
            if text.len() > self.decoder.max_event_len {
                return Err(self.decoder.event_too_long(self.line_position()));
            }
            unfinished.data = Some(text);
            return Ok(());
        }
        if let Some(first) = unfinished.data.take() {
            self.decoder.begin_data_line().push_str(first);
        }
        if self.decoder.data_len_with(end - value) > self.decoder.max_event_len {
            return Err(self.decoder.event_too_long(self.line_position()));
        }
        let data = self.decoder.begin_data_line();
        match text {
            Some(text) => data.push_str(text),
            None => text::push_lossy(data, &self.chunk[value..end]),
        }
        if self.decoder.buffered_data().len() > self.decoder.max_event_len {
            return Err(self.decoder.event_too_long(self.line_position()));
        }
        Ok(())
    }

    /// HTML § 9.2.6: an id with NUL is ignored.
    #[inline]
    fn read_id(&mut self, unfinished: &mut Unfinished<'c>, value: usize, end: usize) {
        let bytes = &self.chunk[value..end];
        if memchr(0, bytes).is_some() {
            return;
        }
        unfinished.id = self.text.get(self.chunk, value, end);
        if unfinished.id.is_none() {
            replace(&mut self.decoder.id, bytes);
            self.decoder.has_id = true;
        }
    }

    /// The line that earlier chunks began and this one ends.
    #[inline(never)]
    fn read_carried_line(
        &mut self,
        start: usize,
        end: usize,
    ) -> Result<Option<Found<'c>>, DecodeError> {
        let position = self.line_position();
        self.pass(end);
        let decoder = &mut *self.decoder;
        let mut line = mem::take(&mut decoder.line);
        line.extend_from_slice(&self.chunk[start..end]);

        let (kind, offset) = Line::read(&line);
        let value = &line[offset..];
        let mut found = None;
        match kind {
            Line::Data => {
                if decoder.data_len_with(value.len()) > decoder.max_event_len {
                    return Err(decoder.event_too_long(position));
                }
                if decoder.has_data {
                    text::push_lossy(decoder.begin_data_line(), value);
                } else {
                    // The line becomes the data as it is, without a copy.
                    match String::from_utf8(line) {
                        Ok(text) => {
                            line = mem::replace(&mut decoder.data, text).into_bytes();
                            decoder.data_start = offset;
                            decoder.has_data = true;
                        }
                        Err(error) => {
                            line = error.into_bytes();
                            text::push_lossy(decoder.begin_data_line(), &line[offset..]);
                        }
                    }
                }
                // Replacing what is not UTF-8 makes it longer, never shorter.
                if decoder.buffered_data().len() > decoder.max_event_len {
                    return Err(decoder.event_too_long(position));
                }
            }
            Line::Event => replace(&mut decoder.event, value),
            Line::Id => {
                if memchr(0, value).is_none() {
                    replace(&mut decoder.id, value);
                    decoder.has_id = true;
                }
            }
            Line::Retry => found = decoder.read_retry(value),
            Line::Comment if decoder.report_comments => {
                replace(&mut decoder.comment, value);
                found = Some(Found::Comment(None));
            }
            Line::Comment | Line::Unknown => {}
        }
        line.clear();
        decoder.line = line;
        Ok(found)
    }

    /// Keeps what the lines of the chunk have set, for the lines that are still to come.
    #[inline]
    fn keep(&mut self, unfinished: &Unfinished<'c>) {
        let decoder = &mut *self.decoder;
        if let Some(data) = unfinished.data {
            decoder.begin_data_line().push_str(data);
        }
        if let Some(event) = unfinished.event {
            decoder.event.clear();
            decoder.event.push_str(event);
        }
        if let Some(id) = unfinished.id {
            decoder.id.clear();
            decoder.id.push_str(id);
            decoder.has_id = true;
        }
    }

    /// Keeps the line that the chunk does not end.
    fn carry_line(&mut self) -> Result<(), DecodeError> {
        let rest = self.remainder();
        if self.decoder.line.len() + rest.len() > self.decoder.max_line_len {
            return Err(self.line_too_long());
        }
        self.decoder.line.extend_from_slice(rest);
        self.at = self.chunk.len();
        Ok(())
    }

    /// Where in the stream the line begins that is being read.
    #[cold]
    fn line_position(&self) -> u64 {
        self.chunk_position + self.at as u64 - self.decoder.line.len() as u64
    }

    #[cold]
    fn line_too_long(&self) -> DecodeError {
        DecodeError::LineTooLong {
            limit: self.decoder.max_line_len,
            position: self.line_position(),
        }
    }
}

impl Decoder {
    #[cold]
    fn event_too_long(&self, position: u64) -> DecodeError {
        DecodeError::EventTooLong {
            limit: self.max_event_len,
            position,
        }
    }

    /// HTML § 9.2.6: the reconnection time is set at once, by the line and not by its event.
    fn read_retry<'c>(&mut self, value: &[u8]) -> Option<Found<'c>> {
        let time = line::reconnection_time(value)?;
        self.reconnection_time = Some(time);
        self.report_retry.then_some(Found::Retry(time))
    }
}

/// Makes `text` what `bytes` are.
fn replace(text: &mut String, bytes: &[u8]) {
    text.clear();
    text::push_lossy(text, bytes);
}
