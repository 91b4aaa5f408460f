//! Encoding into a buffer with enough capacity does not allocate.

use std::time::Duration;

use bytes::BytesMut;
use sse_codec::{Encode, Encoder, Event, Frame};

fn allocations(event: impl Encode) -> u64 {
    let mut out = BytesMut::with_capacity(4096);
    let info = allocation_counter::measure(|| {
        Encoder::new()
            .encode(&event, &mut out)
            .expect("a valid event");
    });
    assert!(!out.is_empty());
    info.count_total
}

#[test]
fn the_counter_counts() {
    let info = allocation_counter::measure(|| drop(std::hint::black_box(vec![1_u8])));
    assert_eq!(info.count_total, 1);
}

#[test]
fn no_kind_of_event_allocates_if_the_buffer_has_capacity() {
    let event = Event::new()
        .comment("a comment\nof two lines")
        .retry(Duration::from_millis(1500))
        .event("delta")
        .id("42");
    let frame = Frame::new("encoded before").expect("a valid event");

    assert_eq!(allocations("one line"), 0);
    assert_eq!(allocations("several\nlines\r\nof\rtext"), 0);
    assert_eq!(allocations(b"bytes"), 0);
    assert_eq!(allocations(event.clone().data("text")), 0);
    assert_eq!(allocations(event.display(format_args!("{}\n{}", 1, 2))), 0);
    assert_eq!(allocations(&frame), 0);
}

#[cfg(feature = "json")]
mod json {
    use sse_codec::{Event, Typed};

    use super::allocations;

    #[derive(serde::Serialize)]
    struct Delta<'a> {
        index: u32,
        text: &'a str,
        done: bool,
    }

    #[derive(serde::Serialize)]
    enum Message<'a> {
        Started,
        Delta(Delta<'a>),
        Usage { input: u32, output: u32 },
    }

    const DELTA: Delta<'_> = Delta {
        index: 7,
        text: "two\nlines \"quoted\"",
        done: false,
    };

    #[test]
    fn json_does_not_allocate() {
        assert_eq!(allocations(Event::new().id("42").json(&DELTA)), 0);
    }

    #[test]
    fn typed_events_do_not_allocate() {
        let usage = Message::Usage {
            input: 1,
            output: 2,
        };
        assert_eq!(allocations(Typed(Message::Started)), 0);
        assert_eq!(allocations(Typed(usage)), 0);
        assert_eq!(
            allocations(Event::new().id("42").typed(Message::Delta(DELTA))),
            0
        );
    }
}
