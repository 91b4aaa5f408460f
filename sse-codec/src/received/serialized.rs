//! Owned and borrowed events as serde values: a struct with four fields.

use alloc::borrow::Cow;

use serde::de::{Deserializer, Error};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::{EventRef, ReceivedEvent};

/// The serialized form of an event.
#[derive(Serialize, Deserialize)]
#[serde(rename = "ReceivedEvent")]
struct Fields<'a> {
    #[serde(borrow, default)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    data: Cow<'a, str>,
    #[serde(borrow, default)]
    last_event_id: Cow<'a, str>,
    #[serde(default)]
    sets_id: bool,
}

impl Fields<'_> {
    /// Returns what no decoder would return, if anything. An event from elsewhere must not be an
    /// exception to the rule that every received event can be sent.
    fn defect(&self) -> Option<&'static str> {
        if self.event.contains(['\n', '\r']) {
            Some("event name contains a line break")
        } else if self.last_event_id.contains(['\n', '\r', '\0']) {
            Some("last event ID contains a line break or NUL")
        } else if self.data.contains('\r') {
            Some("event data contains CR")
        } else {
            None
        }
    }
}

impl Serialize for EventRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = Fields {
            event: self.event().into(),
            data: self.data().into(),
            last_event_id: self.last_event_id().into(),
            sets_id: self.sets_id,
        };
        fields.serialize(serializer)
    }
}

/// As a struct with the fields `event`, `data`, `last_event_id`, and `sets_id`, which is whether
/// [`id`](ReceivedEvent::id) returns the last event ID.
impl Serialize for ReceivedEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_event_ref().serialize(serializer)
    }
}

/// All fields but `data` may be missing. An event that no decoder returns, such as one with a line
/// break in its name, is an error.
impl<'de> Deserialize<'de> for ReceivedEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Fields::deserialize(deserializer)?;
        if let Some(defect) = fields.defect() {
            return Err(D::Error::custom(defect));
        }
        let Fields {
            event,
            data,
            last_event_id,
            sets_id,
        } = &fields;
        Ok(EventRef::new(data, event, last_event_id, *sets_id).into_owned())
    }
}
