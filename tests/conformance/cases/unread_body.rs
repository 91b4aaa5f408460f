//! Requests with a body: how a client that closes is detected, and what becomes of a body that
//! nothing reads.

use std::convert::Infallible;
use std::future::poll_fn;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use h2::SendStream;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use sse_hyper::{BoxError, Sse, SseBody, SseOptions, sse_response, with_sse};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use crate::client::Connection;
use crate::handlers::{Handlers, idle};
use crate::transports::{Actix, ActixWithoutHalfClose, Tcp, Transport};

/// What a handler does with the body of its request.
#[derive(Clone, Copy, Debug)]
enum Use {
    /// It drops the body before its first event.
    Drop,
    /// It keeps the body, as an async function does with an argument that it does not use.
    Keep,
    /// It reads the body, if it is not too long.
    Read,
}

/// The most bytes that a handler reads.
const MOST: usize = 2 * 1024 * 1024;

/// Returns a handler that sends one event and then waits forever.
fn handler(
    handlers: &Handlers,
    usage: Use,
) -> impl Fn(Request<Incoming>, Sse) -> BoxFuture<'static, Result<(), BoxError>> + use<> {
    let handlers = handlers.clone();
    move |request, sse| {
        let guard = handlers.guard();
        Box::pin(async move {
            let _guard = guard;
            let _kept = match usage {
                Use::Drop => {
                    drop(request);
                    None
                }
                Use::Keep => Some(request),
                Use::Read => {
                    Limited::new(request.into_body(), MOST).collect().await?;
                    None
                }
            };
            sse.send("hello").await?;
            std::future::pending().await
        })
    }
}

/// Returns a request with `len` bytes, all at once or in chunks.
fn request(fields: &str, len: usize, in_chunks: bool) -> Vec<u8> {
    let body = vec![b'x'; len];
    let head =
        |framing: &str| format!("POST / HTTP/1.1\r\nHost: test\r\n{fields}{framing}\r\n\r\n");
    if !in_chunks {
        let head = head(&format!("Content-Length: {len}"));
        return [head.into_bytes(), body].concat();
    }
    let mut request = head("Transfer-Encoding: chunked").into_bytes();
    for chunk in body.chunks(1000) {
        request.extend(format!("{:x}\r\n", chunk.len()).bytes());
        request.extend(chunk);
        request.extend(b"\r\n");
    }
    request.extend(b"0\r\n\r\n");
    request
}

fn serve_http_1(
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    handlers: &Handlers,
    usage: Use,
) {
    let service = with_sse(handler(handlers, usage));
    tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(io), service));
}

