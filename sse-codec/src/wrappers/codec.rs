//! The codec traits of `tokio-util`, for `FramedRead` on any `AsyncRead` and `FramedWrite` on any
//! `AsyncWrite`.

use std::io;

use bytes::{Buf as _, BytesMut};
use tokio_util::codec;

use super::error::{SinkError, StreamError};
use crate::decoder::Decoder;
use crate::encoder::{Encode, Encoder};
use crate::received::ReceivedEvent;

/// Decodes events. Other items that the decoder reports are skipped. The decoder stores incomplete
/// events itself, so no bytes remain in the buffer.
///
/// # Errors and the end
///
/// An event that is incomplete at the end is discarded. When the stream exceeds a limit, `FramedRead`
/// yields the error and then `None`. Polled again, it reads on, and yields the same error for each
/// read until the decoder is [`reset`](Decoder::reset).
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use futures_util::StreamExt;
/// use sse_codec::Decoder;
/// use tokio_util::codec::FramedRead;
///
/// let socket = &b"data: a\n\ndata: b\n\n"[..];
/// let mut events = FramedRead::new(socket, Decoder::new());
/// while let Some(event) = events.next().await {
///     println!("{}", event?.data());
/// }
/// # Ok::<(), sse_codec::StreamError<std::io::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl codec::Decoder for Decoder {
    type Item = ReceivedEvent;
    type Error = StreamError<io::Error>;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<ReceivedEvent>, Self::Error> {
        let mut events = self.feed(bytes);
        let event = events
            .next_event()
            .map(|event| event.map(ReceivedEvent::from));
        let rest = events.remainder().len();
        bytes.advance(bytes.len() - rest);
        Ok(event?)
    }
}

/// Encodes events. One that cannot be encoded is not written, and others can follow.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use futures_util::SinkExt;
/// use sse_codec::{Encoder, Event};
/// use tokio_util::codec::FramedWrite;
///
/// let mut socket = Vec::new();
/// let mut events = FramedWrite::new(&mut socket, Encoder::new());
/// events.send("hello").await?;
/// events.send(Event::new().event("tick").data("1")).await?;
/// assert_eq!(socket, b"data: hello\n\nevent: tick\ndata: 1\n\n");
/// # Ok::<(), sse_codec::SinkError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl<T: Encode> codec::Encoder<T> for Encoder {
    type Error = SinkError;

    fn encode(&mut self, event: T, out: &mut BytesMut) -> Result<(), SinkError> {
        Self::encode(self, &event, out)?;
        Ok(())
    }
}
