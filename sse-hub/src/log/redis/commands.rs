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
    state: Arc<Mutex<State>>,
    wrong_server: Notify,
    inbox: Inbox,
}

/// What a command was answered, and the number of the connection that did.
pub(super) struct Answer {
    pub(super) value: Value,
    pub(super) connection: u64,
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

#[derive(Clone)]
struct Connected {
    connection: MultiplexedConnection,
    /// The number of the connection, so that the failure of an older one does not end it.
    number: u64,
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
            state: Arc::default(),
            wrong_server: Notify::new(),
            inbox,
        }
    }

    /// Sends a command. The caller must limit how long the answer may take.
    pub(super) async fn send(&self, command: &Cmd) -> Result<Answer, CommandError> {
        self.send_on(command, None).await
    }

    /// Calls a script. If the server does not know it, it is sent with the call, so that it cannot be
    /// forgotten in between.
    pub(super) async fn run(&self, script: &Script, call: &Call) -> Result<Answer, CommandError> {
        self.run_on(script, call, None).await
    }

    /// As [`run`](Self::run); fails if the connection has another number than the given one.
    pub(super) async fn run_on(
        &self,
        script: &Script,
        call: &Call,
        only: Option<u64>,
    ) -> Result<Answer, CommandError> {
        match self.send_on(call.by_hash(), only).await {
            Err(CommandError::Redis(error)) if is_unknown(&error) => {
                self.send_on(&script.with_code(call), only).await
            }
            answer => answer,
        }
    }

    async fn send_on(&self, command: &Cmd, only: Option<u64>) -> Result<Answer, CommandError> {
        let current = self.state().current.clone();
        let Connected {
            mut connection,
            number,
        } = match current {
            Some(connected) => connected,
            None => self.connecting()?.await?,
        };
        if only.is_some_and(|only| only != number) {
            return Err(CommandError::NotConnected);
        }
        let answer = connection.send_packed_command(command).await;
        let answer = answer.and_then(Value::extract_error);
        if let Err(error) = &answer {
            self.note_failure(error, number);
        }
        Ok(Answer {
            value: answer?,
            connection: number,
        })
    }

    pub(super) fn is_connected(&self) -> bool {
        self.state().current.is_some()
    }

    /// Returns the number of the connection, or of the next one if there is none.
    pub(super) fn connection(&self) -> u64 {
        let state = self.state();
        state
            .current
            .as_ref()
            .map_or(state.made + 1, |it| it.number)
    }

    /// Connects if there is no connection.
    pub(super) async fn connect(&self) -> Result<(), CommandError> {
        if self.state().current.is_none() {
            self.connecting()?.await?;
        }
        Ok(())
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
        let shared = Arc::clone(&self.state);
        let inbox = self.inbox.clone();
        let connecting: Connecting = Box::pin(async move {
            let connection = connect(&client, &scripts, &keys, limit).await;
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