/// Returns how long hyper takes to drop the handler of a client that closes its connection after
/// the first event. The connection is in memory, where the first write to it fails.
async fn seconds_until_dropped(usage: Use, request: Vec<u8>) -> u64 {
    let handlers = Handlers::new();
    let (client, server) = duplex(4 * 1024 * 1024);
    serve_http_1(server, &handlers, usage);
    let mut client = Connection::over(client);
    client.send(request).await;
    let mut response = client.response().await;
    response.receive("hello").await;
    drop(response);
    let start = Instant::now();
    handlers.dropped(1).await;
    start.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn a_body_that_was_read_does_not_hide_from_hyper_that_its_client_has_closed() {
    for len in [1, 1_000, 100_000, 1_000_000] {
        for in_chunks in [false, true] {
            let seconds = seconds_until_dropped(Use::Read, request("", len, in_chunks)).await;
            assert_eq!(seconds, 0, "{len} bytes, in chunks: {in_chunks}");
        }
    }
}

/// hyper reads once more when a body is dropped, and then never again.
#[tokio::test(start_paused = true)]
async fn a_short_body_that_nothing_reads_does_not_hide_from_hyper_that_its_client_has_closed() {
    for usage in [Use::Drop, Use::Keep] {
        let seconds = seconds_until_dropped(usage, request("", 1_000, false)).await;
        assert_eq!(seconds, 0, "{usage:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_body_that_nothing_reads_leaves_it_to_keep_alives_of_hyper_to_detect_a_disconnect() {
    let keep_alive = SseOptions::DEFAULT_KEEP_ALIVE.as_secs();
    for usage in [Use::Drop, Use::Keep] {
        for in_chunks in [false, true] {
            let seconds = seconds_until_dropped(usage, request("", 100_000, in_chunks)).await;
            assert_eq!(seconds, keep_alive, "{usage:?}, in chunks: {in_chunks}");
        }
        // The client waits for "100 Continue", which hyper sends when the body is read.
        let seconds = seconds_until_dropped(usage, expecting_request().0).await;
        assert_eq!(seconds, keep_alive, "{usage:?}, with an expectation");
    }
}

/// Returns the head of a request whose client waits for "100 Continue", and its body.
fn expecting_request() -> (Vec<u8>, Vec<u8>) {
    let mut head = request("Expect: 100-continue\r\n", 100_000, false);
    let body = head.split_off(head.len() - 100_000);
    (head, body)
}

/// Answers with the length of the body.
async fn read_and_answer(request: Request<Incoming>) -> Result<Response<SseBody>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, MOST).collect().await;
    let len = body.expect("a short body").to_bytes().len();
    Ok(sse_response(parts, move |_parts, sse: Sse| async move {
        sse.send(len.to_string()).await
    }))
}

#[tokio::test]
async fn a_service_that_reads_the_body_before_it_answers_has_its_client_continue() {
    super::within_limit(async {
        let (client, server) = duplex(4 * 1024 * 1024);
        let service = service_fn(read_and_answer);
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(server), service));
        let (head, body) = expecting_request();
        let mut client = Connection::over(client);
        client.send(head).await;
        let response = client.response().await;
        assert_eq!(response.status, 100);
        let mut client = response.into_connection();
        client.send(body).await;
        let mut response = client.response().await;
        assert_eq!(response.status, 200);
        response.receive("100000").await;
    })
    .await;
}

/// hyper has then sent another head already. Clients such as curl send the body after a second.
#[tokio::test]
async fn a_handler_that_reads_the_body_does_not_have_its_client_continue() {
    super::within_limit(async {
        let (client, server) = duplex(4 * 1024 * 1024);
        serve_http_1(server, &Handlers::new(), Use::Read);
        let (head, body) = expecting_request();
        let mut client = Connection::over(client);
        client.send(head).await;
        let mut response = client.response().await;
        assert_eq!(response.status, 200);
        response.send(body).await;
        response.receive("hello").await;
    })
    .await;
}

/// Otherwise the client would wait for as long as the stream is open.
#[tokio::test]
async fn a_body_that_its_handler_refuses_ends_the_sending_of_its_client() {
    super::within_limit(async {
        let handlers = Handlers::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut client = TcpStream::connect(address).await.expect("a connection");
        let (server, _) = listener.accept().await.expect("a connection");
        serve_http_1(server, &handlers, Use::Read);
        let sent = client.write_all(&request("", 12_000_000, false)).await;
        assert!(sent.is_err());
        handlers.dropped(1).await;
    })
    .await;
}

/// The default window of hyper for all bodies of a connection.
const WINDOW: usize = 1024 * 1024;

/// Sends a part of a body. Completes when it has the window for it.
async fn send_part(body: &mut SendStream<Bytes>, len: usize) {
    let mut left = len;
    while left > 0 {
        body.reserve_capacity(left.min(16 * 1024));
        let granted = poll_fn(|cx| body.poll_capacity(cx)).await;
        let part = left.min(granted.expect("an open stream").expect("no reset"));
        body.send_data(vec![0; part].into(), false).expect("sent");
        left -= part;
    }
}

