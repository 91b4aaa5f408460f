//! Names of topics, and why a topic cannot be used.

use std::error::Error;
use std::fmt;

/// The longest name of a topic, in bytes.
pub(crate) const MAX_NAME_LEN: usize = 512;

/// Why a topic cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TopicError {
    /// The name is empty.
    EmptyName,
    /// The name is too long.
    NameTooLong {
        /// The length of the name in bytes.
        len: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The topic is new, and the hub already has as many topics as it may have.
    TooManyTopics {
        /// The limit.
        limit: usize,
    },
    /// The topic is in a [group](crate::HubBuilder::group), and its name has a line break.
    LineBreak,
    /// The topic is in a [group](crate::HubBuilder::group), whose topics have no presence and no end of their
    /// own.
    InGroup,
    /// The name stands for all topics of a [group](crate::HubBuilder::group), so nothing can be published to it.
    WholeGroup,
    /// The options of the topics of a [group](crate::HubBuilder::group) have a snapshot, which no topic of it can have.
    SnapshotOfGroup,
}

impl fmt::Display for TopicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyName => f.write_str("topic name is empty"),
            Self::NameTooLong { len, limit } => write!(
                f,
                "topic name of {len} bytes is longer than the limit of {limit}"
            ),
            Self::TooManyTopics { limit } => {
                write!(f, "hub already has {limit} topics, which is its limit")
            }
            Self::LineBreak => f.write_str("topic of a group has a line break in its name"),
            Self::InGroup => f.write_str("topic of a group has no presence and no end of its own"),
            Self::WholeGroup => f.write_str("topic name stands for all topics of a group"),
            Self::SnapshotOfGroup => f.write_str("topic of a group has a snapshot"),
        }
    }
}

impl Error for TopicError {}

/// Checks the length of a topic's name.
pub(crate) fn check_name(name: &str) -> Result<(), TopicError> {
    if name.is_empty() {
        return Err(TopicError::EmptyName);
    }
    if name.len() > MAX_NAME_LEN {
        return Err(TopicError::NameTooLong {
            len: name.len(),
            limit: MAX_NAME_LEN,
        });
    }
    Ok(())
}
