use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sse_session::{CancellationToken, SseOptions};
use tokio::time::Instant;

/// The sessions of all users, by the secret in their cookie.
pub(crate) struct Sessions {
    open: Mutex<HashMap<String, Session>>,
    server: CancellationToken,
}

struct Session {
    ended: CancellationToken,
    expires: Instant,
}

impl Sessions {
    /// `server` is the signal that ends all streams.
    pub(crate) fn new(server: CancellationToken) -> Self {
        let open = Mutex::default();
        Self { open, server }
    }

    pub(crate) fn log_in(&self, secret: &str, lifetime: Duration) {
        let session = Session {
            ended: self.server.child_token(),
            expires: Instant::now() + lifetime,
        };
        let before = self.lock().insert(secret.to_owned(), session);
        if let Some(before) = before {
            before.ended.cancel();
        }
    }

    /// Ends the streams of a session, and keeps it from opening others.
    pub(crate) fn log_out(&self, secret: &str) {
        let session = self.lock().remove(secret);
        if let Some(session) = session {
            session.ended.cancel();
        }
    }

    /// Returns the options of a stream that ends with its session; `None`, to be answered with 401, if
    /// there is no such session.
    pub(crate) fn admit(&self, secret: &str, options: SseOptions) -> Option<SseOptions> {
        let mut open = self.lock();
        let session = open.get(secret)?;
        let Some(left) = session.expires.checked_duration_since(Instant::now()) else {
            open.remove(secret);
            return None;
        };
        // A stream ends in the last tenth of its age, never later.
        Some(options.shutdown(session.ended.clone()).max_age(left))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
