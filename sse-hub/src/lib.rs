//! Topics for Server-Sent Events: publish once, replay exactly, fan out to many.
//!
//! A [`Hub`] has topics. An event is encoded once and appended once to the topic's log; a
//! subscriber is only a position in that log. So, except for waking the subscribers, the cost of
//! publishing does not grow with their number, history and replay cost nothing extra, and a slow
//! subscriber costs a few hundred bytes. The adapters `sse-hyper` (and thereby axum), `sse-actix`
//! and `sse-tokio-tcp` serve a subscription in one line:
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
//!     loop {
//!         hub.publish("news", "hello").await?; // from anywhere in the program
//!         tokio::time::sleep(std::time::Duration::from_secs(1)).await;
//!     }
//! }
//! ```
//!
//! With axum or hyper it is `sse_hyper::sse_response(request, |_, sse| ...)`, with actix-web
//! `sse_actix::sse_response(&request, |_, sse| ...)`, with the same
//! `hub.subscribe(["news"]).serve(sse)` inside. For other uses, await the [`Subscribe`] to get a
//! [`Subscription`], which is a `Stream` of [`EncodedEvents`]: `sse_stream(subscription)` of any adapter
//! sends them as they are. Only `serve` knows the request's last event ID: elsewhere, clients resume
//! if [`Subscribe::resume`] is called with it. [`Subscribe::open`] finds out before the response whether the
//! subscription can begin.
//!
#![doc = include_str!("manual.md")]
//!
//! # What is bounded
//!
//! | what | limit |
//! |---|---|
//! | topics | [`HubBuilder::max_topics`]; idle ones without history are evicted, and what is refused costs no more with many |
//! | a topic's history | [`Retention`]: bytes, number and age, whichever is reached first |
//! | an event | [`Retention::max_bytes`] |
//! | what was published last, with an engine | a position for as many topics as there may be |
//! | idempotency keys | 1,024 of a topic, each of 128 bytes and for two minutes |
//! | a topic's name | 512 bytes |
//! | topics of a subscription | 64, of a group as well |
//! | shards of an engine | 256 |
//! | changes by which a [`Presence`] may lag behind | 256 |
//! | a member's name | 512 bytes |
//! | names of members on other nodes | 100,000 of a topic, of 65,536 topics |
//! | an id | 24 bytes for an event in a stream of one topic, 35 with an engine; 2,235 bytes for 64 topics, whatever their names |
//! | the id that a client comes back with | 4 KiB; a longer one is unknown |
//!
//! # Threads and runtimes
//!
//! The crate spawns nothing. Publishing wakes the subscribers that wait, on the thread of the
//! caller; their own tasks do the rest. Times are tokio's, but timers are only needed for
//! [`Hub::shutdown`], for [filters](Subscribe::filter) and, with an engine, for the [`Driver`] and for waiting
//! until a failed engine answers.
//!
//! # Features
//!
//! | feature | default | enables |
//! |---|---|---|
//! | `gzip` | no | events that are compressed once for all subscribers, see [Compression](#compression) |
//! | `nats` | no | `nats::NatsEngine`: topics in NATS JetStream, shared by several nodes |
//! | `redis` | no | `redis::RedisEngine`: topics in Redis or Valkey, shared by several nodes |
//! | `redis-rustls` | no | TLS for Redis, with `rustls` |
//! | `metrics` | no | counters, a gauge and a histogram through the facade `metrics`: `sse_hub_published_total`, `sse_hub_delivered_total`, `sse_hub_gaps_total`, `sse_hub_subscriptions`, `sse_hub_lag_events` |
//! | `serde` | no | `Serialize` and `Deserialize` for [`Position`], [`HubMetrics`] and [`TopicMetrics`] |

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod builder;
mod clock;
mod core;
mod disconnecting;
mod entry;
mod gap;
mod group;
mod hub;
mod id;
mod log;
mod metrics;
mod options;
mod peers;
mod percent;
mod position;
mod presence;
mod publish;
mod publishing;
mod registry;
mod retry_after;
mod shutdown;
#[cfg(doc)]
#[doc = include_str!("sizing.md")]
#[doc = include_str!("tested.md")]
pub mod sizing {}
mod stored_event;
mod subscription;
mod sync;
mod topic;
mod topic_guard;
mod topic_name;

pub use crate::builder::HubBuilder;
pub use crate::disconnecting::DisconnectError;
pub use crate::entry::EventError;
pub use crate::gap::GapReason;
pub use crate::hub::Hub;
pub use crate::id::{IdKey, IdKeyError};
pub use crate::log::driver::Driver;
#[cfg(feature = "nats")]
pub use crate::log::nats;
#[cfg(feature = "redis")]
pub use crate::log::redis;
pub use crate::log::sharded::{Sharded, ShardsError};
pub use crate::log::{Engine, EngineError, Entry, Live, LiveEntry, Page, Span};
pub use crate::metrics::{HubMetrics, TopicMetrics};
pub use crate::options::{Retention, TopicOptions};
pub use crate::position::Position;
pub use crate::presence::Presence;
pub use crate::publish::{Publish, PublishError};
pub use crate::publishing::{PublishRequest, PublishRequestError};
pub use crate::stored_event::StoredEvent;
pub use crate::subscription::Subscription;
pub use crate::subscription::builder::Subscribe;
pub use crate::subscription::error::{SubscribeError, SubscriptionError};
pub use crate::subscription::into_member::IntoMember;
pub use crate::subscription::opening::Opening;
pub use crate::subscription::policy::{EngineDown, SlowConsumer};
pub use crate::subscription::topics::{IntoTopics, OneTopic, SeveralTopics};

pub use crate::topic::change::Change;
pub use crate::topic_guard::OpenError;
pub use crate::topic_name::TopicError;
pub use sse_codec::{
    Buffer, Data, DataWriter, Display, Encode, EncodeError, EncodedEvents, Event, Field, Frame,
    Json, NoData, Typed,
};
pub use sse_session::{BoxError, Sse};
