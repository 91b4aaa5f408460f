//! Topics for Server-Sent Events.

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
