//! Handlers that many cases share, and counters for whether they run, wait for the client, or were
//! dropped.

use std::time::Duration;

use sse_session::Sse;
use tokio::sync::watch;

use crate::transports::Site;

/// Returns a site whose handlers send one event and then wait forever.
pub(crate) fn idle(handlers: &Handlers) -> Site {
    let handlers = handlers.clone();
    Site::new(move |_, sse: Sse| {
        let guard = handlers.guard();
        async move {
            let _guard = guard;
            sse.send("hello").await.expect("open");
            std::future::pending::<()>().await;
        }
    })
}

/// Returns a site whose handlers send as many events of `size` bytes as the client accepts.
/// `progress` counts them.
pub(crate) fn endless(handlers: &Handlers, progress: &Progress, size: usize) -> Site {
    let (handlers, progress) = (handlers.clone(), progress.clone());
    let data = "x".repeat(size - "data: \n\n".len());
    Site::new(move |_, sse: Sse| {
        let (guard, progress) = (handlers.guard(), progress.clone());
        let data = data.clone();
        async move {
            let _guard = guard;
            while sse.send(&data).await.is_ok() {
                progress.add(1);
            }
        }
    })
    .send_buffer(16 * 1024)
}

/// Counts handlers by the guard that each of them holds.
#[derive(Clone, Debug)]
pub(crate) struct Handlers {
    count: watch::Sender<Count>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    started: usize,
    dropped: usize,
}

impl Handlers {
    pub(crate) fn new() -> Self {
        Self {
            count: watch::Sender::new(Count::default()),
        }
    }

    /// Returns a guard for a handler to hold. It is dropped with the handler.
    pub(crate) fn guard(&self) -> Guard {
        self.count.send_modify(|count| count.started += 1);
        Guard(self.clone())
    }

    /// Waits until at least `handlers` have started.
    pub(crate) async fn started(&self, handlers: usize) {
        self.wait_for(|count| count.started >= handlers).await;
    }

    /// Waits until at most `handlers` are running.
    pub(crate) async fn running_at_most(&self, handlers: usize) {
        self.wait_for(|count| count.started - count.dropped <= handlers)
            .await;
    }

    /// Waits until at least `handlers` have started and all that have started are dropped.
    pub(crate) async fn dropped(&self, handlers: usize) {
        self.wait_for(|count| count.started >= handlers && count.dropped == count.started)
            .await;
    }

    /// Returns the number of handlers that have started.
    pub(crate) fn total(&self) -> usize {
        self.count.borrow().started
    }

    pub(crate) fn running(&self) -> usize {
        let count = *self.count.borrow();
        count.started - count.dropped
    }

    async fn wait_for(&self, condition: impl Fn(&Count) -> bool) {
        let mut count = self.count.subscribe();
        count.wait_for(condition).await.expect("the sender exists");
    }
}

#[derive(Debug)]
pub(crate) struct Guard(Handlers);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.count.send_modify(|count| count.dropped += 1);
    }
}

/// Counts what a handler has sent, to show when back-pressure holds it.
#[derive(Clone, Debug)]
pub(crate) struct Progress(watch::Sender<usize>);

impl Progress {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    pub(crate) fn add(&self, amount: usize) {
        self.0.send_modify(|total| *total += amount);
    }

    pub(crate) fn total(&self) -> usize {
        *self.0.borrow()
    }

    /// Waits until there is some progress and then none for a while. On a stalled machine, this may
    /// complete early.
    pub(crate) async fn stops(&self) -> usize {
        let mut progress = self.0.subscribe();
        let _ = progress.wait_for(|total| *total > 0).await;
        while tokio::time::timeout(Duration::from_millis(300), progress.changed())
            .await
            .is_ok()
        {}
        self.total()
    }
}
