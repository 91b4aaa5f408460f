//! Server-Sent Events straight from a tokio listener, without an HTTP framework.
//!
//! ```no_run
//! use sse_tokio_tcp::{Event, Request, Router, SendError, Sse, serve, with_sse};
//! use tokio::net::TcpListener;
//!
//! async fn hello(_request: Request, sse: Sse) -> Result<(), SendError> {
//!     sse.send("hello").await?;
//!     sse.send(Event::new().event("greeting").data("hello")).await
//! }
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     let listener = TcpListener::bind("127.0.0.1:3002").await?;
//!     serve(listener, Router::new().route("/hello", with_sse(hello))).await;
//!     Ok(())
//! }
//! ```
//!
//! # In scope
//!
//! A small HTTP/1.0 and 1.1 server for event streams and a few fixed responses besides, over TCP,
//! Unix sockets, TLS or any other `AsyncRead + AsyncWrite`. [`serve`] and [`Server`] take a
//! [`Listener`], [`serve_connection`] takes one connection.
//!
//! * [`with_sse`] turns a handler into a [`Service`]; [`Router`] serves several at their paths, and
//!   [`Methods`] at one path, each for its method.
//! * [`sse_response`] answers one request, in a service of your own: any
//!   `async fn(Request) -> Response`.
//! * [`sse_stream`] answers with the events of a `futures::Stream`.
//! * [`no_content`] answers 204, which makes an `EventSource` stop reconnecting.
//! * [`refused`] answers with the status of an error: 503 or 429 where a [`Limiter`] has no permit, and those of
//!   a hub's subscription.
//!
//! # Out of scope
//!
//! The line is this: one request for each connection, whose body, if its method has one, is read whole
//! before the handler is called, and one response, which is a stream or a few bytes.
//!
//! * Several requests on one connection. Each response closes its connection, and what a client
//!   sends early is ignored.
//! * Bodies that a handler reads piece by piece, and what is made of them: forms, multipart,
//!   `Content-Encoding`. A service gets the bytes and the headers.
//! * Bodies of `GET`, `HEAD` and `OPTIONS`, which are ignored.
//! * Patterns in paths, and middleware: a service is a function, which another one may call.
//! * HTTP/2, files, and compression of anything but event streams.
//!
//! Use `sse-hyper` for these.
//!
//! # Limits
//!
//! Every wait and every buffer is bounded, see [`Limits`]. A request that is not served is
//! answered with a status and logged through `tracing`:
//!
//! | the request | is answered with |
//! |---|---|
//! | is not HTTP/1, or has no `Host` or a bad one | 400 |
//! | is of a page whose origin [`Cors`] does not allow | 403 |
//! | has a path that the [`Router`] does not have | 404 |
//! | has a method that [no service](Methods) answers, or is an `OPTIONS` that no [preflight](#cors) answers | 405 |
//! | did not arrive within [`Limits::head_timeout`] | 408 |
//! | has a head beyond [`Limits::max_head_size`] or [`Limits::max_headers`] | 431 |
//! | has another version than HTTP/1.0 or 1.1 | 505 |
//!
//! Of the [methods](Methods) that have one, the body is also looked at. It ends in one way or not at all:
//! what two servers could understand differently is rejected.
//!
//! | the body | is answered with |
//! |---|---|
//! | has two lengths, one that is not a number, or malformed chunks, or is incomplete | 400 |
//! | did not arrive within [`Limits::body_timeout`] | 408 |
//! | has no length, although the method is `POST`, `PUT` or `PATCH` | 411 |
//! | is larger than [`Limits::max_body_size`] | 413 |
//! | comes with another expectation than `100-continue` | 417 |
//! | has a transfer coding other than `chunked` | 501 |
//!
//! A client that waits for `100 Continue` gets it when all but the body is known to be good.
//!
//! # TLS
//!
//! [`Server::upgrade`] takes the handshake, of rustls or any other library: it runs in the task of its
//! connection, under [`Limits::head_timeout`] and after [`Limits::max_connections`], so a client that
//! is silent or slow, or not trusted, holds up no other. Failures are logged at debug level. What an
//! error of [`Listener::accept`] does is documented at [`Server`](Server#when-accept-fails). `examples/tls.rs`
//! in the source is a whole server with rustls.
//!
//! # When the client disconnects
//!
//! A reset connection drops the handler at once. A connection that the client has closed looks, at
//! first, like one of which it has closed only its sending side, and such a client still wants its
//! events. To tell the two apart, the server sends two comments, one at once and one half a second
//! later: a client that is gone answers the first with a reset, and the second write fails. An idle
//! handler is therefore dropped after half a second, and a handler that sends is dropped at its
//! second event.
//!
//! A client that is gone without a word, such as one whose link is cut, is noticed within
//! [`Limits::write_timeout`] after what was last sent. This holds on Linux, for [`serve`] and
//! [`Server`] with TCP listeners, and with listeners that pass [`Listener::set_write_timeout`] on.
//!
//! Where the reset takes longer than half a second, or after the client has sent more than 64 KiB
//! that nothing reads, only keep-alives detect the disconnect, the second one at the latest. See
//! [`SseOptions::keep_alive`].
//!
//! # CORS
//!
//! A page of another origin reads a stream only if the response allows its origin. `EventSource`
//! needs no more than that, but a client that sends headers of its own, as one on `fetch` does for
//! `Authorization` or `Last-Event-ID`, first asks with an `OPTIONS` request, the preflight (Fetch §
//! 4.8). [`Server::cors`] does both, for the origins that [`Cors`] names, and refuses all others:
//!
//! ```
//! use sse_tokio_tcp::{Cors, CorsError, Request, Router, SendError, Server, Sse, with_sse};
//! use tokio::net::TcpListener;
//!
//! async fn ticks(_request: Request, sse: Sse) -> Result<(), SendError> {
//!     sse.send("tick").await
//! }
//!
//! async fn serve(listener: TcpListener) -> Result<(), CorsError> {
//!     let cors = Cors::new(["https://app.example"])?
//!         .credentials()
//!         .headers(["authorization", "last-event-id"])?;
//!     let router = Router::new().route("/ticks", with_sse(ticks));
//!     Server::new().cors(cors).serve(listener, router).await;
//!     Ok(())
//! }
//! ```
//!
//! For rules of your own, [`Router::preflight`] sets a service that answers `OPTIONS` for all paths,
//! [`Service::preflight`] is that of one service, and
//! [`SseOptions::header`] adds to the headers of a stream. Without any of these, `OPTIONS` is answered
//! with 405. The `Allow` of a 405 names what [`Methods`] has, or `GET` and `HEAD`, whether preflights are
//! answered or not.
//!
//! # Failed handlers
//!
//! HTTP/1.1 clients receive the body in chunks. When the handler failed, the response ends within
//! one: what was sent arrives, a line announces another chunk, and the connection is closed without
//! it. So even those see the failure that take a body for complete if only the last chunk is
//! missing, as h2o does. HTTP/1.0 has no such mark. There, the connection is reset, which may lose
//! the last bytes in transit.
//!
//! Some clients and proxies take even these marks for a complete response.
//! [`SseOptions::failure_event`] also reports the failure in the stream, which passes all of them. A
//! panic of the handler is a failure like an error: it does not reach the task of the connection.
//! What each proxy does, and the lines of configuration that help: [`guide::proxies`].
//!
//! Clients differ in what they make of the end of a stream, see [`guide::clients`].
//!
//! # Features
//!
//! | feature | default | provides |
//! |---|---|---|
//! | `json` | yes | JSON data from anything that implements `serde::Serialize` |
//! | `gzip` | no | compression with gzip, see `Compression` |

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod body;
mod connection;
mod cors;
mod error;
mod framing;
mod limits;
mod listener;
mod methods;
mod peer_monitor;
mod request;
mod request_body;
mod response;
mod response_head;
mod response_writer;
mod retry;
mod router;
mod server;
mod service;
mod socket;
mod tcp_timeout;
mod transport;
mod upgrade;
mod with_sse;
mod write_all;

