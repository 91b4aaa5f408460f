//! Writing a response: its head, and the framing of its body.

use std::io::{self, IoSlice, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use bytes::{Buf, Bytes};
use http::header::{CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING};
use http::{HeaderMap, StatusCode, Version};
use tokio::io::AsyncWrite;
use tokio::time::{Sleep, sleep};
use tokio_util::io::poll_write_buf;

/// How a body's end is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is no body.
    None,
    /// The length is known (RFC 9112 § 6.2).
    Length,
    /// In chunks, the last of which is empty (RFC 9112 § 7.1).
    Chunked,
    /// By the end of the connection, for HTTP/1.0 clients.
    Close,
}

/// The bytes of a response's head; `len` is the body's length, if that is known.
pub(crate) fn head(
    version: Version,
    status: StatusCode,
    headers: &HeaderMap,
    framing: Framing,
    len: usize,
) -> Vec<u8> {
    let mut head = Vec::with_capacity(256);
    let minor = if version == Version::HTTP_10 {
        '0'
    } else {
        '1'
    };
    let reason = status.canonical_reason().unwrap_or_default();
    let date = httpdate::HttpDate::from(SystemTime::now());
    // Writing into a vector cannot fail.
    let _ = write!(head, "HTTP/1.{minor} {} {reason}\r\n", status.as_str());
    for (name, value) in headers {
        // How the body ends and that the connection closes is said here and nowhere else.
        if [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION].contains(name) {
            continue;
        }
        head.extend_from_slice(name.as_ref());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    if !headers.contains_key(DATE) {
        let _ = write!(head, "date: {date}\r\n");
    }
    match framing {
        Framing::Length => {
            let _ = write!(head, "content-length: {len}\r\n");
        }
        Framing::Chunked => head.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Framing::None | Framing::Close => {}
    }
    head.extend_from_slice(b"connection: close\r\n\r\n");
    head
}

/// A part of the response: what goes before it, its size, itself, and what goes behind it.
///
/// An open stream always has room for one, so this is as small as it can be.
pub(crate) struct Piece {
    before: Bytes,
    body: Bytes,
    size: Size,
    after: After,
}

impl Piece {
    fn parts(&self) -> [&[u8]; MOST_SLICES] {
        [
            &self.before,
            self.size.rest(),
            &self.body,
            self.after.rest(),
        ]
    }
}

impl Buf for Piece {
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

/// The line with a chunk's size, or nothing. It is held as it is written, for it is part of every
/// piece, and an allocation and the formatting of a number would be most of what framing costs.
struct Size {
    line: [u8; LONGEST_SIZE],
    /// How long the rest of it is.
    left: u8,
}

/// All hexadecimal digits that a length can have, and the line's end.
const LONGEST_SIZE: usize = 2 * size_of::<usize>() + 2;

impl Size {
    const NONE: Self = Self {
        line: [0; LONGEST_SIZE],
        left: 0,
    };

    fn of(len: usize) -> Self {
        let mut size = Self::NONE;
        let mut put = |byte| {
            size.left += 1;
            size.line[LONGEST_SIZE - usize::from(size.left)] = byte;
        };
        put(b'\n');
        put(b'\r');
        let mut rest = len;
        while rest > 0 {
            put(b"0123456789abcdef"[rest % 16]);
            rest /= 16;
        }
        size
    }

    fn rest(&self) -> &[u8] {
        &self.line[LONGEST_SIZE - usize::from(self.left)..]
    }

    fn advance(&mut self, count: usize) {
        self.left -= short(count);
    }
}

/// What goes behind a piece: a stretch of [`ENDS`].
struct After {
    start: u8,
    end: u8,
}

/// The end of a chunk, and the last chunk, which is empty.
const ENDS: &[u8] = b"\r\n0\r\n\r\n";

impl After {
    const NOTHING: Self = Self { start: 0, end: 0 };
    const CHUNK: Self = Self { start: 0, end: 2 };
    const LAST_CHUNK: Self = Self { start: 2, end: 7 };
    const CHUNK_AND_LAST: Self = Self { start: 0, end: 7 };

    fn rest(&self) -> &'static [u8] {
        &ENDS[usize::from(self.start)..usize::from(self.end)]
    }

    fn advance(&mut self, count: usize) {
        self.start += short(count);
    }
}

/// A count of what is shorter than 256 bytes.
fn short(count: usize) -> u8 {
    u8::try_from(count).unwrap_or(u8::MAX)
}

/// One piece of the body, framed; `before` goes out in the same write, and if the body is complete
/// with this piece, its end does.
pub(crate) fn piece(before: Vec<u8>, body: Bytes, framing: Framing, complete: bool) -> Piece {
    let after = match (framing, body.is_empty(), complete) {
        (Framing::Chunked, false, false) => After::CHUNK,
        (Framing::Chunked, false, true) => After::CHUNK_AND_LAST,
        (Framing::Chunked, true, true) => After::LAST_CHUNK,
        (Framing::Chunked, true, false) => After::NOTHING,
        (Framing::None | Framing::Length | Framing::Close, ..) => After::NOTHING,
    };
    let size = if framing == Framing::Chunked && !body.is_empty() {
        Size::of(body.len())
    } else {
        Size::NONE
    };
    Piece {
        before: before.into(),
        size,
        body,
        after,
    }
}

/// As much is copied together, for one range of memory is written at less than several.
pub(crate) const SMALL: usize = 512;

/// A piece of the body, framed in `room`; `None` if there is not enough of that, and of an empty
/// one. The body is not complete with it.
#[inline]
pub(crate) fn together<'a>(
    body: &'a [u8],
    framing: Framing,
    room: &'a mut [u8; SMALL],
) -> Option<&'a [u8]> {
    if body.is_empty() {
        return None;
    }
    if framing != Framing::Chunked {
        return Some(body);
    }
    // The line with the size grows towards what it stands before.
    let end = MOST_BEFORE + body.len();
    room.get_mut(MOST_BEFORE..end)?.copy_from_slice(body);
    room.get_mut(end..end + 2)?.copy_from_slice(b"\r\n");
    let (mut start, mut rest) = (MOST_BEFORE - 2, body.len());
    room[start..MOST_BEFORE].copy_from_slice(b"\r\n");
    while rest > 0 {
        start -= 1;
        room[start] = b"0123456789abcdef"[rest % 16];
        rest /= 16;
    }
    room.get(start..end + 2)
}

