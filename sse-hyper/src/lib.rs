//! Server-Sent Events for [hyper](https://docs.rs/hyper) 1, over HTTP/1.1 and HTTP/2.
//!
//! The responses are plain `http::Response`s, whose bodies are `Send` and `Sync`. They work unchanged
//! in axum, tower and tonic. What warp, salvo, xitca-web, poem and rocket need is in [`frameworks`].
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use hyper::server::conn::http1;
//! use hyper_util::rt::{TokioIo, TokioTimer};
//! use sse_hyper::{Event, Request, SendError, Sse, WriteTimeout, with_sse};
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
//!     // With a timer, a request's head must come within 30 seconds.
//!     let mut server = http1::Builder::new();
//!     server.timer(TokioTimer::new()).max_buf_size(8 * 1024);
//!     loop {
//!         let Ok((stream, _)) = listener.accept().await else {
//!             // For want of file descriptors, mostly: it must not end the server.
//!             tokio::time::sleep(Duration::from_millis(100)).await;
//!             continue;
//!         };
//!         let io = WriteTimeout::new(TokioIo::new(stream), Duration::from_secs(60));
//!         tokio::spawn(server.serve_connection(io, with_sse(hello)));
//!     }
//! }
//! ```
//!
//! That is enough for a server behind a proxy. [`guide::internet`] has one that is open to the world, with
//! limits on connections and streams.
//!
//! # Which function to use
//!
//! * [`with_sse`] turns a handler into a service, which answers every request with its events.
//! * [`sse_response`] answers one request, in a service or a handler of your own.
//! * [`sse_stream`] answers with the events of a `futures::Stream`.
//! * [`no_content`] answers 204, which makes an `EventSource` stop reconnecting.
//! * [`refused`] answers with the status of an error: 503 or 429 where a [`Limiter`] has no permit, and those of
//!   a hub's subscription.
//!
//! [`sse_response_with`], [`sse_stream_with`] and [`WithSse::options`] take [`SseOptions`]:
//! keep-alive, buffer size, reconnection time, headers, shutdown, what a stream sends first and
//! last, and its age.
//!
//! # In axum
//!
//! With the feature `axum`, [`with_sse`] returns a handler of axum. Its function takes extractors before the [`Sse`]; a
//! rejection is the response, before a stream begins.
//!
//! ```
//! # #[cfg(feature = "axum")]
//! # mod axum_example {
//! use axum::{Router, extract::Path, routing::get};
//! use sse_hyper::{SendError, Sse, with_sse};
//!
//! async fn room(Path(room): Path<String>, sse: Sse) -> Result<(), SendError> {
//!     sse.send(format!("welcome to {room}")).await
//! }
//!
//! # fn routes() -> Router {
//! Router::new().route("/rooms/{room}", get(with_sse(room)))
//! # }
//! # }
//! ```
//!
//! A handler that answers some requests otherwise returns the result of [`sse_response`], without the feature. It takes
//! a whole request, its parts or its headers, whichever the route has extracted. As other responses of axum, it can be in
//! a tuple with a status or headers:
//!
//! ```
//! # mod http { pub use ::http::*; }
//! use http::{HeaderMap, Response};
//! use sse_hyper::{SendError, Sse, SseBody, sse_response};
//!
//! // With axum, `Path(room): Path<String>` and `HeaderMap` are its arguments.
//! async fn room(room: String, headers: HeaderMap) -> ([(&'static str, &'static str); 1], Response<SseBody>) {
//!     let stream = sse_response(headers, |_headers, sse: Sse| async move {
//!         sse.send(format!("welcome to {room}")).await
//!     });
//!     ([("x-room", "open")], stream)
//! }
//! ```
//!
//! [`frameworks`] has the route of axum and those of other frameworks.
//!
//! # In a `BoxBody`
//!
//! Services that have several types of bodies often box them. `http-body-util` takes a body that is
//! `Sync`, as this one is:
//!
//! ```
//! use bytes::Bytes;
//! use http_body_util::{BodyExt, combinators::BoxBody};
//! use hyper::Response;
//! use sse_hyper::{HandlerError, SendError, Sse, sse_response};
//!
//! fn respond() -> Response<BoxBody<Bytes, HandlerError>> {
//!     let response = sse_response((), async |(), sse: Sse| sse.send("hello").await);
//!     response.map(BodyExt::boxed)
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
//! Over HTTP/2, a connection has 200 streams at most, and further requests wait without an answer; a
//! reverse proxy that puts many clients on one connection needs more:
//! `http2::Builder::max_concurrent_streams(10_000)`.
//!
//! An event that goes to many streams of such a connection is a system call for each, on a
//! multi-threaded runtime of tokio. With [`CoalescedWrites`] around the connection it is a few, which takes about
//! a third of the processor time.
//!
//! # When the client disconnects
//!
//! Over HTTP/1.1, hyper detects a closed connection at once, whether events are being sent or not,
//! and drops the body and with it the handler. In return, a client must not close its sending side
//! early. Over HTTP/2, a reset stream and a closed connection drop the handler at once too.
//!
//! In three cases hyper does not read from a connection of HTTP/1.1, and only a failing write shows
//! that the client is gone:
//!
//! * with its option `half_close`,
//! * after a client has sent another request before the response to the first was complete,
//! * after a request whose body was not read to its end, see [Request bodies](#request-bodies).
//!
//! The first write to a closed connection provokes a reset and the second one fails, so an idle
//! handler is dropped at the second keep-alive. See [`SseOptions::keep_alive`].
//!
//! # Request bodies
//!
//! Read a body before you answer, within a limit, even if it is of no use:
//!
//! ```
//! use http::{Response, StatusCode};
//! use http_body_util::{BodyExt as _, Limited};
//! use sse_hyper::{Request, Sse, SseBody, sse_response};
//!
//! async fn complete(request: Request) -> Response<SseBody> {
//!     let (parts, body) = request.into_parts();
//!     let Ok(body) = Limited::new(body, 1024 * 1024).collect().await else {
//!         let mut response = Response::new(SseBody::empty());
//!         *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
//!         return response;
//!     };
//!     sse_response(parts, move |_parts, sse: Sse| async move {
//!         sse.send(format!("{} bytes", body.to_bytes().len())).await
//!     })
//! }
//! ```
//!
//! A handler can read the body too. The response has then begun: a body that is refused only cuts the
//! stream, and a client that sends `Expect: 100-continue` gets no `100 Continue`. curl sends its body
//! after a second then.
//!
//! In axum, the extractors `Bytes`, `String` and `Json` read the body, up to 2 MiB by default. A
//! route without one of them drops it.
//!
//! What happens with a body that is not read:
//!
//! | | HTTP/1.1 | HTTP/2 |
//! |---|---|---|
//! | the handler keeps it | hyper reads nothing more from the connection | it takes the window of the connection, 1 MiB by default, so that the bodies of other requests wait |
//! | it is dropped | hyper reads once more, which is enough for a few KiB that arrive with the head, and then never again | it is discarded, up to the window of its stream |
//! | a client that sends all of a long body before it reads | waits for as long as the stream is open, from some MiB on | the same, from 1 MiB on |
//!
//! An async function keeps an argument that it does not use, such as `_request`, until it returns.
//! All of this is about requests that have a body.
//!
//! # Clients that never read
//!
//! hyper polls the body of a response only while it has room for it. A client that accepts nothing
//! therefore holds back its handler and its keep-alives, and nothing in the body can end it. Until
//! then, hyper takes up to 480 KiB of each stream by default: 98 MB of a connection of HTTP/2 with
//! its 200 streams ([sizing] has the figures). A server that is open to the world sets smaller
//! buffers, and what ends such a client:
//!
//! | a client that | is ended by |
//! |---|---|
//! | does not read from its connection | a [`WriteTimeout`] around it; over HTTP/2 also a PING that is not answered |
//! | is gone without notice | `TCP_USER_TIMEOUT`; a [`WriteTimeout`] once the system's buffer is full; over HTTP/2 a PING |
//! | reads and answers PINGs, but grants a stream of HTTP/2 no window | nothing but an age limit of the streams, which the executor can set |
//! | reads a little now and then | nothing: it is a slow client |
//!
//! ```
//! use std::time::Duration;
//!
//! use hyper::rt::Executor;
//! use hyper_util::rt::{TokioIo, TokioTimer};
//! use hyper_util::server::conn::auto;
//! use sse_hyper::{BoxError, Request, SendError, Sse, WriteTimeout, with_sse};
//! use tokio::net::TcpStream;
//! use tokio::time::timeout;
//! # async fn hello(_request: Request, sse: Sse) -> Result<(), SendError> {
//! #     sse.send("hello").await
//! # }
//!
//! const HEAD_AND_BUFFER: usize = 8 * 1024;
//! const STREAM_BUFFER: usize = 64 * 1024;
//! const PING_INTERVAL: Duration = Duration::from_secs(20);
//! const WRITE_TIMEOUT: Duration = Duration::from_secs(60);
//! const MAX_STREAM_AGE: Duration = Duration::from_secs(4 * 60 * 60);
//!
//! /// Spawns the streams of HTTP/2, each for a limited time. A stream that is dropped is reset, and
//! /// its client comes back.
//! #[derive(Clone)]
//! struct StreamExecutor;
//!
//! impl<F> Executor<F> for StreamExecutor
//! where
//!     F: Future<Output: Send> + Send + 'static,
//! {
//!     fn execute(&self, stream: F) {
//!         tokio::spawn(timeout(MAX_STREAM_AGE, stream));
//!     }
//! }
//!
//! async fn serve(stream: TcpStream) -> Result<(), BoxError> {
//!     let mut server = auto::Builder::new(StreamExecutor);
//!     server
//!         .http1()
//!         .timer(TokioTimer::new())
//!         .max_buf_size(HEAD_AND_BUFFER);
//!     server
//!         .http2()
//!         .timer(TokioTimer::new())
//!         .max_send_buf_size(STREAM_BUFFER)
//!         .keep_alive_interval(PING_INTERVAL);
//!     let io = WriteTimeout::new(TokioIo::new(stream), WRITE_TIMEOUT);
//!     server.serve_connection(io, with_sse(hello)).await
//! }
//! ```
//!
//! On Linux, the socket option `TCP_USER_TIMEOUT` is a write timeout in the kernel. It also ends the
//! connection of a client whose link is cut, which the write timeout above does not see, as what is
//! sent goes into the system's buffer: without the option, such a client stays for a quarter of an
//! hour. Nor does it end streams of a process that was stopped, as timers may. Connections
//! inherit it from their listener, so it can also be used with `axum::serve`:
//!
//! ```
//! # use std::time::Duration;
//! # async fn listen() -> std::io::Result<()> {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! # #[cfg(target_os = "linux")]
//! socket2::SockRef::from(&listener).set_tcp_user_timeout(Some(Duration::from_secs(60)))?;
//! # Ok(())
//! # }
//! ```
//!
//! [sizing]: https://docs.rs/sse-hub/latest/sse_hub/sizing/
//!
//! # What a stream holds of its request
//!
//! The session copies the last event ID, of 4 KiB at most, and nothing else. A handler that is an async
//! function holds its request until it returns, used or not: take out of it what is needed, and `drop` it.
//! All values of its headers, and its URI, share the buffer into which hyper read the head: of 408 KiB
//! over HTTP/1.1, if [`max_buf_size`] is not set. One that is cloned and kept holds it too.
//!
//! ```
//! use sse_hyper::{Request, SendError, Sse};
//!
//! async fn room(request: Request, sse: Sse) -> Result<(), SendError> {
//!     let room = request.uri().path().to_owned();
//!     drop(request); // or it stays for as long as the stream
//!     sse.send(format!("welcome to {room}")).await
//! }
//! ```
//!
//! hyper has a buffer for what it reads next. It takes a new one if the head is still in use when it
//! reads on, which is before it polls a service's future: so [`with_sse`], and every service that is an
//! async function, leaves nothing of a long head behind. A service that drops the request when it is called
//! leaves hyper with the buffer that had the head, for as long as the connection is open.
//!
//! [`max_buf_size`]: https://docs.rs/hyper/1/hyper/server/conn/http1/struct.Builder.html#method.max_buf_size
//!
//! # Failed handlers
//!
//! Over HTTP/1.1, the last chunk is missing when the handler failed. Over HTTP/2, the stream is
//! reset. HTTP/1.0 has no such mark, and the stream looks complete; so it does in poem and rocket,
//! see [`frameworks`]. Events that were sent just before the failure are lost when the client was
//! too slow to accept them; over HTTP/2, where the reset may overtake them, some may be lost in any
//! case.
//!
//! Many proxies take these marks for a complete response. [`SseOptions::failure_event`] also reports
//! the failure in the stream, which passes all of them. A panic of the handler is a failure like an
//! error: it does not reach the task of the connection. What each proxy does, and the lines of
//! configuration that help: [`guide::proxies`].
//!
//! Clients differ in what they make of the end of a stream, see [`guide::clients`].
//!
//! # Features
//!
//! | feature | default | provides |
//! |---|---|---|
//! | `json` | yes | JSON data from anything that implements `serde::Serialize` |
//! | `tower` | yes | [`WithSse`] implements `tower::Service` |
//! | `gzip` | no | compression with gzip, see `Compression` |
//! | `axum` | no | [`WithSse`] is a handler of axum, with extractors before the stream |

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[cfg(feature = "axum")]
mod axum_handler;
mod coalesced_writes;
pub mod frameworks;
mod service;
mod write_timeout;

