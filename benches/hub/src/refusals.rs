//! Subscriptions to topics for which there is no room.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use sse_hub::{Hub, SubscribeError, TopicError};

use crate::result::Result;

const INTERVAL: Duration = Duration::from_millis(1);

/// A thread that tries to subscribe a thousand times a second.
pub(crate) struct Refusals {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Refusals {
    pub(crate) fn start(hub: Hub) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || refuse(&hub, &stopped));
        Self { stop, thread }
    }

    /// Returns how many were refused.
    pub(crate) fn stop(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        let refused = self.thread.join();
        refused.map_err(|_| "a subscription was not refused".into())
    }
}

fn refuse(hub: &Hub, stopped: &AtomicBool) -> u64 {
    let mut refused = 0;
    let mut due = Instant::now();
    while !stopped.load(Ordering::Relaxed) {
        let name = format!("new:{refused}");
        let result = hub.subscribe(name).into_future().now_or_never();
        let is_full = |error: &SubscribeError| {
            matches!(
                error,
                SubscribeError::Topic(TopicError::TooManyTopics { .. })
            )
        };
        match result {
            Some(Err(error)) if is_full(&error) => {}
            other => panic!("{other:?}"),
        }
        refused += 1;
        due += INTERVAL;
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    refused
}
