//! A response that is not an event stream: what is kept of it for error messages, and its
//! `Retry-After`.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use http::header::{DATE, RETRY_AFTER};
use http::response::Parts;
use http::{HeaderMap, HeaderName, Response, StatusCode};
use http_body::Body as _;

use crate::second_look::within;
use crate::transport::Body;

/// The head of a response that is not an event stream, and the start of its body.
#[derive(Clone, Debug)]
pub struct Rejected {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Rejected {
    /// The number of bytes of the body that are kept: 8 KiB.
    pub const MAX_BODY_LEN: usize = 8 * 1024;

    /// The time limit for reading the start of the body.
    const MAX_BODY_WAIT: Duration = Duration::from_secs(5);

    /// Reads the start of the body, as far as it arrives in time and without an error.
    pub(crate) async fn read(response: Response<Body>) -> Self {
        let (
            Parts {
                status, headers, ..
            },
            mut body,
        ) = response.into_parts();
        let mut start = BytesMut::new();
        let read = async {
            while start.len() < Self::MAX_BODY_LEN
                && let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await
            {
                if let Some(data) = frame.data_ref() {
                    let room = Self::MAX_BODY_LEN - start.len();
                    start.extend_from_slice(&data[..data.len().min(room)]);
                }
            }
        };
        // What was read before the timeout is kept.
        let _ = within(Self::MAX_BODY_WAIT, read).await;
        Self {
            status,
            headers,
            body: start.freeze(),
        }
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the start of the body, at most [`MAX_BODY_LEN`](Self::MAX_BODY_LEN) bytes.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Returns the time to wait that `Retry-After` asks for (RFC 9110 § 10.2.3), if it does. A
    /// fraction of a second is read too, and so is `Retry-After-Ms`, in milliseconds, which takes
    /// precedence: neither is standard, but APIs send both.
    ///
    /// A date is relative to the `Date` of the response, or to the local clock if there is none:
    /// the clocks of server and client may differ.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        // OpenAI's and Azure's APIs are more precise with a header of their own.
        if let Some(value) = self.headers.get("retry-after-ms")
            && let Some(milliseconds) = value.to_str().ok().and_then(|text| number(text.trim()))
        {
            return Some(milliseconds / 1000);
        }
        let value = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if let Some(seconds) = number(value) {
            return Some(seconds);
        }
        let date = httpdate::parse_http_date(value).ok()?;
        let now = self.headers.get(DATE).and_then(|now| now.to_str().ok());
        let now = now.and_then(|now| httpdate::parse_http_date(now).ok());
        let now = now.unwrap_or_else(SystemTime::now);
        Some(date.duration_since(now).unwrap_or_default())
    }

    /// Returns the values of a header as one text, for messages.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<String> {
        let values = self.headers.get_all(name).iter();
        values
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .reduce(|list, value| list + ", " + &value)
    }
}

/// Reads a number with or without a fraction, as seconds. One that does not fit becomes the longest
/// time.
fn number(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let seconds = Duration::from_secs(whole.parse().unwrap_or(u64::MAX));
    let fraction: f64 = format!("0.{fraction}").parse().ok()?;
    Some(seconds.saturating_add(Duration::try_from_secs_f64(fraction).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry_after(headers: &[(HeaderName, &'static str)]) -> Option<Duration> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), http::HeaderValue::from_static(value)));
        Rejected {
            status: StatusCode::SERVICE_UNAVAILABLE,
            headers: headers.collect(),
            body: Bytes::new(),
        }
        .retry_after()
    }

    #[test]
    fn any_number_of_seconds_is_read() {
        assert_eq!(
            retry_after(&[(RETRY_AFTER, "120")]),
            Some(Duration::from_secs(120))
        );
        let endless = retry_after(&[(RETRY_AFTER, "99999999999999999999")]);
        assert_eq!(endless, Some(Duration::from_secs(u64::MAX)));
    }

    #[test]
    fn fractions_and_milliseconds_are_read() {
        let milliseconds = HeaderName::from_static("retry-after-ms");
        for (headers, expected) in [
            (&[(RETRY_AFTER, "7.5")][..], 7500),
            (&[(RETRY_AFTER, "0.25")], 250),
            (&[(milliseconds.clone(), "250")], 250),
            (
                &[(milliseconds.clone(), "1500.5"), (RETRY_AFTER, "2")],
                1500,
            ),
            (&[(milliseconds, "soon"), (RETRY_AFTER, "2")], 2000),
        ] {
            let found = retry_after(headers).expect("a time");
            assert_eq!(found.as_millis(), expected);
        }
    }

    #[test]
    fn a_date_is_relative_to_that_of_the_response() {
        let wait = retry_after(&[
            (DATE, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (RETRY_AFTER, "Sun, 06 Nov 1994 08:50:07 GMT"),
        ]);
        assert_eq!(wait, Some(Duration::from_secs(30)));
        let past = retry_after(&[
            (DATE, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (RETRY_AFTER, "Sun, 06 Nov 1994 08:49:07 GMT"),
        ]);
        assert_eq!(past, Some(Duration::ZERO));
    }

    #[test]
    fn anything_else_is_ignored() {
        for value in ["", "-1", "1.5.5", ".5", "5.", "1e3", "soon", "+5"] {
            assert_eq!(retry_after(&[(RETRY_AFTER, value)]), None, "{value:?}");
        }
        assert_eq!(retry_after(&[]), None);
    }
}
