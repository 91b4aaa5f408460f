//! What becomes of a handshake, good or bad.

use std::future::pending;
use std::io::ErrorKind;
use std::sync::Mutex;
use std::time::Duration;

use sse_tokio_tcp::{
    BoxError, Limits, PeerAddr, Request, Response, Router, SendError, Sse, SseOptions, with_sse,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::clients::{Bad, BadClient, Tls};
use crate::log;

/// The limit on waits that end sooner. No assertion depends on it.
const LIMIT: Duration = Duration::from_secs(30);

async fn hello(_: Request, sse: Sse) -> Result<(), SendError> {
    sse.send("hello").await
}

const GET: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[tokio::test]
async fn a_stream_over_tls_ends_with_close_notify() {
    let server = Tls::serve(Limits::new(), with_sse(hello)).await;
    let (response, is_in_order) = server.answer(GET).await;
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert!(
        response.ends_with("\r\n\r\nd\r\ndata: hello\n\n\r\n0\r\n\r\n"),
        "{response}"
    );
    assert!(is_in_order);
}

#[tokio::test]
async fn a_failed_stream_to_a_client_of_http_1_0_ends_without_close_notify() {
    async fn fail(_: Request, sse: Sse) -> Result<(), BoxError> {
        sse.send("one").await?;
        Err("database gone".into())
    }
    let server = Tls::serve(Limits::new(), with_sse(fail)).await;
    let (response, is_in_order) = server.answer("GET / HTTP/1.0\r\n\r\n").await;
    assert!(response.ends_with("\r\n\r\ndata: one\n\n"), "{response}");
    assert!(!is_in_order);
}

#[tokio::test]
async fn a_service_behind_tls_sees_the_address_of_its_client() {
    async fn peer(request: Request) -> Response {
        let peer = request.extensions().get::<PeerAddr>();
        Response::new(format!("{peer:?}").into())
    }
    let server = Tls::serve(Limits::new(), peer).await;
    let mut client = server.connect().await;
    let address = client.get_ref().0.local_addr().expect("an address");
    client.write_all(GET.as_bytes()).await.expect("sent");
    let mut response = String::new();
    client.read_to_string(&mut response).await.expect("an end");
    let expected = format!("\r\n\r\n{:?}", Some(PeerAddr(address)));
    assert!(response.ends_with(&expected), "{response}");
}

#[tokio::test]
async fn an_idle_handler_is_dropped_when_its_client_leaves_with_or_without_close_notify() {
    for with_close_notify in [true, false] {
        let (held, mut dropped) = mpsc::channel::<()>(1);
        let held = Mutex::new(Some(held));
        let idle = move |_: Request, sse: Sse| {
            let held = held.lock().expect("not poisoned").take();
            async move {
                let _held = held.expect("one request");
                sse.send("hello").await.expect("open");
                pending::<()>().await;
            }
        };
        let options = SseOptions::new().without_keep_alive();
        let server = Tls::serve(Limits::new(), with_sse(idle).options(options)).await;
        let mut client = server.connect().await;
        client.write_all(GET.as_bytes()).await.expect("sent");
        let mut bytes = [0; 16];
        client.read_exact(&mut bytes).await.expect("a response");
        if with_close_notify {
            client.shutdown().await.expect("closed");
        }
        drop(client);
        let ended = timeout(LIMIT, dropped.recv()).await;
        assert_eq!(ended, Ok(None));
    }
}

#[tokio::test]
async fn a_client_that_connects_and_says_nothing_is_closed_at_the_head_timeout_and_holds_up_no_other()
 {
    log::record();
    let limits = Limits::new().head_timeout(Duration::from_millis(300));
    let server = Tls::serve(limits, with_sse(hello)).await;
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(server.tcp().await);
    }
    // It was accepted after them, and answered before their time is over.
    let (response, _) = server.answer(GET).await;
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    for mut client in silent {
        let mut bytes = Vec::new();
        let read = client.read_to_end(&mut bytes).await;
        assert_eq!(
            (read.ok(), bytes.len()),
            (Some(0), 0),
            "closed without an answer"
        );
    }
    log::assert_quiet();
}

#[tokio::test]
async fn a_client_that_says_nothing_after_its_handshake_is_answered_with_408() {
    let limits = Limits::new().head_timeout(Duration::from_millis(300));
    let server = Tls::serve(limits, with_sse(hello)).await;
    let (response, is_in_order) = server.answer("").await;
    assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
    assert!(is_in_order);
}

#[tokio::test]
async fn a_connection_counts_against_the_limit_before_its_handshake() {
    let limits = Limits::new()
        .max_connections(2)
        .head_timeout(Duration::from_secs(60));
    let server = Tls::serve(limits, with_sse(hello)).await;
    let (first, second) = (server.tcp().await, server.tcp().await);
    let mut third = std::pin::pin!(server.answer(GET));
    let early = timeout(Duration::from_millis(200), &mut third).await;
    assert!(early.is_err(), "two connections are open");
    drop(first);
    let (response, _) = third.await;
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    drop(second);
}

#[tokio::test]
async fn a_shutdown_ends_handshakes_at_once() {
    let limits = Limits::new().grace_period(Duration::from_secs(60));
    let server = Tls::serve(limits, with_sse(hello)).await;
    let mut silent = server.tcp().await;
    // It was accepted, as a later one is answered.
    server.answer(GET).await;
    server.stop.cancel();
    timeout(LIMIT, server.server)
        .await
        .expect("before the grace period is over")
        .expect("no panic");
    let end = silent.read(&mut [0]).await;
    assert!(matches!(end, Ok(0)), "{end:?}");
}

#[tokio::test]
async fn bad_handshakes_end_their_own_connection_alone() {
    log::record();
    let router = Router::new().route("/", with_sse(hello));
    let server = Tls::serve(Limits::new(), router).await;
    let bad = BadClient::new(server.address);
    for kind in Bad::ALL {
        bad.fail(kind).await;
        let (response, is_in_order) = server.answer(GET).await;
        assert!(
            response.starts_with("HTTP/1.1 200 OK\r\n"),
            "after {kind:?}: {response}"
        );
        assert!(is_in_order, "after {kind:?}");
    }
    assert!(!server.server.is_finished());
    log::assert_quiet();
}

/// For clients that take TLS for HTTP.
#[tokio::test]
async fn a_plain_connection_to_a_server_with_tls_gets_no_response() {
    let server = Tls::serve(Limits::new(), with_sse(hello)).await;
    let mut client = server.tcp().await;
    client.write_all(GET.as_bytes()).await.expect("sent");
    let mut bytes = Vec::new();
    match client.read_to_end(&mut bytes).await {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    assert!(!bytes.starts_with(b"HTTP"), "{}", bytes.escape_ascii());
}
