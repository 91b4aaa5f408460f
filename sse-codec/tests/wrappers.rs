//! The `Stream` of events and the codec traits of `tokio-util`.

use std::error::Error;
use std::io;
use std::task::Poll;

use futures_util::stream::FusedStream;
use futures_util::{FutureExt, SinkExt, Stream, StreamExt, TryStreamExt, stream};
use sse_codec::{
    DecodeError, Decoder, EncodeError, Encoder, Event, EventStream, ReceivedEvent, SinkError,
    StreamError,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::codec::{Framed, FramedRead, FramedWrite};

fn data<E>(event: Result<ReceivedEvent, E>) -> Result<String, E> {
    event.map(|event| event.data().to_owned())
}

/// Returns the items of a stream that is always ready.
fn all<S: stream::TryStream>(events: EventStream<S>) -> Vec<Result<String, StreamError<S::Error>>>
where
    S::Ok: AsRef<[u8]>,
{
    events
        .map(data)
        .collect::<Vec<_>>()
        .now_or_never()
        .expect("always ready")
}

#[test]
fn a_stream_of_chunks_is_a_stream_of_events() {
    let text = "data: a\r\n\r\nid: 7\ndata: b\r\rdata: c\n\ndata: lost\n";
    for chunk_len in 1..=text.len() {
        let chunks = text.as_bytes().chunks(chunk_len).map(Ok::<_, ()>);
        let events = all(EventStream::new(stream::iter(chunks)));
        assert_eq!(events, ["a", "b", "c"].map(|data| Ok(data.to_owned())));
    }
    // Chunks may be of any type of bytes.
    let chunks = [Ok::<_, ()>(bytes::Bytes::from_static(b"data: a\n\n"))];
    assert_eq!(all(EventStream::new(stream::iter(chunks))).len(), 1);
    let chunks = [Ok::<_, ()>(b"data: a\n\n".to_vec())];
    assert_eq!(all(EventStream::new(stream::iter(chunks))).len(), 1);
}

#[test]
fn an_error_of_the_source_comes_after_the_events_before_it_and_loses_none() {
    let chunks = [
        Ok("data: a\n\ndata: b\n\ndata: "),
        Err("cut"),
        Ok("c\n\n"),
        Err("end"),
    ];
    assert_eq!(
        all(EventStream::new(stream::iter(chunks))),
        [
            Ok("a".to_owned()),
            Ok("b".to_owned()),
            Err(StreamError::Source("cut")),
            Ok("c".to_owned()),
            Err(StreamError::Source("end")),
        ]
    );
}

#[test]
fn an_exceeded_limit_is_the_last_item() {
    let chunks = ["data: a\n\ndata: too long\n\ndata: b\n\n", "data: c\n\n"];
    let source = stream::iter(chunks.map(Ok::<_, ()>));
    let decoder = Decoder::new().max_event_len(2);
    assert_eq!(
        all(EventStream::with_decoder(source, decoder)),
        [
            Ok("a".to_owned()),
            Err(StreamError::Decode(DecodeError::EventTooLong {
                limit: 2,
                position: 9
            }))
        ]
        .map(|result: Result<String, StreamError<()>>| result),
    );
}

#[test]
fn the_decoder_is_reused_for_the_next_connection() {
    let first = stream::iter([Ok::<_, ()>("id: 1\ndata: a\n\ndata: lost")]);
    let mut events = EventStream::new(first);
    while events.next().now_or_never().flatten().is_some() {}
    assert_eq!(events.decoder().last_event_id(), "1");
    let mut decoder = events.into_decoder();
    decoder.reset();
    let second = stream::iter([Ok::<_, ()>("data: b\n\n")]);
    let mut events = EventStream::with_decoder(second, decoder);
    let event = events
        .next()
        .now_or_never()
        .flatten()
        .expect("an event")
        .expect("no error");
    assert_eq!((event.data(), event.last_event_id()), ("b", "1"));
}

#[tokio::test]
async fn events_come_as_soon_as_their_chunk_and_are_not_lost_by_a_dropped_future() {
    let (chunks, source) = tokio::sync::mpsc::unbounded_channel::<Result<&str, ()>>();
    let mut events = EventStream::new(tokio_stream::wrappers::UnboundedReceiverStream::new(source));
    assert_eq!(events.next().now_or_never(), None, "pending");
    chunks.send(Ok("data: a\r\r")).expect("open");
    let event = events.next().now_or_never().expect("at once");
    assert_eq!(event.map(data), Some(Ok("a".to_owned())));
    chunks.send(Ok("\ndata: b\n")).expect("open");
    assert_eq!(events.next().now_or_never(), None, "pending");
    chunks.send(Ok("\n")).expect("open");
    assert_eq!(events.next().await.map(data), Some(Ok("b".to_owned())));
    drop(chunks);
    assert_eq!(events.next().await, None);
    assert_eq!(events.next().await, None);
}

/// Yields the chunks, and panics if it is polled after its end.
fn polled_once_at_its_end(
    chunks: Vec<Result<&'static str, ()>>,
) -> impl Stream<Item = Result<&'static str, ()>> + Unpin {
    let (mut chunks, mut has_ended) = (chunks.into_iter(), false);
    stream::poll_fn(move |_| {
        assert!(!has_ended, "polled after the end");
        let chunk = chunks.next();
        has_ended = chunk.is_none();
        Poll::Ready(chunk)
    })
}

