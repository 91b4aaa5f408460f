//! Keeping the live connection: it is tried with a ping now and then, and made again when it
//! fails. A new one is subscribed to all channels in use, and only then are the topics read, as
//! what was published in between has not come.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, PushInfo, PushKind, RedisError};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::log::redis::link::Link;
use crate::log::retry::Pause;

/// How long the connection may be quiet before it is tried.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// How many channels are subscribed to with one command.
const MOST_CHANNELS: usize = 500;

/// A live connection, and what tells of its end.
pub(super) struct Connection {
    commands: MultiplexedConnection,
    ended: Arc<Notify>,
}

/// Makes a live connection, which is subscribed to nothing.
pub(super) async fn connect(link: &Arc<Link>) -> Result<Connection, RedisError> {
    let ended = Arc::new(Notify::new());
    let (inbox_of, tells) = (Arc::downgrade(link), Arc::clone(&ended));
    let push = move |push: PushInfo| {
        match inbox_of.upgrade() {
            Some(link) if push.kind == PushKind::Message => link.inbox.put(&link.keys, push),
            Some(_) if push.kind == PushKind::Disconnection => tells.notify_one(),
            _ => {}
        }
        Ok::<(), ()>(())
    };
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(link.answer_within))
        .set_response_timeout(Some(link.answer_within))
        .set_push_sender(push);
    let commands = link
        .client
        .get_multiplexed_async_connection_with_config(&config)
        .await?;
    Ok(Connection { commands, ended })
}

/// Looks after the connection, and makes another when it has ended; for ever.
pub(super) async fn supervise(link: Arc<Link>, first: Connection) {
    let mut connection = first;
    loop {
        let error = stay(&link, &mut connection).await;
        link.set_live(None);
        tracing::warn!(
            error = error.as_ref().map(|error| error as &dyn std::error::Error),
            "connection to Redis lost"
        );
        connection = connect_again(&link).await;
        tracing::info!("connected to Redis again");
    }
}

/// Does what is to be done while the connection holds; the answer is why it does not any more, if
/// more is known than that it has ended.
async fn stay(link: &Link, connection: &mut Connection) -> Option<RedisError> {
    loop {
        let quiet_until = Instant::now() + HEARTBEAT;
        let unused = tokio::select! {
            () = connection.ended.notified() => return None,
            () = sleep_until(quiet_until) => None,
            unused = link.channels.to_leave() => Some(unused),
        };
        let Some(unused) = unused else {
            let ping = redis::cmd("PING");
            if let Err(error) = connection.commands.send_packed_command(&ping).await {
                return Some(error);
            }
            continue;
        };
        for unused in unused.chunks(MOST_CHANNELS) {
            let channels: Vec<_> = unused
                .iter()
                .map(|topic| link.keys.channel(topic))
                .collect();
            if let Err(error) = connection.commands.unsubscribe(channels).await {
                return Some(error);
            }
            link.channels.have_left(unused);
        }
    }
}

async fn connect_again(link: &Arc<Link>) -> Connection {
    let mut pause = Pause::default();
    loop {
        match connect(link).await {
            Ok(mut connection) => match subscribe_to_all(link, &mut connection).await {
                Ok(()) => return connection,
                Err(error) => told(&error),
            },
            Err(error) => told(&error),
        }
        link.set_live(None);
        pause.wait().await;
    }
}

fn told(error: &RedisError) {
    tracing::debug!(
        error = error as &dyn std::error::Error,
        "no connection to Redis"
    );
}

/// Subscribes to the channels of all topics in use, and has the topics read.
async fn subscribe_to_all(link: &Link, connection: &mut Connection) -> Result<(), RedisError> {
    // First this: a topic that is opened after the next line is subscribed to by its opener.
    link.set_live(Some(connection.commands.clone()));
    for topics in link.channels.all().chunks(MOST_CHANNELS) {
        let channels: Vec<_> = topics
            .iter()
            .map(|topic| link.keys.channel(topic))
            .collect();
        connection.commands.subscribe(channels).await?;
    }
    link.inbox.interrupt();
    Ok(())
}

impl Connection {
    pub(super) fn commands(&self) -> MultiplexedConnection {
        self.commands.clone()
    }
}
