//! Allocations while decoding: none for borrowed events, one for an owned event, and none for a small
//! owned event.

use sse_codec::Decoder;

/// Returns the allocations per event once the decoder's buffers have grown. With `keep`, events are
/// made owned.
fn allocations(stream: &str, chunk_len: usize, keep: bool) -> u64 {
    let mut decoder = Decoder::new();
    let mut read = || {
        let mut count = 0;
        for chunk in stream.as_bytes().chunks(chunk_len) {
            let mut events = decoder.feed(chunk);
            while let Some(event) = events.next_event().expect("no limit is exceeded") {
                count += 1;
                if keep {
                    drop(std::hint::black_box(event.into_owned()));
                } else {
                    std::hint::black_box(event);
                }
            }
        }
        count
    };
    // Buffers are swapped, so it takes several rounds until all of them have grown.
    for _ in 0..4 {
        read();
    }
    let mut count = 0;
    let info = allocation_counter::measure(|| count = read());
    assert!(count > 0);
    assert_eq!(info.count_total % count, 0, "the same for each event");
    info.count_total / count
}

fn kinds() -> Vec<String> {
    let text = "some text é ".repeat(20);
    let lines = format!("data: {text}\n").repeat(20);
    vec![
        "data: x\n\n".repeat(50),
        format!("data: {text}\n\n").repeat(50),
        format!("event: delta\nid: 42\ndata: {text}\n\n").repeat(50),
        format!("event: delta\r\nid: 42\r\ndata: {text}\r\n: comment\r\n\r\n").repeat(50),
        format!("{lines}\n").repeat(50),
        format!("event: several\nid: 42\n{lines}\n").repeat(50),
    ]
}

#[test]
fn a_first_event_in_one_chunk_is_borrowed_without_any_buffer() {
    let mut decoder = Decoder::new();
    let chunk = b": hello\nevent: delta\ndata: some text\n\nretry: 1\ndata: more\n\n";
    let info = allocation_counter::measure(|| {
        let mut events = decoder.feed(chunk);
        for expected in ["some text", "more"] {
            let event = events.next_event().expect("no error").expect("an event");
            assert_eq!(event.data(), expected);
            assert!(
                chunk.as_ptr_range().contains(&event.data().as_ptr()),
                "borrowed"
            );
        }
        assert_eq!(events.next_event(), Ok(None));
    });
    assert_eq!(info.count_total, 0);
}

#[test]
fn borrowed_events_allocate_nothing_however_they_are_cut() {
    for stream in kinds() {
        for chunk_len in [1, 7, 64, 1000, 1 << 20] {
            assert_eq!(allocations(&stream, chunk_len, false), 0);
        }
    }
}

#[test]
fn an_owned_event_is_one_allocation_for_any_number_of_lines_or_none_if_small() {
    for stream in kinds() {
        let expected = u64::from(!stream.starts_with("data: x"));
        for chunk_len in [1, 7, 64, 1000, 1 << 20] {
            assert_eq!(allocations(&stream, chunk_len, true), expected);
        }
    }
    assert_eq!(allocations("data\n\n", 100, true), 0, "nothing to keep");
}

#[test]
fn memory_stays_within_the_limits_for_any_endless_line() {
    let chunk_len = 1024;
    let limit = 16 * 1024;
    for endless in ["data: ", "id: ", "event: ", ": ", "unknown: "] {
        for text in [&b"x"[..], "é".as_bytes(), b"\xFF", b"\xE2\x82"] {
            let mut stream = endless.as_bytes().to_vec();
            stream.extend_from_slice(&text.repeat(4 * limit));
            let info = allocation_counter::measure(|| {
                let mut decoder = Decoder::new().max_line_len(limit).max_event_len(limit);
                let refused = stream
                    .chunks(chunk_len)
                    .any(|chunk| decoder.feed(chunk).next_event().is_err());
                assert!(refused);
            });
            // A buffer grows to twice its contents, and the old one exists while it is copied.
            let most = 3 * (limit + 3 * chunk_len);
            assert!(info.bytes_max <= most as u64, "{endless} {info:?}");
        }
    }
}

#[test]
fn an_ignored_line_is_not_stored() {
    for line in [": a comment ", "unknown: ", "dataset: ", "id"] {
        let stream = format!("{line}{}\ndata: x\n\n", "x".repeat(100_000));
        let mut count = 0;
        let info = allocation_counter::measure(|| {
            let mut decoder = Decoder::new();
            for chunk in stream.as_bytes().chunks(1000) {
                let mut events = decoder.feed(chunk);
                while let Some(event) = events.next_event().expect("no limit is exceeded") {
                    assert_eq!(event.data(), "x");
                    count += 1;
                }
            }
        });
        assert_eq!(count, 1);
        assert!(info.bytes_max < 100, "{line} {info:?}");
    }
}

#[test]
fn an_endless_event_stays_within_its_limit() {
    let limit = 16 * 1024;
    let info = allocation_counter::measure(|| {
        let mut decoder = Decoder::new().max_event_len(limit);
        let lines = "data: some text\nevent: name\nid: 1\n: comment\n".repeat(20);
        let refused = (0..1000).any(|_| decoder.feed(lines.as_bytes()).next_event().is_err());
        assert!(refused);
        // Comments alone are no event, and may be endless.
        let mut decoder = Decoder::new().max_event_len(limit);
        for _ in 0..1000 {
            assert_eq!(
                decoder
                    .feed(": comment\n".repeat(20).as_bytes())
                    .next_event(),
                Ok(None)
            );
        }
    });
    assert!(info.bytes_max <= 4 * limit as u64, "{info:?}");
}
