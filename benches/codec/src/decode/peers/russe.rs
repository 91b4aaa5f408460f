//! russe: a codec of tokio-util, and what actix-web-lab encodes with.

use bytes::BytesMut;
use russe::{Decoder, Event};
use tokio_util::codec::Decoder as _;

use super::decode::Decode;
use crate::decode::input::Input;
use crate::outcome::Sink;

pub(super) struct Peer;

impl Decode for Peer {
    const NAME: &'static str = "russe";
    const EVENTS: &'static str = "shared `Bytes`";

    fn decode(input: &Input, sink: &mut impl Sink) {
        let mut decoder = Decoder::default();
        let mut buffer = BytesMut::new();
        for chunk in input.chunks() {
            buffer.extend_from_slice(chunk);
            loop {
                match decoder.decode(&mut buffer) {
                    Ok(Some(Event::Message(event))) => {
                        let id = event.id.as_deref().unwrap_or_default();
                        let name = event.event.as_deref().unwrap_or_default();
                        sink.event(name, id, event.data.as_bytes());
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => return,
                }
            }
        }
    }
}
