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
//! A relay passes on the events, and closes the upstream's connection when its client leaves:
//!
//! ```no_run
//! # #[cfg(feature = "client")]
//! # async fn relay() -> Result<http::Response<sse_hyper::SseBody>, Box<dyn std::error::Error>> {
//! use sse_eventsource::EventSource;
//! use sse_hyper::sse_stream;
//!
//! let mut upstream = EventSource::get("https://example.com/ticks").max_attempts(3).build()?;
//! // An error here is one before the first event: an answer with status 502.
//! upstream.opened().await?;
//! Ok(sse_stream(upstream))
//! # }
//! ```
//!
//! # The standard, and what goes beyond it
//!
//! * **Requests** have `Accept: text/event-stream` and `Cache-Control: no-cache`, and
//!   `Last-Event-ID` once an ID was received. Method, headers, body ([`RequestBody`]) and a hook
//!   before each attempt can be set: see [`EventSourceBuilder`].
//! * **Redirects** are followed, without credentials to another origin, and from `https` to `http`
//!   only if that is allowed. A new attempt starts at the first URL again.
//! * **Responses** must be 200 and `text/event-stream`; 204 ends the stream. Any other response is
//!   an [`Error`] with the status and the start of the body.
//! * **Lost connections** are made again after the reconnection time that the server sets, within
//!   limits, plus a random wait: [`Backoff`]. `Retry-After` is respected.
//! * **Failed attempts** are final in the standard, unless there was no response. Here transient
//!   failures are retried too ([`Error::is_transient`]); [`EventSourceBuilder::retry_if`] decides.
//! * **Other methods than GET** are not repeated by default: [`Reconnect`].
//!
//! # Guarantees
//!
//! * **Nothing is spawned**: a connection belongs to its stream, makes progress when the stream is
//!   read and is closed when it is dropped. Data that is not read is not received. For readers that
//!   are busy for long, `HttpClient::spawn_with` gives each connection a task.
//! * **Nothing panics** on what a server sends, and **nothing is lost** when a future is dropped.
//! * **Everything is bounded**: heads, lines, events, bodies of errors, redirects and waits.
//! * **What goes wrong is said in one line**: an [`Error`] names the request, what happened and what
//!   the server answered. Lost connections, attempts and waits are logged through `tracing`.
//!
//! # The HTTP stack
//!
//! `HttpClient` is made for streams: hyper over HTTP/1.1 or HTTP/2, rustls with the system's
//! roots, proxies and Unix sockets. Any `tower::Service` can take its place
//! ([`EventSourceBuilder::build_with`]), and any async function
//! ([`EventSourceBuilder::build_with_fn`]): the example `event_source_reqwest` uses reqwest, and
//! `llm_client` reads a language model or a stand-in, `gateway` relays one. All timers are tokio's.
//!
//! # Not supported
//!
//! Cookies, HTTP/3, zone identifiers of IPv6 addresses in URLs, the proxy settings of the operating
//! system, and `wasm32-unknown-unknown`, which has no timers for tokio: it fails to compile there.
//!
#![doc = include_str!("faults.md")]
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `client` | yes | `HttpClient` and `EventSourceBuilder::build` |
//! | `tls` | yes | `https` in `HttpClient` |
//! | `json` | yes | JSON bodies, and serde enums as typed events |
//! | `compression` | no | gzip, brotli and zstd, for sources that ask for them |
//! | `program` | no | the program `sse` |
//!
//! # Types of other crates
//!
//! Public signatures use crates that have reached 1.0 (`bytes`, `http`, `http-body`, `hyper`,
//! `serde`, `serde_json`, `url`) and four that have not: `futures-core`, `tower-service`, `rustls`
//! and this project's own `sse-codec`. Those four, and `http`, are re-exported. A new major version
//! of any of them is a new major version of this crate.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
compile_error!(
    "sse-eventsource needs tokio's timers, which wasm32-unknown-unknown does not have; \
     in a browser, use its EventSource, or decode the body of fetch with sse_codec::Decoder"
);

mod attempt;
mod backoff;
mod boxed;
mod builder;
mod content_type;
mod credentials;
mod error;
mod event_source;
#[cfg(feature = "client")]
mod http_client;
mod idle_timer;
mod open;
mod redirect;
mod rejected;
mod request_body;
mod resumption;
mod second_look;
mod settings;
mod shown_url;
mod transport;
#[cfg(feature = "json")]
mod typed_stream;
mod update;
mod update_stream;

pub use crate::backoff::Backoff;
pub use crate::boxed::BoxError;
pub use crate::builder::EventSourceBuilder;
pub use crate::error::{BuildError, Error, ErrorKind, RedirectError};
pub use crate::event_source::EventSource;
#[cfg(feature = "client")]
pub use crate::http_client::{ClientBody, Connection, HttpClient};
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

#[doc(no_inline)]
pub use {futures_core, http, sse_codec, tower_service};

#[cfg(feature = "tls")]
#[doc(no_inline)]
pub use tokio_rustls::rustls;
