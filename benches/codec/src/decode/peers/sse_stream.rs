//! sse-stream: a stream of event blocks over a stream of buffers.

use std::convert::Infallible;

use futures_util::stream;
use sse_stream::SseByteStream;

use super::decode::{Decode, drain};
use crate::decode::input::Input;
use crate::outcome::Sink;

pub(super) struct Peer;

impl Decode for Peer {
    const NAME: &'static str = "sse-stream";
    const EVENTS: &'static str = "`String`s";
    const REMARK: &'static str = "hands out blocks, also those without data, which are left out here; keeps no last event ID";

    fn decode(input: &Input, sink: &mut impl Sink) {
        let chunks = stream::iter(input.chunks().map(Ok::<_, Infallible>));
        drain(SseByteStream::new(chunks), |event| {
            if let Some(data) = event.data {
                let id = event.id.as_deref().unwrap_or_default();
                sink.event(
                    event.event.as_deref().unwrap_or_default(),
                    id,
                    data.as_bytes(),
                );
            }
        });
    }
}
