//! The headers of the response.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::SseOptions;
use crate::error::HeaderError;

impl SseOptions {
    /// Adds a header to the response; a name can be given several times. A default header of the
    /// same name (`Cache-Control`, `X-Accel-Buffering`) is replaced.
    ///
    /// # Errors
    ///
    /// [`HeaderError::Invalid`] if HTTP does not allow the name or the value.
    /// [`HeaderError::Reserved`] for the headers that say what the body is and where it ends:
    /// `Content-Type`, `Content-Length`, `Content-Encoding`, `Transfer-Encoding`, `Connection`,
    /// `Trailer` and `Upgrade`.
    pub fn header<N, V>(mut self, name: N, value: V) -> Result<Self, HeaderError>
    where
        N: TryInto<HeaderName>,
        N::Error: Into<http::Error>,
        V: TryInto<HeaderValue>,
        V::Error: Into<http::Error>,
    {
        const RESERVED: [HeaderName; 7] = [
            header::CONTENT_TYPE,
            header::CONTENT_LENGTH,
            header::CONTENT_ENCODING,
            header::TRANSFER_ENCODING,
            header::CONNECTION,
            header::TRAILER,
            header::UPGRADE,
        ];
        let name = name
            .try_into()
            .map_err(|error| HeaderError::Invalid(error.into()))?;
        let value = value
            .try_into()
            .map_err(|error| HeaderError::Invalid(error.into()))?;
        if RESERVED.contains(&name) {
            return Err(HeaderError::Reserved(name));
        }
        self.headers
            .try_append(name, value)
            .map_err(|error| HeaderError::Invalid(error.into()))?;
        Ok(self)
    }

    /// Returns the response's headers: those of an event stream and the added ones.
    #[must_use]
    pub fn response_headers(&self) -> HeaderMap {
        let defaults = [
            (
                header::CONTENT_TYPE,
                // A stream is UTF-8 whatever this says, but Python's requests decodes text without
                // a charset as Latin-1.
                HeaderValue::from_static("text/event-stream; charset=utf-8"),
            ),
            (
                header::CACHE_CONTROL,
                // A proxy that compresses holds events back.
                HeaderValue::from_static("no-cache, no-transform"),
            ),
            // Not standard, but nginx and others then pass events on at once.
            (
                HeaderName::from_static("x-accel-buffering"),
                HeaderValue::from_static("no"),
            ),
        ];
        let mut headers = self.headers.clone();
        for (name, value) in defaults {
            headers.entry(name).or_insert(value);
        }
        #[cfg(feature = "gzip")]
        self.vary(&mut headers);
        headers
    }
}