#[test]
fn a_stream_that_is_polled_after_its_end_yields_none_and_leaves_the_source_alone() {
    let mut events = EventStream::new(polled_once_at_its_end(vec![Ok("data: a\n\ndata: b")]));
    let mut next = || events.next().now_or_never().expect("always ready");
    assert_eq!(next().map(data), Some(Ok("a".to_owned())));
    for _ in 0..3 {
        assert_eq!(next(), None);
    }
    assert!(events.is_terminated());
}

#[test]
fn a_stream_that_is_polled_after_an_error_of_the_decoder_yields_none() {
    let source = polled_once_at_its_end(vec![Ok("data: too long\n\n"), Ok("data: b\n\n")]);
    let mut events = EventStream::with_decoder(source, Decoder::new().max_line_len(7));
    assert!(!events.is_terminated());
    let mut next = || events.next().now_or_never().expect("always ready");
    assert!(matches!(next(), Some(Err(StreamError::Decode(_)))));
    for _ in 0..3 {
        assert_eq!(next(), None);
    }
    assert!(events.is_terminated());
}

#[test]
fn a_stream_that_is_polled_after_an_error_of_the_source_asks_the_source() {
    let source = polled_once_at_its_end(vec![Err(()), Ok("data: a\n\n"), Err(())]);
    let mut events = EventStream::new(source);
    let mut next = || events.next().now_or_never().expect("always ready");
    assert_eq!(next(), Some(Err(StreamError::Source(()))));
    assert_eq!(next().map(data), Some(Ok("a".to_owned())));
    assert_eq!(next(), Some(Err(StreamError::Source(()))));
    for _ in 0..3 {
        assert_eq!(next(), None);
    }
    assert!(events.is_terminated());
}

#[tokio::test]
async fn framed_read_that_reads_on_after_an_error_repeats_it_until_a_reset() {
    let (mut client, server) = tokio::io::duplex(64);
    let mut events = FramedRead::new(server, Decoder::new().max_line_len(7));
    for chunk in [&b"data: too long\n\n"[..], b"data: a\n\n", b"\n"] {
        client.write_all(chunk).await.expect("written");
        let error = events.next().await.expect("an item").expect_err("too long");
        assert!(matches!(error, StreamError::Decode(_)));
        assert!(events.next().await.is_none());
    }
    events.read_buffer_mut().clear();
    events.decoder_mut().reset();
    client.write_all(b"data: a\n\n").await.expect("written");
    let event = events.next().await.expect("an event").expect("no error");
    assert_eq!(event.data(), "a");
    drop(client);
    for _ in 0..3 {
        assert!(events.next().await.is_none());
    }
}

