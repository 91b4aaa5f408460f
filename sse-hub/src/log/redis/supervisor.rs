//! Maintaining the live connection: its server is asked periodically whether it is still the one to be
//! used, and the connection is made again if it is not or does not answer. A new connection is subscribed to all channels in use, and only then are the topics read,
//! as what was published in between has not arrived.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, PushInfo, PushKind};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::log::redis::error::CommandError;
use crate::log::redis::link::Link;
use crate::log::redis::time_limits::{self, answered};
use crate::log::redis::{hello, permissions};
use crate::log::retry::Backoff;

/// How often the server is asked. A demoted one is noticed within this time.
const HEARTBEAT: Duration = Duration::from_millis(500);

/// How many channels are subscribed to with one command.
const MAX_CHANNELS: usize = 500;

/// A live connection.
pub(super) struct Connection {
    commands: MultiplexedConnection,
    /// Notified when the connection has ended.
    ended: Arc<Notify>,
}

/// Makes a live connection, which is not subscribed to anything.
pub(super) async fn connect(link: &Arc<Link>) -> Result<Connection, CommandError> {
    let ended = Arc::new(Notify::new());
    let (weak, notify) = (Arc::downgrade(link), Arc::clone(&ended));
    let push = move |push: PushInfo| {
        match weak.upgrade() {
            Some(link) if push.kind == PushKind::Message => link.inbox.put(&link.keys, push),
            Some(_) if push.kind == PushKind::Disconnection => notify.notify_one(),
            _ => {}
        }
        Ok::<(), ()>(())
    };
    let config = AsyncConnectionConfig::new().set_push_sender(push);
    let limit = link.answer_within;
    let mut commands = time_limits::connect(&link.client, limit, config).await?;
    hello::check(&mut commands, limit).await?;
    permissions::check_live(&mut commands, &link.keys, limit).await?;
    Ok(Connection { commands, ended })
}

/// Maintains the connection, and makes another one whenever it has ended.
pub(super) async fn supervise(link: Arc<Link>, first: Connection) {
    let mut connection = first;
    loop {
        let error = maintain(&link, &mut connection).await;
        link.set_live(None);
        if let Some(CommandError::Unusable(_)) = error {
            link.commands.end();
        }
        tracing::warn!(
            error = error.as_ref().map(|error| error as &dyn std::error::Error),
            "connection to Redis lost"
        );
        connection = connect_again(&link).await;
        tracing::info!("connected to Redis again");
    }
}

/// Maintains the connection until it ends. Returns the reason, if one is known.
async fn maintain(link: &Link, connection: &mut Connection) -> Option<CommandError> {
    let mut next_check = Instant::now() + HEARTBEAT;
    loop {
        let unused = tokio::select! {
            () = connection.ended.notified() => return None,
            () = link.commands.wrong_server() => return None,
            () = sleep_until(next_check) => None,
            unused = link.channels.to_unsubscribe() => Some(unused),
        };
        let Some(unused) = unused else {
            let commands = &mut connection.commands;
            if let Err(error) = hello::check(commands, link.answer_within).await {
                return Some(error);
            }
            next_check = Instant::now() + HEARTBEAT;
            continue;
        };
        for unused in unused.chunks(MAX_CHANNELS) {
            let channels: Vec<_> = unused
                .iter()
                .map(|topic| link.keys.channel(topic))
                .collect();
            let unsubscribed = connection.commands.unsubscribe(channels);
            if let Err(error) = answered(link.answer_within, unsubscribed).await {
                return Some(error.into());
            }
            link.channels.note_unsubscribed(unused);
        }
    }
}

async fn connect_again(link: &Arc<Link>) -> Connection {
    let mut backoff = Backoff::default();
    loop {
        link.commands.clear_wrong_server();
        let error = match connect(link).await {
            Ok(mut connection) => match subscribe_to_all(link, &mut connection).await {
                Ok(()) => return connection,
                Err(error) => error,
            },
            Err(error) => error,
        };
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "no connection to Redis"
        );
        link.set_live(None);
        backoff.wait().await;
    }
}

/// Subscribes to the channels of all topics in use, and has the hub read the topics.
async fn subscribe_to_all(link: &Link, connection: &mut Connection) -> Result<(), CommandError> {
    link.commands.connect().await?;
    // First this: the opening of a topic subscribes to it from now on.
    link.set_live(Some(connection.commands.clone()));
    for topics in link.channels.all().chunks(MAX_CHANNELS) {
        let channels: Vec<_> = topics
            .iter()
            .map(|topic| link.keys.channel(topic))
            .collect();
        let subscribed = connection.commands.subscribe(channels);
        answered(link.answer_within, subscribed).await?;
    }
    link.inbox.interrupt();
    Ok(())
}

impl Connection {
    pub(super) fn commands(&self) -> MultiplexedConnection {
        self.commands.clone()
    }
}
