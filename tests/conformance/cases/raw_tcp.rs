//! What the raw TCP server does without a framework: serve HTTP/1 within limits, and shut down within a
//! time limit.

use std::time::Duration;

use sse_session::{Sse, SseOptions};
use sse_tokio_tcp::{Limits, Server as TcpServer};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use super::within_limit;
use crate::client::{Connection, End};
use crate::handlers::{Handlers, Progress, endless, idle};
use crate::transports::{Server, Site, Tcp};

fn hello() -> Site {
    Site::new(|_, sse: Sse| async move { sse.send("hello").await })
}

fn serve(site: Site, limits: Limits) -> Server {
    Tcp::serve(site, TcpServer::new().limits(limits))
}

/// Sends `request`. The response must have `status`, be complete and end the connection.
async fn assert_answer(server: &Server, request: impl AsRef<[u8]>, status: u16) {
    let request = request.as_ref();
    let shown: String = request
        .escape_ascii()
        .to_string()
        .chars()
        .take(80)
        .collect();
    let mut connection = server.connect().await;
    connection.send(request).await;
    let mut response = connection.response().await;
    assert_eq!(response.status, status, "{shown}");
    assert_eq!(response.header("connection"), ["close"], "{shown}");
    if status == 405 {
        assert_eq!(response.header("allow"), ["GET, HEAD"]);
    }
    assert_eq!(response.rest().await.1, End::Complete, "{shown}");
    assert!(response.into_connection().response_if_any().await.is_none());
}

