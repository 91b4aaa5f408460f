//! The messages between the tests and the service: JSON, as the public suite's specification of
//! test services has it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The optional parts of the suite that `sse-eventsource` is up to. There is no `event-type-listeners`,
/// as events of all types are received, and no `payload-size-stress-testable`, as its events of up to
/// 128 MiB are beyond the limits of the decoder.
pub(crate) const CAPABILITIES: &[&str] = &[
    "204",
    "bom",
    "comments",
    "empty-or-missing-location",
    "headers",
    "last-event-id",
    "post",
    "read-timeout",
    "report",
    "restart",
];

/// What the service is.
#[derive(Debug, Serialize)]
pub(crate) struct Status {
    pub(crate) name: &'static str,
    pub(crate) capabilities: &'static [&'static str],
}

/// Asks for a client.
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

/// Asks something of a client that is there.
#[derive(Debug, Deserialize)]
#[serde(tag = "command", rename_all = "lowercase")]
pub(crate) enum Command {
    /// To be ready for events of a type, which it always is.
    Listen {},
    Restart {},
}

/// What a client reports.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Message<'a> {
    Event {
        event: Event<'a>,
    },
    Comment {
        comment: &'a str,
    },
    /// The suite reads the text of `error`, and its specification has it in `comment`.
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
    /// The last event ID, as a browser's events have it.
    pub(crate) id: &'a str,
}