/// The longest line with the size of a piece that is put together with it.
const MOST_BEFORE: usize = 5;
const _: () = assert!(SMALL < 0x1000);

/// Writes some of `bytes`.
fn poll_write_some<I, B>(
    io: Pin<&mut I>,
    cx: &mut Context<'_>,
    bytes: &mut B,
) -> Poll<io::Result<usize>>
where
    I: AsyncWrite,
    B: Buf,
{
    let len = bytes.remaining();
    if len > SMALL || bytes.chunk().len() == len {
        return poll_write_buf(io, cx, bytes);
    }
    let mut slices = [IoSlice::new(&[]); MOST_SLICES];
    let count = bytes.chunks_vectored(&mut slices);
    let mut together = [0; SMALL];
    let mut filled = 0;
    for slice in &slices[..count] {
        together[filled..filled + slice.len()].copy_from_slice(slice);
        filled += slice.len();
    }
    let written = ready!(io.poll_write(cx, &together[..filled]))?;
    bytes.advance(written);
    Poll::Ready(Ok(written))
}

/// What a [`Piece`] has.
const MOST_SLICES: usize = 4;

/// Bytes on their way out.
pub(crate) struct Writing<B> {
    bytes: B,
    /// There is no timer unless there is something to wait for, and it is not part of this, for
    /// it would be there all the time.
    patience: Option<Pin<Box<Sleep>>>,
}

impl<B: Buf> Writing<B> {
    pub(crate) const fn new(bytes: B) -> Self {
        Self {
            bytes,
            patience: None,
        }
    }

