//! Server-Sent Events for [actix-web](https://docs.rs/actix-web) 4.
//!
//! ```no_run
//! use actix_web::dev::Server;
//! use actix_web::{App, web};
//! use sse_actix::{BoundedHttp, Event, Request, SendError, Sse, with_sse};
//!
//! async fn hello(_request: Request, sse: Sse) -> Result<(), SendError> {
//!     sse.send("hello").await?;
//!     sse.send(Event::new().event("greeting").data("hello")).await
//! }
//!
//! #[actix_web::main]
//! async fn main() -> std::io::Result<()> {
//!     let app = || App::new().route("/hello", web::get().to(with_sse(hello)));
//!     Server::build()
//!         .bind("hello", ("127.0.0.1", 3001), move || BoundedHttp::new().tcp(app()))?
//!         .run()
//!         .await
//! }
//! ```
//!
//! # What a client can make a server hold
//!
//! With actix-web's `HttpServer`, a client that goes on asking on a connection whose stream is open makes
//! it hold 32 MB for 130 KB that it has sent, for as long as the stream is open: actix decodes all
//! requests that it has read. With 400 KB it also keeps one core busy. No setting changes that, neither `h1_allow_half_closed` nor
//! `Connection: close`; only `max_connections` bounds the sum, or a proxy that forwards one request at a
//! time. Over HTTP/2, a client may open any number of streams on one connection.
//!
//! [`BoundedHttp`] takes the place of `HttpServer`, as above. The same applications run on it, and so
//! does TLS ([`BoundedHttp::connection`]). What holds there, and what holds without it:
//!
//! | | `BoundedHttp` | `HttpServer` |
//! |---|---|---|
//! | requests sent together with that of a stream, or after it | up to 16 KiB are read; the rest waits until the stream ends | all are decoded: 32 MB for 130 KB |
//! | a request's body that a stream keeps and does not read, or that is discarded | 12 KiB, and actix's buffer for it | a buffer of some 140 KB |
//! | requests at once on a connection of HTTP/2 | 200, then 503 | no limit |
//! | the head of a request | 5 seconds | 5 seconds for the first one, no limit for others |
//! | the rest of a body in chunks, after its response | 5 seconds | no limit |
//! | the length of a head, which a stream may keep | 16 KiB | 128 KiB |
//! | a client that accepts nothing | 60 seconds | no limit, see "Clients that never read" |
//! | a client that has left an idle stream | handler dropped at once | depends, see "When the client disconnects" |
//!
//! With 1,000 connections that send 130 KB of requests on, `BoundedHttp` grows by 8 KiB each, and by 34
//! KiB with the connection and its stream; with a body that is kept by 27 and 50 KiB. Streams, and requests that wait for their response, take
//! the same CPU time as on `HttpServer`, those with a body 1.2 to 1.5 times as much, and requests that are
//! sent ahead, 16 at a time, three times as much: each response is sent before the next request is decoded.
//! Over HTTP/2, what bounds a
//! body that a stream keeps is the window (1 MiB), whose smallest pieces take a multiple of their bytes:
//! do not keep a `web::Payload` in a stream there.
//!
//! # Which function to use
//!
//! * [`with_sse`] turns a handler into an actix handler, for `web::get().to(...)`.
//! * [`sse_response`] answers one request, in a handler with extractors.
//! * [`sse_stream`] answers with the events of a `futures::Stream`.
//! * [`no_content`] answers 204, which makes an `EventSource` stop reconnecting.
//! * [`refused`] answers with the status of an error: 503 or 429 where a [`Limiter`] has no permit, and those of
//!   a hub's subscription.
//!
//! [`sse_response_with`], [`sse_stream_with`] and [`WithSse::options`] take [`SseOptions`]:
//! keep-alive, buffer size, reconnection time, headers, shutdown, what a stream sends first and
//! last, and its age. Handlers and streams may be `!Send`.
//!
//! `web::get()` matches `GET` alone. To answer `HEAD` too, which does not run the handler, add a
//! route with `web::head()`.
//!
//! # Shutdown
//!
//! The graceful shutdown of actix waits for open responses up to its `shutdown_timeout`. Pass a
//! signal to the streams with [`SseOptions::shutdown`], and they end when it is given. With `BoundedHttp`, it also waits
//! for idle connections, up to [`BoundedHttp::keep_alive`], unless the signal is passed to
//! [`BoundedHttp::shutdown`]. Over HTTP/2,
//! actix also waits for the clients to close their connections, and does not ask them to.
//!
//! # When the client disconnects
//!
//! A reset connection drops the handler at once, and so does a failing write. For a connection that
//! the client has closed, it depends on the server:
//!
//! * With `BoundedHttp`, or with `HttpServer::h1_allow_half_closed(false)`, the handler is dropped at once,
//!   idle or not. In return, a client that closes its sending side early receives no events. A client
//!   that has sent on more than 8 KiB before it closed is noticed by `BoundedHttp` at a write, as below.
//! * By default, `HttpServer` treats the closed connection as half closed and continues. The next write
//!   then provokes a reset and the one after it fails. A handler that sends is therefore dropped at
//!   its second event, and an idle one at the second keep-alive: choose
//!   [`SseOptions::keep_alive`] accordingly. Without keep-alive, an idle handler is never dropped.
//! * Over HTTP/2, a reset stream or a closed connection drops the handler at the next write, which
//!   is the next keep-alive at the latest.
//!
//! A request's body does not matter to this if it is extracted, or if nothing takes it: actix reads
//! and discards it then, however long it is. A `web::Payload` that a handler keeps and does not read
//! holds actix back from reading, from some 100 KB on (12 KiB with `BoundedHttp`), so that only the second keep-alive detects
//! that the client is gone. Over HTTP/2, nothing more than 1 MiB is discarded: a client that sends
//! more before it reads waits for as long as the stream is open.
//!
//! # Clients that never read
//!
//! [`BoundedHttp::write_timeout`] ends a client that accepts nothing for 60 seconds. `HttpServer` has no
//! such limit: there, the client holds its handler and its keep-alives back for as long as it keeps the
//! connection. On Linux, the socket option `TCP_USER_TIMEOUT` ends
//! such connections. They inherit it from their listener:
//!
//! ```no_run
//! use std::net::TcpListener;
//! use std::time::Duration;
//!
//! use actix_web::{App, HttpServer};
//!
//! # #[actix_web::main]
//! # async fn main() -> std::io::Result<()> {
//! let listener = TcpListener::bind("127.0.0.1:3001")?;
//! # #[cfg(target_os = "linux")]
//! socket2::SockRef::from(&listener).set_tcp_user_timeout(Some(Duration::from_secs(60)))?;
//! HttpServer::new(App::new).listen(listener)?.run().await
//! # }
//! ```
//!
//! Neither ends a client of HTTP/2 that reads from its connection and grants a stream no window.
//!
//! # Failed handlers
//!
//! Over HTTP/1.1, the last chunk is missing when the handler failed. Over HTTP/2, the stream is
//! reset. HTTP/1.0 has no such mark, and the stream looks complete. Events that were sent just
//! before the failure are lost when the client was too slow to accept them.
//!
//! Many proxies take these marks for a complete response. [`SseOptions::failure_event`] also reports
//! the failure in the stream, which passes all of them. A panic of the handler is a failure like an
//! error: it does not reach the task of the connection. What each proxy does, and the lines of
//! configuration that help: [`guide::proxies`].
//!
//! # Headers
//!
//! In addition to the headers that all adapters send, there is `Content-Encoding: identity`, unless the stream
//! is compressed with the feature `gzip`. It keeps actix's `Compress` middleware from compressing the stream, with
//! a compressor of 0.3 MiB for each.
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
mod bounded;
mod handler;
mod response;

/// A request as actix passes it to a handler.
///
/// All adapters have a type of this name, so that handlers look the same in all of them.
#[doc(no_inline)]
pub use actix_web::HttpRequest as Request;

pub use crate::body::SseBody;
pub use crate::bounded::BoundedHttp;
pub use crate::handler::{WithSse, with_sse};
pub use crate::response::{
    last_event_id, no_content, refused, sse_open, sse_open_with, sse_response, sse_response_with,
    sse_stream, sse_stream_with,
};
#[cfg(feature = "gzip")]
pub use sse_session::Compression;
#[doc(inline)]
pub use sse_session::guide;
pub use sse_session::{
    BoxError, Buffer, CancellationToken, Data, DataWriter, Display, Encode, EncodeError,
    EncodedEvents, Event, Field, Frame, HandlerError, HeaderError, IntoEvent, IntoHandlerResult,
    Limit, LimitReached, Limiter, NoData, OpenStream, Permit, Refusal, SendAll, SendAllError,
    SendError, Shutdown, Sse, SseOptions, TrySendError, forward,
};
#[cfg(feature = "json")]
pub use sse_session::{Json, Typed};
