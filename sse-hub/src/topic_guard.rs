//! A topic that stays in use although nobody subscribes to it.

use std::ops::Deref;
use std::sync::Arc;

use crate::hub::Core;
use crate::topic::Topic;

/// Keeps a topic in the registry until it is dropped.
pub(crate) struct Held {
    core: Arc<Core>,
    topic: Arc<Topic>,
}

impl Held {
    /// `None` if the topic has left the registry.
    pub(crate) fn new(core: &Arc<Core>, topic: Arc<Topic>) -> Option<Self> {
        topic.hold().then(|| Self {
            core: Arc::clone(core),
            topic,
        })
    }
}

impl Deref for Held {
    type Target = Topic;

    fn deref(&self) -> &Topic {
        &self.topic
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.topic.release() {
            self.core.registry().retire(&self.topic);
        }
    }
}
