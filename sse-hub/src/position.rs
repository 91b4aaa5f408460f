//! Positions in a topic's log.

use std::fmt;

/// A position in a topic's log: that of an event, or of a moment between two.
///
/// Within one log, positions grow: an event that was published later has a greater one. The
/// meaning of the two numbers is up to the log. Without an engine, the second one counts the
/// events of all topics and the first one tells the runs of the hub apart. So they are nothing for
/// clients: [`Hub::id_of`](crate::Hub::id_of) returns what may be sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Position {
    major: u64,
    minor: u64,
}

impl Position {
    /// The position before all entries of a log.
    pub const OLDEST: Self = Self::new(0, 0);

    /// Creates a position; the first number is compared first.
    #[must_use]
    pub const fn new(major: u64, minor: u64) -> Self {
        Self { major, minor }
    }

    /// Returns the first number.
    #[must_use]
    pub const fn major(self) -> u64 {
        self.major
    }

    /// Returns the second number.
    #[must_use]
    pub const fn minor(self) -> u64 {
        self.minor
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Position({:x}.{})", self.major, self.minor)
    }
}
