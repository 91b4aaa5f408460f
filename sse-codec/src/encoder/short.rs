//! Short text, written in place.
//!
//! Putting a short event into a growable buffer is three pieces, each with a look at the capacity,
//! a copy of a length that is not known beforehand, and a new length. Into memory that is there
//! already it is a handful of moves of fixed sizes. Where that memory comes from is left to others.

use super::low_bytes::{has_low_byte, have_low_byte};

const PREFIX: &[u8; 6] = b"data: ";

const END: &[u8; 2] = b"\n\n";

/// The longest text, in bytes.
const LONGEST: usize = 32;

/// How much room there must be.
pub(crate) const ROOM: usize = PREFIX.len() + LONGEST + END.len();

/// Writes an event of `text` to the beginning of `out` and returns how long it is, if the text has
/// 8 to 32 bytes, of which none may be a line break, and there is [`ROOM`].
#[inline(always)]
pub(crate) fn write(text: &str, out: &mut [u8]) -> Option<usize> {
    let text = text.as_bytes();
    let room = out.first_chunk_mut::<ROOM>()?;
    if text.len() > LONGEST {
        return None;
    }
    // Both ends of the text, which overlap unless it is as long as the two of them.
    let end = PREFIX.len() + text.len();
    if let (Some(first), Some(last)) = (text.first_chunk::<16>(), text.last_chunk()) {
        if have_low_byte(first, last) {
            return None;
        }
        store(room, PREFIX.len(), first);
        store(room, end - 16, last);
    } else if let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        if has_low_byte(text) {
            return None;
        }
        store(room, PREFIX.len(), first);
        store(room, end - 8, last);
    } else {
        return None;
    }
    store(room, 0, PREFIX);
    store(room, end, END);
    Some(end + END.len())
}

/// Stores `bytes` at `at`, where there is room for them.
#[inline(always)]
fn store<const N: usize>(room: &mut [u8; ROOM], at: usize, bytes: &[u8; N]) {
    if let Some(place) = room.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *place = *bytes;
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::*;
    use crate::Encoder;

    #[test]
    fn whatever_is_written_is_what_an_encoder_appends() {
        for len in 0..=LONGEST + 2 {
            for at in 0..len {
                for byte in 0..0x80 {
                    let mut text = "a".repeat(len).into_bytes();
                    text[at] = byte;
                    let text = String::from_utf8(text).unwrap();
                    let mut room = [b'?'; ROOM];
                    let written = write(&text, &mut room);
                    let plain = byte > b'\r' && (8..=LONGEST).contains(&len);
                    assert_eq!(written.is_some(), plain, "{byte} at {at} of {len}");
                    if let Some(written) = written {
                        let mut expected = Vec::new();
                        Encoder::new().encode(&text, &mut expected).unwrap();
                        assert!(room[..written] == expected, "{byte} at {at} of {len}");
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_is_written_without_room() {
        let mut room = [0; ROOM - 1];
        assert_eq!(write("8 bytes.", &mut room), None);
        assert_eq!(room, [0; ROOM - 1]);
    }
}
