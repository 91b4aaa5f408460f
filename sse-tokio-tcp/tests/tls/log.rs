//! What the server logs while the tests run.

use std::sync::Mutex;

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// The levels of what was logged, of all tests of this program.
static LEVELS: Mutex<Vec<Level>> = Mutex::new(Vec::new());

struct Log;

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("sse_tokio_tcp")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut levels = LEVELS.lock().expect("not poisoned");
        levels.push(*event.metadata().level());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Begins to record. Each test of failures calls it first, as none of them may log more than it says.
pub(crate) fn record() {
    // Another test may have begun already.
    let _ = tracing::subscriber::set_global_default(Log);
}

/// Asserts that something was logged, and nothing above the debug level.
pub(crate) fn assert_quiet() {
    let levels = LEVELS.lock().expect("not poisoned");
    assert!(!levels.is_empty());
    let loud = levels.iter().filter(|level| **level < Level::DEBUG).count();
    assert_eq!(loud, 0, "of {}", levels.len());
}
