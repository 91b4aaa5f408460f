//! What a server counts of itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stats_alloc::{INSTRUMENTED_SYSTEM, Stats};

use crate::messages::ServerState;

/// The numbers of one process.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    started: AtomicU64,
    ended: AtomicU64,
    panics: AtomicU64,
    unpublished: AtomicU64,
}

impl Counts {
    /// Creates the counts, with those of all panics.
    pub(crate) fn new() -> Arc<Self> {
        let counts = Arc::<Self>::default();
        let of_panics = Arc::clone(&counts);
        let show = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            of_panics.panics.fetch_add(1, Ordering::Relaxed);
            show(panic);
        }));
        counts
    }

    /// Counts a handler, until the result is dropped.
    pub(crate) fn start_handler(self: &Arc<Self>) -> Handler {
        self.started.fetch_add(1, Ordering::Relaxed);
        Handler(Arc::clone(self))
    }

    /// Counts an event that could not be published.
    pub(crate) fn not_published(&self) {
        self.unpublished.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the numbers.
    pub(crate) fn state(&self) -> ServerState {
        let ended = self.ended.load(Ordering::Relaxed);
        let (heap, pieces) = heap();
        ServerState {
            started: self.started.load(Ordering::Relaxed),
            ended,
            panics: self.panics.load(Ordering::Relaxed),
            unpublished: self.unpublished.load(Ordering::Relaxed),
            heap,
            pieces,
            ..ServerState::default()
        }
    }
}

/// A handler that was started.
#[derive(Debug)]
pub(crate) struct Handler(Arc<Counts>);

impl Drop for Handler {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// Returns how many bytes are allocated and not freed, and in how many pieces. It is what the program
/// holds, whatever its allocator keeps for later.
fn heap() -> (u64, u64) {
    let Stats {
        allocations,
        deallocations,
        bytes_allocated,
        bytes_deallocated,
        ..
    } = INSTRUMENTED_SYSTEM.stats();
    let bytes = bytes_allocated.saturating_sub(bytes_deallocated);
    (
        bytes as u64,
        allocations.saturating_sub(deallocations) as u64,
    )
}
