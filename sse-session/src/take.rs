//! What a body finds when it takes from its pipe.

use bytes::Bytes;

/// What the body finds in the pipe.
pub(crate) enum Take {
    /// Events, and what is known about the time after them.
    Frame(Bytes, After),
    /// Nothing for now. The body will be woken.
    Empty,
    /// Nothing for now, but the body was woken during its poll.
    Woken,
    /// Nothing, and nothing can follow.
    Ended,
}

/// What follows a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// The end of the stream.
    End,
    /// Nothing until the body is woken.
    Silence,
    /// Unknown before the next poll.
    Unknown,
}
