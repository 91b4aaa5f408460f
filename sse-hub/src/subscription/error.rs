//! Why a subscription has ended early.

use std::error::Error;
use std::fmt;

use crate::entry::EventError;

/// Why a subscription has ended early.
#[derive(Debug)]
#[non_exhaustive]
pub enum SubscriptionError {
    /// A topic's snapshot function returned something else than an event without an id.
    Snapshot(EventError),
}

impl fmt::Display for SubscriptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Snapshot(_) => f.write_str("topic's snapshot cannot be sent"),
        }
    }
}

impl Error for SubscriptionError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Snapshot(error) => Some(error),
        }
    }
}
