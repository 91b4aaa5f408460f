//! warp: an event becomes a `String` for the body.

use warp::sse::Event;

use super::encode::Encode;
use crate::encode::cases::Chunk;
use crate::encode::output::Output;

pub(super) struct Peer;

impl Encode for Peer {
    const NAME: &'static str = "warp";
    const REMARK: &'static str = "`to_string`, which is what its body does with an event";

    fn new() -> Self {
        Self
    }

    fn text(&mut self, text: &'static str, out: &mut impl Output) {
        out.bytes(Event::default().data(text).to_string().as_bytes());
    }

    fn event(
        &mut self,
        event: &'static str,
        id: &'static str,
        data: &'static str,
        out: &mut impl Output,
    ) {
        let event = Event::default().event(event).id(id).data(data);
        out.bytes(event.to_string().as_bytes());
    }

    fn json(&mut self, value: &'static Chunk, out: &mut impl Output) {
        let event = Event::default().json_data(value).expect("JSON");
        out.bytes(event.to_string().as_bytes());
    }
}
