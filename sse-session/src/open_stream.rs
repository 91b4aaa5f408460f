//! Streams that a request may be refused.

use std::future::Future;

use crate::error::BoxError;
use crate::refusal::Refusal;
use crate::sse::Sse;

/// What a request asks for and may not get, such as a subscription to a topic: opened before the response, which is
/// either its events or its refusal. The adapters' `sse_open` answers a request with it.
///
/// `sse-hub` implements it for its subscriptions. It is for others that know before the response whether there is
/// something to send:
///
/// ```
/// use std::io;
///
/// use http::StatusCode;
/// use sse_session::{BoxError, OpenStream, Refusal, Sse};
///
/// struct Job(u32);
///
/// #[derive(Debug)]
/// struct NoSuchJob;
///
/// impl Refusal for NoSuchJob {
///     fn status(&self) -> StatusCode {
///         StatusCode::NOT_FOUND
///     }
///
///     fn retry_after_secs(&self) -> Option<u64> {
///         None
///     }
/// }
/// # impl std::fmt::Display for NoSuchJob {
/// #     fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { Ok(()) }
/// # }
/// # impl std::error::Error for NoSuchJob {}
///
/// impl OpenStream for Job {
///     type Error = NoSuchJob;
///
///     async fn open(self, _last_event_id: Option<&str>) -> Result<Self, NoSuchJob> {
///         if self.0 < 100 { Ok(self) } else { Err(NoSuchJob) }
///     }
///
///     async fn serve(self, sse: Sse) -> Result<(), BoxError> {
///         Ok(sse.send(format!("job {}", self.0)).await?)
///     }
/// }
/// ```
pub trait OpenStream: Sized {
    /// Why a request does not get the stream.
    type Error: Refusal;

    /// Finds out whether there is a stream for a client that comes with this last event ID.
    ///
    /// # Errors
    ///
    /// The reason, which has the status of the response.
    fn open(
        self,
        last_event_id: Option<&str>,
    ) -> impl Future<Output = Result<Self, Self::Error>> + Send;

    /// Sends the client what there is.
    ///
    /// # Errors
    ///
    /// What cuts the stream.
    fn serve(self, sse: Sse) -> impl Future<Output = Result<(), BoxError>> + Send + 'static;
}
