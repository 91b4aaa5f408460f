//! Connections that run in tasks of their own: they do their duties while the reader is busy, are as
//! bounded as the others, and end with their responses.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use sse_eventsource::{Error, ErrorKind, EventSource, HttpClient, Reconnect};
use sse_hyper::{SendError, Sse};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

fn spawning() -> HttpClient {
    HttpClient::new().spawn_with(|connection| {
        tokio::spawn(connection);
    })
}

fn alive_tasks() -> usize {
    tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks()
}

/// Reads an event, is busy while an HTTP/2 server sends PINGs that it wants answered, and reads
/// another one.
async fn read_after_pings(client: HttpClient, patience: Duration) -> Result<String, Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let more = Arc::new(Notify::new());
    let send_more = Arc::clone(&more);
    // In a runtime of its own, so that it does not depend on the reader.
    let server = std::thread::spawn(move || {
        let listener = listener.into_std().expect("a socket");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(async move {
            let listener = TcpListener::from_std(listener).expect("a socket");
            let (io, _) = listener.accept().await.expect("a connection");
            let service = sse_hyper::with_sse(move |_request, sse: Sse| {
                let more = Arc::clone(&send_more);
                async move {
                    sse.send("first").await?;
                    more.notified().await;
                    sse.send("second").await
                }
            });
            // An error where PINGs were not answered.
            http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .keep_alive_interval(Duration::from_millis(100))
                .keep_alive_timeout(patience)
                .serve_connection(TokioIo::new(io), service)
                .await
                .is_ok()
        })
    });
    let client = client.http2_prior_knowledge();
    let source = EventSource::get(url)
        .reconnect(Reconnect::Never)
        .build_with(client);
    let mut source = source.expect("valid");
    assert_eq!(source.next().await.expect("an event")?.data(), "first");
    tokio::time::sleep(Duration::from_millis(1000)).await;
    more.notify_one();
    let second = source.next().await.expect("an item");
    drop(source);
    // The client's tasks see that the response is gone.
    while alive_tasks() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(server.join().expect("no panic"), second.is_ok());
    second.map(|event| event.data().to_owned())
}

#[tokio::test]
async fn pings_are_answered_while_the_reader_is_busy() {
    let second = read_after_pings(spawning(), Duration::from_secs(20))
        .await
        .expect("no error");
    assert_eq!(second, "second");
}

/// As documented, and the reason for the above.
#[tokio::test]
async fn without_a_task_a_busy_reader_answers_no_pings() {
    let error = read_after_pings(HttpClient::new(), Duration::from_millis(300))
        .await
        .expect_err("closed by the server");
    assert!(matches!(error.kind(), ErrorKind::Body(_)), "{error:?}");
}

/// Serves one connection with events of 10 kB without an end. Returns the URL, and how many bytes
/// were sent; that ends when the handler is dropped.
async fn endless(is_http2: bool) -> (String, watch::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let (sent, progress) = watch::channel(0_usize);
    let sent = std::sync::Mutex::new(Some(sent));
    tokio::spawn(async move {
        let service = sse_hyper::with_sse(move |_request, sse: Sse| {
            let sent = sent.lock().expect("a lock").take().expect("one request");
            async move {
                let data = "x".repeat(10_000);
                while sse.send(&data).await.is_ok() {
                    sent.send_modify(|sent| *sent += data.len());
                }
                Ok::<_, SendError>(())
            }
        });
        let (io, _) = listener.accept().await.expect("a connection");
        let io = TokioIo::new(io);
        if is_http2 {
            let server = http2::Builder::new(TokioExecutor::new());
            let _ = server.serve_connection(io, service).await;
        } else {
            let server = hyper::server::conn::http1::Builder::new();
            let _ = server.serve_connection(io, service).await;
        }
    });
    (url, progress)
}

#[tokio::test]
async fn what_is_received_ahead_is_bounded_and_a_dropped_response_closes_the_connection() {
    for is_http2 in [false, true] {
        let (url, mut progress) = endless(is_http2).await;
        let mut client = spawning();
        if is_http2 {
            client = client.http2_prior_knowledge();
        }
        let mut source = EventSource::get(url).build_with(client).expect("valid");
        source.next().await.expect("endless").expect("no error");
        let quiet = Duration::from_millis(300);
        while let Ok(Ok(())) = tokio::time::timeout(quiet, progress.changed()).await {
            let total = *progress.borrow();
            // The window or the buffers of the kernel, and those of both sides.
            assert!(total < 32 * 1024 * 1024, "{total} bytes were sent");
        }
        for _ in 0..1000 {
            source.next().await.expect("endless").expect("no error");
        }
        drop(source);
        // Until the handler is dropped.
        while progress.changed().await.is_ok() {}
    }
}

#[tokio::test]
async fn an_attempt_that_is_given_up_closes_its_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let source = EventSource::get(url)
        .max_attempts(1)
        .response_timeout(Duration::from_millis(100))
        .build_with(spawning());
    let mut source = source.expect("valid");
    let error = source
        .next()
        .await
        .expect("an item")
        .expect_err("no answer");
    assert!(
        matches!(error.kind(), ErrorKind::ResponseTimeout { .. }),
        "{error:?}"
    );
    let (mut io, _) = listener.accept().await.expect("a connection");
    let mut request = Vec::new();
    // Up to the end of the connection.
    tokio::io::AsyncReadExt::read_to_end(&mut io, &mut request)
        .await
        .expect("closed");
    assert!(request.starts_with(b"GET / HTTP/1.1\r\n"));
}
