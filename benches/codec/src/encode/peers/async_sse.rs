//! async-sse: a channel from a sender to a reader, a message for each line.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use async_sse::{Encoder, Sender, encode};
use futures_lite::io::AsyncBufRead as _;

use super::encode::Encode;
use crate::encode::cases::Chunk;
use crate::encode::output::Output;

pub(super) struct Peer(Sender, Encoder);

impl Peer {
    fn send(&mut self, event: Option<&str>, id: Option<&str>, data: &str, out: &mut impl Output) {
        let Self(sender, reader) = self;
        let mut context = Context::from_waker(Waker::noop());
        let mut sending = pin!(sender.send(event, data, id));
        loop {
            let sent = sending.as_mut().poll(&mut context).is_ready();
            while let Poll::Ready(Ok(bytes)) = Pin::new(&mut *reader).poll_fill_buf(&mut context) {
                out.bytes(bytes);
                let len = bytes.len();
                Pin::new(&mut *reader).consume(len);
            }
            if sent {
                return;
            }
        }
    }
}

impl Encode for Peer {
    const NAME: &'static str = "async-sse";
    const REMARK: &'static str = "sent and read in turns, as its channel holds one message";

    fn new() -> Self {
        let (sender, reader) = encode();
        Self(sender, reader)
    }

    fn text(&mut self, text: &'static str, out: &mut impl Output) {
        self.send(None, None, text, out);
    }

    fn event(
        &mut self,
        event: &'static str,
        id: &'static str,
        data: &'static str,
        out: &mut impl Output,
    ) {
        self.send(Some(event), Some(id), data, out);
    }

    fn json(&mut self, value: &'static Chunk, out: &mut impl Output) {
        let json = serde_json::to_string(value).expect("JSON");
        self.send(None, None, &json, out);
    }
}
