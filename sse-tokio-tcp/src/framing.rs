//! The framing of a response's body (RFC 9112 § 6 and § 7.1).

use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// How the end of a body is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is no body.
    None,
    /// By its length, which is known (RFC 9112 § 6.2).
    Length,
    /// By an empty chunk after all others (RFC 9112 § 7.1).
    Chunked,
    /// By the end of the connection, for HTTP/1.0 clients.
    Close,
}

/// What follows a piece of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Another piece.
    Piece,
    /// The end: the body is complete.
    End,
    /// The end of the connection, although the body is not complete.
    Failure,
}

/// A piece of a body with its framing: what is written before it, the line with its size, the
/// piece itself, and what follows it.
///
/// It is kept small, as it is moved for every piece that is written.
pub(crate) struct FramedPiece {
    before: Bytes,
    size: ChunkSize,
    body: Bytes,
    after: ChunkEnd,
}

/// The number of parts of a [`FramedPiece`].
pub(crate) const MAX_SLICES: usize = 4;

impl FramedPiece {
    /// Frames one piece of a body. `before` is written together with it, and so is what shows how
    /// the body ends, if it ends with this piece.
    pub(crate) fn new(before: Vec<u8>, body: Bytes, framing: Framing, next: Next) -> Self {
        let after = match (framing, body.is_empty(), next) {
            (Framing::Chunked, false, Next::Piece) => ChunkEnd::LINE,
            (Framing::Chunked, false, Next::End) => ChunkEnd::LINE_AND_LAST_CHUNK,
            (Framing::Chunked, false, Next::Failure) => ChunkEnd::LINE_AND_OPEN_CHUNK,
            // An empty chunk would end the body.
            (Framing::Chunked, true, Next::Piece) => ChunkEnd::NONE,
            (Framing::Chunked, true, Next::End) => ChunkEnd::LAST_CHUNK,
            (Framing::Chunked, true, Next::Failure) => ChunkEnd::OPEN_CHUNK,
            (Framing::None | Framing::Length | Framing::Close, ..) => ChunkEnd::NONE,
        };
        let size = if framing == Framing::Chunked && !body.is_empty() {
            ChunkSize::of(body.len())
        } else {
            ChunkSize::NONE
        };
        Self {
            before: before.into(),
            size,
            body,
            after,
        }
    }

    fn parts(&self) -> [&[u8]; MAX_SLICES] {
        [
            &self.before,
            self.size.rest(),
            &self.body,
            self.after.rest(),
        ]
    }
}

impl Buf for FramedPiece {
    fn remaining(&self) -> usize {
        self.parts().iter().map(|part| part.len()).sum()
    }

    fn chunk(&self) -> &[u8] {
        let parts = self.parts();
        parts
            .into_iter()
            .find(|part| !part.is_empty())
            .unwrap_or_default()
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let parts = self.parts().into_iter().filter(|part| !part.is_empty());
        let filled = slices.iter_mut().zip(parts);
        filled
            .map(|(slice, part)| *slice = IoSlice::new(part))
            .count()
    }

    fn advance(&mut self, count: usize) {
        let mut count = count;
        let mut take = |len: usize| {
            let taken = count.min(len);
            count -= taken;
            taken
        };
        self.before.advance(take(self.before.len()));
        self.size.advance(take(self.size.rest().len()));
        self.body.advance(take(self.body.len()));
        self.after.advance(take(self.after.rest().len()));
    }
}

/// The line with the size of a chunk, or nothing.
///
/// It is formatted in place: every piece has one, and an allocation and the formatting machinery
/// would be most of the cost of framing.
struct ChunkSize {
    /// The line, at the end of the array.
    line: [u8; MAX_SIZE_LINE],
    /// The length of what is left of it.
    left: u8,
}

/// The length of the longest line: all hexadecimal digits of a `usize`, and CR LF.
const MAX_SIZE_LINE: usize = 2 * size_of::<usize>() + 2;

impl ChunkSize {
    const NONE: Self = Self {
        line: [0; MAX_SIZE_LINE],
        left: 0,
    };

    fn of(len: usize) -> Self {
        let mut size = Self::NONE;
        let mut prepend = |byte| {
            size.left += 1;
            size.line[MAX_SIZE_LINE - usize::from(size.left)] = byte;
        };
        prepend(b'\n');
        prepend(b'\r');
        let mut rest = len;
        while rest > 0 {
            prepend(b"0123456789abcdef"[rest % 16]);
            rest /= 16;
        }
        size
    }

    /// The index at which the rest of the line begins.
    fn start(&self) -> usize {
        MAX_SIZE_LINE - usize::from(self.left)
    }

    fn rest(&self) -> &[u8] {
        &self.line[self.start()..]
    }

    fn advance(&mut self, count: usize) {
        self.left -= saturate(count);
    }
}

/// What follows a piece: a range of [`CHUNK_ENDS`].
struct ChunkEnd {
    start: u8,
    end: u8,
}

/// The end of a chunk; the last chunk, which is empty; and a chunk of which nothing follows but the
/// end of the connection.
///
/// The last one makes a failure visible: some recipients, such as h2o, take a body for complete if
/// the connection ends between two chunks. A reset would be seen too, but can destroy data in
/// transit.
const CHUNK_ENDS: &[u8] = b"\r\n0\r\n\r\n1\r\n";