#[tokio::test]
async fn requests_are_answered_with_their_status() {
    within_limit(async {
        let limits = Limits::new().max_head_size(1024).max_headers(8);
        let server = serve(hello(), limits);
        let many = "a: b\r\n".repeat(8);
        let long = "x".repeat(1024);
        for (status, request) in [
            (200, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            (200, "GET /?query HTTP/1.1\r\nHost: a\r\n\r\n"),
            (200, "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
            (200, "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            (200, "GET / HTTP/1.0\r\n\r\n"),
            (404, "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n"),
            (404, "GET /%2e HTTP/1.1\r\nHost: a\r\n\r\n"),
            (
                405,
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
            ),
            (405, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
            (405, "BREW / HTTP/1.1\r\nHost: a\r\n\r\n"),
            (400, "GET / HTTP/1.1\r\n\r\n"),
            (400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
            (400, "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n"),
            (400, "GET /\r\n\r\n"),
            (400, "\u{16}\u{3}\u{1}\u{2}TLS, perhaps"),
            (505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
            (505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
            (431, &format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n")),
            (431, &format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n")),
            (
                431,
                &format!("GET / HTTP/1.1\r\nHost: a\r\nb: {long}\r\n\r\n"),
            ),
        ] {
            assert_answer(&server, request, status).await;
        }
        assert_answer(&server, b"GET / HTTP/1.1\r\nHost: \xff\0\r\n\r\n", 400).await;
    })
    .await;
}

#[tokio::test]
async fn a_client_that_still_sends_its_request_body_is_not_reset() {
    within_limit(async {
        let server = serve(hello(), Limits::new());
        let mut connection = server.connect().await;
        connection
            .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n")
            .await;
        let mut response = connection.response().await;
        assert_eq!(response.status, 405);
        assert_eq!(response.rest().await.1, End::Complete);
        // The response has arrived, and the server sends nothing more.
        let mut connection = response.into_connection();
        for _ in 0..20 {
            connection.send("x".repeat(10_000)).await;
            tokio::task::yield_now().await;
        }
        connection.end_sending().await;
        assert!(connection.ends_in_order().await);
    })
    .await;
}

#[tokio::test]
async fn an_incomplete_head_is_answered_with_400_and_an_empty_one_not_at_all() {
    within_limit(async {
        let server = serve(hello(), Limits::new());
        let mut connection = server.connect().await;
        connection.send("GET / HTTP/1.1\r\nHost: a\r\n").await;
        connection.end_sending().await;
        assert_eq!(connection.response().await.status, 400);

        let mut connection = server.connect().await;
        connection.end_sending().await;
        assert!(connection.response_if_any().await.is_none());
    })
    .await;
}

#[tokio::test]
async fn a_head_may_arrive_byte_by_byte() {
    within_limit(async {
        let server = serve(hello(), Limits::new());
        let mut connection = server.connect().await;
        for byte in b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: some value\r\n\r\n" {
            connection.send([*byte]).await;
            tokio::task::yield_now().await;
        }
        let mut response = connection.response().await;
        assert_eq!(response.status, 200);
        assert_eq!(response.complete().await, "data: hello\n\n");
    })
    .await;
}

#[tokio::test]
async fn a_connection_without_a_request_ends_at_the_head_timeout() {
    within_limit(async {
        let limits = Limits::new().head_timeout(Duration::from_millis(200));
        let server = serve(hello(), limits);
        let silent = server.connect().await;
        assert_eq!(silent.response().await.status, 408);

        // A client that sends a little from time to time gains no time.
        let mut slow = server.connect().await;
        slow.send("GET / HTTP/1.1\r\n").await;
        let (status, ()) = tokio::join!(
            async { server.connect().await.response().await.status },
            async {
                for _ in 0..4 {
                    slow.send("a: b\r\n").await;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        );
        assert_eq!(status, 408);
        assert_eq!(slow.response().await.status, 408);
    })
    .await;
}

#[tokio::test]
async fn bytes_that_a_client_sends_early_are_ignored() {
    within_limit(async {
        let server = serve(hello(), Limits::new());
        for early in [
            "GET /other HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            "not HTTP at all".to_owned(),
            "x".repeat(200_000),
        ] {
            let mut connection = server.connect().await;
            connection
                .send(format!("GET / HTTP/1.1\r\nHost: a\r\n\r\n{early}"))
                .await;
            let mut response = connection.response().await;
            assert_eq!(response.header("connection"), ["close"]);
            assert_eq!(response.complete().await, "data: hello\n\n");
            let connection = response.into_connection();
            assert!(connection.response_if_any().await.is_none(), "one response");
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_that_never_stops_sending_is_not_read_forever() {
    const MANY: usize = 256 * 1024 * 1024;

    within_limit(async {
        let handlers = Handlers::new();
        let options = SseOptions::new().keep_alive(Duration::from_millis(100));
        let server = serve(idle(&handlers).options(options), Limits::new());
        let mut io = tokio::net::TcpStream::connect(server.address)
            .await
            .expect("a connection");
        io.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .expect("sent");
        let piece = vec![b'x'; 1024 * 1024];
        let mut sent = 0;
        // The unread bytes fill the kernel's buffers.
        while let Ok(written) =
            tokio::time::timeout(Duration::from_millis(500), io.write(&piece)).await
        {
            sent += written.expect("an open connection");
            assert!(sent < MANY, "the server has read all of it");
        }
        Connection::over(&mut io)
            .response()
            .await
            .receive("hello")
            .await;
        assert_eq!(handlers.running(), 1, "the client is served nevertheless");
        drop(io);
        handlers.dropped(1).await;
    })
    .await;
}

#[tokio::test]
async fn a_client_that_accepts_nothing_is_dropped_after_the_write_timeout() {
    within_limit(async {
        let (handlers, progress) = (Handlers::new(), Progress::new());
        let limits = Limits::new().write_timeout(Duration::from_millis(300));
        let server = serve(endless(&handlers, &progress, 10_000), limits);
        let connection = Connection::open_with_receive_buffer(server.address, 16 * 1024).await;
        let mut response = connection.get("/").await;
        handlers.dropped(1).await;
        assert!(progress.total() > 0);
        assert_ne!(response.rest().await.1, End::Complete);
    })
    .await;
}

#[tokio::test]
async fn a_connection_beyond_the_limit_waits_until_another_one_ends() {
    within_limit(async {
        let handlers = Handlers::new();
        let server = serve(idle(&handlers), Limits::new().max_connections(2));
        let mut first = server.get("/").await;
        let mut second = server.get("/").await;
        first.receive("hello").await;
        second.receive("hello").await;

        let mut third = server.connect().await;
        third.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let mut third = std::pin::pin!(third.response());
        let early = tokio::time::timeout(Duration::from_millis(100), &mut third).await;
        assert!(early.is_err(), "the connection waits in the kernel");
        assert_eq!(handlers.total(), 2);

        drop(first);
        third.await.receive("hello").await;
        assert_eq!((handlers.total(), handlers.running()), (3, 2));
    })
    .await;
}

#[tokio::test]
async fn a_shutdown_ends_open_streams_and_closes_idle_connections() {
    within_limit(async {
        let handlers = Handlers::new();
        let options = SseOptions::new().retry_on_shutdown(Duration::from_secs(3));
        let server = serve(idle(&handlers).options(options), Limits::new());
        let mut stream = server.get("/").await;
        stream.receive("hello").await;
        let silent = server.connect().await;
        // It was accepted, as a later connection is answered.
        server.get("/nowhere").await;

        tokio::join!(server.stop(), async {
            let whole = "data: hello\n\nretry: 3000\n\n".to_owned();
            assert_eq!(stream.rest().await, (whole, End::Complete));
            assert!(silent.response_if_any().await.is_none());
            drop(stream);
        });
        assert_eq!(handlers.running(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_shutdown_drops_connections_that_do_not_end_within_the_grace_period() {
    within_limit(async {
        let (handlers, progress) = (Handlers::new(), Progress::new());
        let limits = Limits::new().grace_period(Duration::from_millis(200));
        let server = serve(endless(&handlers, &progress, 10_000), limits);
        let connection = Connection::open_with_receive_buffer(server.address, 16 * 1024).await;
        let mut response = connection.get("/").await;
        progress.stops().await;
        server.stop().await;
        assert_eq!(handlers.running(), 0);
        assert_ne!(response.rest().await.1, End::Complete);
    })
    .await;
}

#[tokio::test]
async fn a_dropped_server_drops_its_handlers() {
    within_limit(async {
        let handlers = Handlers::new();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = tokio::spawn(sse_tokio_tcp::serve(listener, Tcp::routes(idle(&handlers))));
        let mut response = Connection::open(address).await.get("/").await;
        response.receive("hello").await;
        server.abort();
        handlers.dropped(1).await;
        assert_ne!(response.rest().await.1, End::Complete);
    })
    .await;
}

#[tokio::test]
async fn a_unix_socket_is_served_and_disconnects_are_detected() {
    within_limit(async {
        let handlers = Handlers::new();
        let directory = std::env::temp_dir();
        let path = directory.join(format!("sse-tests-{}.sock", std::process::id()));
        let listener = UnixListener::bind(&path).expect("a socket");
        let stop = CancellationToken::new();
        let server = TcpServer::new().shutdown(stop.clone());
        let server = tokio::spawn(server.serve(listener, Tcp::routes(idle(&handlers))));
        let connect = async || UnixStream::connect(&path).await.expect("a connection");

        let mut disconnecting = Connection::over(connect().await).get("/").await;
        assert_eq!(
            disconnecting.header("content-type"),
            ["text/event-stream; charset=utf-8"]
        );
        disconnecting.receive("hello").await;
        drop(disconnecting);
        handlers.dropped(1).await;

        let half_closed = connect().await;
        let mut half_closed = Connection::over(half_closed);
        half_closed.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        half_closed.end_sending().await;
        let mut remaining = half_closed.response().await;
        remaining.receive("hello").await;

        stop.cancel();
        let (_, end) = remaining.rest().await;
        assert_eq!(end, End::Complete);
        drop(remaining);
        server.await.expect("no panic");
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(handlers.running(), 0);
    })
    .await;
}
