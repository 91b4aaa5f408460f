//! Topics for Server-Sent Events: publish once, replay exactly, fan out to many.
//!
//! A [`Hub`] has topics. What is published to one is encoded once and appended once to the topic's
//! log; a subscriber is no more than a place in that log. So the cost of publishing does not grow
//! with the number of subscribers but for waking them, history and replay cost nothing extra, and
//! a slow subscriber costs a few hundred bytes. Subscriptions are served by the adapters
//! `sse-hyper` (and thereby axum), `sse-actix` and `sse-tokio-tcp`, in one line:
//!
//! ```no_run
//! use sse_hub::Hub;
//! use sse_tokio_tcp::{Request, serve, with_sse};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let hub = Hub::new();
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//!     let news = hub.clone();
//!     let news = with_sse(move |_: Request, sse| news.subscribe(["news"]).serve(sse));
//!     tokio::spawn(serve(listener, news));
//!     // From wherever something happens:
//!     hub.publish("news", "hello").await?;
//!     Ok(())
//! }
//! ```
//!
//! With axum or hyper it is `sse_hyper::sse_response(request, |_, sse| ...)`, with actix-web
//! `sse_actix::sse_response(&request, |_, sse| ...)`, with the same
//! `hub.subscribe(["news"]).serve(sse)` inside. For other uses, await the [`Subscribe`] to get a
//! [`Subscription`], which is a `Stream` of bytes.
//!
//! # Replay
//!
//! The id of an event is its position, so an `EventSource` that lost its connection goes on
//! exactly where it was: [`Subscribe::serve`] reads the stream's last event ID. It does so even if
//! the client got no event at all yet, as each stream begins with a block that sets the id. A
//! subscription to several topics resumes all of them from one id.
//!
//! ```
//! use futures_util::StreamExt as _;
//! use sse_hub::{Hub, Retention, TopicOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // How much is kept, topic by topic.
//! let keep = Retention::new().max_events(100);
//! let hub = Hub::builder().topics(move |_name| TopicOptions::new().retention(keep)).build();
//!
//! let mut both = hub.subscribe(["news", "weather"]).await?;
//! both.next().await.expect("the block that sets the id")?;
//! let id = both.id();
//! drop(both);
//! hub.publish("news", "while it was away").await?;
//! hub.publish("weather", "rain").await?;
//!
//! let mut both = hub.subscribe(["news", "weather"]).resume(Some(&id)).await?;
//! both.next().await.expect("the block that sets the id")?;
//! let news = both.next().await.expect("an event")?;
//! assert!(news.ends_with(b"data: while it was away\n\n"));
//! let weather = both.next().await.expect("an event")?;
//! assert!(weather.ends_with(b"data: rain\n\n"));
//! # Ok(())
//! # }
//! ```
//!
//! Ids are opaque and checked when they come back. They grant nothing: the topics are those that
//! the request was given by your code, and an id only says where in them to go on. One that is
//! damaged, forged, from another server or an earlier run gives a gap.
//!
//! # Gaps
//!
//! A hole in the stream is told, never silent: by an event named `gap`, whose data is JSON and
//! whose id is the position from which the stream goes on. It is named in the stream because an
//! `EventSource` cannot see anything else.
//!
//! ```text
//! event: gap
//! id: Zm9vYmFy
//! data: {"gaps":[{"missed":12,"reason":"slow","topic":"news"}]}
//! ```
//!
//! The reasons are those of [`GapReason`]; `missed` is there where the number is known. Note that
//! the client sees the topic's name.
//!
//! # Snapshots
//!
//! A topic can have a function that gives its current state. Who comes without an id, or across a
//! gap, gets the state and then exactly what follows it; so a page that missed too much rebuilds
//! itself. See [`TopicOptions::snapshot`] for what may be relied on, and [`Hub::publish_with`] for
//! the change and its event in one step.
//!
//! ```
//! use std::sync::{Arc, Mutex};
//!
//! use sse_hub::{Event, Hub, TopicOptions};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let price = Arc::new(Mutex::new(100));
//! let state = Arc::clone(&price);
//! let hub = Hub::builder()
//!     .topics(move |_name| {
//!         let state = Arc::clone(&state);
//!         TopicOptions::new().snapshot(move || Event::new().display(*state.lock().unwrap()))
//!     })
//!     .build();
//!
//! hub.publish_with("price", || {
//!     let mut price = price.lock().unwrap();
//!     *price += 1;
//!     Event::new().display(*price)
//! })?;
//! # Ok(())
//! # }
//! ```
//!
//! # Slow readers
//!
//! A subscriber takes what is new when its connection has room, in pieces of at most 64 KiB or one
//! event. One that is slower than the topic falls behind, and when what it has not got yet is no
//! longer kept, it is told of the gap and goes on with what comes next, or is disconnected:
//!
//! ```
//! use sse_hub::{Hub, SlowConsumer};
//! use sse_session::{BoxError, Sse};
//!
//! async fn prices(hub: Hub, sse: Sse) -> Result<(), BoxError> {
//!     hub.subscribe(["prices"]).slow_consumer(SlowConsumer::Disconnect).serve(sse).await
//! }
//! ```
//!
//! A subscriber to one topic takes at most 256 bytes on a 64-bit system, its places in the topic
//! included, and each further topic 160 more, whatever is published and however far it is behind.
//! Served, with the session's handle and keep-alive around it, it is about 1.2 KB.
//! While its client takes nothing, the one piece that waits for it is kept: a part of a segment of
//! the log, shared with all who wait at the same place. With several topics that piece is the
//! subscriber's own, of at most 16 KiB and one event.
//!
//! # Presence and numbers
//!
//! [`Hub::subscribers`] counts, [`Hub::presence`] names and tells of joins and leaves,
//! [`Hub::metrics`] and [`Hub::topic_metrics`] give what was published, delivered and missed, and
//! how far the slowest subscriber is behind. Gaps and topics that are let go of are told through
//! `tracing` at debug level.
//!
//! # Shutdown
//!
//! [`Hub::shut_down`] ends all streams in order, each with a reconnection time of its own, so that
//! the clients of a server that restarts do not all come back in the same moment:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use sse_hub::Hub;
//!
//! async fn stop(hub: Hub) {
//!     let retry = Duration::from_secs(1)..=Duration::from_secs(15);
//!     let left = hub.shut_down(Duration::from_secs(5), retry).await;
//!     println!("{left} clients took nothing any more");
//!     // Then stop the server: it has only those left.
//! }
//! ```
//!
//! # What is bounded
//!
//! | what | by |
//! |---|---|
//! | topics | [`Builder::max_topics`]; idle ones without history disappear |
//! | a topic's history | [`Retention`]: bytes, number and age, whichever comes first |
//! | an event | [`Retention::max_bytes`] |
//! | a topic's name | 512 bytes |
//! | topics of a subscription | 64 |
//! | changes that a [`Presence`] may be behind | 256 |
//! | the id that a client comes with | 8 KiB, beyond which it says nothing |
//!
//! # Threads and runtimes
//!
//! Nothing is spawned. Publishing wakes the subscribers that wait, on the caller's thread; what
//! they do then is done by whoever polls them. Times are tokio's, but no timer is needed except
//! for [`Hub::shut_down`].
//!
//! # Features
//!
//! | feature | default | brings |
//! |---|---|---|
//! | `metrics` | no | counters, a gauge and a histogram through the `metrics` facade: `sse_hub_published_total`, `sse_hub_delivered_total`, `sse_hub_gaps_total`, `sse_hub_subscriptions`, `sse_hub_lag_events` |

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod builder;
mod clock;
mod closing;
mod embedded;
mod entry;
mod gap;
mod held;
mod hub;
mod id;
mod live;
mod log;
mod metrics;
mod options;
mod position;
mod presence;
mod publish;
mod registry;
mod segment;
mod subscribe;
mod subscription;
mod topic;
mod waiting;
mod window;
mod writer;

pub use crate::builder::Builder;
pub use crate::entry::EventError;
pub use crate::gap::GapReason;
pub use crate::hub::Hub;
pub use crate::log::{Answer, LiveEntry, Log, LogError, Page, Span};
pub use crate::metrics::{HubMetrics, TopicMetrics};
pub use crate::options::{Retention, TopicOptions};
pub use crate::position::Position;
pub use crate::presence::{Change, Presence};
pub use crate::publish::{Publish, PublishError};
pub use crate::registry::{TopicError, TopicRef};
pub use crate::subscribe::{SlowConsumer, Subscribe, SubscribeError};
pub use crate::subscription::{Subscription, SubscriptionError};
pub use sse_codec::{Data, Display, Encode, EncodeError, Event, Frame, Json};
