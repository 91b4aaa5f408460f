//! Handlers of axum with extractors, over real connections.
#![cfg(feature = "axum")]

use std::collections::HashMap;
use std::future::pending;

use axum::extract::{FromRequestParts, Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{any, get, post};
use axum::{Json, Router};
use futures_util::future::join;
use sse_hyper::{Event, SendError, Sse, SseOptions, sse_response, with_sse};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// Sends a request to the routes, and returns the whole response.
async fn response(app: Router, request: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("an address");
    let mut answer = String::new();
    let client = async {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        let request = request.replacen("\r\n", "\r\nhost: test\r\nconnection: close\r\n", 1);
        stream.write_all(request.as_bytes()).await.expect("sent");
        stream.read_to_string(&mut answer).await.expect("read");
    };
    tokio::select! {
        served = async { axum::serve(listener, app).await } => panic!("{served:?}"),
        () = client => {}
    }
    answer
}

#[track_caller]
fn assert_sends(response: &str, data: &str) {
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert!(
        response.contains("content-type: text/event-stream"),
        "{response}"
    );
    assert!(
        response.contains(&format!("data: {data}\n\n")),
        "{response}"
    );
    assert!(response.ends_with("0\r\n\r\n"), "{response}");
}

fn unexpected() {
    panic!("the handler is not called");
}

async fn request_alone(request: Request, sse: Sse) -> Result<(), SendError> {
    sse.send(request.uri().path()).await
}

async fn stream_alone(sse: Sse) {
    let id = sse.last_event_id().unwrap_or("none").to_owned();
    let _ = sse.send(id).await;
}

async fn with_extractors(
    State(state): State<&'static str>,
    Path(room): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    method: Method,
    headers: HeaderMap,
    sse: Sse,
) -> Result<(), SendError> {
    let id = sse.last_event_id().unwrap_or("none").to_owned();
    let accept = headers[header::ACCEPT].to_str().unwrap_or_default();
    let who = query.get("who").map_or("?", String::as_str);
    let data = format!("{state} {room} {who} {method} {accept} {id}");
    sse.send(data).await
}

async fn with_body(
    _: HeaderMap,
    Json(words): Json<Vec<String>>,
    sse: Sse,
) -> Result<(), SendError> {
    for word in words {
        sse.send(word).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_handler_has_as_many_extractors_as_it_needs() {
    let app = || {
        Router::new()
            .route("/request", get(with_sse(request_alone)))
            .route("/alone", get(with_sse(stream_alone)))
            .route("/rooms/{room}", get(with_sse(with_extractors)))
            .route("/words", post(with_sse(with_body)))
            .route(
                "/closure/{n}",
                any(with_sse(async |Path(n): Path<u32>, sse: Sse| {
                    sse.send(Event::new().display(n + 1)).await
                })),
            )
            .with_state("here")
    };
    for (request, data) in [
        ("GET /request HTTP/1.1\r\n\r\n", "/request"),
        ("GET /alone HTTP/1.1\r\n\r\n", "none"),
        ("GET /alone HTTP/1.1\r\nlast-event-id: 7\r\n\r\n", "7"),
        ("GET /alone?lastEventId=8 HTTP/1.1\r\n\r\n", "8"),
        (
            "GET /rooms/a%20b?who=me HTTP/1.1\r\naccept: x/y\r\nlast-event-id: 9\r\n\r\n",
            "here a b me GET x/y 9",
        ),
        (
            "POST /words HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n[\"a\",\"b\"]",
            "b",
        ),
        ("DELETE /closure/41 HTTP/1.1\r\n\r\n", "42"),
    ] {
        assert_sends(&response(app(), request).await, data);
    }
}

/// Refuses all requests.
struct Refused;

impl<S: Sync> FromRequestParts<S> for Refused {
    type Rejection = (StatusCode, [(&'static str, &'static str); 1], &'static str);

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Err((StatusCode::UNAUTHORIZED, [("x-why", "rights")], "log in"))
    }
}

#[tokio::test]
async fn the_rejection_of_an_extractor_is_the_response() {
    let handler = async |_: Refused, _: HeaderMap, _: Sse| unexpected();
    let app = Router::new().route("/", get(with_sse(handler)));
    let refused = response(app, "GET / HTTP/1.1\r\n\r\n").await;
    assert!(
        refused.starts_with("HTTP/1.1 401 Unauthorized\r\n"),
        "{refused}"
    );
    assert!(refused.contains("\r\nx-why: rights\r\n"), "{refused}");
    assert!(refused.ends_with("\r\n\r\nlog in"), "{refused}");
    // The last one, which has the body.
    let app = Router::new().route("/", post(with_sse(with_body)));
    let refused = response(app, "POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n").await;
    assert!(refused.starts_with("HTTP/1.1 415 "), "{refused}");
}

#[tokio::test]
async fn options_and_other_headers_are_in_the_response() {
    let options = SseOptions::new().retry(std::time::Duration::from_secs(3));
    let routes = get(with_sse(stream_alone).options(options));
    let tuple = async || {
        let stream = sse_response((), async |(), sse: Sse| sse.send("hello").await);
        ([("x-node", "1")], stream).into_response()
    };
    let app = Router::new().route("/options", routes);
    let app = app.route("/tuple", get(tuple));
    let with_options = response(app.clone(), "GET /options HTTP/1.1\r\n\r\n").await;
    assert_sends(&with_options, "none");
    assert!(with_options.contains("retry: 3000\n"), "{with_options}");
    let with_header = response(app, "GET /tuple HTTP/1.1\r\n\r\n").await;
    assert_sends(&with_header, "hello");
    assert!(with_header.contains("x-node: 1\r\n"), "{with_header}");
}

#[tokio::test]
async fn head_starts_no_handler() {
    let handler = async |_: Sse| unexpected();
    let app = Router::new().route("/", get(with_sse(handler)));
    let head = response(app, "HEAD / HTTP/1.1\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(
        head.ends_with("\r\n\r\n") && !head.contains("data"),
        "{head}"
    );
}

#[cfg(feature = "gzip")]
#[tokio::test]
async fn a_stream_is_compressed_if_the_request_says_so_whatever_the_extractors_take() {
    let options = SseOptions::new().compression(sse_hyper::Compression::Gzip);
    let alone = with_sse(async |_: Sse| unexpected()).options(options.clone());
    let extracting = with_sse(async |_: Request, _: Sse| unexpected()).options(options);
    let app = Router::new()
        .route("/alone", get(alone))
        .route("/extracting", get(extracting));
    for path in ["/alone", "/extracting"] {
        for (accepted, is_compressed) in [
            ("accept-encoding: br\r\naccept-encoding: gzip\r\n", true),
            ("accept-encoding: br, gzip;q=0\r\n", false),
            ("", false),
        ] {
            let request = format!("HEAD {path} HTTP/1.1\r\n{accepted}\r\n");
            let head = response(app.clone(), &request).await;
            let coding = head.contains("content-encoding: gzip\r\n");
            assert_eq!(coding, is_compressed, "{request}{head}");
            assert!(head.contains("vary: accept-encoding\r\n"), "{head}");
        }
    }
}

#[tokio::test]
async fn the_handler_is_dropped_when_the_client_leaves() {
    struct OnDrop(mpsc::UnboundedSender<&'static str>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            let _ = self.0.send("dropped");
        }
    }
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let handler = move |_: HeaderMap, sse: Sse| {
        let sender = sender.clone();
        async move {
            let _dropped = OnDrop(sender.clone());
            let _ = sender.send("started");
            sse.send("hello").await?;
            pending::<Result<(), SendError>>().await
        }
    };
    let app = Router::new().route("/", get(with_sse(handler)));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async { axum::serve(listener, app).await });
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let request = b"GET / HTTP/1.1\r\nhost: test\r\n\r\n";
    let (written, started) = join(stream.write_all(request), receiver.recv()).await;
    written.expect("sent");
    assert_eq!(started, Some("started"));
    drop(stream);
    assert_eq!(receiver.recv().await, Some("dropped"));
}
