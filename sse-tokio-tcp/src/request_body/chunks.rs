//! Decodes a chunked body (RFC 9112 § 7.1), strictly: a line ends with CR LF and nothing else.

use bytes::{Bytes, BytesMut};

/// The most digits of a chunk's size, leading zeros included.
const MAX_DIGITS: u8 = 16;

/// The most bytes of extensions and trailers, which are discarded.
const MAX_DISCARDED: usize = 16 * 1024;

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChunkError {
    /// What is sent is not a chunked body.
    Malformed(&'static str),
    /// The body is larger than the limit.
    TooLarge,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Size,
    /// Blanks between the size and an extension.
    Blank,
    Extension,
    SizeLineFeed,
    Data,
    DataReturn,
    DataLineFeed,
    TrailerStart,
    Trailer,
    TrailerLineFeed,
    LastLineFeed,
}

/// A decoder of one chunked body.
pub(super) struct Chunks {
    place: Place,
    /// The size of the chunk, or what is missing of its data.
    size: u64,
    digits: u8,
    discarded: usize,
    body: BytesMut,
    max_size: usize,
}

impl Chunks {
    pub(super) fn new(max_size: usize) -> Self {
        Self {
            place: Place::Size,
            size: 0,
            digits: 0,
            discarded: 0,
            body: BytesMut::new(),
            max_size,
        }
    }

    /// Decodes the next bytes. Returns the body if they complete it; what follows it is ignored.
    pub(super) fn decode(&mut self, mut bytes: &[u8]) -> Result<Option<Bytes>, ChunkError> {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.place == Place::Data {
                let len = usize::try_from(self.size).unwrap_or(usize::MAX);
                let (data, rest) = bytes.split_at(len.min(bytes.len()));
                self.body.extend_from_slice(data);
                self.size -= data.len() as u64;
                if self.size == 0 {
                    self.place = Place::DataReturn;
                }
                bytes = rest;
                continue;
            }
            bytes = rest;
            if self.place == Place::LastLineFeed && byte == b'\n' {
                return Ok(Some(std::mem::take(&mut self.body).freeze()));
            }
            self.place = self.after(byte)?;
        }
        Ok(None)
    }

    /// Returns what follows a byte that is not data.
    fn after(&mut self, byte: u8) -> Result<Place, ChunkError> {
        let next = match (self.place, byte) {
            (Place::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') if self.digits < MAX_DIGITS => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                self.size = (self.size << 4) | u64::from(digit);
                self.digits += 1;
                Place::Size
            }
            (Place::Size | Place::Blank, b';') if self.digits > 0 => Place::Extension,
            (Place::Size | Place::Blank, b' ' | b'\t') if self.digits > 0 => {
                self.discard()?;
                Place::Blank
            }
            (Place::Size, b'\r') if self.digits > 0 => self.end_of_size()?,
            (Place::Extension, b'\r') => self.end_of_size()?,
            (Place::Extension, byte) if may_be_discarded(byte) => {
                self.discard()?;
                Place::Extension
            }
            (Place::SizeLineFeed, b'\n') if self.size > 0 => Place::Data,
            (Place::SizeLineFeed, b'\n') => Place::TrailerStart,
            (Place::DataReturn, b'\r') => Place::DataLineFeed,
            (Place::DataLineFeed, b'\n') => {
                self.digits = 0;
                Place::Size
            }
            (Place::TrailerStart, b'\r') => Place::LastLineFeed,
            // A line that continues the one before it is obsolete (RFC 9112 § 5.2).
            (Place::TrailerStart, b' ' | b'\t') => {
                return Err(ChunkError::Malformed("malformed trailer"));
            }
            (Place::Trailer, b'\r') => Place::TrailerLineFeed,
            (Place::TrailerStart | Place::Trailer, byte) if may_be_discarded(byte) => {
                self.discard()?;
                Place::Trailer
            }
            (Place::TrailerLineFeed, b'\n') => Place::TrailerStart,
            _ => return Err(ChunkError::Malformed("malformed chunk")),
        };
        Ok(next)
    }

    /// Returns what follows the size and the extensions, if the chunk is within the limit.
    fn end_of_size(&self) -> Result<Place, ChunkError> {
        let room = self.max_size - self.body.len();
        if self.size > room as u64 {
            return Err(ChunkError::TooLarge);
        }
        Ok(Place::SizeLineFeed)
    }

    fn discard(&mut self) -> Result<(), ChunkError> {
        self.discarded += 1;
        if self.discarded > MAX_DISCARDED {
            return Err(ChunkError::Malformed("too many extensions or trailers"));
        }
        Ok(())
    }
}

