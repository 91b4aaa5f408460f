//! Which topics are finished, as far as a node knows.
//!
//! The server does not refuse what follows the event that ends a topic, so a node looks before it appends: at what it has
//! heard, and at the last entry of a topic of which it has not heard for a while.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::log::EngineError;
use crate::log::nats::get::Wanted;
use crate::log::nats::link::{Known, Link};
use crate::log::nats::stored::Stored;

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
    fn get(&self, session: u64, subject: &str) -> Option<bool> {
        let noted = self.topics().get(subject).copied();
        let noted = noted.filter(|it| it.session == session && it.at.elapsed() < KNOWN_FOR);
        noted.map(|noted| noted.is_finished)
    }

    fn topics(&self) -> MutexGuard<'_, HashMap<String, Noted>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link {
    /// Returns whether a topic is finished, as of the last second.
    pub(super) async fn is_finished(
        &self,
        known: Known,
        subject: &str,
    ) -> Result<bool, EngineError> {
        match self.finished.get(known.session, subject) {
            Some(is_finished) => Ok(is_finished),
            None => Ok(self.last_number(known, subject).await?.is_none()),
        }
    }

    /// Returns the number of the last entry of a topic, or 0 if it has none; `None` if the topic is finished.
    pub(super) async fn last_number(
        &self,
        known: Known,
        subject: &str,
    ) -> Result<Option<u64>, EngineError> {
        let last = self.get(known, subject, Wanted::Last).await?;
        let is_finished = last.as_ref().is_some_and(Stored::is_finished);
        self.finished.note(known.session, subject, is_finished);
        Ok((!is_finished).then(|| last.map_or(0, |last| last.number())))
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