    /// Ready when all is written. Each time that the client takes nothing, it has `limit` to take
    /// some.
    pub(crate) fn poll<I>(
        &mut self,
        io: &mut I,
        cx: &mut Context<'_>,
        limit: Duration,
    ) -> Poll<io::Result<()>>
    where
        I: AsyncWrite + Unpin,
    {
        loop {
            let io = Pin::new(&mut *io);
            let written = if self.bytes.has_remaining() {
                poll_write_some(io, cx, &mut self.bytes).map_ok(Some)
            } else {
                io.poll_flush(cx).map_ok(|()| None)
            };
            match written {
                Poll::Ready(Ok(Some(0))) => {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                Poll::Ready(Ok(Some(_))) => self.patience = None,
                Poll::Ready(Ok(None)) => return Poll::Ready(Ok(())),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    let patience = &mut self.patience;
                    let patience = patience.get_or_insert_with(|| Box::pin(sleep(limit)));
                    ready!(patience.as_mut().poll(cx));
                    return Poll::Ready(Err(io::Error::new(
                        io::ErrorKind::TimedOut,
                        "the client takes nothing any more",
                    )));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_s_size_is_in_hexadecimal_digits() {
        for len in [1, 9, 10, 15, 16, 255, 256, 0xabc_def, usize::MAX] {
            assert_eq!(Size::of(len).rest(), format!("{len:x}\r\n").as_bytes());
        }
        assert!(Size::NONE.rest().is_empty());
    }

    #[test]
    fn a_piece_goes_on_wherever_it_was_left() {
        let new = || {
            piece(
                b"head".to_vec(),
                Bytes::from_static(b"body"),
                Framing::Chunked,
                true,
            )
        };
        let whole = b"head4\r\nbody\r\n0\r\n\r\n";
        for count in 0..=whole.len() {
            let mut rest = new();
            rest.advance(count);
            assert_eq!(rest.remaining(), whole.len() - count);
            let mut slices = [IoSlice::new(&[]); MOST_SLICES];
            let filled = rest.chunks_vectored(&mut slices);
            let rest_of_it: Vec<u8> = slices[..filled].iter().flat_map(|it| it.to_vec()).collect();
            assert_eq!(rest_of_it, whole[count..]);
            assert!(whole[count..].starts_with(rest.chunk()));
        }
    }

    fn bytes_of(body: &'static str, framing: Framing, complete: bool) -> Bytes {
        let mut piece = piece(b"HEAD".to_vec(), body.into(), framing, complete);
        piece.copy_to_bytes(piece.remaining())
    }

    #[test]
    fn the_end_of_a_chunked_body_goes_with_its_last_piece() {
        let chunked = |body, complete| bytes_of(body, Framing::Chunked, complete);
        assert_eq!(chunked("data: 1\n\n", false), "HEAD9\r\ndata: 1\n\n\r\n");
        assert_eq!(
            chunked("data: 1\n\n", true),
            "HEAD9\r\ndata: 1\n\n\r\n0\r\n\r\n"
        );
        assert_eq!(chunked("", true), "HEAD0\r\n\r\n");
        // An empty chunk would be the end.
        assert_eq!(chunked("", false), "HEAD");
    }

    #[test]
    fn a_short_piece_is_framed_like_any_other() {
        for len in [
            0,
            1,
            15,
            16,
            255,
            256,
            SMALL - 8,
            SMALL - 7,
            SMALL - 6,
            SMALL,
        ] {
            let body = vec![b'x'; len];
            for framing in [Framing::Chunked, Framing::Close] {
                let mut piece = piece(Vec::new(), body.clone().into(), framing, false);
                let piece = piece.copy_to_bytes(piece.remaining());
                let is_short = len > 0 && (len + 7 <= SMALL || framing == Framing::Close);
                let mut room = [0; SMALL];
                let together = together(&body, framing, &mut room);
                assert_eq!(together, is_short.then_some(&*piece), "{len} {framing:?}");
            }
        }
    }

    #[test]
    fn without_chunks_nothing_is_added_to_a_body() {
        for complete in [false, true] {
            assert_eq!(bytes_of("text", Framing::Close, complete), "HEADtext");
            assert_eq!(bytes_of("text", Framing::Length, complete), "HEADtext");
        }
    }
}