/// Sends two requests over one connection: the first one with a body as large as the window of the
/// connection, the second one with 1,000 bytes. Returns whether these wait for a minute.
async fn first_body_holds_up_the_second(usage: Use) -> bool {
    let handlers = Handlers::new();
    let (client, server) = duplex(64 * 1024);
    let service = with_sse(handler(&handlers, usage));
    let http_2 = http2::Builder::new(TokioExecutor::new());
    tokio::spawn(http_2.serve_connection(TokioIo::new(server), service));
    let (requests, connection) = h2::client::handshake(client).await.expect("a handshake");
    tokio::spawn(connection);
    let mut requests = requests.ready().await.expect("an open connection");
    let post = || Request::post("http://test/").body(()).expect("a request");

    let (first, mut first_body) = requests.send_request(post(), false).expect("sent");
    send_part(&mut first_body, WINDOW).await;
    if let Use::Read = usage {
        first_body.send_data(Bytes::new(), true).expect("sent");
    }
    let mut events = first.await.expect("a response").into_body();
    let mut event = events.data().await.expect("a piece").expect("no error");
    if let Use::Read = usage {
        // The handler waits for the body at first, and the stream opens with a comment.
        assert_eq!(event, ":\n");
        event = events.data().await.expect("a piece").expect("no error");
    }
    assert_eq!(event, "data: hello\n\n");

    let (_second, mut second_body) = requests.send_request(post(), false).expect("sent");
    let minute = Duration::from_secs(60);
    timeout(minute, send_part(&mut second_body, 1_000))
        .await
        .is_err()
}

#[tokio::test(start_paused = true)]
async fn a_body_that_a_handler_keeps_holds_up_all_others_of_its_connection() {
    assert!(first_body_holds_up_the_second(Use::Keep).await);
    assert!(!first_body_holds_up_the_second(Use::Drop).await);
    assert!(!first_body_holds_up_the_second(Use::Read).await);
}

/// actix-web reads and discards a body that was dropped, however long it is.
#[tokio::test]
async fn actix_discards_a_body_that_nothing_reads() {
    super::within_limit(async {
        discards_a_body::<Actix>(SseOptions::new().keep_alive(Duration::from_millis(100))).await;
        discards_a_body::<ActixWithoutHalfClose>(SseOptions::new().without_keep_alive()).await;
    })
    .await;
}

/// Sends a long body, then reads the first event and closes the connection.
async fn discards_a_body<T: Transport>(options: SseOptions) {
    let handlers = Handlers::new();
    let server = T::start(idle(&handlers).options(options)).await;
    let mut connection = server.connect().await;
    connection.send(request("", 12_000_000, false)).await;
    let mut response = connection.response().await;
    response.receive("hello").await;
    drop(response);
    handlers.dropped(1).await;
}

/// Raw TCP accepts no `POST` where no route names it. A client that sends a long body with it may not read
/// before it has sent, so it must at least not be held up.
#[tokio::test]
async fn raw_tcp_answers_a_request_with_a_long_body_while_it_is_sent() {
    super::within_limit(async {
        let server = Tcp::start(idle(&Handlers::new())).await;
        let stream = TcpStream::connect(server.address).await;
        let (read, mut write) = tokio::io::split(stream.expect("a connection"));
        let body = request("", 12_000_000, false);
        let ((), mut response) = tokio::join!(
            // Fails when the server has closed.
            async { assert!(write.write_all(&body).await.is_err()) },
            Connection::over(tokio::io::join(read, tokio::io::sink())).response(),
        );
        assert_eq!(response.status, 405);
        assert_eq!(response.complete().await, "only GET and HEAD are supported");
    })
    .await;
}

/// Raw TCP reads and discards up to 64 KiB after the head of a request.
#[tokio::test]
async fn a_short_body_does_not_hide_from_raw_tcp_that_its_client_has_closed() {
    super::within_limit(async {
        let handlers = Handlers::new();
        let options = SseOptions::new().without_keep_alive();
        let server = Tcp::start(idle(&handlers).options(options)).await;
        let mut connection = server.connect().await;
        let mut get = b"GET".to_vec();
        get.extend(&request("", 60_000, false)["POST".len()..]);
        connection.send(get).await;
        let mut response = connection.response().await;
        response.receive("hello").await;
        drop(response);
        handlers.dropped(1).await;
    })
    .await;
}
