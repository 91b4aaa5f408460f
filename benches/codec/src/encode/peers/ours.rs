//! Our own encoder.

use bytes::BytesMut;
use sse_codec::{Encoder, Event, Json};

use super::encode::Encode;
use crate::encode::cases::Chunk;
use crate::encode::output::{Buffer, Output};

/// Into the type of buffer that a session has.
pub(super) struct IntoBytesMut(Encoder, Buffer<BytesMut>);

/// Into a `Vec`.
pub(super) struct IntoVec(Encoder, Buffer<Vec<u8>>);

macro_rules! ours {
    ($peer:ty, $name:literal) => {
        impl Encode for $peer {
            const NAME: &'static str = $name;

            fn new() -> Self {
                Self(Encoder::new(), Buffer::new())
            }

            fn text(&mut self, text: &'static str, out: &mut impl Output) {
                let Self(encoder, buffer) = self;
                buffer.append(out, |buffer| {
                    encoder.encode(text, buffer).expect("a valid event");
                });
            }

            fn event(
                &mut self,
                event: &'static str,
                id: &'static str,
                data: &'static str,
                out: &mut impl Output,
            ) {
                let Self(encoder, buffer) = self;
                buffer.append(out, |buffer| {
                    let event = Event::new().event(event).id(id).data(data);
                    encoder.encode(&event, buffer).expect("a valid event");
                });
            }

            fn json(&mut self, value: &'static Chunk, out: &mut impl Output) {
                let Self(encoder, buffer) = self;
                buffer.append(out, |buffer| {
                    encoder.encode(&Json(value), buffer).expect("a valid event");
                });
            }

            fn finish(&mut self, out: &mut impl Output) {
                self.1.send(out);
            }
        }
    };
}

ours!(IntoBytesMut, "ours");
ours!(IntoVec, "ours, into a Vec");
