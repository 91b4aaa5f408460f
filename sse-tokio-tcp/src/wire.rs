//! Writing a response: its head, and the framing of its body.

use std::io::{self, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use bytes::buf::Chain;
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
    Length(usize),
    /// In chunks, the last of which is empty (RFC 9112 § 7.1).
    Chunked,
    /// By the end of the connection, for HTTP/1.0 clients.
    Close,
}

/// The bytes of a response's head.
pub(crate) fn head(
    version: Version,
    status: StatusCode,
    headers: &HeaderMap,
    framing: Framing,
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
        Framing::Length(len) => {
            let _ = write!(head, "content-length: {len}\r\n");
        }
        Framing::Chunked => head.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Framing::None | Framing::Close => {}
    }
    head.extend_from_slice(b"connection: close\r\n\r\n");
    head
}

/// A part of the response: what goes before it, itself, and what goes behind it.
pub(crate) type Piece = Chain<Chain<Bytes, Bytes>, &'static [u8]>;

/// One piece of the body, framed; `before` goes out in the same write, and if the body is complete
/// with this piece, its end does.
pub(crate) fn piece(before: Vec<u8>, body: Bytes, framing: Framing, complete: bool) -> Piece {
    let mut before = before;
    let after: &[u8] = match (framing, body.is_empty(), complete) {
        (Framing::Chunked, false, false) => b"\r\n",
        (Framing::Chunked, false, true) => b"\r\n0\r\n\r\n",
        (Framing::Chunked, true, true) => b"0\r\n\r\n",
        (Framing::Chunked, true, false) => b"",
        (Framing::None | Framing::Length(_) | Framing::Close, ..) => b"",
    };
    if framing == Framing::Chunked && !body.is_empty() {
        let _ = write!(before, "{:x}\r\n", body.len());
    }
    Bytes::from(before).chain(body).chain(after)
}

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
                poll_write_buf(io, cx, &mut self.bytes).map_ok(Some)
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
    fn without_chunks_nothing_is_added_to_a_body() {
        for complete in [false, true] {
            assert_eq!(bytes_of("text", Framing::Close, complete), "HEADtext");
            assert_eq!(bytes_of("text", Framing::Length(4), complete), "HEADtext");
        }
    }
}