pub use crate::body::Body;
pub use crate::connection::serve_connection;
pub use crate::cors::{Cors, CorsError};
pub use crate::error::ConnectionError;
pub use crate::limits::Limits;
pub use crate::listener::Listener;
pub use crate::methods::Methods;
pub use crate::request::{PeerAddr, Request};
pub use crate::response::{
    Response, no_content, not_found, refused, sse_open, sse_open_with, sse_response,
    sse_response_with, sse_stream, sse_stream_with,
};
pub use crate::router::Router;
pub use crate::server::{Server, serve};
pub use crate::service::{Endpoint, Service};
pub use crate::upgrade::{Unchanged, Upgrade};
pub use crate::with_sse::{WithSse, with_sse};
#[cfg(feature = "gzip")]
pub use sse_session::Compression;
#[doc(inline)]
pub use sse_session::guide;
pub use sse_session::{
    BoxError, Buffer, CancellationToken, Data, DataWriter, Display, Encode, EncodeError,
    EncodedEvents, Event, Field, Frame, HandlerError, HeaderError, IntoEvent, IntoHandlerResult,
    Limit, LimitReached, Limiter, NoData, OpenStream, Permit, Refusal, RequestHead, SendAll,
    SendAllError, SendError, Shutdown, Sse, SseBody, SseOptions, TrySendError, forward,
    last_event_id,
};
#[cfg(feature = "json")]
pub use sse_session::{Json, Typed};
