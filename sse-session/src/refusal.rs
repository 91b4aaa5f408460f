//! Errors that are the answer to a request.

use http::StatusCode;

/// An error for which a request is answered with a status in place of a stream.
///
/// The adapters' function `refused` makes the response of it: the status, `Retry-After`, no body. Implement
/// it for errors of the application's own that a handler finds before its stream begins.
///
/// ```
/// use http::StatusCode;
/// use sse_session::{Refusal, refused};
///
/// struct Maintenance;
///
/// impl Refusal for Maintenance {
///     fn status(&self) -> StatusCode {
///         StatusCode::SERVICE_UNAVAILABLE
///     }
///
///     fn retry_after_secs(&self) -> Option<u64> {
///         Some(60)
///     }
/// }
///
/// let response = refused(&Maintenance);
/// assert_eq!(response.status(), 503);
/// assert_eq!(response.headers()["retry-after"], "60");
/// ```
///
/// An `EventSource` does not come back by itself after a status other than 200 (HTML § 9.2.2): the page
/// creates another one, see [`guide::pages`](crate::guide::pages).
pub trait Refusal {
    /// Returns the status of the response.
    fn status(&self) -> StatusCode;

    /// Returns after how many seconds the client may come back, for `Retry-After` (RFC 9110 § 10.2.3).
    /// `None` if the same request will not succeed then either.
    fn retry_after_secs(&self) -> Option<u64>;
}
