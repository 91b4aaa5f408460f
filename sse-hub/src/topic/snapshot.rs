//! A topic's current state as an event, and what keeps it consistent with the topic's log.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use sse_codec::{Encode, Encoder};

use crate::entry::{self, EventError};
use crate::position::Position;
use crate::sync::Mutex;

/// Returns the state as an encoded event without an id, or `None` if there is no state yet.
pub(crate) type StateFn = dyn Fn() -> Result<Option<Bytes>, EventError> + Send + Sync;

/// Encodes the event that a user's function has returned.
pub(crate) fn encode(event: &impl Encode) -> Result<Option<Bytes>, EventError> {
    let mut out = Vec::new();
    match entry::encode(event, Encoder::DEFAULT_MAX_EVENT_LEN, &mut out) {
        Ok(()) => Ok(Some(out.into())),
        Err(EventError::Empty) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A topic's snapshots.
pub(crate) struct Snapshots {
    state: Option<Arc<StateFn>>,
    /// Locked while a snapshot is taken, and while a publisher changes the state and publishes the
    /// change.
    order: Mutex<Option<Cached>>,
}

/// The last snapshot, valid until the next event: a change of the state since then is still to be
/// published.
struct Cached {
    head: Position,
    event: Option<Bytes>,
}

impl Snapshots {
    pub(crate) fn new(state: Option<Arc<StateFn>>) -> Self {
        Self {
            state,
            order: Mutex::new(None),
        }
    }

    /// Whether the topic has a state at all.
    pub(crate) fn exist(&self) -> bool {
        self.state.is_some()
    }

    /// Returns the state after the position that `head` returns, to which it moves the subscriber.
    pub(crate) fn take(
        &self,
        head: impl FnOnce() -> Position,
    ) -> Result<Option<Bytes>, EventError> {
        let Some(state) = &self.state else {
            return Ok(None);
        };
        let mut cached = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        // First the position, then the state: what is published in between follows the snapshot.
        let head = head();
        if let Some(cached) = &*cached
            && cached.head == head
        {
            return Ok(cached.event.clone());
        }
        let event = state()?;
        *cached = Some(Cached {
            head,
            event: event.clone(),
        });
        Ok(event)
    }

    /// Runs `change` while no snapshot is taken.
    pub(crate) fn exclude<T>(&self, change: impl FnOnce() -> T) -> T {
        let _order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        change()
    }
}
