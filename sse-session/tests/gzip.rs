//! Compressed streams as their servers poll them.
#![cfg(feature = "gzip")]

use std::future::pending;
use std::pin::{Pin, pin};

use flate2::{Decompress, FlushDecompress, Status};
use futures_util::StreamExt as _;
use futures_util::future::join;
use sse_session::{
    BoxError, Compression, Event, GzipStream, SendError, Sse, SseOptions, SseStream, TrySendError,
};

const OPENING: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\xff";

fn gzip<F>(options: &SseOptions, handler: impl FnOnce(Sse) -> F) -> Pin<Box<GzipStream<F>>>
where
    F: Future<Output: sse_session::IntoHandlerResult>,
{
    Box::pin(GzipStream::new(SseStream::new(options, None, handler)))
}

/// Decodes what has arrived. Returns its text, and whether it is complete.
fn decoded(bytes: &[u8]) -> (String, bool) {
    let mut decoder = Decompress::new_gzip(15);
    let mut text = Vec::with_capacity(1024 * 1024);
    let flush = FlushDecompress::Sync;
    let status = decoder.decompress_vec(bytes, &mut text, flush);
    assert_eq!(decoder.total_in(), bytes.len() as u64);
    let text = String::from_utf8(text).expect("UTF-8");
    (text, status.expect("gzip") == Status::StreamEnd)
}

async fn whole<F>(mut stream: Pin<Box<GzipStream<F>>>) -> Vec<u8>
where
    F: Future<Output: sse_session::IntoHandlerResult>,
{
    let mut bytes = Vec::new();
    while let Some(piece) = stream.next().await {
        bytes.extend_from_slice(&piece.expect("no failure"));
    }
    assert!(stream.has_ended());
    assert!(stream.next().await.is_none());
    bytes
}

#[tokio::test]
async fn a_stream_without_events_is_an_empty_member() {
    let bytes = whole(gzip(&SseOptions::new(), async |_sse| {})).await;
    assert_eq!(bytes, [OPENING, &[3, 0, 0, 0, 0, 0, 0, 0, 0, 0]].concat());
    assert_eq!(decoded(&bytes), (String::new(), true));
}

#[tokio::test]
async fn a_silent_stream_begins_with_the_opening() {
    let options = SseOptions::new()
        .without_opening_comment()
        .without_keep_alive();
    let mut stream = gzip(&options, async |_sse| pending::<()>().await);
    let first = stream.next().await.expect("a piece").expect("no failure");
    assert_eq!(first, OPENING);
    assert!(futures_util::poll!(stream.next()).is_pending());
}

