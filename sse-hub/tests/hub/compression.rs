//! Topics whose streams are compressed: once for all of them, and decoded to what a plain stream has.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status};
use futures_util::Stream;
use sse_hub::{BoxError, Event, Hub, Retention, Sse, Subscribe, TopicOptions};
use sse_hub_testing::reader::Reader;
use sse_session::{GzipStream, HandlerError, SseOptions, SseStream};

type Body = Pin<Box<dyn Stream<Item = Result<Bytes, HandlerError>> + Send>>;

/// A client that decodes each piece when it comes.
struct Client {
    body: Body,
    decoder: Option<Decompress>,
    /// The pieces of the last read, as they came.
    pieces: Vec<Bytes>,
    text: Vec<u8>,
    reader: Reader,
    has_ended: bool,
}

impl Client {
    fn new(subscribe: Subscribe, is_compressed: bool) -> Self {
        let handler = move |sse: Sse| subscribe.serve(sse);
        Self::of(SseStream::new(&options(), None, handler), is_compressed)
    }

    fn of<F>(stream: SseStream<F>, is_compressed: bool) -> Self
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let body: Body = if is_compressed {
            Box::pin(GzipStream::new(stream))
        } else {
            Box::pin(stream)
        };
        Self {
            body,
            decoder: is_compressed.then(|| Decompress::new_gzip(15)),
            pieces: Vec::new(),
            text: Vec::new(),
            reader: Reader::default(),
            has_ended: false,
        }
    }

    /// Reads all that there is now. Returns the names and data of the events.
    fn read(&mut self) -> Vec<(String, String)> {
        self.pieces.clear();
        let cx = &mut Context::from_waker(Waker::noop());
        let before = self.text.len();
        while !self.has_ended {
            match self.body.as_mut().poll_next(cx) {
                Poll::Pending => break,
                Poll::Ready(None) => self.has_ended = true,
                Poll::Ready(Some(piece)) => {
                    let piece = piece.expect("no error");
                    self.receive(&piece);
                    self.pieces.push(piece);
                }
            }
        }
        let events = self.reader.feed(&self.text[before..]);
        assert!(self.reader.is_whole(), "a piece is whole events");
        let events = events.into_iter();
        events.map(|event| (event.name, event.data)).collect()
    }

    fn receive(&mut self, mut bytes: &[u8]) {
        let Some(decoder) = &mut self.decoder else {
            self.text.extend_from_slice(bytes);
            return;
        };
        let mut room = [0; 4096];
        loop {
            let (read, written) = (decoder.total_in(), decoder.total_out());
            let status = decoder.decompress(bytes, &mut room, FlushDecompress::Sync);
            let status = status.expect("gzip");
            bytes = &bytes[(decoder.total_in() - read) as usize..];
            let written = (decoder.total_out() - written) as usize;
            self.text.extend_from_slice(&room[..written]);
            if status == Status::StreamEnd || bytes.is_empty() && written < room.len() {
                assert!(bytes.is_empty(), "something after the trailer");
                return;
            }
        }
    }

    fn wire_len(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }
}

fn options() -> SseOptions {
    SseOptions::new()
        .without_keep_alive()
        .buffer_size(64 * 1024)
}

fn tick(number: usize) -> Event<'static, String> {
    let data = format!(
        r#"{{"symbol":"ACME","bid":{number},"ask":{},"venue":"XETRA","currency":"EUR"}}"#,
        number + 3
    );
    Event::new().event("tick").data(data)
}

fn publish(hub: &Hub, topic: &str, number: usize) {
    hub.publish_now(topic, tick(number)).expect("published");
}

#[test]
fn an_event_is_compressed_once_for_all_streams_that_are_up_to_date() {
    let hub = Hub::new();
    let mut clients: Vec<_> = (0..5)
        .map(|_| Client::new(hub.subscribe("ticks"), true))
        .collect();
    for client in &mut clients {
        client.read();
    }
    let mut lens = Vec::new();
    for number in 0..60 {
        publish(&hub, "ticks", number);
        for client in &mut clients {
            assert_eq!(client.read().len(), 1);
            assert_eq!(client.pieces.len(), 1);
        }
        let first = &clients[0].pieces[0];
        for client in &clients {
            assert_eq!(client.pieces[0].as_ptr(), first.as_ptr(), "the same memory");
        }
        lens.push(first.len());
    }
    // What repeats takes little, from the beginning on.
    assert!(lens[2..].iter().all(|len| *len < 60), "{lens:?}");

    // One that comes later has the others' form when it has had 2 KiB.
    let mut late = Client::new(hub.subscribe("ticks"), true);
    late.read();
    let mut shared = Vec::new();
    for number in 60..120 {
        publish(&hub, "ticks", number);
        for client in &mut clients {
            client.read();
        }
        late.read();
        shared.push(late.pieces[0].as_ptr() == clients[0].pieces[0].as_ptr());
    }
    let first = shared
        .iter()
        .position(|shared| *shared)
        .expect("in the end");
    assert!((5..30).contains(&first), "{first}");
    assert!(shared[first..].iter().all(|shared| *shared));
}

