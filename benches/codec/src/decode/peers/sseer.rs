//! sseer: a stream of events that share the chunks' memory.

use std::convert::Infallible;

use futures_util::stream;
use sseer::EventStream;

use super::decode::{Decode, drain};
use crate::decode::input::Input;
use crate::outcome::Sink;

pub(super) struct Peer;

impl Decode for Peer {
    const NAME: &'static str = "sseer";
    const EVENTS: &'static str = "shared `Bytes`";

    fn decode(input: &Input, sink: &mut impl Sink) {
        let chunks = stream::iter(input.shared_chunks().map(Ok::<_, Infallible>));
        drain(EventStream::new(chunks), |event| {
            sink.event(&event.event, &event.id, event.data.as_bytes());
        });
    }
}
