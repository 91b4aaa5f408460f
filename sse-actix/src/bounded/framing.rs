//! Where the body of a request ends (RFC 9112 § 6).

use actix_http::header::{CONTENT_LENGTH, HeaderMap, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use actix_http::{Payload, Request};

use super::chunked::ChunkedScan;

/// How the end of a body is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyFraming {
    Length(u64),
    Chunked,
    /// By the end of the connection: an upgrade or a tunnel.
    Close,
}

impl BodyFraming {
    /// Returns the framing of a request that actix has decoded, or `None` if it has no body.
    pub(super) fn of(request: &mut Request) -> Option<Self> {
        if let Payload::None = request.payload() {
            return None;
        }
        // In the order in which actix looks at them. It refuses requests with more than one of the
        // first two, and lengths that are not a number.
        let headers = &request.head().headers;
        Some(if headers.contains_key(TRANSFER_ENCODING) {
            Self::Chunked
        } else if is_websocket(headers) {
            Self::Close
        } else {
            let length = headers.get(CONTENT_LENGTH).and_then(parse_length);
            length.map_or(Self::Close, Self::Length)
        })
    }
}

fn is_websocket(headers: &HeaderMap) -> bool {
    let mut protocols = headers.get_all(UPGRADE);
    protocols.any(|protocol| {
        let protocol = protocol.as_bytes().trim_ascii();
        protocol.eq_ignore_ascii_case(b"websocket")
    })
}

fn parse_length(value: &HeaderValue) -> Option<u64> {
    value.to_str().ok()?.trim().parse().ok()
}

/// What is left of a request's body.
#[derive(Debug)]
pub(super) enum RequestBody {
    Length(u64),
    Chunked(ChunkedScan),
    Close,
}

impl RequestBody {
    pub(super) const fn new(framing: BodyFraming) -> Self {
        match framing {
            BodyFraming::Length(length) => Self::Length(length),
            BodyFraming::Chunked => Self::Chunked(ChunkedScan::new()),
            BodyFraming::Close => Self::Close,
        }
    }

    /// Reads a piece of the body. Returns how many chunks begin in it, and where the body ends.
    pub(super) fn advance(&mut self, piece: &[u8]) -> (usize, Option<usize>) {
        match self {
            Self::Length(left) => match usize::try_from(*left) {
                Ok(left) if left <= piece.len() => (0, Some(left)),
                _ => {
                    *left -= piece.len() as u64;
                    (0, None)
                }
            },
            Self::Chunked(scan) => {
                let before = scan.chunks();
                let end = scan.advance(piece);
                (scan.chunks() - before, end)
            }
            Self::Close => (0, None),
        }
    }
}
