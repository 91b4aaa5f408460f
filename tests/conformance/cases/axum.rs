//! The responses of `sse-hyper` in an axum router, with its extractors and its graceful shutdown.

use std::net::SocketAddr;
use std::time::Duration;

use ::axum::extract::{Path, Query, State};
use ::axum::response::IntoResponse;
use ::axum::routing::get;
use ::axum::{Router, serve};
use http::{HeaderMap, Response};
use sse_hyper::{
    SendError, Sse, SseBody, SseOptions, no_content, sse_response, sse_response_with, sse_stream,
    with_sse,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::within_limit;
use crate::client::{Connection, End};
use crate::handlers::Handlers;
use crate::transports::plain_stream;

#[derive(Clone)]
struct App {
    handlers: Handlers,
    options: SseOptions,
}

async fn room(
    State(app): State<App>,
    Path(room): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response<SseBody> {
    let guard = app.handlers.guard();
    sse_response_with(
        &app.options,
        headers,
        move |headers: HeaderMap, sse: Sse| async move {
            let _guard = guard;
            sse.send(format!("{room} {query:?} {:?}", headers.get("x-name")))
                .await?;
            std::future::pending::<Result<(), SendError>>().await
        },
    )
}

async fn whole_request(request: ::axum::extract::Request) -> impl IntoResponse {
    sse_response(
        request,
        |request: ::axum::extract::Request, sse: Sse| async move {
            sse.send(request.uri().path()).await
        },
    )
}

async fn tower_service(request: ::axum::extract::Request, sse: Sse) -> Result<(), SendError> {
    sse.send(request.uri().path()).await
}

/// Serves the routes until `stop` is cancelled.
async fn start(
    handlers: &Handlers,
    stop: &CancellationToken,
) -> (SocketAddr, impl Future<Output = ()>) {
    let app = App {
        handlers: handlers.clone(),
        options: SseOptions::new()
            .shutdown(stop.clone())
            .retry_on_shutdown(Duration::from_secs(3)),
    };
    let router = Router::new()
        .route("/", get(|| async { "a page" }))
        .route("/rooms/{room}", get(room))
        .route("/request", get(whole_request))
        .route("/plain", get(|| async { sse_stream(plain_stream()) }))
        .route("/gone", get(|| async { no_content() }))
        .route_service("/service", with_sse(tower_service))
        .with_state(app);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    let server = tokio::spawn(server.into_future());
    let stopped = async { server.await.expect("no panic").expect("served") };
    (address, stopped)
}

async fn text(address: SocketAddr, path: &str) -> String {
    let mut response = Connection::open(address).await.get(path).await;
    assert_eq!(response.status, 200);
    response.complete().await
}

#[tokio::test]
async fn streams_are_routes_like_others_and_take_extractors() {
    within_limit(async {
        let (handlers, stop) = (Handlers::new(), CancellationToken::new());
        let (address, _stopped) = start(&handlers, &stop).await;
        assert_eq!(text(address, "/").await, "a page");
        assert_eq!(text(address, "/request").await, "data: /request\n\n");
        assert_eq!(
            text(address, "/plain").await,
            "data: one\n\nevent: second\ndata: two\n\n"
        );
        assert_eq!(
            text(address, "/service").await,
            "data: /service\n\n",
            "a tower service"
        );
        let gone = Connection::open(address).await.get("/gone").await;
        assert_eq!(gone.status, 204);

        let mut connection = Connection::open(address).await;
        connection
            .send("GET /rooms/blue?a=b HTTP/1.1\r\nHost: test\r\nX-Name: me\r\n\r\n")
            .await;
        let mut response = connection.response().await;
        assert_eq!(
            response.header("content-type"),
            ["text/event-stream; charset=utf-8"]
        );
        response
            .read_until("data: blue [(\"a\", \"b\")] Some(\"me\")\n\n")
            .await;
        drop(response);
        handlers.dropped(1).await;
    })
    .await;
}

#[tokio::test]
async fn head_is_answered_with_the_headers_alone() {
    within_limit(async {
        let (handlers, stop) = (Handlers::new(), CancellationToken::new());
        let (address, _stopped) = start(&handlers, &stop).await;
        for path in ["/request", "/service", "/rooms/blue"] {
            let mut connection = Connection::open(address).await;
            connection
                .send(format!("HEAD {path} HTTP/1.1\r\nHost: test\r\n\r\n"))
                .await;
            let response = connection.response_to_head().await;
            assert_eq!(
                response.header("content-type"),
                ["text/event-stream; charset=utf-8"]
            );
        }
        handlers.dropped(0).await;
    })
    .await;
}

#[tokio::test]
async fn graceful_shutdown_completes_while_streams_are_open() {
    within_limit(async {
        let (handlers, stop) = (Handlers::new(), CancellationToken::new());
        let (address, stopped) = start(&handlers, &stop).await;
        let mut streams = Vec::new();
        for _ in 0..10 {
            let mut response = Connection::open(address).await.get("/rooms/blue").await;
            response.read_until("blue").await;
            response.body.clear();
            streams.push(response);
        }
        assert_eq!(handlers.running(), 10);
        stop.cancel();
        tokio::join!(stopped, async {
            for mut stream in streams {
                let farewell = "retry: 3000\n\n".to_owned();
                assert_eq!(stream.rest().await, (farewell, End::Complete));
            }
        });
        assert_eq!(handlers.running(), 0);
    })
    .await;
}
