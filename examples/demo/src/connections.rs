//! Which streams are open, so that one of them can be dropped on demand.
//!
//! A real server has no such thing: connections drop by themselves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The most streams that can be dropped on demand; those beyond run all the same.
const MAX_CONNECTIONS: usize = 1_024;

/// The longest key, in bytes.
const MAX_KEY_LEN: usize = 64;

/// The open streams of one server by the key that their page chose.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: Mutex<HashMap<String, Arc<Notify>>>,
}

impl Connections {
    /// Enters a stream for as long as the result lives. A later one with the same key takes its
    /// place, for that is a page that has connected again. `None` if there are too many.
    pub(crate) fn enter(&self, key: &str) -> Option<Entry<'_>> {
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

    /// Drops the stream with this key, and says whether there was one.
    pub(crate) fn drop_stream(&self, key: &str) -> bool {
        let stream = self.lock().remove(key);
        if let Some(drop) = &stream {
            drop.notify_one();
        }
        stream.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Notify>>> {
        // Nothing is ever half done under this lock.
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
    /// Resolves when the stream is to be dropped.
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

/// The key in a query, `page=KEY`: letters, digits and hyphens, so that there is nothing to
/// decode.
pub(crate) fn key(query: Option<&str>) -> Option<&str> {
    let key = query?
        .split('&')
        .find_map(|pair| pair.strip_prefix("page="))?;
    checked_key(key)
}

/// `key`, if it is one that a page may have.
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
        let entry = connections.enter("a").expect("room");
        assert!(!connections.drop_stream("b"));
        assert!(connections.drop_stream("a"));
        entry.dropped().await;
        assert!(!connections.drop_stream("a"));
    }

    #[test]
    fn an_entry_vanishes_with_its_stream() {
        let connections = Connections::default();
        let before = connections.enter("a");
        let again = connections.enter("a");
        drop(before);
        assert!(connections.lock().contains_key("a"), "the later one stays");
        drop(again);
        assert!(connections.lock().is_empty());
    }

    #[test]
    fn there_is_a_most() {
        let connections = Connections::default();
        let entries: Vec<_> = (0..=MAX_CONNECTIONS)
            .map(|key| connections.enter(&key.to_string()))
            .collect();
        assert_eq!(entries.iter().flatten().count(), MAX_CONNECTIONS);
        assert!(
            connections.enter("0").is_some(),
            "one that is there already"
        );
    }

    #[test]
    fn keys_are_plain() {
        assert_eq!(key(Some("page=a-1")), Some("a-1"));
        assert_eq!(key(Some("x=1&page=b&y")), Some("b"));
        for query in ["", "page", "page=", "pages=a", "page=%41", "page=a b"] {
            assert_eq!(key(Some(query)), None, "{query}");
        }
        assert_eq!(key(Some(&format!("page={}", "k".repeat(65)))), None);
        assert_eq!(key(None), None);
    }
}
