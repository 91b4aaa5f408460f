//! The connection belongs to the stream: reading drives it, dropping the stream closes it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use futures_util::StreamExt as _;
use sse_eventsource::EventSource;
use sse_eventsource_testing::{STREAM, Server};

/// A server that sends numbered events without an end, and counts the bytes. It reports when the
/// client has closed the connection.
fn endless() -> (Server, Arc<AtomicUsize>, mpsc::Receiver<()>) {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let (closed, is_closed) = mpsc::channel();
    let server = Server::start(move |_, mut connection| {
        let (counter, closed) = (Arc::clone(&counter), closed.clone());
        async move {
            connection.answer(STREAM).await;
            for number in 0_u64.. {
                let event = format!("data: {number:01000}\n\n");
                if !connection.send(&event).await {
                    break;
                }
                counter.fetch_add(event.len(), Ordering::Relaxed);
            }
            let _ = closed.send(());
        }
    });
    (server, sent, is_closed)
}

/// Waits until no more is sent, and returns how much was.
async fn stopped(sent: &AtomicUsize) -> usize {
    let mut before = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let now = sent.load(Ordering::Relaxed);
        if now > 0 && now == before {
            return now;
        }
        before = now;
    }
}

#[tokio::test]
async fn a_stream_that_is_not_read_is_not_received() {
    let (server, sent, _) = endless();
    let mut source = EventSource::get(server.url()).build().expect("valid");
    for number in 0..10 {
        let event = source.next().await.expect("endless").expect("no error");
        assert_eq!(event.data(), format!("{number:01000}"));
    }
    // The buffers of the kernel on both sides, and those of the client.
    let total = stopped(&sent).await;
    assert!(total < 32 * 1024 * 1024, "{total} bytes were sent");
    // It continues where it stopped.
    for number in 10..50_000 {
        let event = source.next().await.expect("endless").expect("no error");
        assert_eq!(event.data(), format!("{number:01000}"));
    }
    assert!(sent.load(Ordering::Relaxed) > total);
}

#[tokio::test]
async fn dropping_the_stream_closes_its_connection() {
    let (server, _, closed) = endless();
    let mut source = EventSource::get(server.url()).build().expect("valid");
    source.next().await.expect("endless").expect("no error");
    drop(source);
    closed
        .recv_timeout(Duration::from_secs(60))
        .expect("closed");
}

#[tokio::test]
async fn closing_the_stream_closes_its_connection() {
    let (server, _, closed) = endless();
    let mut source = EventSource::get(server.url()).build().expect("valid");
    source.next().await.expect("endless").expect("no error");
    source.close();
    closed
        .recv_timeout(Duration::from_secs(60))
        .expect("closed");
    assert!(source.next().await.is_none());
}

#[tokio::test]
async fn nothing_is_spawned() {
    let (server, _, _) = endless();
    let mut source = EventSource::get(server.url()).build().expect("valid");
    let metrics = tokio::runtime::Handle::current().metrics();
    for _ in 0..100 {
        source.next().await.expect("endless").expect("no error");
        assert_eq!(metrics.num_alive_tasks(), 0);
    }
}

#[test]
fn a_source_can_be_moved_to_any_task() {
    fn assert<T: Send + Unpin + 'static>() {}
    assert::<EventSource>();
    assert::<sse_eventsource::Updates>();
    assert::<sse_eventsource::TypedEvents<std::rc::Rc<()>>>();
    assert::<sse_eventsource::EventSourceBuilder>();
    assert::<sse_eventsource::RequestBody>();
    fn assert_sync<T: Sync>() {}
    assert_sync::<sse_eventsource::RequestBody>();
}
