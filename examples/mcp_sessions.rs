//! The sessions of the example of the Model Context Protocol.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, HeaderValue, StatusCode};

/// The topics of each session, the first for messages that belong to no call. A real server forgets old ones.
type Topics = HashMap<HeaderValue, Vec<String>>;

#[derive(Clone, Default)]
pub(crate) struct Sessions(Arc<Mutex<Topics>>);

impl Sessions {
    /// Begins a session, and returns its id.
    pub(crate) fn begin(&self) -> Result<HeaderValue, StatusCode> {
        let session = getrandom::u64().map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        self.all().insert(session.into(), vec![session.to_string()]);
        Ok(session.into())
    }

    /// Returns the topics of a request's session.
    pub(crate) fn topics(&self, headers: &HeaderMap) -> Result<Vec<String>, StatusCode> {
        let topics = self.all().get(id(headers)?).cloned();
        topics.ok_or(StatusCode::NOT_FOUND)
    }

    /// Adds a topic to a request's session, unless that has ended.
    pub(crate) fn add(&self, headers: &HeaderMap, topic: &str) {
        let mut all = self.all();
        if let Some(topics) = id(headers).ok().and_then(|id| all.get_mut(id)) {
            topics.push(topic.to_owned());
        }
    }

    /// Ends a request's session, and returns its topics.
    pub(crate) fn end(&self, headers: &HeaderMap) -> Result<Vec<String>, StatusCode> {
        let topics = self.all().remove(id(headers)?);
        topics.ok_or(StatusCode::NOT_FOUND)
    }

    fn all(&self) -> MutexGuard<'_, Topics> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn id(headers: &HeaderMap) -> Result<&HeaderValue, StatusCode> {
    headers.get("mcp-session-id").ok_or(StatusCode::BAD_REQUEST)
}
