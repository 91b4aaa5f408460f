//! A stream of byte chunks as a stream of events.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use futures_core::{Stream, TryStream};
use pin_project_lite::pin_project;

use super::error::StreamError;
use crate::decoder::Decoder;
use crate::received::ReceivedEvent;

pin_project! {
    /// The events of a stream of byte chunks: of a response body, whichever client it is from.
    ///
    /// Chunks may be anything that is bytes, cut in any way. Only events are yielded; what else
    /// the decoder reports is passed over.
    ///
    /// With hyper's client the source is `response.into_body().into_data_stream()` (of
    /// `http_body_util::BodyExt`), with reqwest it is `response.bytes_stream()`. Reading the
    /// stream of a language model is then this:
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
    ///     // With the feature `json`, `event.json()?` reads it as a type of yours.
    ///     assert_eq!(event.data(), "{\"delta\":\"Hello\"}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors and the end
    ///
    /// An error of the source is passed on, after all events that came before it; whether the
    /// stream goes on is up to the source. When a limit of the decoder is passed, that error is
    /// the last item. An event that is not complete at the end is discarded.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future of one item is dropped.
    pub struct EventStream<S>
    where
        S: TryStream,
    {
        #[pin]
        source: S,
        decoder: Decoder,
        // The chunk that is being read, and up to where it was.
        chunk: Option<S::Ok>,
        read: usize,
        done: bool,
    }
}

impl<S: TryStream> EventStream<S> {
    /// The events of `source`, with the default limits.
    pub fn new(source: S) -> Self {
        Self::with_decoder(source, Decoder::new())
    }

    /// The events of `source`, read with the limits of `decoder`. That goes on from where it is:
    /// one that has read another stream is to be [`reset`](Decoder::reset) first.
    pub fn with_decoder(source: S, decoder: Decoder) -> Self {
        Self {
            source,
            decoder,
            chunk: None,
            read: 0,
            done: false,
        }
    }

    /// The decoder, which knows the last event ID and the reconnection time.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// Takes the decoder back: after the end of the stream, for the next connection. Events that
    /// were not taken yet are dropped.
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
                // A chunk is the same each time it is looked at, but safe code cannot rely on it.
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

impl<S: TryStream> fmt::Debug for EventStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream")
            .field("decoder", &self.decoder)
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}
