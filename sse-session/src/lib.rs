//! One server-side event stream, for any HTTP server.
//!
//! The adapters `sse-hyper`, `sse-actix` and `sse-tokio-tcp` share this crate: the [`Sse`] handle
//! that a handler sends with, and [`SseStream`], the response's body that runs the handler. Use an
//! adapter to serve events, and this crate to write an adapter for another server.
//!
//! ```
//! use futures_util::StreamExt as _;
//! use sse_session::{Event, SseStream, SseOptions, SendError, Sse};
//!
//! async fn hello(sse: Sse) -> Result<(), SendError> {
//!     sse.send("hello").await?;
//!     sse.send(Event::new().event("greeting").data("hello")).await
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let mut body = std::pin::pin!(SseStream::new(&SseOptions::new(), None, hello));
//! let bytes = body.next().await.expect("a frame").expect("no failure");
//! assert_eq!(bytes, "data: hello\n\nevent: greeting\ndata: hello\n\n");
//! assert!(body.next().await.is_none());
//! # }
//! ```
//!
//! # What is promised
//!
//! * **The body owns the handler and polls it.** Nothing is spawned, and a dropped connection drops
//!   the handler where it waits. While the client accepts nothing, the handler is not polled, and
//!   nothing in it makes progress, timers included. Work that must not wait belongs in a task of its
//!   own.
//! * **A poll without a reason is cheap.** The stream has a waker of its own and polls the handler
//!   only after that was woken, however often a server polls the stream.
//! * **Memory is bounded.** Sends wait while the buffer is filled to [`SseOptions::buffer_size`]. An
//!   idle stream holds no buffer.
//! * **Writes are few.** All that was sent since the last poll is one piece of the body.
//! * **Silence is filled** with a comment every 15 seconds, see [`SseOptions::keep_alive`]. A
//!   stream that begins with silence begins with a comment, so that it opens at once behind
//!   proxies too, with two exceptions, see [`guide::proxies`].
//! * **Errors are visible.** A handler that returns an error or panics cuts the stream, so that the
//!   client does not take it for complete, and is logged through `tracing`. As many proxies hide
//!   the cut, an event can say so as well, see [`SseOptions::failure_event`], and another one that
//!   the stream is complete, see [`SseOptions::end_event`].
//! * **The number of streams is bounded** where a [`Limiter`] is asked: in total, and for each address or
//!   user.
//! * **Streams end on shutdown**, see [`SseOptions::shutdown`], and at an age if they have a
//!   [limit](SseOptions::max_age).
//! * **Events and iterators may use the stream** that they are sent on: none of their code runs while
//!   the stream is locked.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `json` | yes | JSON data from anything that implements `serde::Serialize` |
//! | `gzip` | no | compression, see `Compression` |
//! | `http-body` | no | the stream as the body of an `http::Response`, see `SseBody` |

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[cfg(feature = "http-body")]
mod body;
mod buffer;
#[cfg(feature = "gzip")]
mod compression;
mod cut;
mod end_signals;
mod error;
mod forward;
pub mod guide;
#[cfg(feature = "gzip")]
#[doc(hidden)]
pub mod gzip;
mod handler_result;
mod into_event;
mod keep_alive;
mod last_event_id;
mod limiter;
mod open_stream;
mod options;
mod pipe;
mod refusal;
#[cfg(feature = "http-body")]
mod response;
#[doc(hidden)]
pub mod second_look;
#[cfg(feature = "gzip")]
mod secrets;
mod send;
mod shutdown;
mod signal;
mod sse;
mod stream;
mod sync;
mod take;
mod waker;

#[cfg(feature = "http-body")]
pub use crate::body::SseBody;
#[cfg(feature = "gzip")]
pub use crate::compression::Compression;
pub use crate::error::{
    BoxError, HandlerError, HeaderError, SendAllError, SendError, TrySendError,
};
pub use crate::forward::forward;
#[cfg(feature = "gzip")]
pub use crate::gzip::GzipStream;
pub use crate::handler_result::IntoHandlerResult;
pub use crate::into_event::IntoEvent;
pub use crate::last_event_id::parse_last_event_id;
pub use crate::limiter::{Limit, LimitReached, Limiter, Permit};
pub use crate::open_stream::OpenStream;
pub use crate::options::SseOptions;
pub use crate::refusal::Refusal;
#[cfg(feature = "http-body")]
pub use crate::response::{
    RequestHead, last_event_id, no_content, refused, sse_open, sse_open_with, sse_response,
    sse_response_with, sse_stream, sse_stream_with,
};
pub use crate::send::SendAll;
pub use crate::shutdown::Shutdown;
pub use crate::sse::Sse;
pub use crate::stream::{ShutdownHandle, SseStream};
pub use sse_codec::{
    Buffer, Data, DataWriter, Display, Encode, EncodeError, EncodedEvents, Encoder, Event, Field,
    Frame, NoData,
};
#[cfg(feature = "json")]
pub use sse_codec::{Json, Typed};
pub use tokio_util::sync::CancellationToken;
