//! Requests with a body, by the bytes on their connections.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use sse_tokio_tcp::{
    BoxError, CancellationToken, Limits, Methods, Request, Response, Router, SendError, Service,
    Sse, no_content, serve_connection, sse_response, with_sse,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

async fn hello(_: Request, sse: Sse) -> Result<(), SendError> {
    sse.send("hello").await
}

/// Answers with the method and the body.
async fn echo(request: Request<Bytes>) -> Response {
    let body = request.body().escape_ascii();
    Response::new(format!("{} {body:}", request.method()).into())
}

/// Answers with the body as an event.
async fn repeat(request: Request<Bytes>, sse: Sse) -> Result<(), BoxError> {
    sse.send(str::from_utf8(request.body())?).await?;
    Ok(())
}

/// Answers with JSON or a stream, as it sees fit.
async fn either(request: Request<Bytes>) -> Response {
    if request.body().is_empty() {
        return no_content();
    }
    sse_response(request, repeat)
}

fn router() -> Router {
    let any = Methods::new()
        .get(with_sse(hello))
        .post(echo)
        .on(Method::PUT, echo)
        .on(Method::DELETE, echo)
        .on(Method::from_bytes(b"BREW").expect("a method"), echo);
    Router::new()
        .route("/any", any)
        .route("/events", Methods::new().post(with_sse(repeat)))
        .route("/either", Methods::new().post(either))
        .route("/get", with_sse(hello))
        .route(
            "/inner",
            Router::new().route("/inner", Methods::new().post(echo)),
        )
}

/// Serves one connection in memory. The client's buffers hold all that a test sends.
fn serve(
    service: impl Service,
    limits: Limits,
) -> (DuplexStream, CancellationToken, JoinHandle<()>) {
    let (client, io) = duplex(1024 * 1024);
    let stop = CancellationToken::new();
    let shutdown = stop.clone().into();
    let serving = tokio::spawn(async move {
        let served = serve_connection(io, &service, &limits, &shutdown).await;
        served.expect("the client is there");
    });
    (client, stop, serving)
}

/// Returns the response to `request`, without the header `date`.
async fn answer_within(limits: Limits, request: impl AsRef<[u8]>) -> String {
    let (mut client, _stop, serving) = serve(router(), limits);
    client.write_all(request.as_ref()).await.expect("sent");
    client.shutdown().await.expect("half-closed");
    serving.await.expect("no panic");
    let mut response = String::new();
    client.read_to_string(&mut response).await.expect("an end");
    without_date(&response)
}

fn without_date(response: &str) -> String {
    let lines = response.split_inclusive("\r\n");
    lines.filter(|line| !line.starts_with("date: ")).collect()
}

async fn answer(request: impl AsRef<[u8]>) -> String {
    answer_within(Limits::new(), request).await
}

fn status(response: &str) -> u16 {
    let status = response.split(' ').nth(1).expect("a status line");
    status.parse().expect("a number")
}

fn post(path: &str, fields: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}")
}

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

