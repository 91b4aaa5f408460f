//! A graceful shutdown ends open streams and does not wait for their handlers.

use std::time::Duration;

use sse_session::{Sse, SseOptions};
use tokio_util::sync::CancellationToken;

use crate::client::{Connection, End};
use crate::handlers::{Handlers, Progress, endless, idle};
use crate::transports::{Site, Transport};

on_every_transport! {
    a_graceful_stop_ends_idle_streams_with_a_last_reconnection_time,
    a_graceful_stop_ends_handlers_that_never_stop_sending,
    a_stream_that_begins_after_the_signal_ends_at_once,
    a_stalled_client_that_continues_to_read_receives_all_events_and_the_reconnection_time,
    a_stopped_server_accepts_no_connections,
}

/// Returns options for streams that end at `stop` with a reconnection time.
fn options(stop: &CancellationToken) -> SseOptions {
    SseOptions::new()
        .shutdown(stop.clone())
        .retry_on_shutdown(Duration::from_secs(3))
}

async fn a_graceful_stop_ends_idle_streams_with_a_last_reconnection_time<T: Transport>() {
    let (handlers, stop) = (Handlers::new(), CancellationToken::new());
    let server = T::start(idle(&handlers).options(options(&stop))).await;
    let mut streams = Vec::new();
    for path in ["/", "/response"].repeat(10) {
        let mut response = server.get(path).await;
        response.receive("hello").await;
        streams.push(response);
    }
    assert_eq!(handlers.running(), 20);

    stop.cancel();
    // The server waits until the clients have read the responses.
    let ((), ends) = tokio::join!(server.stop(), async {
        let mut ends = Vec::new();
        for mut stream in streams {
            ends.push(stream.rest().await);
        }
        ends
    });
    for end in ends {
        let whole = "data: hello\n\nretry: 3000\n\n".to_owned();
        assert_eq!(end, (whole, End::Complete));
    }
    assert_eq!(handlers.running(), 0);
}

async fn a_graceful_stop_ends_handlers_that_never_stop_sending<T: Transport>() {
    let stop = CancellationToken::new();
    let site = Site::new(|_, sse: Sse| async move {
        while sse.send("more").await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .options(SseOptions::new().shutdown(stop.clone()));
    let server = T::start(site).await;
    let mut response = server.get("/").await;
    response.read_until("more").await;
    stop.cancel();
    let ((), (text, end)) = tokio::join!(server.stop(), response.rest());
    assert_eq!(end, End::Complete);
    assert!(
        text.ends_with("data: more\n\n"),
        "the last event is complete"
    );
}

async fn a_stream_that_begins_after_the_signal_ends_at_once<T: Transport>() {
    let (handlers, stop) = (Handlers::new(), CancellationToken::new());
    let server = T::start(idle(&handlers).options(options(&stop))).await;
    stop.cancel();
    assert_eq!(server.get("/").await.complete().await, "retry: 3000\n\n");
    assert_eq!(handlers.running(), 0);
}

async fn a_stalled_client_that_continues_to_read_receives_all_events_and_the_reconnection_time<
    T: Transport,
>() {
    let (handlers, progress) = (Handlers::new(), Progress::new());
    let stop = CancellationToken::new();
    let site = endless(&handlers, &progress, 1_000).options(options(&stop));
    let server = T::start(site).await;
    let connection = Connection::open_with_receive_buffer(server.address, 16 * 1024).await;
    let mut response = connection.get("/").await;
    progress.stops().await;

    stop.cancel();
    let ((), (text, end)) = tokio::join!(server.stop(), response.rest());
    assert_eq!(end, End::Complete);
    let events = text
        .strip_suffix("retry: 3000\n\n")
        .expect("a reconnection time");
    assert_eq!(events.len(), progress.total() * 1_000, "no event is lost");
}

async fn a_stopped_server_accepts_no_connections<T: Transport>() {
    let (handlers, stop) = (Handlers::new(), CancellationToken::new());
    let server = T::start(idle(&handlers).options(options(&stop))).await;
    let address = server.address;
    stop.cancel();
    server.stop().await;
    let refused = tokio::net::TcpStream::connect(address).await;
    assert_eq!(
        refused.expect_err("no listener").kind(),
        std::io::ErrorKind::ConnectionRefused
    );
}