#[tokio::test]
async fn framed_read_reads_events() {
    let (mut client, server) = tokio::io::duplex(16);
    let writing = tokio::spawn(async move {
        client
            .write_all(
                b"\xEF\xBB\xBFdata: a\r\n\r\nevent: x\ndata: a long line of text\n\ndata: lost",
            )
            .await
    });
    let mut events = FramedRead::new(server, Decoder::new());
    let first = events
        .try_next()
        .await
        .expect("no error")
        .expect("an event");
    assert_eq!(first.data(), "a");
    let second = events
        .try_next()
        .await
        .expect("no error")
        .expect("an event");
    assert_eq!(
        (second.event(), second.data()),
        ("x", "a long line of text")
    );
    writing.await.expect("no panic").expect("written");
    assert_eq!(events.try_next().await.expect("no error"), None);
}

#[tokio::test]
async fn framed_read_passes_errors_on() {
    let socket = failing_socket().chain(&b""[..]);
    let mut events = FramedRead::new(socket, Decoder::new());
    let event = events.next().await.expect("an event").expect("no error");
    assert_eq!(event.data(), "a");
    let error = events
        .next()
        .await
        .expect("an item")
        .expect_err("the socket fails");
    assert!(
        matches!(&error, StreamError::Source(error) if error.kind() == io::ErrorKind::ConnectionReset)
    );
    assert!(error.source().is_some());

    let mut events = FramedRead::new(
        &b"data: a\n\ndata: too long\n\n"[..],
        Decoder::new().max_line_len(7),
    );
    assert!(events.next().await.expect("an item").is_ok());
    let error = events
        .next()
        .await
        .expect("an item")
        .expect_err("a line is too long");
    assert_eq!(error.to_string(), "the event stream could not be decoded");
    assert!(matches!(
        error,
        StreamError::Decode(DecodeError::LineTooLong { .. })
    ));
    assert!(events.next().await.is_none());
}

/// Returns a socket that fails after one event.
fn failing_socket() -> impl tokio::io::AsyncRead + Unpin {
    let chunks = [
        Ok(&b"data: a\n\ndata: b"[..]),
        Err(io::Error::from(io::ErrorKind::ConnectionReset)),
    ];
    tokio_util::io::StreamReader::new(stream::iter(chunks))
}

#[tokio::test]
async fn framed_write_writes_whole_events() {
    let mut events = FramedWrite::new(Vec::new(), Encoder::new());
    events.send("a\nb").await.expect("written");
    let forged = events.send(Event::new().id("1\n2").data("x")).await;
    assert!(matches!(
        forged,
        Err(SinkError::Encode(EncodeError::LineBreak { .. }))
    ));
    events
        .send(Event::new().id("1").data("x"))
        .await
        .expect("written");
    assert_eq!(events.get_ref(), b"data: a\ndata: b\n\ndata: x\nid: 1\n\n");
}

#[tokio::test]
async fn framed_reads_and_writes() {
    let (client, server) = tokio::io::duplex(1024);
    let mut sender = Framed::new(server, Encoder::new());
    let mut receiver = Framed::new(client, Decoder::new());
    for number in 0..100 {
        sender
            .send(Event::new().display(number))
            .await
            .expect("written");
        let event = receiver.next().await.expect("an event").expect("no error");
        assert_eq!(event.json::<u32>().expect("a number"), number);
        // A proxy passes on what it received.
        sender.send(event).await.expect("written");
        assert!(receiver.next().await.expect("an event").is_ok());
    }
    drop(sender);
    assert!(receiver.next().await.is_none());
    let mut rest = Vec::new();
    receiver
        .get_mut()
        .read_to_end(&mut rest)
        .await
        .expect("the end");
    assert_eq!(rest, b"");
}
