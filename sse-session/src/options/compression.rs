//! The compression of streams, and the headers that say so.

use http::{HeaderMap, HeaderValue, header};

use super::SseOptions;
use crate::compression::{Compression, accepts_gzip};

impl SseOptions {
    /// Compresses streams for clients that accept it, by default not. Text such as JSON and HTML becomes a
    /// third to a tenth as long. With the feature `gzip`.
    ///
    /// Before you turn it on, read [`guide::compression`](crate::guide::compression): a stream in which the
    /// secrets of one user meet the text of another one tells the secrets by its length.
    ///
    /// ```
    /// use sse_session::{Compression, SseOptions};
    ///
    /// let options = SseOptions::new().compression(Compression::Gzip);
    /// # let _ = options;
    /// ```
    ///
    /// A request accepts gzip by its `Accept-Encoding` (RFC 9110 § 12.5.3), see
    /// [`uses_gzip`](Self::uses_gzip). The response to it has `Content-Encoding: gzip`, that to `HEAD` too.
    /// All responses of these options have `Vary: Accept-Encoding`. `sse_stream` has no request, so its
    /// responses are never compressed: call [`forward`](crate::forward) in a handler instead.
    ///
    /// No event waits in a compressor: each piece of the body is complete, and contains all that was sent
    /// since the last one. Keep-alives and other short pieces are stored as they are. A stream that ends in
    /// order ends with gzip's checksum; one whose handler failed has none.
    ///
    /// The [buffer](Self::buffer_size) and the [limits on events](Self::max_event_len) count bytes before
    /// compression. What the server and the kernel hold for a client is compressed, so their buffers hold
    /// more events than without.
    ///
    /// A stream holds 2 to 4 KiB more: its last text, with which the next piece is compressed. A thread that polls
    /// such streams has one compressor, of 0.3 MiB, for all of them.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Whether the response to a request with these values of `Accept-Encoding` is compressed with gzip:
    /// [compression](Self::compression) is on, `gzip`, `x-gzip` or `*` is accepted, and `identity` is not
    /// preferred. With the feature `gzip`.
    ///
    /// This is for adapters to other servers, see [`GzipStream`](crate::GzipStream).
    ///
    /// ```
    /// use sse_session::{Compression, SseOptions};
    ///
    /// let options = SseOptions::new().compression(Compression::Gzip);
    /// assert!(options.uses_gzip([&b"br;q=1.0, gzip;q=0.8"[..]]));
    /// assert!(!options.uses_gzip([&b"br, gzip;q=0"[..]]));
    /// assert!(!options.uses_gzip([]));
    /// assert!(!SseOptions::new().uses_gzip([&b"gzip"[..]]));
    /// ```
    #[must_use]
    pub fn uses_gzip<'a>(&self, accept_encoding: impl IntoIterator<Item = &'a [u8]>) -> bool {
        match self.compression {
            Compression::Off => false,
            Compression::Gzip => accepts_gzip(accept_encoding),
        }
    }

    /// Adds `Vary: Accept-Encoding` if the response depends on that.
    pub(super) fn vary(&self, headers: &mut HeaderMap) {
        const ACCEPT_ENCODING: &str = "accept-encoding";
        if self.compression == Compression::Off {
            return;
        }
        let fields = headers.get_all(header::VARY).iter();
        let mut names = fields.flat_map(|names| names.as_bytes().split(|byte| *byte == b','));
        if names.any(|name| {
            let name = name.trim_ascii();
            name == b"*" || name.eq_ignore_ascii_case(ACCEPT_ENCODING.as_bytes())
        }) {
            return;
        }
        let mut all = Vec::new();
        for names in headers.get_all(header::VARY) {
            all.extend_from_slice(names.as_bytes());
            all.extend_from_slice(b", ");
        }
        all.extend_from_slice(ACCEPT_ENCODING.as_bytes());
        // Values that were valid apart are valid together.
        if let Ok(all) = HeaderValue::from_bytes(&all) {
            headers.insert(header::VARY, all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vary_names_the_header_once_besides_others() {
        for (given, expected) in [
            (&[][..], &["accept-encoding"][..]),
            (&["Origin"], &["Origin, accept-encoding"]),
            (
                &["Origin", "Cookie, Accept"],
                &["Origin, Cookie, Accept, accept-encoding"],
            ),
            (&["Origin, Accept-Encoding"], &["Origin, Accept-Encoding"]),
            (
                &["Origin", "ACCEPT-ENCODING"],
                &["Origin", "ACCEPT-ENCODING"],
            ),
            (&["*"], &["*"]),
            (
                &["Accept-Encodings"],
                &["Accept-Encodings, accept-encoding"],
            ),
        ] {
            let mut options = SseOptions::new();
            for value in given {
                options = options.header("Vary", *value).expect("a valid header");
            }
            let vary = |options: &SseOptions| {
                let headers = options.response_headers();
                let values = headers.get_all(header::VARY).iter();
                values
                    .map(|value| value.to_str().expect("ASCII").to_owned())
                    .collect::<Vec<_>>()
            };
            assert_eq!(vary(&options), given);
            assert_eq!(vary(&options.compression(Compression::Gzip)), expected);
        }
    }
}
