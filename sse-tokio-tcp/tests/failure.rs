//! How a client sees that a handler failed, by the bytes on its socket.

use std::io::ErrorKind;
use std::net::SocketAddr;

use sse_tokio_tcp::{BoxError, Event, Request, Router, Sse, SseOptions, serve, with_sse};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

async fn fail(_: Request, sse: Sse) -> Result<(), BoxError> {
    sse.send("one").await?;
    Err("database gone".into())
}

async fn fail_at_once(_: Request, _: Sse) -> Result<(), BoxError> {
    Err("database gone".into())
}

async fn panic(_: Request, sse: Sse) {
    sse.send("one").await.expect("open");
    assert!(sse.is_closed(), "a panic for this test");
}

async fn start() -> SocketAddr {
    let options = SseOptions::new().failure_event(Event::new().event("failed").data("later"));
    let told = with_sse(fail).options(options.expect("a valid event"));
    let router = Router::new()
        .route("/fail", with_sse(fail))
        .route("/at-once", with_sse(fail_at_once))
        .route("/panic", with_sse(panic))
        .route("/told", told);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(serve(listener, router));
    address
}

/// Sends a request, and what a client may send early. Returns the body's bytes, and the error with
/// which the connection ended.
async fn get(address: SocketAddr, request: &str) -> (String, Option<ErrorKind>) {
    let mut io = TcpStream::connect(address).await.expect("a connection");
    let request = format!("{request}\r\nHost: test\r\n\r\nearly");
    io.write_all(request.as_bytes()).await.expect("sent");
    let mut response = Vec::new();
    let end = io.read_to_end(&mut response).await;
    let response = String::from_utf8(response).expect("UTF-8");
    let (_, body) = response.split_once("\r\n\r\n").expect("a head");
    (body.to_owned(), end.err().map(|error| error.kind()))
}

#[tokio::test]
async fn a_failed_response_ends_within_a_chunk_and_loses_nothing() {
    let address = start().await;
    for (path, body) in [
        ("/fail", "b\r\ndata: one\n\n\r\n1\r\n"),
        ("/at-once", "1\r\n"),
        ("/panic", "b\r\ndata: one\n\n\r\n1\r\n"),
        (
            "/told",
            "26\r\ndata: one\n\nevent: failed\ndata: later\n\n\r\n1\r\n",
        ),
    ] {
        let response = get(address, &format!("GET {path} HTTP/1.1")).await;
        assert_eq!(response, (body.to_owned(), None), "{path}");
    }
}

#[tokio::test]
async fn a_failed_response_to_an_http_1_0_client_is_reset() {
    let address = start().await;
    for path in ["/fail", "/panic", "/told"] {
        let (_, end) = get(address, &format!("GET {path} HTTP/1.0")).await;
        assert_eq!(end, Some(ErrorKind::ConnectionReset), "{path}");
    }
}
