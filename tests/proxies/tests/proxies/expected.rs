//! What a proxy does to a stream, as the table of expectations says it.

use crate::adapters::Adapter;

/// The versions of HTTP between the client and the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Http1,
    Http2,
}

impl Version {
    pub(crate) const ALL: [Self; 2] = [Self::Http1, Self::Http2];
}

/// A value for each version of HTTP.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Versions<T> {
    pub(crate) http1: T,
    pub(crate) http2: T,
}

impl<T: Copy> Versions<T> {
    pub(crate) fn of(self, version: Version) -> T {
        match version {
            Version::Http1 => self.http1,
            Version::Http2 => self.http2,
        }
    }
}

/// The same for both versions.
pub(crate) const fn both<T: Copy>(value: T) -> Versions<T> {
    Versions {
        http1: value,
        http2: value,
    }
}

/// A value for HTTP/1.1 and one for HTTP/2.
pub(crate) const fn each<T: Copy>(http1: T, http2: T) -> Versions<T> {
    Versions { http1, http2 }
}

/// How a response ends, as its client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// As a complete one. After a failure, this is a silent loss.
    Clean,
    /// Visibly: without the last chunk, with a reset of the stream or of the connection.
    Cut,
}

/// When the head and the events arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Each when it is sent.
    AtOnce,
    /// Everything when the stream ends.
    AtTheEnd,
}

/// What becomes of a stream where compression is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compressed {
    /// It is not compressed, as the response forbids it.
    Not,
    /// It is, and each event arrives when it is sent.
    AtOnce,
    /// It is, and nothing but the head arrives before the end.
    AtTheEnd,
}

/// When the server notices that the client has left an idle stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noticed {
    AtOnce,
    /// At one of these writes after the leave, counted from 1.
    AtWrite(u32, u32),
}

/// The ways to leave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaves {
    /// The connection is closed.
    pub(crate) closed: Versions<Noticed>,
    /// The stream of HTTP/2 is reset, and its connection stays.
    pub(crate) reset: Noticed,
}

/// The response to a request while no server listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Down {
    /// This status, after which an `EventSource` does not come back.
    Status(u16),
    /// An empty event stream with a reconnection time, after which it does.
    EventStream,
    /// The connection ends without a response, after which it does.
    NoResponse,
    /// The response comes when a server listens again.
    Waits,
}

/// How a response ends when a handler fails, by adapter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failed {
    pub(crate) hyper: Versions<End>,
    pub(crate) actix: Versions<End>,
    pub(crate) tcp: Versions<End>,
}

impl Failed {
    /// The same for all adapters.
    pub(crate) const fn all(end: Versions<End>) -> Self {
        Self {
            hyper: end,
            actix: end,
            tcp: end,
        }
    }

    pub(crate) fn of(self, adapter: Adapter) -> Versions<End> {
        match adapter {
            Adapter::Hyper => self.hyper,
            Adapter::Actix => self.actix,
            Adapter::Tcp => self.tcp,
        }
    }
}

/// What is expected of a proxy in one configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    pub(crate) arrival: Arrival,
    /// Whether the head of a stream that begins with nothing, not even the opening comment, is held
    /// until the first byte.
    pub(crate) is_bare_head_held: Versions<bool>,
    /// How a silent stream without keep-alives ends at the proxy's limit, which is shortened. `None`
    /// if it has none.
    pub(crate) silence: Option<Versions<End>>,
    /// How a stream with keep-alives ends at a limit on the whole of it, which is shortened. `None`
    /// if there is no such limit.
    pub(crate) whole: Option<Versions<Option<End>>>,
    pub(crate) failed: Failed,
    /// How a stream ends when the server is killed.
    pub(crate) killed: Versions<End>,
    pub(crate) down: Versions<Down>,
    pub(crate) leaves: Leaves,
}
