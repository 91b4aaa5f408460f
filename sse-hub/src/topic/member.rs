//! A named subscriber, whose subscription the server can end.

use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::sync::{AtomicBool, Mutex, Ordering, reach};

/// A subscription with a name, as its topics know it.
#[derive(Debug)]
pub(crate) struct Member {
    name: Arc<str>,
    /// The topics of groups that it was subscribed to, as they were said.
    in_groups: Vec<Box<str>>,
    is_disconnected: AtomicBool,
    /// Wakes the task that serves it.
    waker: Mutex<Option<Waker>>,
}

impl Member {
    pub(crate) fn new(name: Arc<str>, in_groups: Vec<Box<str>>) -> Arc<Self> {
        Arc::new(Self {
            name,
            in_groups,
            is_disconnected: AtomicBool::new(false),
            waker: Mutex::new(None),
        })
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Whether its subscription has this topic of a group, or all of the group's log.
    pub(crate) fn has_in_group(&self, topic: &str, log: &str) -> bool {
        let mut topics = self.in_groups.iter();
        topics.any(|it| **it == *topic || **it == *log)
    }

    /// Ends its subscription. Returns whether that was not done before. This wakes a task, so no lock may be held.
    pub(crate) fn disconnect(&self) -> bool {
        if self.is_disconnected.swap(true, Ordering::AcqRel) {
            return false;
        }
        let waker = self.waker().take();
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    #[inline]
    pub(crate) fn is_disconnected(&self) -> bool {
        self.is_disconnected.load(Ordering::Acquire)
    }

    /// Waits until its subscription is to end.
    pub(crate) fn poll_disconnected(&self, cx: &Context<'_>) -> Poll<()> {
        let is_registered = |waker: &Option<Waker>| {
            let waker = waker.as_ref();
            waker.is_some_and(|waker| waker.will_wake(cx.waker()))
        };
        if !is_registered(&self.waker()) {
            // Wakers are cloned and dropped outside of the lock, as that is code of the caller's.
            let waker = cx.waker().clone();
            let replaced = self.waker().replace(waker);
            drop(replaced);
        }
        // After the waker is there: if it came too late, this is set.
        if self.is_disconnected() {
            reach("disconnected before it waits");
            return Poll::Ready(());
        }
        Poll::Pending
    }

    fn waker(&self) -> impl std::ops::DerefMut<Target = Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
