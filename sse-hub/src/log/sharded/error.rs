//! Why shards cannot be used together.

use std::error::Error;
use std::fmt;

/// Why an engine of several shards cannot be made. `C` is the error of connecting one of them.
#[derive(Debug)]
#[non_exhaustive]
pub enum ShardsError<C> {
    /// There is no shard.
    NoShards,
    /// There are too many shards.
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// Two shards have the same name, or are the same server.
    Duplicate {
        /// The name, or the address.
        shard: String,
    },
    /// A shard notes that it has another name, or others with it, than the list says. See [`Sharded`]
    /// for how the shards are changed.
    ///
    /// [`Sharded`]: crate::Sharded
    OtherShards {
        /// The name in the list.
        shard: String,
        /// What the shard notes.
        found: String,
    },
    /// A shard could not be connected.
    Connect {
        /// Its name; or its place in the list, such as `#2` for the second one, if it has no name and
        /// its URL has no address.
        shard: String,
        /// Why.
        error: C,
    },
}

impl<C> fmt::Display for ShardsError<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoShards => f.write_str("list of shards is empty"),
            Self::TooMany { limit } => write!(f, "list has more than {limit} shards"),
            Self::Duplicate { shard } => write!(f, "list has the shard {shard:?} twice"),
            Self::OtherShards { shard, found } => write!(
                f,
                "shard {shard:?} is {found} to other nodes, expected the shards of the list"
            ),
            Self::Connect { shard, .. } => write!(f, "shard {shard:?} could not be connected"),
        }
    }
}

impl<C: Error + 'static> Error for ShardsError<C> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Connect { error, .. } => Some(error),
            Self::NoShards
            | Self::TooMany { .. }
            | Self::Duplicate { .. }
            | Self::OtherShards { .. } => None,
        }
    }
}
