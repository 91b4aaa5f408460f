//! A buffer that short events are encoded to fastest.
//!
//! Appending to a `BytesMut` is a look at its capacity, a copy of a length that is not known
//! beforehand, and a new length; for a short event, made of three pieces, that is most of the
//! work. So this buffer keeps some memory behind what is filled prepared: zeroed, and thus
//! there for safe code to store into, a whole short event after one look.

use core::ops::RangeInclusive;

use bytes::BytesMut;

use crate::buffer::{Buffer, sealed::Growable};
use crate::plain::{are_plain, is_plain};

/// How much memory is prepared at a time: enough for dozens of short events, and so little that
/// it is still in the nearest cache when they come.
const STRETCH: usize = 2000;

/// The lengths of the pieces that are taken for a short event, or the text of one.
const SHORT: RangeInclusive<usize> = 8..=512;

/// The most that an event of [`put_text`](EventBuffer::put_text) takes.
const MOST: usize = PREFIX + 32 + 2;

const PREFIX: usize = b"data: ".len();

/// A growable buffer for many short events, which are encoded to it faster than to a `BytesMut`.
///
/// ```
/// use sse_codec::{Encoder, EventBuffer};
///
/// let mut out = EventBuffer::default();
/// Encoder::new().encode("hello", &mut out)?;
/// assert_eq!(out.len(), 13);
/// assert_eq!(&out.take()[..], b"data: hello\n\n");
/// assert!(out.is_empty());
/// # Ok::<(), sse_codec::EncodeError>(())
/// ```
#[derive(Debug, Default)]
pub struct EventBuffer {
    /// What is filled, and behind it what is prepared.
    bytes: BytesMut,
    filled: usize,
    /// How much was taken last. As much is likely to be needed again, so that a busy stream
    /// allocates once per [`take`](Self::take).
    expected: usize,
}

impl EventBuffer {
    /// The longest event that [`put_text`](Self::put_text) appends, in bytes.
    pub const MAX_TEXT_EVENT_LEN: usize = MOST;

    /// How many bytes of events it holds.
    #[must_use]
    #[inline(always)]
    pub const fn len(&self) -> usize {
        self.filled
    }

    /// Whether it holds none.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Appends an event of `text` and says `true` if that takes next to nothing: if the text has
    /// 8 to 32 bytes, neither a line break nor another control character, and the buffer is
    /// prepared, which encoding to it does. Else it does nothing and says `false`, and the event
    /// is one for an [`Encoder`](crate::Encoder).
    ///
    /// ```
    /// use sse_codec::{Encoder, EventBuffer};
    ///
    /// let mut out = EventBuffer::default();
    /// for text in ["good morning", "good evening", "good\nnight"] {
    ///     if !out.put_text(text) {
    ///         Encoder::new().encode(text, &mut out)?;
    ///     }
    /// }
    /// let expected = "data: good morning\n\ndata: good evening\n\ndata: good\ndata: night\n\n";
    /// assert_eq!(&out.take()[..], expected.as_bytes());
    /// # Ok::<(), sse_codec::EncodeError>(())
    /// ```
    // Always, and without a call in it: a call, or what is kept on the stack for one, would be a
    // third of the whole.
    #[inline(always)]
    pub fn put_text(&mut self, text: &str) -> bool {
        let text = text.as_bytes();
        let room = self.bytes.get_mut(self.filled..);
        let Some(room) = room.and_then(|room| room.first_chunk_mut::<MOST>()) else {
            return false;
        };
        if text.len() > MOST - PREFIX - 2 {
            return false;
        }
        // Either half is of a fixed size, so it is copied without a loop; they overlap.
        let end = PREFIX + text.len();
        if let (Some(first), Some(last)) = (text.first_chunk::<16>(), text.last_chunk()) {
            if !are_plain(first, last) {
                return false;
            }
            store(room, PREFIX, first);
            store(room, end - 16, last);
        } else if let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>())
        {
            if !is_plain(text) {
                return false;
            }
            store(room, PREFIX, first);
            store(room, end - 8, last);
        } else {
            return false;
        }
        store(room, 0, b"data: ");
        store(room, end, b"\n\n");
        self.filled += end + 2;
        true
    }

    /// Appends events that are encoded already.
    pub fn put_encoded(&mut self, events: &[u8]) {
        self.put(events);
    }

    /// Takes all events, and the memory that they are in.
    #[must_use]
    pub fn take(&mut self) -> BytesMut {
        self.bytes.truncate(self.filled);
        self.expected = self.filled;
        self.filled = 0;
        core::mem::take(&mut self.bytes)
    }

    /// What is filled, to be appended to in another way.
    fn unprepared(&mut self) -> &mut BytesMut {
        if self.bytes.capacity() == 0 {
            // One more than last time must not move them all.
            self.bytes.reserve(self.expected + MOST);
        }
        self.bytes.truncate(self.filled);
        &mut self.bytes
    }

    /// Appends what does not fit into the room that is prepared, and prepares more if it is a
    /// short event, or the text of one: there are more of them where it comes from.
    #[inline(never)]
    fn put_beyond(&mut self, piece: &[u8]) {
        let end = self.filled.saturating_add(piece.len());
        let bytes = self.unprepared();
        bytes.extend_from_slice(piece);
        if SHORT.contains(&piece.len()) {
            let most = bytes.capacity().min(end.saturating_add(STRETCH));
            bytes.resize(most.max(end), 0);
        }
        self.filled = end;
    }
}

