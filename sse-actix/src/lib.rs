//! Server-Sent Events for [actix-web](https://docs.rs/actix-web) 4.
//!
//! ```no_run
//! use actix_web::{App, HttpServer, web};
//! use sse_actix::{Event, Request, SendError, Sse, with_sse};
//!
//! async fn hello(_request: Request, sse: Sse) -> Result<(), SendError> {
//!     sse.send("hello").await?;
//!     sse.send(Event::new().event("greeting").data("hello")).await
//! }
//!
//! #[actix_web::main]
//! async fn main() -> std::io::Result<()> {
//!     HttpServer::new(|| App::new().route("/hello", web::get().to(with_sse(hello))))
//!         .h1_allow_half_closed(false) // see "When the client goes away"
//!         .bind(("127.0.0.1", 3001))?
//!         .run()
//!         .await
//! }
//! ```
//!
//! # Which of them to use
//!
//! * [`with_sse`] makes an actix handler of yours, for `web::get().to(...)`.
//! * [`sse_response`] answers one request, from within a handler with extractors.
//! * [`sse_stream`] answers with the events of a `futures::Stream`.
//! * [`no_content`] answers 204, which makes an `EventSource` stop reconnecting.
//!
//! `sse_response_with`, `sse_stream_with` and [`WithSse::options`] take [`SseOptions`]: keep-alive,
//! buffer size, reconnection time, headers, shutdown. Handlers and streams may be `!Send`.
//!
//! `web::get()` takes `GET` alone. For `HEAD`, which is answered without running the handler, add
//! a route with `web::head()`.
//!
//! # Shutdown
//!
//! actix's graceful shutdown waits for open responses up to its `shutdown_timeout`. Give the
//! streams a signal through [`SseOptions::shutdown`], and they end when it comes. Over HTTP/2, actix
//! also waits for the clients to close their connections, and it does not ask them to.
//!
//! # When the client goes away
//!
//! A connection that is reset drops the handler at once, and so does a failing write. A connection
//! that is closed in order depends on the server:
//!
//! * With `HttpServer::h1_allow_half_closed(false)`, the handler is dropped at once, idle or not.
//!   The price: a client that closes its sending side early gets no events.
//! * By default, actix takes the closed connection for such a client and goes on. The next write
//!   then provokes a reset and the one after it meets that. So a handler that sends is dropped at
//!   its second event, and an idle one at the second keep-alive: choose [`SseOptions::keep_alive`]
//!   accordingly. Without keep-alive, an idle handler is never dropped.
//! * Over HTTP/2, a reset stream or a closed connection drops the handler at the next write, which
//!   is the next keep-alive at the latest.
//!
//! # Failed handlers
//!
//! Over HTTP/1.1 the last chunk is missing when the handler failed, and over HTTP/2 the stream is
//! reset. HTTP/1.0 has no such mark: there, the stream looks complete. Events sent just before the
//! failure are lost when the client was too slow to take them.
//!
//! # Headers
//!
//! Beside the headers of every adapter there is `Content-Encoding: identity`: it keeps actix's
//! `Compress` middleware from holding events back in its compressor.
//!
//! # Features
//!
//! | feature | default | brings |
//! |---|---|---|
//! | `json` | yes | JSON data from anything that implements `serde::Serialize` |

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod body;
mod handler;
mod response;

/// A request as actix gives it to a handler.
///
/// Every adapter has a type of this name, so that a handler reads the same in all of them.
#[doc(no_inline)]
pub use actix_web::HttpRequest as Request;

pub use crate::body::SseBody;
pub use crate::handler::{WithSse, with_sse};
pub use crate::response::{
    no_content, sse_response, sse_response_with, sse_stream, sse_stream_with,
};
pub use sse_session::{
    BoxError, Buffer, CancellationToken, Data, DataWriter, Display, Encode, EncodeError, Event,
    Field, Frame, HandlerError, HeaderError, IntoEvent, IntoHandlerResult, NoData, SendAll,
    SendAllError, SendError, Shutdown, Sse, SseOptions, TrySendError, forward,
};
#[cfg(feature = "json")]
pub use sse_session::{Json, Typed};
