//! sse-codec 0.3: the package of our name that was on crates.io before, a codec of
//! `futures_codec`.

use futures_codec::{BytesMut, Decoder as _};
use old_sse_codec::{Event, SSECodec};

use super::decode::Decode;
use crate::decode::input::Input;
use crate::outcome::Sink;

pub(super) struct Peer;

impl Decode for Peer {
    const NAME: &'static str = "sse-codec 0.3";
    const EVENTS: &'static str = "`String`s";

    fn decode(input: &Input, sink: &mut impl Sink) {
        let mut decoder = SSECodec::default();
        let mut buffer = BytesMut::new();
        for chunk in input.chunks() {
            buffer.extend_from_slice(chunk);
            loop {
                match decoder.decode(&mut buffer) {
                    Ok(Some(Event::Message { id, event, data })) => {
                        sink.event(&event, id.as_deref().unwrap_or_default(), data.as_bytes());
                    }
                    Ok(Some(Event::Retry { .. })) => {}
                    Ok(None) => break,
                    Err(_) => return,
                }
            }
        }
    }
}
