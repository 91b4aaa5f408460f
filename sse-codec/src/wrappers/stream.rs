//! A stream of byte chunks as a stream of events.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream, TryStream};
use pin_project_lite::pin_project;

use super::error::StreamError;
use crate::decoder::Decoder;
use crate::received::ReceivedEvent;

pin_project! {
    /// The events of a stream of byte chunks, such as the body of a response.
    ///
    /// A chunk is any type that is `AsRef<[u8]>`, and may be of any length. Only events are yielded;
    /// other items that the decoder reports are skipped.
    ///
    /// With hyper's client, the source is `response.into_body().into_data_stream()` (with
    /// `http_body_util::BodyExt`); with reqwest it is `response.bytes_stream()`. The following
    /// example reads the stream of a language model:
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// use futures_util::{TryStreamExt, stream};
    /// use sse_codec::EventStream;
    ///
    /// # let chunks = ["data: {\"delta\":\"Hel", "lo\"}\n\ndata: [DONE]\n\n"];
    /// # let chunks = stream::iter(chunks.map(Ok::<_, std::io::Error>));
    /// let mut events = EventStream::new(chunks);
    /// while let Some(event) = events.try_next().await? {
    ///     if event.data() == "[DONE]" {
    ///         break;
    ///     }
    ///     // With the feature `json`, `event.json()?` deserializes the data.
    ///     assert_eq!(event.data(), "{\"delta\":\"Hello\"}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors and the end
    ///
    /// An error of the source is yielded after all events that precede it. Polling again then polls
    /// the source again, which decides whether the stream continues. An error of the decoder is the
    /// last item. An event that is incomplete at the end is discarded.
    ///
    /// The stream is fused: once it has yielded `None` or an error of the decoder, every further
    /// poll yields `None` without polling the source.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future of one item, such as that of `next`, loses no event.
    pub struct EventStream<S>
    where
        S: TryStream,
    {
        #[pin]
        source: S,
        decoder: Decoder,
        // The current chunk, and how much of it is read.
        chunk: Option<S::Ok>,
        read: usize,
        done: bool,
    }
}

impl<S: TryStream> EventStream<S> {
    /// Returns the events of `source`, decoded with the default limits.
    pub fn new(source: S) -> Self {
        Self::with_decoder(source, Decoder::new())
    }

    /// Returns the events of `source`, decoded by `decoder`, which continues from its current state.
    /// [`reset`](Decoder::reset) it first if it has read another stream.
    pub fn with_decoder(source: S, decoder: Decoder) -> Self {
        Self {
            source,
            decoder,
            chunk: None,
            read: 0,
            done: false,
        }
    }

    /// Returns the decoder, which has the last event ID and the reconnection time.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// Returns the decoder, for the next connection. Events that were not yielded yet are dropped.
    pub fn into_decoder(self) -> Decoder {
        self.decoder
    }
}

impl<S> Stream for EventStream<S>
where
    S: TryStream,
    S::Ok: AsRef<[u8]>,
{
    type Item = Result<ReceivedEvent, StreamError<S::Error>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        while !*this.done {
            if let Some(chunk) = this.chunk {
                let chunk = chunk.as_ref();
                // `as_ref` should return the same bytes each time, but nothing guarantees it.
                let mut events = this
                    .decoder
                    .feed(chunk.get(*this.read..).unwrap_or_default());
                let event = events
                    .next_event()
                    .map(|event| event.map(ReceivedEvent::from));
                *this.read = chunk.len() - events.remainder().len();
                match event {
                    Ok(Some(event)) => return Poll::Ready(Some(Ok(event))),
                    Ok(None) => *this.chunk = None,
                    Err(error) => {
                        *this.done = true;
                        *this.chunk = None;
                        return Poll::Ready(Some(Err(error.into())));
                    }
                }
            }
            match ready!(this.source.as_mut().try_poll_next(cx)) {
                Some(Ok(chunk)) => {
                    *this.chunk = Some(chunk);
                    *this.read = 0;
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(StreamError::Source(error)))),
                None => *this.done = true,
            }
        }
        Poll::Ready(None)
    }
}

impl<S> FusedStream for EventStream<S>
where
    S: TryStream,
    S::Ok: AsRef<[u8]>,
{
    fn is_terminated(&self) -> bool {
        self.done
    }
}

impl<S: TryStream> fmt::Debug for EventStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream")
            .field("decoder", &self.decoder)
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}
