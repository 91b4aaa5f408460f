//! The connection for commands: the first command that needs it connects again.
//!
//! `redis::aio::ConnectionManager` is not used: it keeps an error of connecting for good unless that
//! is one of input and output, and in tests that cut connections anywhere it sometimes did not
//! connect again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::FutureExt as _;
use futures_util::future::{Shared, WeakShared};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, RedisError, Value};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::log::redis::error::{CommandError, is_wrong_server};
use crate::log::redis::expected_note::ExpectedNote;
use crate::log::redis::inbox::Inbox;
use crate::log::redis::keys::Keys;
use crate::log::redis::script::{Call, Script, Scripts, is_unknown};
use crate::log::redis::{hello, permissions, time_limits};

/// How many commands wait in memory to be written before callers wait instead.
const PIPELINE_BUFFER: usize = 1024;

/// How long after a failure no new connection is tried.
const RETRY_DELAY: Duration = Duration::from_millis(20);

pub(super) struct Commands {
    client: Client,
    connect_within: Duration,
    scripts: Arc<Scripts>,
    keys: Arc<Keys>,
    pub(super) shard_note: Arc<ExpectedNote>,
    state: Arc<Mutex<State>>,
    wrong_server: Notify,
    inbox: Inbox,
}

#[derive(Default)]
struct State {
    current: Option<Connected>,
    /// How many connections there were.
    made: u64,
    /// The attempt to connect that is under way, for as long as a caller waits for it.
    connecting: Option<WeakShared<Connecting>>,
    last_failure: Option<Instant>,
}

/// An attempt to connect. All callers that wait for it share it, so that it proceeds whichever of them
/// is polled.
type Connecting = BoxFuture<'static, Result<Connected, CommandError>>;

/// A connection. It may have been lost since.
#[derive(Clone)]
pub(super) struct Connected {
    connection: MultiplexedConnection,
    /// The number of the connection, so that the failure of an older one does not end it.
    number: u64,
}

impl Connected {
    pub(super) fn number(&self) -> u64 {
        self.number
    }
}

impl Commands {
    pub(super) fn new(
        client: Client,
        connect_within: Duration,
        scripts: Arc<Scripts>,
        keys: Arc<Keys>,
        inbox: Inbox,
    ) -> Self {
        Self {
            client,
            connect_within,
            scripts,
            keys,
            shard_note: Arc::default(),
            state: Arc::default(),
            wrong_server: Notify::new(),
            inbox,
        }
    }

    /// Sends a command. The caller must limit how long the answer may take.
    pub(super) async fn send(&self, command: &Cmd) -> Result<Value, CommandError> {
        let connected = self.connected().await?;
        self.send_on(&connected, command).await
    }

    /// Calls a script. If the server does not know it, it is sent with the call, so that it cannot be
    /// forgotten in between.
    pub(super) async fn run(&self, script: &Script, call: &Call) -> Result<Value, CommandError> {
        let connected = self.connected().await?;
        self.run_on(&connected, script, call).await
    }

    /// As [`run`](Self::run), on a connection that the caller has chosen.
    pub(super) async fn run_on(
        &self,
        connected: &Connected,
        script: &Script,
        call: &Call,
    ) -> Result<Value, CommandError> {
        match self.send_on(connected, call.by_hash()).await {
            Err(CommandError::Redis(error)) if is_unknown(&error) => {
                self.send_on(connected, &script.with_code(call)).await
            }
            answer => answer,
        }
    }

    async fn send_on(&self, connected: &Connected, command: &Cmd) -> Result<Value, CommandError> {
        let mut connection = connected.connection.clone();
        let answer = connection.send_packed_command(command).await;
        let answer = answer.and_then(Value::extract_error);
        if let Err(error) = &answer {
            self.note_failure(error, connected.number);
        }
        Ok(answer?)
    }

    /// Returns the connection, which is made if there is none.
    pub(super) async fn connected(&self) -> Result<Connected, CommandError> {
        let current = self.state().current.clone();
        match current {
            Some(connected) => Ok(connected),
            None => self.connecting()?.await,
        }
    }

    pub(super) fn is_connected(&self) -> bool {
        self.state().current.is_some()
    }

    /// Ends the connection, as it is to the wrong server.
    pub(super) fn end(&self) {
        self.state().current = None;
    }

    /// Waits for an answer that says that the server is the wrong one.
    pub(super) async fn wrong_server(&self) {
        self.wrong_server.notified().await;
    }

    /// Forgets such an answer, which was that of an older server.
    pub(super) fn clear_wrong_server(&self) {
        let _ = self.wrong_server.notified().now_or_never();
    }

    /// Ends the connection if it cannot be used again: it is lost, or to the wrong server.
    fn note_failure(&self, error: &RedisError, number: u64) {
        let is_wrong_server = is_wrong_server(error);
        if !is_wrong_server && !error.is_unrecoverable_error() {
            return;
        }
        if self.end_number(number) && is_wrong_server {
            self.wrong_server.notify_one();
        }
    }

    /// Ends the connection with a number, whose server says that it is the wrong one.
    pub(super) fn leave_wrong_server(&self, number: u64) {
        if self.end_number(number) {
            self.wrong_server.notify_one();
        }
    }

    /// Ends the connection if it has the number.
    fn end_number(&self, number: u64) -> bool {
        let mut state = self.state();
        let is_current = state.current.as_ref().is_some_and(|it| it.number == number);
        if is_current {
            state.current = None;
        }
        is_current
    }

    /// Returns the attempt to connect, which is begun if there is none.
    fn connecting(&self) -> Result<Shared<Connecting>, CommandError> {
        let mut state = self.state();
        if let Some(connecting) = state.connecting.as_ref().and_then(WeakShared::upgrade) {
            return Ok(connecting);
        }
        let last_failure = state.last_failure;
        if last_failure.is_some_and(|at| at.elapsed() < RETRY_DELAY) {
            return Err(CommandError::NotConnected);
        }
        let (client, limit) = (self.client.clone(), self.connect_within);
        let (scripts, keys) = (Arc::clone(&self.scripts), Arc::clone(&self.keys));
        let (shared, shard_note) = (Arc::clone(&self.state), Arc::clone(&self.shard_note));
        let inbox = self.inbox.clone();
        let connecting: Connecting = Box::pin(async move {
            let connected = async {
                let mut connection = connect(&client, &scripts, &keys, limit).await?;
                shard_note.check(&mut connection, &keys, limit).await?;
                Ok(connection)
            };
            let connection = connected.await;
            let mut state = lock(&shared);
            state.connecting = None;
            match connection {
                Ok(connection) => {
                    state.made += 1;
                    if state.made > 1 {
                        // Before anything is answered on it: its server may lack what that of the one
                        // before has answered.
                        inbox.interrupt_first();
                    }
                    let connected = Connected {
                        connection,
                        number: state.made,
                    };
                    state.current = Some(connected.clone());
                    Ok(connected)
                }
                Err(error) => {
                    state.last_failure = Some(Instant::now());
                    Err(error)
                }
            }
        });
        let connecting = connecting.shared();
        state.connecting = connecting.downgrade();
        Ok(connecting)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn connect(
    client: &Client,
    scripts: &Scripts,
    keys: &Keys,
    limit: Duration,
) -> Result<MultiplexedConnection, CommandError> {
    let config = AsyncConnectionConfig::new().set_pipeline_buffer_size(PIPELINE_BUFFER);
    let mut connection = time_limits::connect(client, limit, config).await?;
    hello::check(&mut connection, limit).await?;
    permissions::check_commands(&mut connection, scripts, keys, limit).await?;
    Ok(connection)
}
