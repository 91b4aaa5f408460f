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
#![doc = include_str!("manual.md")]
//!
//! # What is bounded
//!
//! | what | by |
//! |---|---|
//! | topics | [`HubBuilder::max_topics`]; idle ones without history disappear |
//! | a topic's history | [`Retention`]: bytes, number and age, whichever comes first |
//! | an event | [`Retention::max_bytes`] |
//! | idempotency keys | 1,024 of a topic, each of 128 bytes and for two minutes |
//! | a topic's name | 512 bytes |
//! | topics of a subscription | 64 |
//! | changes that a [`Presence`] may be behind | 256 |
//! | the id that a client comes with | 8 KiB, beyond which it says nothing |
//!
//! # Threads and runtimes
//!
//! Nothing is spawned. Publishing wakes the subscribers that wait, on the caller's thread; what
//! they do then is done by whoever polls them. Times are tokio's, but no timer is needed except
//! for [`Hub::shutdown`] and, with an engine, for [`Hub::drive`] and for waiting until a failed
//! engine answers.
//!
//! # Features
//!
//! | feature | default | brings |
//! |---|---|---|
//! | `nats` | no | `nats::NatsLog`: topics in NATS JetStream, shared by several nodes |
//! | `redis` | no | `redis::RedisLog`: topics in Redis or Valkey, shared by several nodes |
//! | `metrics` | no | counters, a gauge and a histogram through the `metrics` facade: `sse_hub_published_total`, `sse_hub_delivered_total`, `sse_hub_gaps_total`, `sse_hub_subscriptions`, `sse_hub_lag_events` |

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod builder;
mod clock;
mod entry;
mod gap;
mod hub;
mod id;
mod log;
mod metrics;
mod options;
mod position;
mod presence;
mod publish;
mod registry;
#[cfg(doc)]
#[doc = include_str!("sizing.md")]
pub mod sizing {}
mod shutdown;
mod subscription;
mod topic;
mod topic_guard;

pub use crate::builder::HubBuilder;
pub use crate::entry::EventError;
pub use crate::gap::GapReason;
pub use crate::hub::Hub;
#[cfg(feature = "nats")]
pub use crate::log::nats;
#[cfg(feature = "redis")]
pub use crate::log::redis;
pub use crate::log::{Answer, Live, LiveEntry, Log, LogError, Page, Span};
pub use crate::metrics::{HubMetrics, TopicMetrics};
pub use crate::options::{Retention, TopicOptions};
pub use crate::position::Position;
pub use crate::presence::{Change, Presence};
pub use crate::publish::{Publish, PublishError};
pub use crate::registry::{TopicError, TopicRef};
pub use crate::subscription::builder::{EngineDown, SlowConsumer, Subscribe, SubscribeError};
pub use crate::subscription::{Subscription, SubscriptionError};
pub use sse_codec::{Data, Display, Encode, EncodeError, Event, Frame, Json};
