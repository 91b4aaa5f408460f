//! Names of topics, and why a topic cannot be used.

use std::error::Error;
use std::fmt;

/// The longest name of a topic, in bytes.
pub(crate) const MAX_NAME_LEN: usize = 512;

/// What the names of the hub's own topics begin with.
const RESERVED: char = '\u{1}';

/// How much longer the names of the hub's own topics may be.
const MAX_RESERVED_LEN: usize = 16;

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
    /// The name begins with U+0001, as those of the hub's own topics do.
    Reserved,
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
            Self::Reserved => f.write_str("topic name begins with U+0001"),
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

/// Checks the name of a topic that the application says.
pub(crate) fn check_name(name: &str) -> Result<(), TopicError> {
    if is_reserved(name) {
        return Err(TopicError::Reserved);
    }
    check_any_name(name)
}

/// Checks the length of the name of any topic, also of one of the hub's own.
pub(crate) fn check_any_name(name: &str) -> Result<(), TopicError> {
    if name.is_empty() {
        return Err(TopicError::EmptyName);
    }
    let reserved = if is_reserved(name) {
        MAX_RESERVED_LEN
    } else {
        0
    };
    let limit = MAX_NAME_LEN + reserved;
    if name.len() > limit {
        return Err(TopicError::NameTooLong {
            len: name.len(),
            limit,
        });
    }
    Ok(())
}

/// Whether this is the name of a topic of the hub's own.
pub(crate) fn is_reserved(name: &str) -> bool {
    name.starts_with(RESERVED)
}

/// Returns the name of a topic of the hub's own.
pub(crate) fn reserved(kind: &str, topic: &str) -> String {
    debug_assert!(RESERVED.len_utf8() + kind.len() <= MAX_RESERVED_LEN);
    format!("{RESERVED}{kind}{topic}")
}