#[cfg(feature = "axum")]
pub use crate::axum_handler::SseHandler;
pub use crate::coalesced_writes::CoalescedWrites;
pub use crate::service::{ResponseFuture, WithSse, with_sse};
pub use crate::write_timeout::WriteTimeout;

/// A request as hyper's server passes it to a handler.
///
/// All adapters have a type of this name, so that handlers look the same in all of them.
pub type Request<B = hyper::body::Incoming> = http::Request<B>;

#[cfg(feature = "gzip")]
pub use sse_session::Compression;
#[doc(inline)]
pub use sse_session::guide;
pub use sse_session::{
    BoxError, Buffer, CancellationToken, Data, DataWriter, Display, Encode, EncodeError,
    EncodedEvents, Event, Field, Frame, HandlerError, HeaderError, IntoEvent, IntoHandlerResult,
    Limit, LimitReached, Limiter, NoData, OpenStream, Permit, Refusal, RequestHead, SendAll,
    SendAllError, SendError, Shutdown, Sse, SseBody, SseOptions, TrySendError, forward,
    last_event_id, no_content, refused, sse_open, sse_open_with, sse_response, sse_response_with,
    sse_stream, sse_stream_with,
};
#[cfg(feature = "json")]
pub use sse_session::{Json, Typed};
