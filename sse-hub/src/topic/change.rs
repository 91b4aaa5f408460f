//! A change among the subscribers of a topic.

use std::sync::Arc;

/// A change among the subscribers of a topic.
///
/// Several changes on another node that follow each other fast may come as one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A subscription has begun.
    Joined {
        /// The name given to [`Subscribe::member`](crate::Subscribe::member), if any.
        member: Option<Arc<str>>,
        /// How many subscribers have this name now: 1 if it is new. On another node, several may have come at once.
        times: usize,
        /// How many subscribers there are now.
        subscribers: usize,
    },
    /// A subscription has ended.
    Left {
        /// The name given to [`Subscribe::member`](crate::Subscribe::member), if any.
        member: Option<Arc<str>>,
        /// How many subscribers still have this name: 0 if it is gone.
        times: usize,
        /// How many subscribers there are now.
        subscribers: usize,
    },
    /// The watcher was too slow and missed this many changes: see
    /// [`Presence::members`](crate::Presence::members).
    Missed(u64),
}
