//! Reads the body of a request, within limits (RFC 9112 § 6).

mod chunks;

use bytes::{Bytes, BytesMut};
use http::header::{AsHeaderName, CONTENT_LENGTH, EXPECT, HeaderValue, TRANSFER_ENCODING};
use http::{Method, StatusCode, Version};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use self::chunks::{ChunkError, Chunks};
use crate::limits::Limits;
use crate::request::{Request, RequestError};

/// How many bytes are read at once, and reserved for what a client has only announced.
const READ_SIZE: usize = 8 * 1024;

/// How the end of a request's body is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Known(usize),
    Chunked,
}

/// Reads the body of a request. `read` is what was read after its head.
///
/// There are no two ways to understand where the body ends: a request with both framings, with one of
/// them twice, or with one that is not exactly as the standard writes it is rejected.
pub(crate) async fn read_body<I>(
    io: &mut I,
    head: &Request,
    mut read: BytesMut,
    limits: &Limits,
) -> Result<Bytes, RequestError>
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let expects_continue = expects_continue(head)?;
    let length = length(head)?;
    if matches!(length, Length::Known(len) if len > limits.max_body_size) {
        return Err(too_large());
    }
    // A client that has begun to send does not wait.
    if expects_continue && length != Length::Known(0) && read.is_empty() {
        let sent = io.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await;
        sent.map_err(RequestError::Io)?;
        io.flush().await.map_err(RequestError::Io)?;
    }
    match length {
        Length::Known(len) => {
            read.truncate(len);
            while read.len() < len {
                read_more(io, &mut read, len).await?;
            }
            Ok(read.freeze())
        }
        Length::Chunked => {
            let mut chunks = Chunks::new(limits.max_body_size);
            loop {
                match chunks.decode(&read) {
                    Ok(Some(body)) => return Ok(body),
                    Ok(None) => {}
                    Err(ChunkError::Malformed(reason)) => return Err(malformed(reason)),
                    Err(ChunkError::TooLarge) => return Err(too_large()),
                }
                read.clear();
                read_more(io, &mut read, READ_SIZE).await?;
            }
        }
    }
}

/// Appends some bytes, until `read` has `len` bytes at most.
async fn read_more<I>(io: &mut I, read: &mut BytesMut, len: usize) -> Result<(), RequestError>
where
    I: AsyncRead + Unpin,
{
    let room = len - read.len();
    read.reserve(room.min(READ_SIZE));
    let added = io.take(room as u64).read_buf(read).await;
    match added.map_err(RequestError::Io)? {
        0 => Err(malformed("the request body is incomplete")),
        _ => Ok(()),
    }
}

/// Whether the client waits for `100 Continue` (RFC 9110 § 10.1.1).
fn expects_continue(head: &Request) -> Result<bool, RequestError> {
    // Clients of HTTP/1.0 do not know the header, and proxies pass it on.
    if head.version() == Version::HTTP_10 {
        return Ok(false);
    }
    match single(head, EXPECT) {
        None => Ok(false),
        Some(Some(value)) if value.as_bytes().eq_ignore_ascii_case(b"100-continue") => Ok(true),
        Some(_) => Err(RequestError::Rejected(
            StatusCode::EXPECTATION_FAILED,
            "the only expectation that is met is 100-continue",
        )),
    }
}

/// Returns how the end of the body is marked (RFC 9112 § 6.3).
fn length(head: &Request) -> Result<Length, RequestError> {
    match (
        single(head, TRANSFER_ENCODING),
        single(head, CONTENT_LENGTH),
    ) {
        (Some(_), Some(_)) => Err(malformed("the body has two lengths")),
        // RFC 9112 § 6.1: its framing is faulty.
        (Some(_), None) if head.version() == Version::HTTP_10 => {
            Err(malformed("HTTP/1.0 has no transfer codings"))
        }
        (Some(Some(coding)), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => {
            Ok(Length::Chunked)
        }
        (Some(_), None) => Err(RequestError::Rejected(
            StatusCode::NOT_IMPLEMENTED,
            "the only transfer coding that is supported is chunked",
        )),
        (None, Some(Some(len))) => content_length(len.as_bytes()).map(Length::Known),
        (None, Some(None)) => Err(malformed("the body has two lengths")),
        // These methods have a body, even if it is empty (RFC 9110 § 8.6).
        (None, None) if [Method::POST, Method::PUT, Method::PATCH].contains(head.method()) => {
            Err(RequestError::Rejected(
                StatusCode::LENGTH_REQUIRED,
                "a request body must have a length",
            ))
        }
        (None, None) => Ok(Length::Known(0)),
    }
}

fn content_length(digits: &[u8]) -> Result<usize, RequestError> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(malformed("malformed Content-Length"));
    }
    let digit = |byte: &u8| usize::from(byte - b'0');
    let appended = |len: usize, digit| len.checked_mul(10)?.checked_add(digit);
    digits
        .iter()
        .map(digit)
        .try_fold(0, appended)
        .ok_or_else(too_large)
}

/// Returns the value of a header, or `Some(None)` if there are several.
fn single(head: &Request, name: impl AsHeaderName) -> Option<Option<&HeaderValue>> {
    let mut values = head.headers().get_all(name).iter();
    let value = values.next()?;
    Some(values.next().is_none().then_some(value))
}

const fn malformed(reason: &'static str) -> RequestError {
    RequestError::Rejected(StatusCode::BAD_REQUEST, reason)
}

const fn too_large() -> RequestError {
    RequestError::Rejected(
        StatusCode::PAYLOAD_TOO_LARGE,
        "the request body is too large",
    )
}
