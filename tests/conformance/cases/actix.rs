//! What only actix-web has: extractors, handlers that are not `Send`, its compression, and closed
//! connections that it treats as half closed.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::middleware::Compress;
use actix_web::web::{self, Data, Path, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::StreamExt as _;
use sse_actix::{
    HandlerError, SendError, Sse, SseBody, SseOptions, sse_response, sse_response_with, sse_stream,
    with_sse,
};
use tokio::sync::watch;

use super::within_limit;
use crate::handlers::{Handlers, Progress};
use crate::transports::Actix;

type Extracted = (Path<String>, Query<Vec<(String, String)>>, Data<String>);

async fn extractors((path, query, data): Extracted, sse: Sse) -> Result<(), SendError> {
    sse.send(format!("{path} {:?} {}", query.0, **data)).await
}

async fn extractors_and_response(
    request: HttpRequest,
    path: Path<String>,
    data: Data<String>,
) -> HttpResponse<SseBody> {
    sse_response(&request, move |request, sse: Sse| async move {
        let agent = request.headers().get("x-agent").cloned();
        sse.send(format!("{path} {} {agent:?}", **data)).await
    })
}

/// Holds a value that is not `Send` across an await.
async fn not_send(_: HttpRequest, sse: Sse) -> Result<(), SendError> {
    let count = Rc::new(Cell::new(0));
    for _ in 0..3 {
        count.set(count.get() + 1);
        let task = Rc::clone(&count);
        let _ = actix_web::rt::spawn(async move { task.set(task.get() * 10) }).await;
        sse.send(sse_actix::Display(count.get())).await?;
    }
    Ok(())
}

async fn not_send_stream() -> HttpResponse<SseBody> {
    let count = Rc::new(Cell::new(0));
    sse_stream(futures_util::stream::iter(0..3).map(move |number| {
        count.set(count.get() + number);
        sse_actix::Event::new().display(count.get())
    }))
}

#[tokio::test]
async fn handlers_take_extractors_and_need_not_be_send() {
    within_limit(async {
        let server = Actix::serve(|config: &mut ServiceConfig| {
            config
                .app_data(Data::new("state".to_owned()))
                .route("/a/{path}", web::get().to(with_sse(extractors)))
                .route("/b/{path}", web::get().to(extractors_and_response))
                .route("/c", web::get().to(with_sse(not_send)))
                .route("/d", web::get().to(not_send_stream));
        })
        .await;
        for (target, events) in [
            ("/a/x?k=v", "data: x [(\"k\", \"v\")] state\n\n"),
            ("/b/y", "data: y state None\n\n"),
            ("/c", ":\ndata: 10\n\ndata: 110\n\ndata: 1110\n\n"),
            ("/d", "data: 0\n\ndata: 1\n\ndata: 3\n\n"),
        ] {
            assert_eq!(server.get(target).await.complete().await, events);
        }
    })
    .await;
}

#[tokio::test]
async fn an_extractor_that_fails_answers_instead_of_the_stream() {
    within_limit(async {
        let server = Actix::serve(|config: &mut ServiceConfig| {
            async fn numbered(_: Path<u32>, sse: Sse) -> Result<(), SendError> {
                sse.send("hello").await
            }
            config.route("/{number}", web::get().to(with_sse(numbered)));
        })
        .await;
        assert_eq!(server.get("/x").await.status, 404);
        assert_eq!(server.get("/1").await.complete().await, "data: hello\n\n");
    })
    .await;
}

#[tokio::test]
async fn head_needs_a_route_of_its_own() {
    within_limit(async {
        let server = Actix::serve(|config: &mut ServiceConfig| {
            config
                .route("/get", web::get().to(with_sse(not_send)))
                .route("/both", web::get().to(with_sse(not_send)))
                .route("/both", web::head().to(with_sse(not_send)));
        })
        .await;
        for (path, status) in [("/get", 404), ("/both", 200)] {
            let mut connection = server.connect().await;
            connection
                .send(format!("HEAD {path} HTTP/1.1\r\nHost: test\r\n\r\n"))
                .await;
            assert_eq!(connection.response_to_head().await.status, status);
        }
    })
    .await;
}

#[tokio::test]
async fn compression_does_not_delay_events() {
    within_limit(async {
        let (seen, turn) = watch::channel(0);
        let server = Actix::serve(move |config: &mut ServiceConfig| {
            let turn = turn.clone();
            let handler = move |_: HttpRequest, sse: Sse| {
                let mut turn = turn.clone();
                async move {
                    for number in 0..3 {
                        turn.wait_for(|seen| *seen == number)
                            .await
                            .expect("a client");
                        sse.send(sse_actix::Display(number)).await.expect("open");
                    }
                }
            };
            config.service(
                web::scope("")
                    .wrap(Compress::default())
                    .route("/", web::get().to(with_sse(handler)))
                    .route("/page", web::get().to(async || "text ".repeat(1_000))),
            );
        })
        .await;
        let get_compressed = async |target: &str| {
            let mut connection = server.connect().await;
            connection
                .send(format!(
                    "GET {target} HTTP/1.1\r\nHost: test\r\nAccept-Encoding: gzip\r\n\r\n"
                ))
                .await;
            connection.response().await
        };
        let page = get_compressed("/page").await;
        assert_eq!(
            page.header("content-encoding"),
            ["gzip"],
            "the page is compressed"
        );
        let mut response = get_compressed("/").await;
        assert_ne!(response.header("content-encoding"), ["gzip"]);
        for number in 0..3 {
            response.receive(&number.to_string()).await;
            seen.send_replace(number + 1);
        }
        response.complete().await;
    })
    .await;
}

/// A body that counts the pieces that actix takes from it.
struct Counted {
    body: SseBody,
    pieces: Progress,
}

impl MessageBody for Counted {
    type Error = HandlerError;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, HandlerError>>> {
        let polled = Pin::new(&mut self.body).poll_next(cx);
        if matches!(polled, Poll::Ready(Some(_))) {
            self.pieces.add(1);
        }
        polled
    }
}

#[tokio::test]
async fn a_closed_connection_that_is_treated_as_half_closed_ends_by_the_second_keep_alive() {
    within_limit(async {
        let (handlers, pieces) = (Handlers::new(), Progress::new());
        let server = {
            let (handlers, pieces) = (handlers.clone(), pieces.clone());
            let options = SseOptions::new().keep_alive(Duration::from_millis(200));
            Actix::serve(move |config: &mut ServiceConfig| {
                let (handlers, pieces) = (handlers.clone(), pieces.clone());
                let options = options.clone();
                config.route(
                    "/",
                    web::to(move |request: HttpRequest| {
                        let (guard, pieces) = (handlers.guard(), pieces.clone());
                        let response =
                            sse_response_with(&options, &request, |_, sse: Sse| async move {
                                let _guard = guard;
                                sse.send("hello").await.expect("open");
                                std::future::pending::<()>().await;
                            });
                        async { response.map_body(|_, body| Counted { body, pieces }) }
                    }),
                );
            })
            .await
        };
        let mut response = server.get("/").await;
        response.receive("hello").await;
        let before = pieces.total();
        drop(response);
        handlers.dropped(1).await;
        // One of them may have been sent before the client closed.
        let keep_alives = pieces.total() - before;
        assert!(keep_alives <= 3, "{keep_alives} keep-alives");
    })
    .await;
}
