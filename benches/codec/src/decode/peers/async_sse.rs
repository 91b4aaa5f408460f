//! async-sse: a stream of events over an asynchronous reader.

use std::io;
use std::pin::Pin;
use std::slice::Chunks;
use std::task::{Context, Poll};

use futures_lite::io::{AsyncBufRead, AsyncRead};

use super::decode::{Decode, drain};
use crate::decode::input::Input;
use crate::outcome::Sink;

pub(super) struct Peer;

/// A buffered reader that has one chunk at a time in its buffer.
struct Reader<'a> {
    chunk: &'a [u8],
    chunks: Chunks<'a, u8>,
}

impl AsyncBufRead for Reader<'_> {
    fn poll_fill_buf(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let reader = self.get_mut();
        if reader.chunk.is_empty() {
            reader.chunk = reader.chunks.next().unwrap_or_default();
        }
        Poll::Ready(Ok(reader.chunk))
    }

    fn consume(self: Pin<&mut Self>, len: usize) {
        let reader = self.get_mut();
        reader.chunk = &reader.chunk[len..];
    }
}

impl AsyncRead for Reader<'_> {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
    }
}

impl Decode for Peer {
    const NAME: &'static str = "async-sse";
    const EVENTS: &'static str = "`String`s and a `Vec<u8>`";

    fn decode(input: &Input, sink: &mut impl Sink) {
        let reader = Reader {
            chunk: &[],
            chunks: input.chunks(),
        };
        drain(async_sse::decode(reader), |event| {
            if let async_sse::Event::Message(event) = event {
                let id = event.id().as_deref().unwrap_or_default();
                sink.event(event.name(), id, event.data());
            }
        });
    }
}
