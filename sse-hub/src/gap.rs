//! The event that tells a client that events are missing.

use std::fmt;

use bytes::Bytes;
use serde_json::json;
use sse_codec::{Event, Frame};

/// Why a client has a gap. Its name is the `reason` in the data of the `gap` event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GapReason {
    /// `slow`: the client was connected, but so slow that events were discarded before it got
    /// them. It goes on with the oldest one that is still kept, unless a snapshot follows.
    Slow,
    /// `unknown`: what follows the client's last event ID is not known here. The client came back too
    /// late, so that events after that one are no longer kept; or the id is from another hub or an
    /// earlier run, made with another [key](crate::IdKey), damaged or forged; or an engine has lost that
    /// event, or the whole topic. Which of these it is is only in the hub's log, at debug level, so that a
    /// client cannot find out about ids that it has made up. Events may be missing, and the client goes on
    /// with what comes next.
    Unknown,
    /// `lost`: the engine has lost events that were published, for instance when a server without the
    /// newest ones took the place of another one. Whatever it still has is delivered, before the gap
    /// or after it.
    Lost,
}

impl GapReason {
    /// Returns the reason as it is in the event.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::Unknown => "unknown",
            Self::Lost => "lost",
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
    /// How many events are missing, if that is known.
    pub(crate) missed: Option<u64>,
}

/// Encodes all `gaps` as one event: a client that disconnects between two events would never get
/// the second one.
pub(crate) fn encode(gaps: &[Gap<'_>], id: &str) -> Bytes {
    let gaps: Vec<_> = gaps
        .iter()
        .map(|gap| {
            tracing::debug!(
                topic = gap.topic,
                reason = gap.reason.as_str(),
                missed = gap.missed,
                "subscriber has a gap"
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
    // The encoder accepts this name, any id of ours and any JSON.
    Frame::new(event).map(Frame::into_bytes).unwrap_or_default()
}
