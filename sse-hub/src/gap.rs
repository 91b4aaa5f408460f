//! Telling a client that events are missing.

use std::fmt;

use bytes::Bytes;
use serde_json::json;
use sse_codec::{Event, Frame};

/// Why a client is told of a gap. Its name is the `reason` in the event's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GapReason {
    /// `trimmed`: the client came back too late; events after its last one are kept no more.
    Trimmed,
    /// `slow`: the client was connected but took so long that events it had not got yet were
    /// let go of.
    Slow,
    /// `unknown`: the client's last event ID says nothing here: it comes from another hub or an
    /// earlier run, is damaged or forged, or the topic was let go of meanwhile. Events may be
    /// missing.
    Unknown,
}

impl GapReason {
    /// The reason as it stands in the event.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trimmed => "trimmed",
            Self::Slow => "slow",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for GapReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A gap in one topic of a subscription.
#[derive(Debug)]
pub(crate) struct Gap<'a> {
    pub(crate) topic: &'a str,
    pub(crate) reason: GapReason,
    /// How many events are missing, where that is known.
    pub(crate) missed: Option<u64>,
}

/// The event that tells of `gaps`, all in one: a client that drops between two would never hear
/// of the second.
pub(crate) fn encode(gaps: &[Gap<'_>], id: &str) -> Bytes {
    let gaps: Vec<_> = gaps
        .iter()
        .map(|gap| {
            tracing::debug!(
                topic = gap.topic,
                reason = gap.reason.as_str(),
                missed = gap.missed,
                "subscriber told of a gap"
            );
            let mut data = json!({ "topic": gap.topic, "reason": gap.reason.as_str() });
            if let Some(missed) = gap.missed {
                data["missed"] = missed.into();
            }
            data
        })
        .collect();
    let event = Event::new()
        .event("gap")
        .id(id)
        .json(json!({ "gaps": gaps }));
    // Neither the name nor the id nor the data has anything that could be refused.
    Frame::new(event).map(Frame::into_bytes).unwrap_or_default()
}
