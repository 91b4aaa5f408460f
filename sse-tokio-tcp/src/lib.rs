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
//! A small HTTP/1.0 and 1.1 server for event streams and a few fixed answers beside them, over
//! TCP, Unix sockets, TLS or any other `AsyncRead + AsyncWrite`: [`serve`] and [`Server`] take a
//! [`Listener`], [`serve_connection`] takes one connection.
//!
//! * [`with_sse`] makes a [`Service`] of a handler; [`Router`] puts several at their paths.
//! * [`sse_response`] answers one request, from within a service of your own: any
//!   `async fn(Request) -> Response`.
//! * [`sse_stream`] answers with the events of a `futures::Stream`.
//! * [`no_content`] answers 204, which makes an `EventSource` stop reconnecting.
//!
//! # Out of scope
//!
//! Request bodies, so there is `GET` and `HEAD` and nothing else; several requests on one
//! connection (each response closes it, and what a client sends early is ignored); HTTP/2. Take
//! `sse-hyper` for these.
//!
//! # Bounds
//!
//! Every wait and every buffer has a bound, see [`Limits`]. What passes one is answered and logged
//! by `tracing`:
//!
//! | the request | is answered with |
//! |---|---|
//! | is not HTTP/1, or has a bad or missing `Host` | 400 |
//! | asks for a path that the [`Router`] does not have | 404 |
//! | has another method than `GET` or `HEAD` | 405 |
//! | did not arrive within [`Limits::head_timeout`] | 408 |
//! | has a head beyond [`Limits::max_head_size`] or [`Limits::max_headers`] | 431 |
//! | speaks another version than HTTP/1.0 or 1.1 | 505 |
//!
//! # When the client goes away
//!
//! A reset connection drops the handler at once. A connection that is closed in order looks at
//! first like one of which the client has closed only its sending side, and such a client still
//! wants its events. To tell them apart, the server sends two comments, one at once and one half
//! a second later: a client that is gone answers the first with a reset, which the second one
//! meets. So an idle handler is dropped after half a second, and one that sends at its second
//! event.
//!
//! Where the reset takes longer than that to come back, or after 64 KiB that the client sent and
//! nobody asked for, it is the keep-alives that tell, at the second one at the latest; see
//! [`SseOptions::keep_alive`].
//!
//! # Failed handlers
//!
//! To HTTP/1.1 clients the body is sent in chunks, and the last chunk is missing when the handler
//! failed. HTTP/1.0 has no such mark: there the connection is reset, which may cost the last
//! bytes on their way.
//!
//! # Features
//!
//! | feature | default | brings |
//! |---|---|---|
//! | `json` | yes | JSON data from anything that implements `serde::Serialize` |

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod body;
mod connection;
mod limits;
mod listener;
mod request;
mod response;
mod router;
mod sending;
mod server;
mod service;
mod transport;
mod watch;
mod wire;

pub use crate::body::Body;
pub use crate::connection::{ConnectionError, serve_connection};
pub use crate::limits::Limits;
pub use crate::listener::Listener;
pub use crate::request::Request;
pub use crate::response::{
    Response, no_content, not_found, sse_response, sse_response_with, sse_stream, sse_stream_with,
};
pub use crate::router::Router;
pub use crate::server::{Server, serve};
pub use crate::service::{Service, WithSse, with_sse};
pub use sse_session::{
    BoxError, Buffer, CancellationToken, Data, DataWriter, Display, Encode, EncodeError, Event,
    Field, Frame, HandlerError, HeaderError, IntoEvent, IntoHandlerResult, NoData, SendAll,
    SendAllError, SendError, Shutdown, Sse, SseBody, SseOptions, TrySendError, forward,
};
#[cfg(feature = "json")]
pub use sse_session::{Json, Typed};
