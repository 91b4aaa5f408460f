//! Reading the head of a request, within limits.

use std::io;

use bytes::BytesMut;
use http::header::{HOST, HeaderName, HeaderValue};
use http::{Method, StatusCode, Uri, Version};
use memchr::memchr_iter;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::limits::Limits;

/// A request. Bodies are not read, so it has none.
///
/// Every adapter has a type of this name, so that a handler reads the same in all of them.
pub type Request = http::Request<()>;

/// What came instead of a request.
#[derive(Debug)]
pub(crate) enum HeadError {
    /// The client went away before it had asked for anything.
    Gone,
    Io(io::Error),
    /// The answer that the client gets, and why.
    Rejected(StatusCode, &'static str),
}

/// Reads one request's head. What follows it stays unread or is dropped.
pub(crate) async fn read_head<I>(io: &mut I, limits: &Limits) -> Result<Request, HeadError>
where
    I: AsyncRead + Unpin,
{
    let mut head = BytesMut::with_capacity(1024.min(limits.max_head_size));
    let mut scanned = 0;
    loop {
        let room = limits.max_head_size.saturating_sub(head.len());
        if room == 0 {
            return Err(too_large());
        }
        let first = head.is_empty();
        head.reserve(1);
        let read = io
            .take(room as u64)
            .read_buf(&mut head)
            .await
            .map_err(HeadError::Io)?;
        if read == 0 {
            return Err(if first {
                HeadError::Gone
            } else {
                HeadError::Rejected(
                    StatusCode::BAD_REQUEST,
                    "the head of the request is cut off",
                )
            });
        }
        // The head is parsed once it is whole, or a client that sends it byte by byte would have
        // it parsed for each; and at first, so that what is not HTTP at all is told at once.
        let whole = is_whole(&head, &mut scanned);
        if (whole || first)
            && let Some(request) = parse(&head, limits)?
        {
            return Ok(request);
        }
        if whole {
            return Err(HeadError::Rejected(
                StatusCode::BAD_REQUEST,
                "malformed head",
            ));
        }
    }
}

/// Whether the head has the blank line that ends it; empty lines before the request line do not
/// count (RFC 9112 § 2.2). `scanned` is where to go on looking next time.
fn is_whole(head: &[u8], scanned: &mut usize) -> bool {
    let start = head
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .count();
    let from = start.max(*scanned);
    for line_end in memchr_iter(b'\n', &head[from..]) {
        match head[from + line_end + 1..] {
            [b'\n', ..] | [b'\r', b'\n', ..] => return true,
            [] | [b'\r'] => {
                // The next bytes decide.
                *scanned = from + line_end;
                return false;
            }
            _ => {}
        }
    }
    *scanned = head.len();
    false
}

/// The request, or `None` while the head is not whole.
fn parse(head: &[u8], limits: &Limits) -> Result<Option<Request>, HeadError> {
    let mut lines = vec![httparse::EMPTY_HEADER; limits.max_headers];
    let mut parsed = httparse::Request::new(&mut lines);
    match parsed.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(too_large()),
        Err(httparse::Error::Version) => {
            return Err(HeadError::Rejected(
                StatusCode::HTTP_VERSION_NOT_SUPPORTED,
                "only HTTP/1.0 and HTTP/1.1 are spoken here",
            ));
        }
        Err(_) => return Err(malformed("malformed head")),
    }

    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(parsed.method.unwrap_or_default().as_bytes())
        .map_err(|_| malformed("malformed method"))?;
    *request.uri_mut() = Uri::try_from(parsed.path.unwrap_or_default())
        .map_err(|_| malformed("malformed request target"))?;
    *request.version_mut() = if parsed.version == Some(0) {
        Version::HTTP_10
    } else {
        Version::HTTP_11
    };
    for line in parsed.headers.iter() {
        let name = HeaderName::from_bytes(line.name.as_bytes())
            .map_err(|_| malformed("malformed header name"))?;
        let value =
            HeaderValue::from_bytes(line.value).map_err(|_| malformed("malformed header value"))?;
        request
            .headers_mut()
            .try_append(name, value)
            .map_err(|_| too_large())?;
    }

    // RFC 9112 § 3.2: exactly one Host in HTTP/1.1, at most one in HTTP/1.0.
    let hosts = request.headers().get_all(HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        return Err(malformed("a request has one Host header"));
    }
    Ok(Some(request))
}

const fn malformed(why: &'static str) -> HeadError {
    HeadError::Rejected(StatusCode::BAD_REQUEST, why)
}

const fn too_large() -> HeadError {
    HeadError::Rejected(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "the head of the request is too large",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the head from pieces of `size` bytes.
    async fn read(bytes: &[u8], size: usize) -> Result<Request, HeadError> {
        let limits = Limits::new().max_head_size(256).max_headers(4);
        let mut io = tokio_test_io(bytes, size);
        read_head(&mut io, &limits).await
    }

    fn tokio_test_io(bytes: &[u8], size: usize) -> impl AsyncRead + Unpin {
        let pieces: Vec<_> = bytes
            .chunks(size)
            .map(|piece| Ok(piece.to_vec().into()))
            .collect();
        tokio_util::io::StreamReader::new(Pieces(pieces.into_iter()))
    }

    struct Pieces(std::vec::IntoIter<io::Result<bytes::Bytes>>);

    impl futures_core::Stream for Pieces {
        type Item = io::Result<bytes::Bytes>;

        fn poll_next(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Self::Item>> {
            std::task::Poll::Ready(self.0.next())
        }
    }

    fn status(result: Result<Request, HeadError>) -> u16 {
        match result {
            Err(HeadError::Rejected(status, _)) => status.as_u16(),
            other => panic!("not rejected: {other:?}"),
        }
    }

    #[tokio::test]
    async fn a_head_is_read_however_it_is_cut() {
        let head = b"\r\nGET /a?b=c HTTP/1.1\r\nHost: x\r\nLast-Event-ID: \xc3\xb8\r\n\r\nearly";
        for size in 1..=head.len() {
            let request = read(head, size).await.expect("a request");
            assert_eq!(request.uri(), "/a?b=c");
            assert_eq!(
                request.headers()["last-event-id"].as_bytes(),
                "ø".as_bytes()
            );
        }
        let bare = read(b"GET / HTTP/1.0\n\n", 1)
            .await
            .expect("bare LF is accepted");
        assert_eq!(bare.version(), Version::HTTP_10);
    }

    #[tokio::test]
    async fn what_is_not_a_request_is_rejected() {
        for bad in [
            &b"\x16\x03\x01\x02\x00\x01\x00"[..],
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
            b"GET /\r\nHost: a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n",
        ] {
            for size in [1, 7, bad.len()] {
                assert_eq!(status(read(bad, size).await), 400, "{}", bad.escape_ascii());
            }
        }
        assert_eq!(
            status(read(b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 64).await),
            505
        );
    }

    #[tokio::test]
    async fn the_limits_hold() {
        let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(256));
        assert_eq!(status(read(long.as_bytes(), 1000).await), 431);
        assert_eq!(status(read(long.as_bytes(), 1).await), 431);
        let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "a: b\r\n".repeat(4));
        assert_eq!(status(read(many.as_bytes(), 1000).await), 431);
    }

    #[tokio::test]
    async fn a_client_that_sends_nothing_is_no_error() {
        assert!(matches!(read(b"", 1).await, Err(HeadError::Gone)));
    }
}
