//! A node's connections: one for commands, which comes back by itself, and the live one, which the
//! supervisor brings back, as there is more to be done then.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Client, RedisError};
use tokio::time::timeout;

use crate::log::LogError;
use crate::log::redis::channels::Channels;
use crate::log::redis::commands::Commands;
use crate::log::redis::inbox::Inbox;
use crate::log::redis::keys::Keys;
use crate::log::redis::script::Script;

/// What all that a log does shares.
pub(super) struct Link {
    pub(super) client: Client,
    pub(super) keys: Keys,
    pub(super) append: Script,
    pub(super) open: Script,
    pub(super) channels: Channels,
    pub(super) inbox: Inbox,
    pub(super) answer_within: Duration,
    pub(super) commands: Commands,
    /// The live connection, while there is one.
    live: Mutex<Option<MultiplexedConnection>>,
}

impl Link {
    pub(super) fn new(
        client: Client,
        keys: Keys,
        append: Script,
        open: Script,
        inbox: Inbox,
        answer_within: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            commands: Commands::new(client.clone(), answer_within),
            client,
            keys,
            append,
            open,
            channels: Channels::default(),
            inbox,
            answer_within,
            live: Mutex::new(None),
        })
    }

    pub(super) fn live(&self) -> Option<MultiplexedConnection> {
        self.lock_live().clone()
    }

    pub(super) fn set_live(&self, connection: Option<MultiplexedConnection>) {
        *self.lock_live() = connection;
    }

    pub(super) fn is_up(&self) -> bool {
        self.lock_live().is_some()
    }

    fn lock_live(&self) -> MutexGuard<'_, Option<MultiplexedConnection>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Subscribes to a topic's channel. Without a connection, or if it is lost meanwhile, the next
    /// one does that: the topic is among the [`Channels`].
    pub(super) async fn listen(&self, topic: &str) -> Result<(), LogError> {
        let Some(mut live) = self.live() else {
            return Ok(());
        };
        match live.subscribe(self.keys.channel(topic)).await {
            Err(error) if !error.is_unrecoverable_error() => Err(failed(error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// An answer within the time that was promised.
    pub(super) async fn answer<T>(
        &self,
        answer: impl Future<Output = Result<T, LogError>>,
    ) -> Result<T, LogError> {
        match timeout(self.answer_within, answer).await {
            Ok(answer) => answer,
            Err(_) => {
                let limit = self.answer_within.as_millis();
                Err(LogError::Engine(
                    format!("no answer within {limit} ms").into(),
                ))
            }
        }
    }
}

/// A failure of Redis or of the way to it.
pub(super) fn failed(error: RedisError) -> LogError {
    LogError::Engine(error.into())
}