impl ChunkEnd {
    const NONE: Self = Self { start: 0, end: 0 };
    const LINE: Self = Self { start: 0, end: 2 };
    const LAST_CHUNK: Self = Self { start: 2, end: 7 };
    const LINE_AND_LAST_CHUNK: Self = Self { start: 0, end: 7 };
    const OPEN_CHUNK: Self = Self { start: 7, end: 10 };
    const LINE_AND_OPEN_CHUNK: Self = Self { start: 5, end: 10 };

    fn rest(&self) -> &'static [u8] {
        &CHUNK_ENDS[usize::from(self.start)..usize::from(self.end)]
    }

    fn advance(&mut self, count: usize) {
        self.start += saturate(count);
    }
}

/// Narrows a count that never exceeds 255.
fn saturate(count: usize) -> u8 {
    u8::try_from(count).unwrap_or(u8::MAX)
}

/// The size up to which a piece is copied into one contiguous buffer: one `write` of that costs
/// less than a `writev` of several parts.
pub(crate) const INLINE_SIZE: usize = 512;

/// Frames a piece of a body in `buffer`. Returns `None` if it does not fit or is empty. The body is
/// not complete with it.
#[inline]
pub(crate) fn frame_inline<'a>(
    body: &'a [u8],
    framing: Framing,
    buffer: &'a mut [u8; INLINE_SIZE],
) -> Option<&'a [u8]> {
    if body.is_empty() {
        return None;
    }
    if framing != Framing::Chunked {
        return Some(body);
    }
    let size = ChunkSize::of(body.len());
    let body_end = MAX_SIZE_LINE + body.len();
    let end = body_end + ChunkEnd::LINE.rest().len();
    buffer
        .get_mut(body_end..end)?
        .copy_from_slice(ChunkEnd::LINE.rest());
    buffer[MAX_SIZE_LINE..body_end].copy_from_slice(body);
    buffer[..MAX_SIZE_LINE].copy_from_slice(&size.line);
    buffer.get(size.start()..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_a_chunk_is_in_hexadecimal_digits() {
        for len in [1, 9, 10, 15, 16, 255, 256, 0xabc_def, usize::MAX] {
            assert_eq!(ChunkSize::of(len).rest(), format!("{len:x}\r\n").as_bytes());
        }
        assert!(ChunkSize::NONE.rest().is_empty());
    }

    #[test]
    fn a_piece_continues_wherever_it_was_interrupted() {
        let new = || {
            FramedPiece::new(
                b"head".to_vec(),
                Bytes::from_static(b"body"),
                Framing::Chunked,
                Next::End,
            )
        };
        let whole = b"head4\r\nbody\r\n0\r\n\r\n";
        for count in 0..=whole.len() {
            let mut rest = new();
            rest.advance(count);
            assert_eq!(rest.remaining(), whole.len() - count);
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            let filled = rest.chunks_vectored(&mut slices);
            let bytes: Vec<u8> = slices[..filled].iter().flat_map(|it| it.to_vec()).collect();
            assert_eq!(bytes, whole[count..]);
            assert!(whole[count..].starts_with(rest.chunk()));
        }
    }

    fn bytes_of(body: &'static str, framing: Framing, next: Next) -> Bytes {
        let mut piece = FramedPiece::new(b"HEAD".to_vec(), body.into(), framing, next);
        piece.copy_to_bytes(piece.remaining())
    }

    #[test]
    fn the_end_of_a_chunked_body_follows_its_last_piece() {
        let chunked = |body, next| bytes_of(body, Framing::Chunked, next);
        assert_eq!(
            chunked("data: 1\n\n", Next::Piece),
            "HEAD9\r\ndata: 1\n\n\r\n"
        );
        assert_eq!(
            chunked("data: 1\n\n", Next::End),
            "HEAD9\r\ndata: 1\n\n\r\n0\r\n\r\n"
        );
        assert_eq!(chunked("", Next::End), "HEAD0\r\n\r\n");
        // An empty chunk would end the body.
        assert_eq!(chunked("", Next::Piece), "HEAD");
    }

    #[test]
    fn a_chunked_body_that_fails_ends_within_a_chunk() {
        let failed = |body| bytes_of(body, Framing::Chunked, Next::Failure);
        assert_eq!(failed(""), "HEAD1\r\n");
        assert_eq!(failed("data: 1\n\n"), "HEAD9\r\ndata: 1\n\n\r\n1\r\n");
    }

    #[test]
    fn a_short_piece_is_framed_inline_like_any_other() {
        const MAX_INLINE: usize = INLINE_SIZE - MAX_SIZE_LINE - 2;
        for len in [
            0,
            1,
            15,
            16,
            255,
            256,
            MAX_INLINE - 1,
            MAX_INLINE,
            MAX_INLINE + 1,
            INLINE_SIZE,
        ] {
            let body = vec![b'x'; len];
            for framing in [Framing::Chunked, Framing::Close] {
                let mut piece =
                    FramedPiece::new(Vec::new(), body.clone().into(), framing, Next::Piece);
                let piece = piece.copy_to_bytes(piece.remaining());
                let fits = len > 0 && (len <= MAX_INLINE || framing == Framing::Close);
                let mut buffer = [0; INLINE_SIZE];
                let inline = frame_inline(&body, framing, &mut buffer);
                assert_eq!(inline, fits.then_some(&*piece), "{len} {framing:?}");
            }
        }
    }

    #[test]
    fn nothing_is_added_to_a_body_without_chunks() {
        for next in [Next::Piece, Next::End, Next::Failure] {
            assert_eq!(bytes_of("text", Framing::Close, next), "HEADtext");
            assert_eq!(bytes_of("text", Framing::Length, next), "HEADtext");
        }
    }
}
