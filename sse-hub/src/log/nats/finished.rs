//! Which topics are finished, as far as a node knows.
//!
//! The server does not refuse what follows the event that ends a topic, so a node looks before it appends: at what it has
//! heard, and at the last entry of a topic of which it has not heard for a while.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// For how long it is taken for known whether a topic is finished.
const KNOWN_FOR: Duration = Duration::from_secs(1);

/// Of how many topics it is known.
const MAX_TOPICS: usize = 16 * 1024;

#[derive(Default)]
pub(super) struct Finished {
    topics: Mutex<HashMap<String, Noted>>,
}

#[derive(Clone, Copy)]
struct Noted {
    session: u64,
    at: Instant,
    is_finished: bool,
}

impl Finished {
    /// Notes whether a topic is finished.
    pub(super) fn note(&self, session: u64, subject: &str, is_finished: bool) {
        let noted = Noted {
            session,
            at: Instant::now(),
            is_finished,
        };
        let mut topics = self.topics();
        if let Some(before) = topics.get_mut(subject) {
            *before = noted;
            return;
        }
        if topics.len() >= MAX_TOPICS {
            topics.clear();
        }
        topics.insert(subject.to_owned(), noted);
    }

    /// Returns whether a topic is finished, if that is known.
    pub(super) fn get(&self, session: u64, subject: &str) -> Option<bool> {
        let noted = self.topics().get(subject).copied();
        let noted = noted.filter(|it| it.session == session && it.at.elapsed() < KNOWN_FOR);
        noted.map(|noted| noted.is_finished)
    }

    fn topics(&self) -> MutexGuard<'_, HashMap<String, Noted>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_noted_is_of_one_session_and_for_a_while() {
        let finished = Finished::default();
        finished.note(1, "a", true);
        finished.note(1, "b", false);
        assert_eq!(finished.get(1, "a"), Some(true));
        assert_eq!(finished.get(1, "b"), Some(false));
        assert_eq!((finished.get(2, "a"), finished.get(1, "c")), (None, None));
        tokio::time::advance(KNOWN_FOR).await;
        assert_eq!(finished.get(1, "a"), None);
        for number in 0..=MAX_TOPICS {
            finished.note(1, &number.to_string(), false);
        }
        assert_eq!(finished.get(1, "0"), None);
    }
}
