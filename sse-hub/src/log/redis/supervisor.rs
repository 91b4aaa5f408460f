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
use crate::log::redis::subscribing::Wanted;
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
    let shard_note = &link.commands.shard_note;
    shard_note.check(&mut commands, &link.keys, limit).await?;
    Ok(Connection { commands, ended })
}

/// Maintains the connection, and makes another one whenever it has ended.
pub(super) async fn supervise(link: Arc<Link>, first: Connection) {
    let mut connection = first;
    loop {
        let error = maintain(&link, &mut connection).await;
        link.set_live(None);
        // Its server may be frozen, or another one be reached by the address now.
        link.commands.end();
        tracing::warn!(
            server = link.server,
            error = error.as_ref().map(|error| error as &dyn std::error::Error),
            "connection to Redis lost"
        );
        connection = connect_again(&link).await;
        tracing::info!(server = link.server, "connected to Redis again");
    }
}

/// What there is to do for a connection.
enum Work {
    Check,
    Subscribe(Vec<Wanted>),
    Unsubscribe(Vec<Arc<str>>),
}

/// Maintains the connection until it ends. Returns the reason, if one is known.
async fn maintain(link: &Link, connection: &mut Connection) -> Option<CommandError> {
    let mut next_check = Instant::now() + HEARTBEAT;
    loop {
        let work = tokio::select! {
            () = connection.ended.notified() => return None,
            () = link.commands.wrong_server() => return None,
            () = sleep_until(next_check) => Work::Check,
            wanted = link.subscribing.wanted() => Work::Subscribe(wanted),
            unused = link.channels.to_unsubscribe() => Work::Unsubscribe(unused),
        };
        let commands = &mut connection.commands;
        let done = match work {
            Work::Check => {
                let checked = hello::check(commands, link.answer_within).await;
                next_check = Instant::now() + HEARTBEAT;
                checked
            }
            Work::Subscribe(wanted) => subscribe(link, commands, wanted).await,
            Work::Unsubscribe(unused) => unsubscribe(link, commands, &unused).await,
        };
        if let Err(error) = done {
            return Some(error);
        }
    }
}

/// Subscribes to the channels of topics that are being opened, and answers their openings. An error is that
/// of the connection.
async fn subscribe(
    link: &Link,
    commands: &mut MultiplexedConnection,
    mut wanted: Vec<Wanted>,
) -> Result<(), CommandError> {
    while !wanted.is_empty() {
        let some: Vec<_> = wanted.drain(..wanted.len().min(MAX_CHANNELS)).collect();
        let channels: Vec<_> = some.iter().map(|it| link.keys.channel(&it.topic)).collect();
        let subscribed = answered(link.answer_within, commands.subscribe(channels)).await;
        match subscribed {
            Ok(()) => Wanted::answer(some, &Ok(())),
            Err(error) if error.is_unrecoverable_error() || error.is_timeout() => {
                // The next connection is subscribed to all topics in use.
                Wanted::answer(some.into_iter().chain(wanted), &Ok(()));
                return Err(error.into());
            }
            Err(error) => Wanted::answer(some, &Err(error.into())),
        }
    }
    Ok(())
}

async fn unsubscribe(
    link: &Link,
    commands: &mut MultiplexedConnection,
    unused: &[Arc<str>],
) -> Result<(), CommandError> {
    for unused in unused.chunks(MAX_CHANNELS) {
        let channels: Vec<_> = unused
            .iter()
            .map(|topic| link.keys.channel(topic))
            .collect();
        answered(link.answer_within, commands.unsubscribe(channels)).await?;
        link.channels.note_unsubscribed(unused);
    }
    Ok(())
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
            server = link.server,
            error = &error as &dyn std::error::Error,
            "no connection to Redis"
        );
        link.set_live(None);
        backoff.wait().await;
    }
}

/// Subscribes to the channels of all topics in use, and has the hub read the topics.
async fn subscribe_to_all(link: &Link, connection: &mut Connection) -> Result<(), CommandError> {
    link.commands.connected().await?;
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
