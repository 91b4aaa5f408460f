//! Reads the head of a request, within limits.

use std::io;
use std::net::SocketAddr;

use bytes::{Buf as _, BytesMut};
use http::header::{HOST, HeaderName, HeaderValue};
use http::{Method, StatusCode, Uri, Version};
use memchr::memchr_iter;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::limits::Limits;

/// A request. It has no body, as those of `GET`, `HEAD` and `OPTIONS` are not read; those of other
/// methods are `Request<Bytes>`, see [`Methods`](crate::Methods).
///
/// All adapters have a type of this name, so that handlers look the same in all of them.
pub type Request<B = ()> = http::Request<B>;

/// The address of a request's client, among its extensions if the server is set to put it there:
/// [`Server::with_peer_addr`](crate::Server::with_peer_addr).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// What was read after the head of a request, among its extensions until its body is read. Requests whose
/// body is not read are not made larger by it.
#[derive(Clone)]
pub(crate) struct ReadAhead(pub(crate) BytesMut);

/// Whether the body of a request with this method may be read.
pub(crate) fn may_have_body(method: &Method) -> bool {
    ![Method::GET, Method::HEAD, Method::OPTIONS].contains(method)
}

/// Why there is no request.
#[derive(Debug)]
pub(crate) enum RequestError {
    /// The client closed the connection without sending anything.
    Gone,
    Io(io::Error),
    /// The status with which the request is answered, and the reason.
    Rejected(StatusCode, &'static str),
}

/// Reads one request head. What follows it stays unread, is discarded, or becomes a [`ReadAhead`].
pub(crate) async fn read_head<I>(io: &mut I, limits: &Limits) -> Result<Request, RequestError>
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
        let is_first = head.is_empty();
        head.reserve(1);
        let read = io
            .take(room as u64)
            .read_buf(&mut head)
            .await
            .map_err(RequestError::Io)?;
        if read == 0 {
            return Err(if is_first {
                RequestError::Gone
            } else {
                RequestError::Rejected(StatusCode::BAD_REQUEST, "the request head is incomplete")
            });
        }
        // The first bytes are parsed at once, so that what is not HTTP is rejected without delay.
        // After that, the head is parsed only when it is complete: a client that sends single
        // bytes must not cause a parse for each of them.
        let is_complete = is_complete(&head, &mut scanned);
        if (is_complete || is_first)
            && let Some((mut request, len)) = parse(&head, limits)?
        {
            if may_have_body(request.method()) {
                head.advance(len);
                request.extensions_mut().insert(ReadAhead(head));
            }
            return Ok(request);
        }
        if is_complete {
            return Err(RequestError::Rejected(
                StatusCode::BAD_REQUEST,
                "malformed request head",
            ));
        }
    }
}

/// Whether the head ends with its blank line. Empty lines before the request line are skipped
/// (RFC 9112 § 2.2). `scanned` is the offset at which the next call continues.
fn is_complete(head: &[u8], scanned: &mut usize) -> bool {
    let start = head
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .count();
    let from = start.max(*scanned);
    for line_end in memchr_iter(b'\n', &head[from..]) {
        match head[from + line_end + 1..] {
            [b'\n', ..] | [b'\r', b'\n', ..] => return true,
            [] | [b'\r'] => {
                // It depends on the next bytes.
                *scanned = from + line_end;
                return false;
            }
            _ => {}
        }
    }
    *scanned = head.len();
    false
}

/// Parses the request. Returns it with the length of its head, or `None` if that is not complete.
fn parse(head: &[u8], limits: &Limits) -> Result<Option<(Request, usize)>, RequestError> {
    // A header line has three bytes at least, so no more are needed whatever the limit.
    let max_lines = limits.max_headers.min(head.len() / b"a:\n".len());
    let mut lines = vec![httparse::EMPTY_HEADER; max_lines];
    let mut parsed = httparse::Request::new(&mut lines);
    let len = match parsed.parse(head) {
        Ok(httparse::Status::Complete(len)) => len,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(too_large()),
        Err(httparse::Error::Version) => {
            return Err(RequestError::Rejected(
                StatusCode::HTTP_VERSION_NOT_SUPPORTED,
                "only HTTP/1.0 and HTTP/1.1 are supported",
            ));
        }
        Err(_) => return Err(malformed("malformed request head")),
    };

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

    // RFC 9112 § 3.2: exactly one valid Host in HTTP/1.1, at most one in HTTP/1.0.
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() || (host.is_none() && request.version() == Version::HTTP_11) {
        return Err(malformed("exactly one Host header is required"));
    }
    if host.is_some_and(|host| !host.as_bytes().iter().copied().all(may_be_in_host)) {
        return Err(malformed("malformed Host header"));
    }
    Ok(Some((request, len)))
}

/// Whether a byte may be in a host and a port (RFC 3986 § 3.2.2), which may be empty.
fn may_be_in_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=[]:".contains(&byte)
}

const fn malformed(reason: &'static str) -> RequestError {
    RequestError::Rejected(StatusCode::BAD_REQUEST, reason)
}

const fn too_large() -> RequestError {
    RequestError::Rejected(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "the request head is too large",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the head from pieces of `size` bytes.
    async fn read(bytes: &[u8], size: usize) -> Result<Request, RequestError> {
        let limits = Limits::new().max_head_size(256).max_headers(4);
        let mut io = pieces_of(bytes, size);
        read_head(&mut io, &limits).await
    }

    fn pieces_of(bytes: &[u8], size: usize) -> impl AsyncRead + Unpin {
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

    fn status(result: Result<Request, RequestError>) -> u16 {
        match result {
            Err(RequestError::Rejected(status, _)) => status.as_u16(),
            other => panic!("not rejected: {other:?}"),
        }
    }

    #[tokio::test]
    async fn a_head_is_read_however_it_is_split() {
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
    async fn any_valid_host_is_accepted() {
        for host in [
            "",
            "a",
            "a_b.c:80",
            "[::1]:3000",
            "%2Frun%2Fsocket",
            "xn--bcher-kva.example",
        ] {
            let head = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
            let request = read(head.as_bytes(), 64).await.expect("a request");
            assert_eq!(request.headers()[HOST], host);
        }
    }

    #[tokio::test]
    async fn malformed_requests_are_rejected() {
        for bad in [
            &b"\x16\x03\x01\x02\x00\x01\x00"[..],
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: user@a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: \xc3\xb8\r\n\r\n",
            b"GET /\r\nHost: a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
            // Two ways to smuggle a length: a line that continues, and a blank before the colon.
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n 5\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nb: c\r\n\tTransfer-Encoding: chunked\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\rb: c\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\0chunked\r\n\r\n",
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
    async fn the_limits_are_enforced() {
        let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(256));
        assert_eq!(status(read(long.as_bytes(), 1000).await), 431);
        assert_eq!(status(read(long.as_bytes(), 1).await), 431);
        let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "a: b\r\n".repeat(4));
        assert_eq!(status(read(many.as_bytes(), 1000).await), 431);
    }

    #[tokio::test]
    async fn limits_may_be_as_large_as_can_be() {
        let limits = Limits::new()
            .max_head_size(usize::MAX)
            .max_headers(usize::MAX);
        let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "a:\n".repeat(300));
        let mut io = pieces_of(head.as_bytes(), 100);
        let request = read_head(&mut io, &limits).await.expect("a request");
        assert_eq!(request.headers().len(), 301);
    }

    #[tokio::test]
    async fn a_client_that_sends_nothing_causes_no_error() {
        assert!(matches!(read(b"", 1).await, Err(RequestError::Gone)));
    }
}
