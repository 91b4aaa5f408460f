//! What the processes say to each other: commands as lines, states as lines of JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::histogram::Histogram;

/// A command to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ServerCommand {
    /// Publish at once so many events of each topic that it takes as much memory as it may. All topics are subscribed to
    /// from then on.
    Fill,
    /// End these subscriptions.
    Unsubscribe,
    /// Publish at the pace of each topic.
    Publish,
    /// Publish nothing more until the next command.
    Stop,
    /// Publish one more event of each topic.
    PublishLast,
    /// Do nothing but answer.
    Report,
}

/// What a server answers to a command after it has carried it out; the first one comes when it listens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServerState {
    pub(crate) port: u16,
    /// How many handlers were started.
    pub(crate) started: u64,
    /// How many of them were dropped, or have ended.
    pub(crate) ended: u64,
    pub(crate) panics: u64,
    /// How many events could not be published.
    pub(crate) unpublished: u64,
    /// The bytes that are allocated, as the program counts them, whatever the allocator keeps.
    pub(crate) heap: u64,
    /// How many pieces these are.
    pub(crate) pieces: u64,
    /// The number of the last event of each topic that this node publishes.
    pub(crate) last: BTreeMap<String, u64>,
}

/// A command to the clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ClientsCommand {
    /// Come back all, and stay.
    Settle,
    /// These are the last events of the topics: wait for them.
    Await(BTreeMap<String, u64>),
    /// Leave for good, all at once.
    Leave,
}

/// What the clients say all the time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientsState {
    /// How many clients have a stream.
    pub open: u64,
    /// How many of them stay.
    pub settled: u64,
    /// How many of them have the last event of all their topics.
    pub complete: u64,
    /// Responses, by clients without an id.
    pub fresh: u64,
    /// Responses, by clients that resumed.
    pub resumed: u64,
    /// Streams that a client has closed.
    pub closed: u64,
    /// Streams that a client has reset: of HTTP/1.1 by RST, of HTTP/2 by a frame.
    pub reset: u64,
    /// Connections of HTTP/2 that were reset, with all their streams.
    pub connections_reset: u64,
    /// Requests whose client was gone before the response.
    pub aborted: u64,
    /// Requests that were refused, or could not be sent. Their clients have come again.
    pub refused: u64,
    /// How often a client has stopped reading for a time.
    pub stalled: u64,
    /// Events that were received and are the right ones.
    pub events: u64,
    /// Snapshots.
    pub snapshots: u64,
    /// Gaps of topics.
    pub gaps: u64,
    /// Events that are missing according to these gaps, where they say how many.
    pub missed: u64,
    /// Events that are missing without a gap.
    pub silent: u64,
    /// Events that came twice.
    pub doubled: u64,
    /// Anything else that must not be.
    pub faults: u64,
    /// What the first faults were.
    pub examples: Vec<String>,
}

impl ClientsState {
    /// Whether everything has happened that is to happen; gaps only if they can be expected.
    pub(crate) fn has_all_kinds(&self, with_gaps: bool) -> bool {
        let kinds = [
            self.fresh,
            self.resumed,
            self.closed,
            self.reset,
            self.aborted,
            self.stalled,
            self.events,
        ];
        kinds.iter().all(|count| *count > 0) && (self.gaps > 0 || !with_gaps)
    }
}

/// What clients that only read answer to a line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HonestState {
    pub(crate) clients: ClientsState,
    /// How late the events were that have come since the last answer.
    pub(crate) delays: Histogram,
}

/// What an attacker says all the time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AttackState {
    /// How many connections it has opened.
    pub(crate) opened: u64,
    /// How many of them the server has ended.
    pub(crate) ended: u64,
    /// What it has sent: requests, frames or bytes, as the attack has it.
    pub(crate) sent: u64,
    /// What the server has answered, by status or code, and how often.
    pub(crate) answers: BTreeMap<String, u64>,
}
