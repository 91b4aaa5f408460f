//! The head of a response.

use std::io::Write as _;
use std::time::SystemTime;

use http::header::{CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING};
use http::{HeaderMap, StatusCode, Version};

use crate::framing::Framing;

/// Returns the bytes of a response's head. `len` is the length of the body, where it is known.
pub(crate) fn encode_head(
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
    // Writing into a vector cannot fail.
    let _ = write!(head, "HTTP/1.{minor} {} {reason}\r\n", status.as_str());
    for (name, value) in headers {
        // The server alone decides how the body is framed and when the connection closes.
        if [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION].contains(name) {
            continue;
        }
        head.extend_from_slice(name.as_ref());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    if !headers.contains_key(DATE) {
        let date = httpdate::HttpDate::from(SystemTime::now());
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

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_server_alone_decides_about_the_body_and_the_connection() {
        let mut headers = HeaderMap::new();
        headers.insert(CONNECTION, HeaderValue::from_static("keep-alive"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("7"));
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("gzip"));
        headers.insert(DATE, HeaderValue::from_static("today"));
        headers.append("x-twice", HeaderValue::from_static("1"));
        headers.append("x-twice", HeaderValue::from_static("2"));
        for (version, framing, expected) in [
            (
                Version::HTTP_11,
                Framing::Chunked,
                "HTTP/1.1 200 OK\r\ndate: today\r\nx-twice: 1\r\nx-twice: 2\r\n\
                 transfer-encoding: chunked\r\nconnection: close\r\n\r\n",
            ),
            (
                Version::HTTP_10,
                Framing::Close,
                "HTTP/1.0 200 OK\r\ndate: today\r\nx-twice: 1\r\nx-twice: 2\r\n\
                 connection: close\r\n\r\n",
            ),
            (
                Version::HTTP_11,
                Framing::Length,
                "HTTP/1.1 200 OK\r\ndate: today\r\nx-twice: 1\r\nx-twice: 2\r\n\
                 content-length: 5\r\nconnection: close\r\n\r\n",
            ),
        ] {
            let head = encode_head(version, StatusCode::OK, &headers, framing, 5);
            assert_eq!(String::from_utf8(head).unwrap(), expected);
        }
    }
}
