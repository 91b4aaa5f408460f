//! `tokio_sse_codec`: a codec of tokio-util.

use bytes::BytesMut;
use tokio_sse_codec::{BytesStr, Frame, SseDecoder};
use tokio_util::codec::Decoder as _;

use super::decode::Decode;
use crate::decode::input::Input;
use crate::outcome::Sink;

pub(super) struct Peer;

impl Decode for Peer {
    const NAME: &'static str = "tokio_sse_codec";
    const EVENTS: &'static str = "`Bytes`, the rest `String`s";

    fn decode(input: &Input, sink: &mut impl Sink) {
        let mut decoder = SseDecoder::<BytesStr>::new();
        let mut buffer = BytesMut::new();
        for chunk in input.chunks() {
            buffer.extend_from_slice(chunk);
            loop {
                match decoder.decode(&mut buffer) {
                    Ok(Some(Frame::Event(event))) => {
                        let id = event.id.as_deref().unwrap_or_default();
                        sink.event(&event.name, id, event.data.as_bytes());
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => return,
                }
            }
        }
    }
}
