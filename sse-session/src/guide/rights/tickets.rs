use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long a page has from its ticket to its stream.
const LIFETIME: Duration = Duration::from_secs(30);

/// How many tickets may wait to be used.
const MAX_WAITING: usize = 10_000;

/// The tickets that were not used yet: the users by the secrets.
#[derive(Default)]
pub(crate) struct Tickets(Mutex<HashMap<String, Ticket>>);

struct Ticket {
    user: String,
    expires: Instant,
}

impl Tickets {
    /// Makes a ticket of a new secret. Returns `false`, to be answered with 503, if too many wait.
    pub(crate) fn issue(&self, secret: &str, user: &str) -> bool {
        let now = Instant::now();
        let mut waiting = self.lock();
        if waiting.len() >= MAX_WAITING {
            waiting.retain(|_, ticket| ticket.expires > now);
        }
        if waiting.len() >= MAX_WAITING || waiting.contains_key(secret) {
            return false;
        }
        let ticket = Ticket {
            user: user.to_owned(),
            expires: now + LIFETIME,
        };
        waiting.insert(secret.to_owned(), ticket);
        true
    }

    /// Returns the user of a ticket, which is used up by that; `None`, to be answered with 401, if there
    /// is no such ticket or if it is too old.
    pub(crate) fn redeem(&self, secret: &str) -> Option<String> {
        let ticket = self.lock().remove(secret)?;
        (ticket.expires > Instant::now()).then_some(ticket.user)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Ticket>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
