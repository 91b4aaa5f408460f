//! One line of a stream: its field, and where the value begins.

use core::time::Duration;

/// The kind of a line (HTML § 9.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Data,
    Event,
    Id,
    Retry,
    Comment,
    /// A field that the standard does not define. It is ignored.
    Unknown,
}

impl Line {
    /// How many bytes of a line suffice to identify its field and the start of its value: the
    /// longest name, its colon, and a space.
    pub(super) const HEAD: usize = 7;

    /// Reads the line from `start` to `end` of `chunk`, as [`read`](Self::read) does, but faster,
    /// by comparing the first eight bytes as one word. The line may be shorter than that, since no
    /// name contains a line end.
    #[inline(always)]
    pub(super) fn read_in(chunk: &[u8], start: usize, end: usize) -> (Self, usize) {
        if let Some(head) = Head::of(chunk, start) {
            for (kind, name) in [
                (Self::Data, b"data:" as &[u8]),
                (Self::Event, b"event:"),
                (Self::Id, b"id:"),
                (Self::Comment, b":"),
            ] {
                if let Some(value) = head.value_after(name) {
                    return (kind, value);
                }
            }
        }
        Self::read(&chunk[start..end])
    }

    /// Reads a line that is not blank. Returns its kind and the offset of its value, which follows
    /// the colon and one optional space, or is empty in a line without a colon.
    #[inline]
    pub(super) fn read(line: &[u8]) -> (Self, usize) {
        match line {
            [b'd', b'a', b't', b'a', rest @ ..] => Self::Data.with_value(line, rest),
            [b':', ..] => Self::Comment.with_value(line, line),
            [b'e', b'v', b'e', b'n', b't', rest @ ..] => Self::Event.with_value(line, rest),
            [b'i', b'd', rest @ ..] => Self::Id.with_value(line, rest),
            [b'r', b'e', b't', b'r', b'y', rest @ ..] => Self::Retry.with_value(line, rest),
            _ => (Self::Unknown, line.len()),
        }
    }

    #[inline]
    fn with_value(self, line: &[u8], after_name: &[u8]) -> (Self, usize) {
        let before_value = match after_name {
            [b':', b' ', ..] => 2,
            [b':', ..] => 1,
            [] => 0,
            _ => return (Self::Unknown, line.len()),
        };
        (self, line.len() - after_name.len() + before_value)
    }
}

/// The first eight bytes from the start of a line, as one word. They may extend past its end.
#[derive(Clone, Copy)]
pub(super) struct Head(u64);

impl Head {
    /// Returns the head of the line at `start`, or `None` if the chunk has fewer than eight bytes
    /// from there.
    #[inline(always)]
    pub(super) fn of(chunk: &[u8], start: usize) -> Option<Self> {
        let head = chunk.get(start..)?.first_chunk()?;
        Some(Self(u64::from_le_bytes(*head)))
    }

    /// Returns the offset of the value if the line begins with `name`, which includes the colon.
    /// If `name` is constant, this compiles to one comparison.
    #[inline(always)]
    pub(super) fn value_after(self, name: &[u8]) -> Option<usize> {
        let mut word = [0; 8];
        word[..name.len()].copy_from_slice(name);
        let bits = 8 * name.len();
        let is_it = self.0 << (64 - bits) == u64::from_le_bytes(word) << (64 - bits);
        let space = (self.0 >> bits) as u8 == b' ';
        is_it.then_some(name.len() + usize::from(space))
    }
}

/// Parses a reconnection time, which consists of ASCII digits only (HTML § 9.2.6). More
/// milliseconds than fit a `u64` become `u64::MAX`.
pub(super) fn reconnection_time(value: &[u8]) -> Option<Duration> {
    if value.is_empty() {
        return None;
    }
    let mut milliseconds = 0_u64;
    for byte in value {
        if !byte.is_ascii_digit() {
            return None;
        }
        milliseconds = milliseconds
            .saturating_mul(10)
            .saturating_add(u64::from(byte - b'0'));
    }
    Some(Duration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (Line, &str) {
        let (kind, value) = Line::read(line.as_bytes());
        (kind, &line[value..])
    }

    #[test]
    fn a_value_follows_the_colon_and_one_space() {
        assert_eq!(read("data: x"), (Line::Data, "x"));
        assert_eq!(read("data:x"), (Line::Data, "x"));
        assert_eq!(read("data:  x "), (Line::Data, " x "));
        assert_eq!(read("data:\tx"), (Line::Data, "\tx"));
        assert_eq!(read("event: a:b"), (Line::Event, "a:b"));
        assert_eq!(read("id:: x"), (Line::Id, ": x"));
        assert_eq!(read("retry:1"), (Line::Retry, "1"));
        assert_eq!(read(": x"), (Line::Comment, "x"));
        assert_eq!(read(":x"), (Line::Comment, "x"));
    }

    #[test]
    fn a_value_may_be_missing() {
        for line in ["data", "data:", "data: "] {
            assert_eq!(read(line), (Line::Data, ""));
        }
        for line in ["event", "id", "retry"] {
            assert_eq!(read(line).1, "");
        }
        assert_eq!(read(":"), (Line::Comment, ""));
    }

    #[test]
    fn a_name_must_be_known_to_the_letter() {
        for line in [
            "Data: x",
            "DATA:x",
            "dat:x",
            "dataa:x",
            "data x",
            " data:x",
            "x",
            "i",
            "idd",
            "id x",
            "events:x",
            "retry ",
            "\u{feff}data:x",
        ] {
            assert_eq!(read(line), (Line::Unknown, ""), "{line:?}");
        }
    }

    #[test]
    fn a_reconnection_time_saturates() {
        assert_eq!(reconnection_time(b"0"), Some(Duration::ZERO));
        assert_eq!(reconnection_time(b"0015"), Some(Duration::from_millis(15)));
        let max = Some(Duration::from_millis(u64::MAX));
        assert_eq!(reconnection_time(b"18446744073709551615"), max);
        assert_eq!(reconnection_time(b"18446744073709551616"), max);
        assert_eq!(reconnection_time(&[b'9'; 1000]), max);
        for not_digits in ["", "-1", "+1", "1.5", "1 ", " 1", "1e3", "0x10", "\u{661}"] {
            assert_eq!(
                reconnection_time(not_digits.as_bytes()),
                None,
                "{not_digits:?}"
            );
        }
    }
}
