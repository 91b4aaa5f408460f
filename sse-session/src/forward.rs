//! A stream of events as a handler.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, ready};

use futures_core::Stream;

use crate::buffer::Batch;
use crate::error::{BoxError, SendError};
use crate::into_event::IntoEvent;
use crate::send::{Retry, or_yield, send_batches};
use crate::sse::Sse;

/// Sends all that `source` yields, and ends with it.
///
/// The adapters' `sse_stream` is this; call it in a handler to send something before or after. What
/// the source has ready is sent together, as by [`Sse::send_all`].
///
/// ```
/// use futures_util::stream;
/// use sse_session::{BoxError, Sse, forward};
///
/// async fn count<R>(_request: R, sse: Sse) -> Result<(), BoxError> {
///     forward(stream::iter(["one", "two", "three"]), &sse).await?;
///     Ok(sse.send("done").await?)
/// }
/// ```
///
/// # Errors
///
/// The first error of the source or of a send.
///
/// # Cancel safety
///
/// The future can be dropped at any time, and nothing is lost that was taken from the source: it is
/// polled only while there is room. Only when the stream ends, some may have been taken that was not
/// sent.
pub async fn forward<S>(source: S, sse: &Sse) -> Result<(), BoxError>
where
    S: Stream,
    S::Item: IntoEvent,
{
    let mut source = pin!(source);
    let mut retry = pin!(Retry::new(sse.pipe()));
    poll_fn(|cx| {
        // A closed stream is an error of the send; what the source does is the result in it.
        let polled = retry.as_mut().poll(cx, |pipe, cx| {
            let next = |batch: &mut Batch| match source.as_mut().poll_next(cx) {
                Poll::Ready(Some(item)) => encode(item, batch).err().map(|e| Poll::Ready(Err(e))),
                Poll::Ready(None) => Some(Poll::Ready(Ok(()))),
                Poll::Pending => Some(Poll::Pending),
            };
            let result = send_batches(pipe, next, &mut 0)?;
            Ok(or_yield(result, cx))
        });
        ready!(ready!(polled)?)
    })
    .await
}

fn encode(item: impl IntoEvent, batch: &mut Batch) -> Result<(), BoxError> {
    batch
        .encode(&item.into_event()?)
        .map_err(|error| SendError::Encode(error).into())
}