/// Whether a byte may be in an extension or a trailer: a control character may not.
const fn may_be_discarded(byte: u8) -> bool {
    byte == b'\t' || !byte.is_ascii_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_SIZE: usize = 20;

    /// Decodes pieces of `size` bytes. Returns the body or the error, or `None` if the body is
    /// incomplete.
    fn decode(bytes: &[u8], size: usize) -> Option<Result<Bytes, ChunkError>> {
        let mut chunks = Chunks::new(MAX_SIZE);
        let mut pieces = bytes.chunks(size);
        pieces.find_map(|piece| chunks.decode(piece).transpose())
    }

    fn decoded(bytes: &[u8]) -> Option<Result<Bytes, ChunkError>> {
        let whole = decode(bytes, bytes.len());
        for size in 1..bytes.len() {
            let shown = bytes.escape_ascii();
            assert_eq!(decode(bytes, size), whole, "{shown} in pieces of {size}");
        }
        whole
    }

    #[test]
    fn a_body_is_what_its_chunks_contain_however_they_are_cut() {
        for (sent, body) in [
            ("0\r\n\r\n", ""),
            ("5\r\nhello\r\n0\r\n\r\n", "hello"),
            ("5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n", "hello"),
            (
                "5\r\nhello\r\n1\r\n,\r\n6\r\n world\r\n0\r\n\r\n",
                "hello, world",
            ),
            (
                "A\r\n0123456789\r\na\r\n0123456789\r\n000\r\n\r\n",
                "01234567890123456789",
            ),
            ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n"),
            ("0000000000000001\r\nx\r\n0\r\n\r\n", "x"),
            ("1;name=value\r\nx\r\n0;a\r\n\r\n", "x"),
            ("1 \t;name=\"a;b\"\r\nx\r\n0\r\n\r\n", "x"),
            ("1\r\nx\r\n0\r\nname: value\r\nother: a\tb\r\n\r\n", "x"),
        ] {
            let expected = Bytes::from_static(body.as_bytes());
            assert_eq!(decoded(sent.as_bytes()), Some(Ok(expected)), "{sent:?}");
        }
    }

    #[test]
    fn what_is_not_exactly_a_chunk_is_rejected() {
        for bad in [
            &b"\r\n"[..],
            b"\n",
            b" 5\r\n",
            b";a\r\n",
            b"g\r\n",
            b"0x5\r\n",
            b"+5\r\n",
            b"-1\r\n",
            b"5_0\r\n",
            b"5\nhello",
            b"5\rhello",
            b"5 \r\nhello",
            b"5 5\r\nhello",
            b"5\x0b\r\n",
            b"5\0\r\n",
            b"5;a\nhello",
            b"5;a\rb\r\n",
            b"5;a\0\r\n",
            b"5\r\nhello\n",
            b"5\r\nhello\r5",
            b"5\r\nhello0\r\n",
            b"5\r\nhello\r\n\r\n",
            b"00000000000000001\r\n",
            b"10000000000000000\r\n",
            b"0\r\nname: value\n\r\n",
            b"0\r\nname: value\r\r\n",
            b"0\r\n name: value\r\n",
            b"0\r\nname: value\r\n\tmore\r\n\r\n",
            b"0\r\n\n",
            b"0\r\n\r\r",
        ] {
            let decoded = decoded(bad);
            let is_malformed = matches!(decoded, Some(Err(ChunkError::Malformed(_))));
            assert!(is_malformed, "{}: {decoded:?}", bad.escape_ascii());
        }
    }

    #[test]
    fn a_body_beyond_the_limit_is_rejected_when_its_size_is_known() {
        for large in [
            &b"15\r"[..],
            b"ffffffffffffffff\r",
            b"8000000000000000;a\r",
            b"14\r\n01234567890123456789\r\n1\r",
        ] {
            let expected = Some(Err(ChunkError::TooLarge));
            assert_eq!(decoded(large), expected, "{}", large.escape_ascii());
        }
    }

    #[test]
    fn extensions_and_trailers_have_a_limit_together() {
        let parts = |extension: usize, trailer: usize| {
            let (extension, trailer) = ("x".repeat(extension), "x".repeat(trailer));
            format!("0;{extension}\r\n{trailer}\r\n\r\n").into_bytes()
        };
        let within = parts(MAX_DISCARDED - 10, 10);
        assert_eq!(decode(&within, 1000), Some(Ok(Bytes::new())));
        for beyond in [parts(MAX_DISCARDED + 1, 10), parts(MAX_DISCARDED - 10, 11)] {
            let decoded = decode(&beyond, 1000);
            assert!(
                matches!(decoded, Some(Err(ChunkError::Malformed(_)))),
                "{decoded:?}"
            );
        }
    }

    #[test]
    fn an_incomplete_body_is_none() {
        let whole = b"5;a\r\nhello\r\n0\r\nname: value\r\n\r\n";
        for len in 1..whole.len() {
            assert_eq!(decoded(&whole[..len]), None, "{len} bytes");
        }
    }
}
