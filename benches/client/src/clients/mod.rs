//! The clients, ours and those of the peers, each in a file of its own.

mod eventsource_client;
mod eventsource_stream;
mod ours;
mod over_reqwest;
mod reqwest_eventsource;
mod sse_codec;
mod sse_core;

use std::time::Duration;

use sse_bench_process::Result;

use crate::client::Client;
use crate::reading;
use crate::server::{Http, Path, Server};

/// A client, as a value.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    http2: bool,
    /// Reads a number of events. Returns the CPU time of the thread after the first of them.
    pub(crate) read: fn(Server, Http, Path, usize) -> Result<Duration>,
    /// Reads a number of events, without a clock: valgrind cannot run this one's.
    pub(crate) drain: fn(Server, Http, Path, usize) -> Result,
    /// Reads a number of events. Returns their data.
    pub(crate) collect: fn(Server, Http, Path, usize) -> Result<Vec<String>>,
    /// Opens a number of idle streams, and ends the process while they are open.
    pub(crate) hold: fn(Server, Http, usize) -> Result,
}

impl Entry {
    const fn of<C: Client>() -> Self {
        Self {
            name: C::NAME,
            http2: C::HTTP2,
            read: reading::read::<C>,
            drain: reading::drain::<C>,
            collect: reading::collect::<C>,
            hold: reading::hold::<C>,
        }
    }

    pub(crate) fn speaks(&self, http: Http) -> bool {
        self.http2 || http == Http::One
    }

    /// Returns whether nothing of this project is in it.
    pub(crate) fn is_peer(&self) -> bool {
        self.name != OURS && self.name != sse_codec::Decoder::NAME
    }
}

/// Our client.
pub(crate) const OURS: &str = ours::Ours::NAME;

/// All clients, ours first.
pub(crate) static CLIENTS: [Entry; 6] = [
    Entry::of::<ours::Ours>(),
    Entry::of::<sse_codec::Decoder>(),
    Entry::of::<eventsource_stream::Peer>(),
    Entry::of::<sse_core::Peer>(),
    Entry::of::<reqwest_eventsource::Peer>(),
    Entry::of::<eventsource_client::Peer>(),
];

pub(crate) fn named(name: &str) -> Result<&'static Entry> {
    let found = CLIENTS.iter().find(|client| client.name == name);
    found.ok_or_else(|| format!("there is no {name}").into())
}
