//! An event, as both decoders give it.

use serde::Deserialize;

/// An event as a page sees it.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(crate) struct Event {
    pub(crate) event: String,
    pub(crate) data: String,
    pub(crate) id: String,
}