/// Stores `bytes` at `at`, where there is room for them.
#[inline(always)]
fn store<const N: usize>(room: &mut [u8; MOST], at: usize, bytes: &[u8; N]) {
    if let Some(place) = room.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *place = *bytes;
    }
}

impl Buffer for EventBuffer {}

impl Growable for EventBuffer {
    #[inline(always)]
    fn filled(&self) -> usize {
        self.filled
    }

    #[inline(always)]
    fn put(&mut self, bytes: &[u8]) {
        let room = self.bytes.get_mut(self.filled..);
        if let Some(room) = room.and_then(|room| room.get_mut(..bytes.len())) {
            room.copy_from_slice(bytes);
            self.filled += bytes.len();
        } else {
            self.put_beyond(bytes);
        }
    }

    fn reserve(&mut self, len: usize) {
        self.unprepared().reserve(len);
    }

    fn cut_back(&mut self, len: usize) {
        self.filled = self.filled.min(len);
    }

    fn grow(&mut self, len: usize) -> &mut [u8] {
        let end = self.filled.saturating_add(len);
        self.unprepared().resize(end, 0);
        self.filled = end;
        &mut self.bytes
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::{Encoder, Event};

    /// As a session does it.
    fn put(out: &mut EventBuffer, text: &str) {
        if !out.put_text(text) {
            Encoder::new().encode(text, out).unwrap();
        }
    }

    /// With room for more.
    fn prepared() -> EventBuffer {
        let mut out = EventBuffer {
            expected: 2 * MOST,
            ..EventBuffer::default()
        };
        out.put(b"prepared");
        out.cut_back(0);
        out
    }

    fn encoded(texts: &[String]) -> Vec<u8> {
        let mut out = Vec::new();
        for text in texts {
            Encoder::new().encode(text, &mut out).unwrap();
        }
        out
    }

    #[test]
    fn every_byte_is_encoded_at_every_place_of_every_length_as_in_any_buffer() {
        for len in 1..=40 {
            for at in 0..len {
                for byte in 0..0x80 {
                    let mut text = "a".repeat(len).into_bytes();
                    text[at] = byte;
                    let text = String::from_utf8(text).unwrap();
                    let mut out = prepared();
                    put(&mut out, &text);
                    assert!(out.take() == encoded(&[text]), "{byte} at {at} of {len}");
                }
            }
        }
    }

    #[test]
    fn text_of_8_to_32_bytes_is_put_at_once_where_there_is_room() {
        for len in 0..40 {
            let text = "é".repeat(len / 2) + &"a".repeat(len % 2);
            assert!(!EventBuffer::default().put_text(&text), "not prepared");
            assert_eq!(prepared().put_text(&text), (8..=32).contains(&len), "{len}");
        }
    }

    #[test]
    fn a_buffer_is_as_large_as_what_was_taken_last_and_one_event_more() {
        let mut out = EventBuffer::default();
        for _ in 0..1000 {
            put(&mut out, "sixteen bytes ..");
        }
        let taken = out.take();
        assert_eq!(taken.len(), 24_000);
        for _ in 0..1001 {
            put(&mut out, "sixteen bytes ..");
        }
        let taken = out.take();
        assert!(taken.capacity() < 24_000 + 2 * MOST, "it has not moved");
    }

    #[test]
    fn an_event_that_fails_leaves_nothing_behind() {
        let mut out = EventBuffer::default();
        put(&mut out, "sixteen bytes ..");
        let forged = Event::new().comment("c").event("a\nb").data("d");
        assert!(Encoder::new().encode(&forged, &mut out).is_err());
        let limited = Encoder::new().max_event_len(8);
        assert!(limited.encode("sixteen bytes ..", &mut out).is_err());
        put(&mut out, "sixteen bytes ..");
        let expected = "data: sixteen bytes ..\n\n".repeat(2);
        assert_eq!(out.take(), expected.as_bytes());
    }

    proptest! {
        #[test]
        fn it_holds_what_any_buffer_holds(
            texts in prop::collection::vec(
                prop_oneof!["[a-zé\r\n\t\0]{0,40}", "[a-z]{100,200}", "[ab\r\n]{500,5000}"],
                0..60,
            ),
            takes in prop::collection::vec(any::<bool>(), 60),
        ) {
            let mut out = EventBuffer::default();
            let mut taken = Vec::new();
            for (text, take) in texts.iter().zip(takes) {
                put(&mut out, text);
                if take {
                    taken.extend_from_slice(&out.take());
                }
            }
            prop_assert_eq!(out.bytes().len(), out.len());
            taken.extend_from_slice(&out.take());
            prop_assert_eq!(taken, encoded(&texts));
        }
    }
}
