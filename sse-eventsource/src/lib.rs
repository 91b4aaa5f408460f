//! A reconnecting `EventSource` (WHATWG HTML § 9.2) as a `Stream`: for streams between services
//! and for the APIs of language models, over any HTTP client.
//!
//! ```no_run
//! # #[cfg(feature = "client")]
//! # async fn read() -> Result<(), Box<dyn std::error::Error>> {
//! use futures_util::TryStreamExt as _;
//! use sse_eventsource::EventSource;
//!
//! let mut events = EventSource::get("https://example.com/ticks").build()?;
//! while let Some(event) = events.try_next().await? {
//!     println!("{}: {}", event.event(), event.data());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What the standard says, and what is beyond it
//!
//! * **Requests** have `Accept: text/event-stream`, ask not to be answered from a cache, and
//!   after the first one `Last-Event-ID`. Method, headers, body ([`RequestBody`]) and a hook
//!   before each attempt are yours: see [`EventSourceBuilder`].
//! * **Redirects** are followed, without credentials to another origin and never from `https` to
//!   `http` unless that is allowed. A new attempt begins at the first URL again.
//! * **Responses** must be 200 and `text/event-stream`; 204 is the end. Anything else is an
//!   [`Error`] with the status and the start of the body.
//! * **Lost connections** are made again, with the reconnection time that the server sets, within
//!   limits, and a random wait on top: [`Backoff`]. `Retry-After` is kept.
//! * **Failed attempts** are final in the standard, unless there was no response. Here those that
//!   may pass are retried too ([`Error::is_transient`]); [`EventSourceBuilder::retry_if`] has the last word.
//! * **Other methods than GET** are not repeated unless you say so: [`Reconnect`].
//!
//! # What is promised
//!
//! * **Nothing is spawned**: a connection lives in its stream, is driven by reading it and closed
//!   by dropping it. What is not read is not received.
//! * **Nothing panics** on what a server sends, and **nothing is lost** when a future is dropped.
//! * **Everything has a bound**: heads, lines, events, bodies of errors, redirects and waits.
//!
//! # The HTTP stack
//!
//! `HttpClient` is made for streams: hyper over HTTP/1.1 or HTTP/2, rustls with the system's
//! roots, proxies and Unix sockets. Any `tower::Service` can take its place
//! ([`EventSourceBuilder::build_with`]), and any async function ([`EventSourceBuilder::build_with_fn`]): the example
//! `event_source_reqwest` has reqwest there, and `llm_client` reads a language model, or a stand-in.
//! All timers are tokio's.
//!
//! # What is missing
//!
//! Cookies are not there, nor HTTP/3, nor proxies that the system's settings name.
//!
#![doc = include_str!("faults.md")]
//! # Features
//!
//! | feature | default | brings |
//! |---|---|---|
//! | `client` | yes | `HttpClient` and `EventSourceBuilder::build` |
//! | `tls` | yes | `https` in `HttpClient` |
//! | `json` | yes | JSON bodies, and serde enums as typed events |
//! | `compression` | no | gzip, brotli and zstd, for sources that ask for them |
//! | `program` | no | the program `sse` |

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod attempt;
mod backoff;
mod boxed;
mod builder;
mod content_type;
mod error;
mod event_source;
#[cfg(feature = "client")]
mod http_client;
mod idle_timer;
mod open;
mod redirect;
mod rejected;
mod request_body;
mod settings;
mod transport;
#[cfg(feature = "json")]
mod typed_stream;
mod update;
mod update_stream;

pub use crate::backoff::Backoff;
pub use crate::boxed::BoxError;
pub use crate::builder::EventSourceBuilder;
pub use crate::error::{BuildError, Error, RedirectError};
pub use crate::event_source::EventSource;
#[cfg(feature = "client")]
pub use crate::http_client::{ClientBody, HttpClient};
pub use crate::rejected::Rejected;
pub use crate::request_body::RequestBody;
pub use crate::settings::Reconnect;
#[cfg(feature = "json")]
pub use crate::typed_stream::TypedEvents;
pub use crate::update::{ReadyState, Update};
pub use crate::update_stream::Updates;

pub use sse_codec::{DecodeError, ReceivedEvent};
#[cfg(feature = "json")]
pub use sse_codec::{JsonError, TypedError};
