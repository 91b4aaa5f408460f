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
//! # Which function to use
//!
//! * [`with_sse`] turns a handler into a service, which answers every request with its events.
//! * [`sse_response`] answers one request, in a service or a handler of your own.
//! * [`sse_stream`] answers with the events of a `futures::Stream`.
//! * [`no_content`] answers 204, which makes an `EventSource` stop reconnecting.
//!
//! [`sse_response_with`], [`sse_stream_with`] and [`WithSse::options`] take [`SseOptions`]:
//! keep-alive, buffer size, reconnection time, headers, shutdown, what a stream sends first and
//! last, and its age.
//!
//! # In axum
//!
//! A route returns the result of [`sse_response`]. It takes a whole request, its parts or its
//! headers, whichever the route has extracted:
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
//! The graceful shutdown of hyper and that of axum wait for open responses. Pass the same signal to
//! the streams with [`SseOptions::shutdown`], and they end when it is given. A client that accepts
//! nothing keeps its connection open nevertheless, so limit the wait, for instance with
//! `tokio::time::timeout`.
//!
//! # With many streams
//!
//! hyper writes a piece of a chunked body from three buffers: the size, the piece and the end of the
//! chunk. A connection built with `http1::Builder::writev(false)` copies them into one buffer first.
//! For events of some hundred bytes, that takes a few percent less processor time. It copies large
//! pieces as well, and keeps the memory for them.
//!
//! # When the client disconnects
//!
//! Over HTTP/1.1, hyper detects a closed connection at once, whether events are being sent or not,
//! and drops the body and with it the handler. In return, a client must not close its sending side
//! early. Over HTTP/2, a reset stream and a closed connection drop the handler at once too.
//!
//! In two cases hyper does not read, and only a failing write shows that the client is gone: with
//! its option `half_close`, and after a client has sent another request before the response to the
//! first was complete. The first write to a closed connection provokes a reset and the second one
//! fails, so an idle handler is dropped at the second keep-alive. See
//! [`SseOptions::keep_alive`].
//!
//! # Failed handlers
//!
//! Over HTTP/1.1, the last chunk is missing when the handler failed. Over HTTP/2, the stream is
//! reset. HTTP/1.0 has no such mark, and the stream looks complete. Events that were sent just
//! before the failure are lost when the client was too slow to accept them; over HTTP/2, where the
//! reset may overtake them, some may be lost in any case.
//!
//! Many proxies take these marks for a complete response. [`SseOptions::failure_event`] also tells
//! the failure in the stream, which passes all of them but may be lost together with the cut. A panic
//! of the handler is a failure like an error: it does not reach the task of the connection. What each
//! proxy does, and the lines of configuration that help: [`guide::proxies`].
//!
//! # Features
//!
//! | feature | default | provides |
//! |---|---|---|
//! | `json` | yes | JSON data from anything that implements `serde::Serialize` |
//! | `tower` | yes | [`WithSse`] implements `tower::Service` |

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod service;

pub use crate::service::{WithSse, with_sse};

/// A request as hyper's server passes it to a handler.
///
/// All adapters have a type of this name, so that handlers look the same in all of them.
pub type Request<B = hyper::body::Incoming> = http::Request<B>;

#[doc(inline)]
pub use sse_session::guide;
pub use sse_session::{
    BoxError, Buffer, CancellationToken, Data, DataWriter, Display, Encode, EncodeError, Event,
    Field, Frame, HandlerError, HeaderError, IntoEvent, IntoHandlerResult, NoData, RequestHead,
    SendAll, SendAllError, SendError, Shutdown, Sse, SseBody, SseOptions, TrySendError, forward,
    no_content, sse_response, sse_response_with, sse_stream, sse_stream_with,
};
#[cfg(feature = "json")]
pub use sse_session::{Json, Typed};
