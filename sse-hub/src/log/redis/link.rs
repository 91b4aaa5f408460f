//! A node's connections: one for commands, which connects again by itself, and the live one, which
//! the supervisor restores, as that takes more than connecting.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use redis::Client;
use redis::aio::MultiplexedConnection;
use sse_session::second_look::within;

use crate::log::EngineError;
use crate::log::redis::channels::Channels;
use crate::log::redis::commands::Commands;
use crate::log::redis::error::CommandError;
use crate::log::redis::heads::Heads;
use crate::log::redis::inbox::Inbox;
use crate::log::redis::keys::Keys;
use crate::log::redis::queue::Queue;
use crate::log::redis::script::Scripts;
use crate::log::redis::subscribing::{Subscribing, Turn};

/// What all parts of an engine share.
pub(super) struct Link {
    /// Its address.
    pub(super) server: String,
    pub(super) client: Client,
    pub(super) keys: Arc<Keys>,
    pub(super) scripts: Arc<Scripts>,
    pub(super) queue: Queue,
    pub(super) heads: Heads,
    pub(super) channels: Channels,
    pub(super) subscribing: Subscribing<MultiplexedConnection>,
    pub(super) inbox: Inbox,
    pub(super) answer_within: Duration,
    pub(super) commands: Commands,
}

impl Link {
    pub(super) fn new(
        server: String,
        client: Client,
        keys: Keys,
        scripts: Scripts,
        inbox: Inbox,
        answer_within: Duration,
    ) -> Arc<Self> {
        let (scripts, keys) = (Arc::new(scripts), Arc::new(keys));
        let shared = (Arc::clone(&scripts), Arc::clone(&keys));
        Arc::new(Self {
            server,
            commands: Commands::new(
                client.clone(),
                answer_within,
                shared.0,
                shared.1,
                inbox.clone(),
            ),
            client,
            keys,
            scripts,
            queue: Queue::default(),
            heads: Heads::default(),
            channels: Channels::default(),
            subscribing: Subscribing::default(),
            inbox,
            answer_within,
        })
    }

    pub(super) fn set_live(&self, connection: Option<MultiplexedConnection>) {
        self.subscribing.set_live(connection);
    }

    pub(super) fn is_up(&self) -> bool {
        self.subscribing.is_live()
    }

    /// Subscribes to a topic's channel. Without a connection, or if it is lost meanwhile, the
    /// supervisor does that on the next one: the topic is among the [`Channels`].
    pub(super) async fn subscribe(&self, topic: &str) -> Result<(), EngineError> {
        match self.subscribing.enter(topic) {
            Turn::Later => Ok(()),
            Turn::Single(mut live, _single) => {
                match live.subscribe(self.keys.channel(topic)).await {
                    Err(error) if !error.is_unrecoverable_error() => {
                        Err(CommandError::from(error).into())
                    }
                    Ok(()) | Err(_) => Ok(()),
                }
            }
            Turn::Waits(subscribed) => match subscribed.await {
                Ok(subscribed) => Ok(subscribed?),
                // The engine is gone, and the supervisor with it.
                Err(_) => Err(EngineError::Unavailable),
            },
        }
    }

    /// Waits for an answer, which fails in time.
    pub(super) async fn answer<T>(
        &self,
        request: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        let limit = self.answer_within;
        within(limit, request)
            .await
            .unwrap_or(Err(EngineError::TimedOut { limit }))
    }
}
