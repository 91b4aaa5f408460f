//! The messages between the tests and the service, as specified by the public suite: JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The optional parts of the suite that `sse-eventsource` supports. The README says why some are
/// missing.
pub(crate) const CAPABILITIES: &[&str] = &[
    "bom",
    "comments",
    "headers",
    "last-event-id",
    "payload-size-stress-testable",
    "post",
    "read-timeout",
    "report",
    "restart",
    "server-directed-shutdown-request",
];

/// The description of the service.
#[derive(Debug, Serialize)]
pub(crate) struct Status {
    pub(crate) name: &'static str,
    pub(crate) capabilities: &'static [&'static str],
}

/// A request for a client.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateStream {
    pub(crate) stream_url: String,
    pub(crate) callback_url: String,
    #[serde(default)]
    pub(crate) tag: String,
    pub(crate) initial_delay_ms: Option<u64>,
    pub(crate) read_timeout_ms: Option<u64>,
    pub(crate) last_event_id: Option<String>,
    pub(crate) headers: Option<BTreeMap<String, String>>,
    pub(crate) method: Option<String>,
    pub(crate) body: Option<String>,
}

/// A command to a client.
#[derive(Debug, Deserialize)]
#[serde(tag = "command", rename_all = "lowercase")]
pub(crate) enum Command {
    /// Listen for events of a type, which the client always does.
    Listen {},
    Restart {},
}

/// A report about a client.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Message<'a> {
    Event {
        event: Event<'a>,
    },
    Comment {
        comment: &'a str,
    },
    /// The suite reads the text from `error`, its specification names `comment`.
    Error {
        error: &'a str,
        comment: &'a str,
    },
}

#[derive(Debug, Serialize)]
pub(crate) struct Event<'a> {
    #[serde(rename = "type")]
    pub(crate) event: &'a str,
    pub(crate) data: &'a str,
    /// The last event ID, as in the events of a browser.
    pub(crate) id: &'a str,
}
