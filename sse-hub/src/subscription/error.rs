//! Why a subscription did not begin, or has ended early.

use std::error::Error;
use std::fmt;

use http::StatusCode;
use sse_codec::EncodeError;
use sse_session::Refusal;

use crate::entry::EventError;
use crate::log::EngineError;
use crate::retry_after;
use crate::topic_guard::OpenError;
use crate::topic_name::TopicError;

/// Why a subscription did not begin.
///
/// It is a [`Refusal`]: `refused(&error)` of each adapter answers the request with it, if the handler calls
/// [`Subscribe::open`](crate::Subscribe::open) first. Nothing in the response says which topics there are.
#[derive(Debug)]
#[non_exhaustive]
pub enum SubscribeError {
    /// No topic was given.
    NoTopic,
    /// More topics were given than one subscription may have.
    TooManyTopics {
        /// The limit.
        limit: usize,
    },
    /// Ids cannot distinguish two of the topics, as the hashes of their names are equal.
    Ambiguous {
        /// One of the topics.
        topic: String,
        /// The other topic.
        other: String,
    },
    /// The event to begin with is not one event with data and without an id.
    Opening(EventError),
    /// The member given to [`Subscribe::member`](crate::Subscribe::member) cannot be serialized.
    Member(EncodeError),
    /// The name given to [`Subscribe::member`](crate::Subscribe::member) is too long.
    MemberTooLong {
        /// The length of the name in bytes.
        len: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A topic cannot be used.
    Topic(TopicError),
    /// All topics are [finished](crate::Hub::finish), and the client has everything.
    Finished,
    /// The hub has shut down, or its [`Driver`](crate::Driver) was dropped.
    Shutdown,
    /// The engine failed.
    Engine(EngineError),
}

impl Refusal for SubscribeError {
    /// Returns 204 (No Content) if all topics are finished, so that an `EventSource` does not come back
    /// (HTML § 9.2.2), 503 (Service Unavailable) if the same request may succeed later, 400 (Bad Request) if its
    /// topics cannot be subscribed to, and 500 (Internal Server Error) for an invalid
    /// [`Opening`](crate::Opening).
    fn status(&self) -> StatusCode {
        match self {
            Self::NoTopic
            | Self::TooManyTopics { .. }
            | Self::Ambiguous { .. }
            | Self::MemberTooLong { .. }
            | Self::Topic(
                TopicError::EmptyName
                | TopicError::NameTooLong { .. }
                | TopicError::Reserved
                | TopicError::LineBreak,
            ) => StatusCode::BAD_REQUEST,
            Self::Opening(_)
            | Self::Member(_)
            | Self::Topic(
                TopicError::InGroup | TopicError::WholeGroup | TopicError::SnapshotOfGroup,
            ) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Finished => StatusCode::NO_CONTENT,
            Self::Topic(TopicError::TooManyTopics { .. }) | Self::Shutdown | Self::Engine(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// Returns a number from 3 to 10, drawn each time, if the same request may succeed later.
    fn retry_after_secs(&self) -> Option<u64> {
        retry_after::secs(self.status())
    }
}

impl fmt::Display for SubscribeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTopic => f.write_str("no topic to subscribe to"),
            Self::TooManyTopics { limit } => {
                write!(f, "more topics to subscribe to than the limit of {limit}")
            }
            Self::Ambiguous { topic, other } => write!(
                f,
                "ids cannot distinguish the topics {topic:?} and {other:?}"
            ),
            Self::Opening(_) => f.write_str("stream cannot begin with the event"),
            Self::Member(_) => f.write_str("member cannot be serialized"),
            Self::MemberTooLong { len, limit } => write!(
                f,
                "member name of {len} bytes is longer than the limit of {limit}"
            ),
            Self::Topic(_) => f.write_str("topic cannot be subscribed to"),
            Self::Finished => {
                f.write_str("topics are finished, and nothing is left for the client")
            }
            Self::Shutdown => f.write_str("hub has shut down"),
            Self::Engine(_) => f.write_str("engine failed to open the topic"),
        }
    }
}

impl Error for SubscribeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Opening(error) => Some(error),
            Self::Member(error) => Some(error),
            Self::Topic(error) => Some(error),
            Self::Engine(error) => Some(error),
            _ => None,
        }
    }
}

impl From<OpenError> for SubscribeError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Topic(error) => Self::Topic(error),
            OpenError::Engine(error) => Self::Engine(error),
        }
    }
}

/// Why a subscription has ended early.
#[derive(Debug)]
#[non_exhaustive]
pub enum SubscriptionError {
    /// A topic's snapshot function returned something else than an event without an id.
    Snapshot(EventError),
    /// What [`Subscribe::until_with`](crate::Subscribe::until_with) was given yielded something else than an event
    /// without an id.
    LastEvent(EventError),
}

impl fmt::Display for SubscriptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Snapshot(_) => f.write_str("topic's snapshot cannot be sent"),
            Self::LastEvent(_) => f.write_str("last event of the subscription cannot be sent"),
        }
    }
}

impl Error for SubscriptionError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Snapshot(error) | Self::LastEvent(error) => Some(error),
        }
    }
}