#[tokio::test]
async fn the_last_piece_has_the_trailer_if_it_is_known_to_be_the_last() {
    let mut stream = gzip(&SseOptions::new(), async |sse: Sse| sse.send("hello").await);
    let piece = stream.next().await.expect("a piece").expect("no failure");
    assert!(stream.has_ended());
    assert_eq!(decoded(&piece), ("data: hello\n\n".to_owned(), true));
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_stream_whose_handler_fails_has_no_trailer() {
    let mut stream = gzip(&SseOptions::new(), async |sse: Sse| {
        sse.send("hello").await?;
        Err::<(), BoxError>("database gone".into())
    });
    let piece = stream.next().await.expect("a piece").expect("no failure");
    assert_eq!(decoded(&piece), ("data: hello\n\n".to_owned(), false));
    assert!(matches!(stream.next().await, Some(Err(_))));
    assert!(stream.has_ended());
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_stream_that_is_shut_down_has_its_trailer() {
    let mut stream = gzip(&SseOptions::new(), async |sse: Sse| {
        sse.send("hello").await?;
        pending::<Result<(), SendError>>().await
    });
    let mut bytes = stream
        .next()
        .await
        .expect("a piece")
        .expect("no failure")
        .to_vec();
    stream.shutdown_handle().shutdown();
    bytes.extend_from_slice(&whole(stream).await);
    assert_eq!(decoded(&bytes), ("data: hello\n\n".to_owned(), true));
}

#[tokio::test]
async fn what_is_sent_together_is_one_piece() {
    let mut stream = gzip(&SseOptions::new(), async |sse: Sse| {
        sse.send("first ".repeat(30)).await?;
        sse.send("second ".repeat(30)).await?;
        pending::<Result<(), SendError>>().await
    });
    let piece = stream.next().await.expect("a piece").expect("no failure");
    let text = format!(
        "data: {}\n\ndata: {}\n\n",
        "first ".repeat(30),
        "second ".repeat(30)
    );
    assert_eq!(decoded(&piece), (text, false));
    assert!(piece.len() < 80);
}

#[tokio::test]
async fn the_buffer_counts_bytes_before_compression() {
    let options = SseOptions::new().buffer_size(1_000);
    let (give, take) = tokio::sync::oneshot::channel();
    let mut stream = gzip(&options, async |sse: Sse| {
        assert!(give.send(sse.clone()).is_ok());
        pending::<()>().await;
    });
    let _opening = stream.next().await;
    let sse = take.await.expect("a handle");
    let event = "x".repeat(92);
    for _ in 0..10 {
        sse.try_send(&event).expect("room");
    }
    assert!(matches!(sse.try_send(&event), Err(TrySendError::Full)));
    let piece = stream.next().await.expect("a piece").expect("no failure");
    assert!(piece.len() < 100);
    sse.try_send(&event).expect("room again");
}

#[tokio::test]
async fn secrets_are_sent_in_order_and_stored_wherever_they_are() {
    let event = "an event that is compressed, as it repeats itself, as it repeats itself";
    let secret = "7f3a0c55d1b94be2a6e0f1c28d9b7a64";
    for buffer_size in [1, 100, 60 * 1024] {
        let options = SseOptions::new()
            .retry(std::time::Duration::from_secs(1))
            .buffer_size(buffer_size);
        let bytes = whole(gzip(&options, async |sse: Sse| {
            let other = sse.clone();
            sse.send(event).await?;
            other.send_secret(secret).await?;
            sse.send_secret(Event::new().event("secret").data(secret))
                .await?;
            sse.send(event).await?;
            sse.send_encoded("data: encoded\n\n".into()).await?;
            other.send_secret(secret).await?;
            sse.send(event).await
        }))
        .await;
        let text = format!(
            "retry: 1000\ndata: {event}\n\ndata: {secret}\n\nevent: secret\ndata: {secret}\n\n\
             data: {event}\n\ndata: encoded\n\ndata: {secret}\n\ndata: {event}\n\n"
        );
        assert_eq!(decoded(&bytes), (text, true), "{buffer_size}");
        let stored = bytes
            .windows(secret.len())
            .filter(|window| *window == secret.as_bytes());
        assert_eq!(stored.count(), 3, "{buffer_size}");
    }
}

#[tokio::test]
async fn a_secret_is_an_event_like_others_where_nothing_is_compressed() {
    let options = SseOptions::new().buffer_size(10);
    let mut stream = pin!(SseStream::new(&options, None, async |sse: Sse| {
        sse.send_secret("first").await?;
        let invalid = sse.send_secret(Event::new().id("a\nb")).await;
        assert!(matches!(invalid, Err(SendError::Encode(_))));
        sse.send_secret("second").await?;
        sse.close();
        assert!(matches!(
            sse.send_secret("third").await,
            Err(SendError::Closed)
        ));
        Ok::<_, SendError>(())
    }));
    let mut text = Vec::new();
    while let Some(piece) = stream.next().await {
        text.extend_from_slice(&piece.expect("no failure"));
    }
    assert_eq!(text, b"data: first\n\ndata: second\n\n");
}

#[tokio::test]
async fn streams_of_one_thread_do_not_disturb_each_other() {
    let options = SseOptions::new();
    let texts = ["{\"delta\":\"one\"} ", "<p>another text</p> "];
    let streams = texts.map(|text| {
        gzip(&options, async move |sse: Sse| {
            for number in 0..50 {
                sse.send(format!("{}{number}", text.repeat(10))).await?;
                tokio::task::yield_now().await;
            }
            Ok::<_, SendError>(())
        })
    });
    let [first, second] = streams;
    let (first, second) = join(whole(first), whole(second)).await;
    for (bytes, text) in [(first, texts[0]), (second, texts[1])] {
        let events = (0..50).map(|number| format!("data: {}{number}\n\n", text.repeat(10)));
        assert_eq!(decoded(&bytes), (events.collect(), true));
        assert!(bytes.len() < 2_000, "{} bytes", bytes.len());
    }
}

#[test]
fn compression_is_off_by_default() {
    assert_eq!(Compression::default(), Compression::Off);
    let headers = SseOptions::new().response_headers();
    assert!(!headers.contains_key("vary"));
}

#[cfg(feature = "http-body")]
#[tokio::test]
async fn the_body_of_a_response_is_compressed_and_knows_its_end() {
    use http::{Method, Request};
    use sse_session::sse_response_with;

    let options = SseOptions::new().compression(Compression::Gzip);
    for (method, accepted) in [
        (Method::GET, "gzip"),
        (Method::GET, "br"),
        (Method::HEAD, "gzip"),
        (Method::HEAD, "br"),
    ] {
        let request = Request::builder()
            .method(method.clone())
            .header("Accept-Encoding", accepted)
            .body(())
            .expect("a request");
        let handler = async |_request, sse: Sse| sse.send("hello").await;
        let response = sse_response_with(&options, request, handler);
        let coding = response.headers().get("content-encoding");
        assert_eq!(
            coding.is_some_and(|coding| coding == "gzip"),
            accepted == "gzip"
        );
        assert_eq!(response.headers()["vary"], "accept-encoding");
        let mut body = response.into_body();
        if method == Method::HEAD {
            assert!(body.has_ended());
            continue;
        }
        let piece = body.next().await.expect("a piece").expect("no failure");
        assert!(body.has_ended());
        if accepted == "gzip" {
            assert_eq!(decoded(&piece), ("data: hello\n\n".to_owned(), true));
        } else {
            assert_eq!(piece, "data: hello\n\n");
        }
    }
}
