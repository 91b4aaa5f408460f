//! eventsource-stream: a stream of events over a stream of chunks.

use std::convert::Infallible;

use eventsource_stream::Eventsource as _;
use futures_util::stream;

use super::decode::{Decode, drain};
use crate::decode::input::Input;
use crate::outcome::Sink;

pub(super) struct Peer;

impl Decode for Peer {
    const NAME: &'static str = "eventsource-stream";
    const EVENTS: &'static str = "`String`s";

    fn decode(input: &Input, sink: &mut impl Sink) {
        let chunks = stream::iter(input.chunks().map(Ok::<_, Infallible>));
        drain(chunks.eventsource(), |event| {
            sink.event(&event.event, &event.id, event.data.as_bytes());
        });
    }
}
