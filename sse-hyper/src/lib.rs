//! Server-Sent Events for [hyper](https://docs.rs/hyper) 1, over HTTP/1.1 and HTTP/2.
//!
//! The responses are plain `http::Response`s, so they work unchanged in everything that is built
//! on http 1 and hyper: axum, tower, warp, tonic.
//!
//! ```no_run
//! use hyper::server::conn::http1;
//! use hyper_util::rt::TokioIo;
//! use sse_hyper::{Event, Request, SendError, Sse, with_sse};
//! use tokio::net::TcpListener;
//!
//! async fn hello(_request: Request, sse: Sse) -> Result<(), SendError> {
//!     sse.send("hello").await?;
//!     sse.send(Event::new().event("greeting").data("hello")).await
//! }
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     let listener = TcpListener::bind("127.0.0.1:3000").await?;
//!     loop {
//!         let (stream, _) = listener.accept().await?;
//!         tokio::spawn(async move {
//!             let _ = http1::Builder::new()
//!                 .serve_connection(TokioIo::new(stream), with_sse(hello))
//!                 .await;
//!         });
//!     }
//! }
//! ```
//!
//! # Which of them to use
//!
//! * [`with_sse`] makes a service of a handler; every request is answered with its events.
//! * [`sse_response`] answers one request, from within a service or a handler of your own.
//! * [`sse_stream`] answers with the events of a `futures::Stream`.
//! * [`no_content`] answers 204, which makes an `EventSource` stop reconnecting.
//!
//! `sse_response_with`, `sse_stream_with` and [`WithSse::options`] take [`SseOptions`]: keep-alive,
//! buffer size, reconnection time, headers, shutdown.
//!
//! # In axum
//!
//! A route returns what [`sse_response`] gives. It takes a whole request, its parts or its
//! headers alone, whatever the route has extracted:
//!
//! ```
//! # mod http { pub use ::http::*; }
//! use http::{HeaderMap, Response};
//! use sse_hyper::{SendError, Sse, SseBody, sse_response};
//!
//! // With axum, `Path(room): Path<String>` and `HeaderMap` are its arguments.
//! async fn room(room: String, headers: HeaderMap) -> Response<SseBody> {
//!     sse_response(headers, |_headers, sse: Sse| async move {
//!         sse.send(format!("welcome to {room}")).await
//!     })
//! }
//! ```
//!
//! # Shutdown
//!
//! hyper's graceful shutdown waits for open responses, and so does axum's. Give the streams the
//! same signal through [`SseOptions::shutdown`], and they end when it comes. What remains are clients
//! that take nothing: their connections cannot be ended in order, so give the wait a time limit,
//! for instance `tokio::time::timeout`.
//!
//! # With many streams
//!
//! hyper writes a piece of a chunked body from three places, its length, itself and its end. A
//! connection built with `http1::Builder::writev(false)` copies them together first: for events of
//! some hundred bytes that is a few percent of the processor time less. It copies large pieces as
//! well, and keeps the memory for them.
//!
//! # When the client goes away
//!
//! Over HTTP/1.1, hyper notices a closed connection at once, while sending as well as while idle,
//! and drops the body and with it the handler. The price is that a client must not close its
//! sending side early. Over HTTP/2 a reset stream drops the handler at once too, and so does a
//! closed connection.
//!
//! Two things keep hyper from reading, so that only writes can tell: its `half_close` option, and
//! a client that sends another request before it has the response to the first. The first write
//! to a closed connection provokes a reset and the second one meets it: an idle handler is
//! dropped at the second keep-alive, see [`SseOptions::keep_alive`].
//!
//! # Failed handlers
//!
//! Over HTTP/1.1 the last chunk is missing when the handler failed, and over HTTP/2 the stream is
//! reset. HTTP/1.0 has no such mark: there, the stream looks complete. Events sent just before the
//! failure are lost when the client was too slow to take them; over HTTP/2, where the reset may
//! overtake them, a few may be lost in any case.
//!
//! # Features
//!
//! | feature | default | brings |
//! |---|---|---|
//! | `json` | yes | JSON data from anything that implements `serde::Serialize` |
//! | `tower` | no | [`WithSse`] is a `tower::Service` too |

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod service;

pub use crate::service::{WithSse, with_sse};

/// A request as hyper's server gives it to a handler.
///
/// Every adapter has a type of this name, so that a handler reads the same in all of them.
pub type Request<B = hyper::body::Incoming> = http::Request<B>;

pub use sse_session::{
    BoxError, Buffer, CancellationToken, Data, DataWriter, Display, Encode, EncodeError, Event,
    Field, Frame, HandlerError, HeaderError, IntoEvent, IntoHandlerResult, NoData, RequestHead,
    SendAll, SendAllError, SendError, Shutdown, Sse, SseBody, SseOptions, TrySendError, forward,
    no_content, sse_response, sse_response_with, sse_stream, sse_stream_with,
};
#[cfg(feature = "json")]
pub use sse_session::{Json, Typed};
