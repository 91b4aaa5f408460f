//! What the cases need to know about their handlers: that they run, and that they are gone.

use tokio::sync::watch;

/// Counts handlers, through the guard that each of them holds.
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

    /// A guard for the handler to hold: when it is dropped, so is the handler.
    pub(crate) fn guard(&self) -> Guard {
        self.count.send_modify(|count| count.started += 1);
        Guard(self.clone())
    }

    /// Waits until `handlers` have started.
    pub(crate) async fn started(&self, handlers: usize) {
        self.wait_for(|count| count.started >= handlers).await;
    }

    /// Waits until `handlers` were dropped, and that is all that started.
    pub(crate) async fn dropped(&self, handlers: usize) {
        self.wait_for(|count| count.dropped >= handlers).await;
        assert_eq!(self.running(), 0);
    }

    /// How many have started so far.
    pub(crate) fn total(&self) -> usize {
        self.count.borrow().started
    }

    pub(crate) fn running(&self) -> usize {
        let count = *self.count.borrow();
        count.started - count.dropped
    }

    async fn wait_for(&self, condition: impl Fn(&Count) -> bool) {
        let mut count = self.count.subscribe();
        count.wait_for(condition).await.expect("the sender is here");
    }
}

#[derive(Debug)]
pub(crate) struct Guard(Handlers);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.count.send_modify(|count| count.dropped += 1);
    }
}