#[test]
fn what_was_missed_is_compressed_as_one_piece() {
    let hub = Hub::new();
    for number in 0..200 {
        publish(&hub, "ticks", number);
    }
    let mut plain = Client::new(hub.subscribe("ticks").from_start(), false);
    let mut client = Client::new(hub.subscribe("ticks").from_start(), true);
    assert_eq!(client.read(), plain.read());
    assert!(client.wire_len() * 4 < plain.wire_len());
    // A second one gets the same memory.
    let mut second = Client::new(hub.subscribe("ticks").from_start(), true);
    second.read();
    let last = |client: &Client| client.pieces.last().expect("a piece").as_ptr();
    assert_eq!(last(&client), last(&second));
}

#[tokio::test]
async fn a_stream_that_ends_in_order_has_the_checksum() {
    let hub = Hub::new();
    let mut client = Client::new(hub.subscribe("ticks"), true);
    let mut plain = Client::new(hub.subscribe("ticks"), false);
    client.read();
    plain.read();
    for number in 0..5 {
        publish(&hub, "ticks", number);
    }
    hub.finish("ticks", tick(5)).await.expect("finished");
    assert_eq!(client.read(), plain.read());
    assert!(client.has_ended);
    let decoder = client.decoder.as_mut().expect("compressed");
    let more = decoder.decompress(b"", &mut [0; 8], FlushDecompress::Finish);
    assert_eq!(more.expect("gzip"), Status::StreamEnd);
}

/// How many random courses of events are tried.
const CASES: u64 = 300;

#[test]
fn whatever_happens_a_compressed_stream_decodes_to_what_a_plain_one_has() {
    let mut shared = 0;
    for seed in 0..CASES {
        fastrand::seed(seed);
        let retention = Retention::new().max_events(fastrand::usize(3..60));
        let hub = Hub::builder()
            .group("group/")
            .topics(move |name| {
                let options = TopicOptions::new().retention(retention);
                if name == "state" {
                    options.snapshot(|| tick(1_000_000))
                } else {
                    options
                }
            })
            .build();
        let topics = ["ticks", "other", "state", "group/1"];
        let mut pairs: Vec<[Client; 2]> = Vec::new();
        for number in 0..fastrand::usize(20..150) {
            match fastrand::u8(..10) {
                0 if pairs.len() < 5 => pairs.push(pair(&hub, &topics)),
                1 if !pairs.is_empty() => drop(pairs.swap_remove(fastrand::usize(..pairs.len()))),
                2..6 => {
                    for _ in 0..fastrand::usize(1..8) {
                        publish(&hub, topics[fastrand::usize(..topics.len())], number);
                    }
                }
                // Some lag, and miss events then.
                _ => {
                    for pair in &mut pairs {
                        if fastrand::u8(..3) > 0 {
                            shared += read_both(pair);
                        }
                    }
                }
            }
        }
        for pair in &mut pairs {
            read_both(pair);
        }
    }
    assert!(shared > 1_000, "{shared}");
}

/// Two clients of the same kind, of which the second one is compressed.
fn pair(hub: &Hub, topics: &[&str]) -> [Client; 2] {
    let first = fastrand::usize(..topics.len());
    let is_several = fastrand::u8(..4) == 0;
    let has_filter = fastrand::u8(..6) == 0;
    let is_named = fastrand::bool();
    let from_start = fastrand::bool();
    [false, true].map(|is_compressed| {
        let mut subscribe = if is_several {
            hub.subscribe(topics)
        } else {
            hub.subscribe(topics[first])
        };
        if has_filter {
            subscribe = subscribe.filter(|event| event.data().is_some_and(|it| it.len() % 2 == 0));
        }
        if is_named {
            subscribe = subscribe.member("Ada");
        }
        if from_start {
            subscribe = subscribe.from_start();
        }
        Client::new(subscribe, is_compressed)
    })
}

/// Reads both. Returns how many pieces came.
fn read_both([plain, compressed]: &mut [Client; 2]) -> usize {
    assert_eq!(compressed.read(), plain.read());
    compressed.pieces.len()
}