#[tokio::test]
async fn a_body_with_a_length_or_in_chunks_is_given_to_the_handler() {
    let expected = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\nconnection: close\r\n\r\nPOST hello";
    for request in [
        post("/any", "Content-Length: 5\r\n", "hello"),
        post("/any", "Content-Length: 0005\r\n", "hello"),
        post("/any", CHUNKED, "5\r\nhello\r\n0\r\n\r\n"),
        post(
            "/any",
            "transfer-encoding: CHUNKED\r\n",
            "1\r\nh\r\n4;a=b\r\nello\r\n0\r\n\r\n",
        ),
        post("/any", CHUNKED, "5\r\nhello\r\n0\r\nname: value\r\n\r\n"),
        // What follows is no part of it, and no other request.
        post("/any", "Content-Length: 5\r\n", "hello, and more"),
        post(
            "/any",
            CHUNKED,
            "5\r\nhello\r\n0\r\n\r\nGET /get HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
    ] {
        assert_eq!(answer(&request).await, expected, "{request}");
    }
    let inner = answer(post("/inner", "Content-Length: 5\r\n", "hello")).await;
    assert_eq!(inner, expected, "a router in a router");
    let old = answer("POST /any HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello").await;
    assert!(
        old.starts_with("HTTP/1.0 200 OK\r\n") && old.ends_with("POST hello"),
        "{old}"
    );
}

#[tokio::test]
async fn a_body_may_arrive_in_any_pieces() {
    for request in [
        post("/any", "Content-Length: 5\r\n", "hello"),
        post(
            "/any",
            CHUNKED,
            "2;a\r\nhe\r\n3\r\nllo\r\n0\r\na: b\r\n\r\n",
        ),
    ] {
        for size in [1, 2, 3, 7, 50, 60] {
            let (mut client, _stop, _serving) = serve(router(), Limits::new());
            for piece in request.as_bytes().chunks(size) {
                client.write_all(piece).await.expect("sent");
                tokio::task::yield_now().await;
            }
            let mut response = String::new();
            let mut bytes = [0; 1024];
            while !response.ends_with("POST hello") {
                let read = client.read(&mut bytes).await.expect("open");
                assert_ne!(read, 0, "{response}");
                response += str::from_utf8(&bytes[..read]).expect("UTF-8");
            }
        }
    }
}

#[tokio::test]
async fn the_answer_to_a_post_may_be_a_stream() {
    let stream = "\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n\
                  d\r\ndata: hello\n\n\r\n0\r\n\r\n";
    for path in ["/events", "/either"] {
        let streamed = answer(post(path, "Content-Length: 5\r\n", "hello")).await;
        assert!(streamed.starts_with("HTTP/1.1 200 OK\r\n"), "{streamed}");
        assert!(streamed.ends_with(stream), "{streamed}");
    }
    let plain = answer(post("/either", "Content-Length: 0\r\n", "")).await;
    assert_eq!(status(&plain), 204);
}

#[tokio::test]
async fn any_method_that_a_route_names_is_answered() {
    for (method, body) in [
        ("PUT", "hello"),
        ("DELETE", "hello"),
        ("BREW", "hello"),
        ("DELETE", ""),
    ] {
        let fields = match body {
            "" => String::new(),
            body => format!("Content-Length: {}\r\n", body.len()),
        };
        let request = format!("{method} /any HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}");
        let answered = answer(&request).await;
        let expected = format!("\r\n\r\n{method} {body}");
        assert!(answered.ends_with(&expected), "{request}: {answered}");
    }
    let streamed = answer("GET /any HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(
        streamed.ends_with("data: hello\n\n\r\n0\r\n\r\n"),
        "{streamed}"
    );
    let head = answer("HEAD /any HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(status(&head), 200);
    assert!(head.ends_with("\r\n\r\n"), "{head}");
}

#[tokio::test]
async fn get_and_options_can_be_methods_like_others() {
    let service = || {
        Methods::new()
            .on(Method::GET, echo)
            .on(Method::OPTIONS, echo)
    };
    for (method, ends) in [
        ("GET", "\r\n\r\nGET "),
        ("HEAD", "content-length: 5\r\nconnection: close\r\n\r\n"),
        ("OPTIONS", "\r\n\r\nOPTIONS "),
        (
            "POST",
            "\r\nallow: GET, HEAD, OPTIONS\r\ncontent-length: 32\r\n\
                  connection: close\r\n\r\nthe method is not supported here",
        ),
    ] {
        let (mut client, _stop, _serving) = serve(service(), Limits::new());
        let request = format!("{method} /any HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n");
        client.write_all(request.as_bytes()).await.expect("sent");
        client.shutdown().await.expect("half-closed");
        let mut response = String::new();
        client.read_to_string(&mut response).await.expect("an end");
        let response = without_date(&response);
        assert!(response.ends_with(ends), "{method}: {response}");
    }
}

#[tokio::test]
async fn a_request_that_no_route_answers_is_refused_before_its_body_is_read() {
    let large = "Content-Length: 9999999999\r\nExpect: 100-continue\r\n";
    for (path, expected, allow) in [("/nowhere", 404, None), ("/get", 405, Some("GET, HEAD"))] {
        let answered = answer(post(path, large, "")).await;
        assert_eq!(status(&answered), expected, "{path}: {answered}");
        if let Some(allow) = allow {
            assert!(
                answered.contains(&format!("\r\nallow: {allow}\r\n")),
                "{answered}"
            );
        }
    }
    for (path, method, allow) in [
        ("/any", "PATCH", "GET, HEAD, POST, PUT, DELETE, BREW"),
        ("/any", "OPTIONS", "GET, HEAD, POST, PUT, DELETE, BREW"),
        ("/events", "GET", "POST"),
        ("/events", "HEAD", "POST"),
    ] {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        let answered = answer(request).await;
        assert_eq!(status(&answered), 405, "{answered}");
        assert!(
            answered.contains(&format!("\r\nallow: {allow}\r\n")),
            "{answered}"
        );
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_body_has_its_status() {
    let limits = Limits::new().max_body_size(5);
    for (expected, fields, body) in [
        (200, "Content-Length: 5\r\n", "hello"),
        (200, CHUNKED, "5\r\nhello\r\n0\r\n\r\n"),
        // Too large.
        (413, "Content-Length: 6\r\n", "hello!"),
        (413, "Content-Length: 18446744073709551615\r\n", ""),
        (413, "Content-Length: 99999999999999999999999\r\n", ""),
        (413, CHUNKED, "6\r\nhello!\r\n0\r\n\r\n"),
        (413, CHUNKED, "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"),
        (413, CHUNKED, "ffffffffffffffff\r\n"),
        // Without a length.
        (411, "", "hello"),
        // Incomplete.
        (400, "Content-Length: 5\r\n", "hell"),
        (400, CHUNKED, "5\r\nhello\r\n"),
        (400, CHUNKED, ""),
        // Two ways to understand it.
        (
            400,
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "0\r\n\r\n",
        ),
        (
            400,
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            "0\r\n\r\n",
        ),
        (400, "Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
        (400, "Content-Length: 5\r\nContent-Length: 4\r\n", "hello"),
        (400, "Content-Length: 5, 5\r\n", "hello"),
        (400, "Content-Length: +5\r\n", "hello"),
        (400, "Content-Length: -5\r\n", "hello"),
        (400, "Content-Length: 0x5\r\n", "hello"),
        (400, "Content-Length: 5 5\r\n", "hello"),
        (400, "Content-Length: \r\n", "hello"),
        (400, "Content-Length: five\r\n", "hello"),
        (400, "Content-Length : 5\r\n", "hello"),
        (400, "Content-Length:\r\n 5\r\n", "hello"),
        (400, "A: b\r\n Content-Length: 5\r\n", "hello"),
        (400, CHUNKED, "5\nhello\n0\n\n"),
        (400, CHUNKED, "0x5\r\nhello\r\n0\r\n\r\n"),
        (400, CHUNKED, "5\r\nhello0\r\n\r\n"),
        (400, CHUNKED, "5\r\nhello\r\n0\r\nA: b\r\n C: d\r\n\r\n"),
        // Other codings.
        (501, "Transfer-Encoding: gzip, chunked\r\n", ""),
        (501, "Transfer-Encoding: chunked, gzip\r\n", ""),
        (501, "Transfer-Encoding: identity\r\n", ""),
        (501, "Transfer-Encoding: xchunked\r\n", ""),
        (501, "Transfer-Encoding: \"chunked\"\r\n", ""),
        (501, "Transfer-Encoding: \r\n", ""),
        (
            501,
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "",
        ),
        (
            501,
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
            "",
        ),
        // Other expectations.
        (417, "Content-Length: 5\r\nExpect: 200-ok\r\n", "hello"),
        (
            417,
            "Content-Length: 5\r\nExpect: 100-continue, x\r\n",
            "hello",
        ),
        (
            417,
            "Content-Length: 5\r\nExpect: 100-continue\r\nExpect: x\r\n",
            "hello",
        ),
        (417, "Content-Length: 5\r\nExpect:\r\n", "hello"),
    ] {
        let answered = answer_within(limits.clone(), post("/any", fields, body)).await;
        assert_eq!(
            status(&answered),
            expected,
            "{fields:?} {body:?}: {answered}"
        );
        assert!(answered.contains("\r\nconnection: close\r\n"), "{answered}");
    }
    let old = answer("POST /any HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").await;
    assert_eq!(status(&old), 400);
}

#[tokio::test]
async fn a_client_that_waits_gets_100_continue_once_its_request_is_good() {
    let limits = Limits::new().max_body_size(5);
    for (fields, body) in [
        ("Content-Length: 5\r\n", "hello"),
        (CHUNKED, "5\r\nhello\r\n0\r\n\r\n"),
    ] {
        let (mut client, _stop, _serving) = serve(router(), limits.clone());
        let head = post("/any", &format!("{fields}Expect: 100-Continue\r\n"), "");
        client.write_all(head.as_bytes()).await.expect("sent");
        let mut interim = [0; 25];
        client.read_exact(&mut interim).await.expect("an answer");
        assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
        client.write_all(body.as_bytes()).await.expect("sent");
        client.shutdown().await.expect("half-closed");
        let mut response = String::new();
        client.read_to_string(&mut response).await.expect("an end");
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
        assert!(response.ends_with("\r\n\r\nPOST hello"), "{response}");
    }
    for (expected, fields, body) in [
        // It does not wait, or has nothing to send.
        (200, "Content-Length: 5\r\n", "hello"),
        (200, "Content-Length: 0\r\n", ""),
        // It need not send.
        (413, "Content-Length: 6\r\n", ""),
        (411, "", ""),
        (
            400,
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "",
        ),
    ] {
        let request = post("/any", &format!("{fields}Expect: 100-continue\r\n"), body);
        let answered = answer_within(limits.clone(), &request).await;
        assert_eq!(status(&answered), expected, "{request}: {answered}");
    }
    let old = "POST /any HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    assert_eq!(
        status(&answer(old).await),
        400,
        "there is no 100 Continue in HTTP/1.0"
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_in_time_is_answered_with_408() {
    let limits = Limits::new().body_timeout(Duration::from_secs(7));
    for (fields, body) in [
        ("Content-Length: 100\r\n", ""),
        ("Content-Length: 100\r\n", "hell"),
        (CHUNKED, "5\r\nhello\r\n"),
        ("Content-Length: 100\r\nExpect: 100-continue\r\n", ""),
    ] {
        let begun = Instant::now();
        let (client, _stop, _serving) = serve(router(), limits.clone());
        let (mut read, mut write) = tokio::io::split(client);
        let head = post("/any", fields, body);
        write.write_all(head.as_bytes()).await.expect("sent");
        // Single bytes gain no time.
        let slow = tokio::spawn(async move {
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let piece: &[u8] = if head.contains("chunked") {
                    b"1\r\nx\r\n"
                } else {
                    b"x"
                };
                write.write_all(piece).await.expect("sent");
            }
            write
        });
        let mut response = String::new();
        read.read_to_string(&mut response).await.expect("an end");
        let response = response.trim_start_matches("HTTP/1.1 100 Continue\r\n\r\n");
        assert_eq!(status(response), 408, "{response}");
        let elapsed = begun.elapsed();
        assert!((7..9).contains(&elapsed.as_secs()), "{elapsed:?}");
        slow.await.expect("no panic");
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_a_connection_whose_body_has_not_arrived() {
    let (mut client, stop, serving) = serve(router(), Limits::new());
    let head = post("/any", "Content-Length: 5\r\n", "hell");
    client.write_all(head.as_bytes()).await.expect("sent");
    tokio::time::sleep(Duration::from_secs(1)).await;
    stop.cancel();
    timeout(Duration::from_secs(1), serving)
        .await
        .expect("at once")
        .expect("no panic");
    assert_eq!(client.read(&mut [0]).await.expect("closed"), 0);
}

#[tokio::test]
async fn a_body_may_be_as_large_as_the_limit_says() {
    let len = 300_000;
    let limits = Limits::new().max_body_size(len);
    let body = "x".repeat(len);
    let chunks: String = body
        .as_bytes()
        .chunks(70_000)
        .map(|chunk| format!("{:X}\r\n{}\r\n", chunk.len(), "x".repeat(chunk.len())))
        .collect();
    for request in [
        post("/any", &format!("Content-Length: {len}\r\n"), &body),
        post("/any", CHUNKED, &format!("{chunks}0\r\n\r\n")),
    ] {
        let answered = answer_within(limits.clone(), request).await;
        assert!(answered.ends_with(&format!("\r\n\r\nPOST {body}")));
    }
    let none = Limits::new().max_body_size(0);
    let empty = answer_within(none.clone(), post("/any", "Content-Length: 0\r\n", "")).await;
    assert_eq!(status(&empty), 200);
    let one = answer_within(none, post("/any", "Content-Length: 1\r\n", "x")).await;
    assert_eq!(status(&one), 413);
    let any = Limits::new().max_body_size(usize::MAX);
    let answered = answer_within(any, post("/any", CHUNKED, &format!("{chunks}0\r\n\r\n"))).await;
    assert_eq!(status(&answered), 200);
}
