//! `format!`: the simplest code.

use super::encode::Encode;
use crate::encode::cases::Chunk;
use crate::encode::output::Output;

pub(super) struct Peer;

impl Encode for Peer {
    const NAME: &'static str = "format!";
    const REMARK: &'static str = "splits data at LF only; the name and the id are trusted";

    fn new() -> Self {
        Self
    }

    fn text(&mut self, text: &'static str, out: &mut impl Output) {
        let event = if text.contains('\n') {
            format!("data: {}\n\n", text.replace('\n', "\ndata: "))
        } else {
            format!("data: {text}\n\n")
        };
        out.bytes(event.as_bytes());
    }

    fn event(
        &mut self,
        event: &'static str,
        id: &'static str,
        data: &'static str,
        out: &mut impl Output,
    ) {
        let event = format!("event: {event}\nid: {id}\ndata: {data}\n\n");
        out.bytes(event.as_bytes());
    }

    fn json(&mut self, value: &'static Chunk, out: &mut impl Output) {
        let json = serde_json::to_string(value).expect("JSON");
        out.bytes(format!("data: {json}\n\n").as_bytes());
    }
}
