//! The open streams, so that one of them can be dropped on demand.
//!
//! A real server does not need this.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The most streams that can be dropped on demand. Further ones run without that.
const MAX_CONNECTIONS: usize = 1_024;

/// The longest key, in bytes.
const MAX_KEY_LEN: usize = 64;

/// The open streams of one server, by the key that their page chose.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: Mutex<HashMap<String, Arc<Notify>>>,
}

impl Connections {
    /// Registers a stream until the result is dropped. A later stream with the same key replaces it,
    /// as that is a page that has reconnected. Returns `None` if there are too many streams.
    pub(crate) fn register(&self, key: &str) -> Option<Entry<'_>> {
        let mut open = self.lock();
        if open.len() >= MAX_CONNECTIONS && !open.contains_key(key) {
            return None;
        }
        let drop = Arc::new(Notify::new());
        open.insert(key.to_owned(), Arc::clone(&drop));
        Some(Entry {
            connections: self,
            key: key.to_owned(),
            drop,
        })
    }

    /// Drops the stream with this key. Returns whether there was one.
    pub(crate) fn drop_stream(&self, key: &str) -> bool {
        let stream = self.lock().remove(key);
        if let Some(drop) = &stream {
            drop.notify_one();
        }
        stream.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Notify>>> {
        // A panic cannot leave the map in an inconsistent state.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream that can be dropped on demand.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    connections: &'a Connections,
    key: String,
    drop: Arc<Notify>,
}

impl Entry<'_> {
    /// Completes when the stream is to be dropped.
    pub(crate) async fn dropped(&self) {
        self.drop.notified().await;
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut open = self.connections.lock();
        // Not the entry of a later stream with the same key.
        if open
            .get(&self.key)
            .is_some_and(|drop| Arc::ptr_eq(drop, &self.drop))
        {
            open.remove(&self.key);
        }
    }
}

/// Returns the key in a query, `page=KEY`. A key consists of letters, digits and hyphens, so that it
/// needs no decoding.
pub(crate) fn key(query: Option<&str>) -> Option<&str> {
    let key = query?
        .split('&')
        .find_map(|pair| pair.strip_prefix("page="))?;
    checked_key(key)
}

/// Returns `key`, if it is valid.
pub(crate) fn checked_key(key: &str) -> Option<&str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    ((1..=MAX_KEY_LEN).contains(&key.len()) && key.bytes().all(allowed)).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_is_dropped_by_its_key_once() {
        let connections = Connections::default();
        let entry = connections.register("a").expect("room");
        assert!(!connections.drop_stream("b"));
        assert!(connections.drop_stream("a"));
        entry.dropped().await;
        assert!(!connections.drop_stream("a"));
    }

    #[test]
    fn an_entry_is_removed_with_its_stream() {
        let connections = Connections::default();
        let before = connections.register("a");
        let again = connections.register("a");
        drop(before);
        assert!(
            connections.lock().contains_key("a"),
            "the later one remains"
        );
        drop(again);
        assert!(connections.lock().is_empty());
    }

    #[test]
    fn the_number_of_entries_is_limited() {
        let connections = Connections::default();
        let entries: Vec<_> = (0..=MAX_CONNECTIONS)
            .map(|key| connections.register(&key.to_string()))
            .collect();
        assert_eq!(entries.iter().flatten().count(), MAX_CONNECTIONS);
        assert!(
            connections.register("0").is_some(),
            "a key that is registered already"
        );
    }

    #[test]
    fn keys_are_letters_digits_and_hyphens() {
        assert_eq!(key(Some("page=a-1")), Some("a-1"));
        assert_eq!(key(Some("x=1&page=b&y")), Some("b"));
        for query in ["", "page", "page=", "pages=a", "page=%41", "page=a b"] {
            assert_eq!(key(Some(query)), None, "{query}");
        }
        assert_eq!(key(Some(&format!("page={}", "k".repeat(65)))), None);
        assert_eq!(key(None), None);
    }
}
