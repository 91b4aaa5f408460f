//! Clients that hold a connection of hyper's server: in memory and in paused time.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper_util::rt::TokioIo;
use sse_session::Limiter;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::hyper_server::Site;
use crate::hyper_server::connections::Connections;
use crate::network;

const CLIENT: &str = "192.0.2.7";

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n";

fn site() -> Arc<Connections> {
    Arc::new(Connections::new(Site::new(Limiter::new(10_000, 100))))
}

/// Opens a connection in memory that holds `capacity` bytes.
fn open(site: &Arc<Connections>, capacity: usize) -> (DuplexStream, JoinHandle<()>) {
    let (client, server) = duplex(capacity);
    let network = network(CLIENT.parse().expect("an address"));
    let serving = Arc::clone(site).serve_one(TokioIo::new(server), network);
    (client, tokio::spawn(serving))
}

/// Reads until what was read ends with `end`.
pub(crate) async fn read_until(client: &mut DuplexStream, end: &str) -> String {
    let mut text = Vec::new();
    while !text.ends_with(end.as_bytes()) {
        let byte = client.read_u8().await;
        text.push(byte.unwrap_or_else(|_| panic!("the end after {}", text.escape_ascii())));
    }
    String::from_utf8(text).expect("text")
}

#[track_caller]
fn assert_seconds(start: Instant, seconds: std::ops::RangeInclusive<u64>) {
    let elapsed = start.elapsed().as_secs();
    assert!(seconds.contains(&elapsed), "{elapsed} seconds");
}

/// The beginning of a connection of HTTP/2, without a request.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

#[tokio::test(start_paused = true)]
async fn a_client_that_makes_no_request_is_gone_after_the_time_for_a_head() {
    let site = site();
    for sent in [
        &b""[..],
        b"\r\n",
        b"P",
        b"PRI * HTTP/2.0\r\n",
        PREFACE,
        b"G",
        b"GET / HTTP/1.1\r\nHost: test\r\n",
    ] {
        let start = Instant::now();
        let (mut client, server) = open(&site, 4096);
        client.write_all(sent).await.expect("sent");
        server.await.expect("no panic");
        assert_seconds(start, 9..=10);
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_comes_byte_by_byte_is_cut_off() {
    let site = site();
    for sent in [REQUEST, PREFACE] {
        let start = Instant::now();
        let (mut client, server) = open(&site, 4096);
        for byte in sent.iter().cycle() {
            if client.write_u8(*byte).await.is_err() {
                break;
            }
            sleep(Duration::from_secs(1)).await;
        }
        server.await.expect("no panic");
        assert_seconds(start, 9..=11);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_refused_a_stream_does_not_stay() {
    let site = site();
    let mut streams = Vec::new();
    for _ in 0..100 {
        let (mut client, server) = open(&site, 4096);
        client.write_all(REQUEST).await.expect("sent");
        read_until(&mut client, "data: hello\n\n\r\n").await;
        streams.push((client, server));
    }
    let (mut client, server) = open(&site, 4096);
    client.write_all(REQUEST).await.expect("sent");
    let head = read_until(&mut client, "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 429 "), "{head}");
    assert!(head.contains("\r\nretry-after: 5\r\n"), "{head}");
    let start = Instant::now();
    client.write_all(b"GET / HT").await.expect("sent");
    server.await.expect("no panic");
    assert_seconds(start, 9..=10);

    // When one has left, there is room for another one.
    let (client, server) = streams.remove(0);
    drop(client);
    server.await.expect("no panic");
    let (mut client, _server) = open(&site, 4096);
    client.write_all(REQUEST).await.expect("sent");
    read_until(&mut client, "data: hello\n\n\r\n").await;
}

#[tokio::test(start_paused = true)]
async fn a_long_head_is_refused() {
    let site = site();
    for (len, status) in [(7 * 1024, 200), (9 * 1024, 431), (1 << 20, 431)] {
        let (mut client, server) = open(&site, 4096);
        let head = format!(
            "GET / HTTP/1.1\r\nHost: test\r\nCookie: {}\r\n\r\n",
            "x".repeat(len)
        );
        // What comes after the refusal is not read.
        let _ = timeout(Duration::from_secs(1), client.write_all(head.as_bytes())).await;
        let answer = read_until(&mut client, "\r\n\r\n").await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        if status == 431 {
            server.await.expect("no panic");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_is_gone_after_the_write_timeout() {
    let site = site();
    let start = Instant::now();
    // Room for the head and a few keep-alives, one of which comes each 15 seconds.
    let (mut client, server) = open(&site, 300);
    client.write_all(REQUEST).await.expect("sent");
    server.await.expect("no panic");
    assert_seconds(start, 60..=150);
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_in_order_at_its_age() {
    let site = site();
    let start = Instant::now();
    let (mut client, _server) = open(&site, 4096);
    client.write_all(REQUEST).await.expect("sent");
    read_until(&mut client, "\r\n0\r\n\r\n").await;
    assert_seconds(start, 54 * 60..=60 * 60);
}

#[tokio::test(start_paused = true)]
async fn streams_of_http_2_are_limited_and_those_without_a_window_are_reset() {
    let site = site();
    let start = Instant::now();
    let (client, _server) = open(&site, 64 * 1024);
    let (mut requests, mut connection) = h2::client::Builder::new()
        .initial_window_size(0)
        .handshake::<_, Bytes>(client)
        .await
        .expect("a handshake");
    // The settings of the server come with its first frames.
    let opened = async {
        let mut bodies = Vec::new();
        for _ in 0..50 {
            requests = requests.clone().ready().await.expect("open");
            let request = http::Request::get("http://test/").body(());
            let (response, _) = requests
                .send_request(request.expect("a request"), true)
                .expect("sent");
            bodies.push(response.await.expect("a response").into_body());
        }
        bodies
    };
    let bodies = tokio::select! {
        ended = &mut connection => panic!("the connection ended: {ended:?}"),
        bodies = opened => bodies,
    };
    // One more waits.
    let request = http::Request::get("http://test/").body(());
    let (waiting, _) = requests
        .send_request(request.expect("a request"), true)
        .expect("queued");
    let mut waiting = Box::pin(waiting);
    tokio::select! {
        ended = &mut connection => panic!("the connection ended: {ended:?}"),
        response = &mut waiting => panic!("{response:?}"),
        () = sleep(Duration::from_secs(60)) => {}
    }
    let connection = tokio::spawn(connection);
    for mut body in bodies {
        let end = poll_fn(|cx| body.poll_data(cx)).await;
        let error = end.expect("a reset").expect_err("a reset");
        assert_eq!(error.reason(), Some(h2::Reason::CANCEL));
    }
    assert_seconds(start, 2 * 60 * 60..=2 * 60 * 60 + 2);
    assert_eq!(waiting.await.expect("a response").status(), 200);
    assert!(!connection.is_finished());
}
