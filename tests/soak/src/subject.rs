//! What is soaked: a transport, or a hub over an engine.

use std::fmt;

/// The servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// hyper, whose clients choose the version of HTTP.
    Hyper,
    /// actix-web.
    Actix,
    /// Raw TCP.
    Tcp,
}

/// The engines of a hub on two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Redis.
    Redis,
    /// NATS.
    Nats,
}

/// The versions of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// A connection for each stream.
    Http1,
    /// Many streams on each connection.
    Http2,
}

/// A transport with a version of HTTP, and an engine if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its name in the documentation.
    pub title: &'static str,
    /// Its server.
    pub transport: Transport,
    /// What its clients speak.
    pub protocol: Protocol,
    /// Its engine.
    pub engine: Option<Engine>,
}

/// All subjects, in the order of the documentation.
pub const SUBJECTS: [Subject; 6] = [
    Subject {
        name: "hyper",
        title: "hyper, HTTP/1.1",
        transport: Transport::Hyper,
        protocol: Protocol::Http1,
        engine: None,
    },
    Subject {
        name: "hyper-http2",
        title: "hyper, HTTP/2",
        transport: Transport::Hyper,
        protocol: Protocol::Http2,
        engine: None,
    },
    Subject {
        name: "actix",
        title: "actix-web",
        transport: Transport::Actix,
        protocol: Protocol::Http1,
        engine: None,
    },
    Subject {
        name: "tcp",
        title: "raw TCP",
        transport: Transport::Tcp,
        protocol: Protocol::Http1,
        engine: None,
    },
    Subject {
        name: "redis",
        title: "Redis, two nodes on hyper",
        transport: Transport::Hyper,
        protocol: Protocol::Http1,
        engine: Some(Engine::Redis),
    },
    Subject {
        name: "nats",
        title: "NATS, two nodes on hyper",
        transport: Transport::Hyper,
        protocol: Protocol::Http1,
        engine: Some(Engine::Nats),
    },
];

impl Subject {
    /// Returns the number of server processes.
    #[must_use]
    pub fn nodes(self) -> usize {
        if self.engine.is_some() { 2 } else { 1 }
    }
}

/// Returns the values of which one has this name.
fn named<T: Copy + ToString>(all: &[T], name: &str) -> Result<T, String> {
    let is_named = |value: &T| value.to_string() == name;
    let found = all.iter().copied().find(is_named);
    found.ok_or_else(|| format!("{name} is unknown"))
}

impl std::str::FromStr for Transport {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        named(&[Self::Hyper, Self::Actix, Self::Tcp], name)
    }
}

impl std::str::FromStr for Protocol {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        named(&[Self::Http1, Self::Http2], name)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hyper => "hyper",
            Self::Actix => "actix",
            Self::Tcp => "tcp",
        })
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http1 => "http1",
            Self::Http2 => "http2",
        })
    }
}
