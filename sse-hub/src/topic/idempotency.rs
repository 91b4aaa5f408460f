//! The idempotency keys that a topic remembers on a hub without an engine.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::position::Position;

/// The longest key, in bytes.
pub(crate) const MAX_KEY_LEN: usize = 128;

/// How many keys a topic remembers.
const MAX_KEYS: usize = 1_024;

/// How long a topic remembers a key, in milliseconds: two minutes.
const MAX_AGE: u64 = 2 * 60 * 1_000;

/// The newest keys of a topic, and the positions of the events that were published with them.
#[derive(Debug, Default)]
pub(crate) struct IdempotencyKeys {
    positions: HashMap<Arc<str>, Position>,
    /// When each key was inserted, oldest first.
    by_age: VecDeque<(u64, Arc<str>)>,
}

impl IdempotencyKeys {
    /// Returns the position of the event with this key, if one was published.
    pub(crate) fn get(&mut self, key: &str, now: u64) -> Option<Position> {
        self.trim(now);
        self.positions.get(key).copied()
    }

    /// Inserts a key that is new.
    pub(crate) fn insert(&mut self, key: &str, position: Position, now: u64) {
        let key: Arc<str> = key.into();
        self.positions.insert(Arc::clone(&key), position);
        self.by_age.push_back((now, key));
        self.trim(now);
    }

    /// Removes the keys that are too old or too many.
    pub(crate) fn trim(&mut self, now: u64) {
        while let Some((at, _)) = self.by_age.front() {
            let is_too_old = at.saturating_add(MAX_AGE) <= now;
            if !is_too_old && self.by_age.len() <= MAX_KEYS {
                return;
            }
            if let Some((_, key)) = self.by_age.pop_front() {
                self.positions.remove(&key);
            }
        }
    }

    /// Returns when the newest key will be too old.
    pub(crate) fn expires_at(&self) -> u64 {
        let newest = self.by_age.back();
        newest.map_or(0, |(at, _)| at.saturating_add(MAX_AGE))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_age.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_removed_when_they_are_too_many_or_too_old() {
        let mut keys = IdempotencyKeys::default();
        for number in 0..=MAX_KEYS as u64 {
            keys.insert(&number.to_string(), Position::new(0, number), number);
        }
        let now = MAX_KEYS as u64;
        assert_eq!(keys.get("0", now), None);
        assert_eq!(keys.get("1", now), Some(Position::new(0, 1)));
        assert_eq!(keys.get("1", MAX_AGE + 1), None);
        assert_eq!(keys.get("2", MAX_AGE + 1), Some(Position::new(0, 2)));
        keys.trim(u64::MAX);
        assert!(keys.is_empty());
        assert!(keys.positions.is_empty());
    }
}
