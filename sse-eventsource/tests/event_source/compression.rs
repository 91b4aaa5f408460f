//! Compressed streams, whose events arrive one by one, not by the block.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZstdEncoder};
use futures_util::StreamExt as _;
use sse_eventsource::{DecodeError, ErrorKind, EventSource};
use sse_eventsource_testing::{STREAM, Server, header};
use sse_tokio_tcp::{BoxError, Compression, Event, Request, Sse, SseOptions, serve, with_sse};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// An encoder that writes to memory.
trait Encoder: AsyncWrite + Unpin {
    fn written(&mut self) -> &mut Vec<u8>;
}

impl Encoder for BrotliEncoder<Vec<u8>> {
    fn written(&mut self) -> &mut Vec<u8> {
        self.get_mut()
    }
}

impl Encoder for GzipEncoder<Vec<u8>> {
    fn written(&mut self) -> &mut Vec<u8> {
        self.get_mut()
    }
}

impl Encoder for ZstdEncoder<Vec<u8>> {
    fn written(&mut self) -> &mut Vec<u8> {
        self.get_mut()
    }
}

fn encoder(coding: &str) -> Box<dyn Encoder> {
    match coding {
        "br" => Box::new(BrotliEncoder::new(Vec::new())),
        "gzip" => Box::new(GzipEncoder::new(Vec::new())),
        "zstd" => Box::new(ZstdEncoder::new(Vec::new())),
        other => panic!("{other}"),
    }
}

fn head(coding: &str) -> String {
    STREAM.replace(
        "\r\n\r\n",
        &format!("\r\nContent-Encoding: {coding}\r\n\r\n"),
    )
}

#[tokio::test]
async fn each_event_arrives_as_soon_as_it_is_flushed() {
    for coding in ["br", "gzip", "zstd"] {
        let (received, was_received) = mpsc::channel::<()>();
        let was_received = Arc::new(Mutex::new(was_received));
        let server = Server::start(move |_, mut connection| {
            let was_received = Arc::clone(&was_received);
            async move {
                let request = connection.head().await;
                assert_eq!(header(&request, "accept-encoding"), Some("zstd,gzip,br"));
                connection.send(head(coding)).await;
                let mut encoder = encoder(coding);
                for number in 0..5 {
                    let event = format!("data: {number}\n\n");
                    encoder
                        .write_all(event.as_bytes())
                        .await
                        .expect("compressed");
                    encoder.flush().await.expect("compressed");
                    let bytes = std::mem::take(encoder.written());
                    connection.send(bytes).await;
                    // The next one is not sent before this one has arrived.
                    let lock = was_received.lock().expect("a lock");
                    lock.recv_timeout(Duration::from_secs(60))
                        .expect("received");
                }
            }
        });
        let builder = EventSource::get(server.url()).compression(true);
        let mut source = builder.build().expect("valid");
        for number in 0..5 {
            let event = source.next().await.expect("an event").expect("no error");
            assert_eq!(event.data(), number.to_string(), "{coding}");
            received.send(()).expect("the server waits");
        }
    }
}

/// The whole way: the server of `sse-tokio-tcp` compresses, the first stream is cut, the second one ends in order.
#[tokio::test]
async fn our_own_servers_compressed_streams_are_read_and_resumed() {
    const EVENTS: usize = 20;
    fn text(number: usize) -> String {
        format!("{{\"id\":\"a1\",\"delta\":\"{number}\"}} ").repeat(1 + number * 20)
    }
    let permits = Arc::new(Semaphore::new(0));
    let handler = {
        let permits = Arc::clone(&permits);
        move |_: Request, sse: Sse| {
            let permits = Arc::clone(&permits);
            async move {
                let begin = sse.last_event_id().map_or(0, |id| id.parse().unwrap_or(0));
                for number in begin + 1..=EVENTS {
                    // The next one is not sent before this one has arrived.
                    let permit = permits.acquire().await?;
                    if number == EVENTS / 2 && begin == 0 {
                        return Err::<(), BoxError>("the first stream fails".into());
                    }
                    permit.forget();
                    let event = Event::new().data(text(number));
                    sse.send(event.id(number.to_string())).await?;
                }
                Ok(())
            }
        }
    };
    let options = SseOptions::new()
        .compression(Compression::Gzip)
        .retry(Duration::from_millis(10));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(serve(listener, with_sse(handler).options(options)));

    let builder = EventSource::get(format!("http://{address}/")).compression(true);
    let mut source = builder.build().expect("valid");
    for number in 1..=EVENTS {
        permits.add_permits(1);
        let event = source.next().await.expect("an event").expect("no error");
        assert_eq!(event.data(), text(number));
    }
    server.abort();
}

#[tokio::test]
async fn invalid_data_is_a_lost_connection() {
    for coding in ["br", "gzip", "zstd"] {
        let server = Server::start(move |_, mut connection| async move {
            let text = "this is not compressed".repeat(200);
            connection.answer(head(coding) + &text).await;
            connection.closed().await;
        });
        let builder = EventSource::get(server.url())
            .compression(true)
            .max_attempts(1);
        let mut source = builder.build().expect("valid");
        let error = source
            .next()
            .await
            .expect("an error")
            .expect_err("an error");
        assert!(
            matches!(error.kind(), ErrorKind::Body(_)),
            "{coding}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_decompression_bomb_exceeds_the_limits_of_the_decoder() {
    let server = Server::start(|_, mut connection| async move {
        let mut encoder = GzipEncoder::new(Vec::new());
        encoder.write_all(b"data: ").await.expect("compressed");
        for _ in 0..64 {
            encoder
                .write_all(&[b'x'; 1024 * 1024])
                .await
                .expect("compressed");
        }
        encoder.shutdown().await.expect("compressed");
        connection.answer(head("gzip")).await;
        connection.send(encoder.into_inner()).await;
        connection.closed().await;
    });
    let builder = EventSource::get(server.url())
        .compression(true)
        .max_line_len(4096);
    let mut source = builder.build().expect("valid");
    let error = source
        .next()
        .await
        .expect("an error")
        .expect_err("an error");
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Decode(DecodeError::LineTooLong { limit: 4096, .. })
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_unknown_encoding_is_an_error() {
    let server = Server::start(|_, mut connection| async move {
        connection.answer(head("compress")).await;
    });
    let builder = EventSource::get(server.url()).compression(true);
    let mut source = builder.build().expect("valid");
    let error = source
        .next()
        .await
        .expect("an error")
        .expect_err("an error");
    assert!(
        matches!(error.kind(), ErrorKind::ContentEncoding(_)),
        "{error:?}"
    );
}
