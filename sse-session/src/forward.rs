//! A stream of events as a handler.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use sse_codec::Encode as _;

use crate::buffer::Batch;
use crate::error::{BoxError, SendError, TrySendError};
use crate::into_event::IntoEvent;
use crate::pipe::Pipe;
use crate::send::{Retry, or_yield, send_batches};
use crate::sse::Sse;

/// Sends all that `source` yields, and ends with it.
///
/// The adapters' `sse_stream` is this; call it in a handler to send something before or after. What
/// the source has ready is sent together, as by [`Sse::send_all`]. [`EncodedEvents`](crate::EncodedEvents),
/// which a subscription of `sse-hub` yields, are handed over as they are, as by [`Sse::send_encoded`].
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
            if let Some(encoded) = <S::Item as IntoEvent>::Event::ENCODED {
                return forward_encoded(source.as_mut(), encoded, pipe, cx).map(Poll::Ready);
            }
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

/// Hands over what the source yields, which is encoded already, as long as there is room.
fn forward_encoded<S>(
    mut source: Pin<&mut S>,
    encoded: fn(&<S::Item as IntoEvent>::Event) -> Bytes,
    pipe: &Pipe,
    cx: &mut Context<'_>,
) -> Result<Poll<Result<(), BoxError>>, TrySendError>
where
    S: Stream,
    S::Item: IntoEvent,
{
    loop {
        pipe.check_room_for_encoded()?;
        match source
            .as_mut()
            .poll_next(cx)
            .map(|item| item.map(IntoEvent::into_event))
        {
            Poll::Ready(Some(Ok(events))) => {
                let events = encoded(&events);
                if events.is_empty() {
                    // A source without end would not let other tasks run.
                    cx.waker().wake_by_ref();
                    return Ok(Poll::Pending);
                }
                pipe.append_encoded(events)?;
            }
            Poll::Ready(Some(Err(error))) => return Ok(Poll::Ready(Err(error))),
            Poll::Ready(None) => return Ok(Poll::Ready(Ok(()))),
            Poll::Pending => return Ok(Poll::Pending),
        }
    }
}

fn encode(item: impl IntoEvent, batch: &mut Batch) -> Result<(), BoxError> {
    batch
        .encode(&item.into_event()?)
        .map_err(|error| SendError::Encode(error).into())
}
