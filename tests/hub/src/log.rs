//! What is logged through `tracing` while a future runs.

use std::fmt::{self, Write as _};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, set_global_default, with_default};
use tracing::{Event, Level, Metadata, Subscriber};

type OnMessage = dyn Fn(&str) + Send + Sync;

/// Records what the hub logs as warnings or errors, or passes all of its messages to a function.
#[derive(Clone, Default)]
pub struct Log {
    messages: Arc<Mutex<Vec<String>>>,
    on_message: Option<Arc<OnMessage>>,
}

impl Log {
    /// Creates a log that also calls a function with each message, those below warnings included.
    pub fn with(on_message: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self {
            messages: Arc::default(),
            on_message: Some(Arc::new(on_message)),
        }
    }

    /// Runs `future` while this is the subscriber of its thread.
    pub async fn of<T>(&self, future: impl Future<Output = T>) -> T {
        // Another thread may look for a subscriber just now. If it found none, `tracing` would remember that
        // for the place in the code, and this log would not be asked.
        let _ = set_global_default(Undecided);
        let mut future = pin!(future);
        std::future::poll_fn(|cx| -> Poll<T> {
            with_default(self.clone(), || future.as_mut().poll(cx))
        })
        .await
    }

    /// Returns the messages, each after its level.
    #[must_use]
    pub fn messages(&self) -> Vec<String> {
        self.messages.lock().expect("not poisoned").clone()
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let level = *metadata.level();
        metadata.target().starts_with("sse_hub")
            && (level <= Level::WARN || self.on_message.is_some())
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut message = Message(format!("{} ", event.metadata().level()));
        event.record(&mut message);
        if let Some(on_message) = &self.on_message {
            on_message(&message.0);
        }
        let mut messages = self.messages.lock().expect("not poisoned");
        messages.push(message.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Log").field(&self.messages).finish()
    }
}

/// A subscriber that wants nothing, and has to be asked each time.
struct Undecided;

impl Subscriber for Undecided {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.0, "{value:?}");
        }
    }
}
