//! The connection for commands: the first command that needs it connects again.
//!
//! `redis::aio::ConnectionManager` is not used: it keeps an error of connecting for good unless that
//! is one of input and output, and in tests that cut connections anywhere it sometimes did not
//! connect again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, RedisError, ServerErrorKind, Value};
use tokio::time::Instant;

use crate::log::redis::error::CommandError;
use crate::log::redis::time_limits;

/// How many commands wait in memory to be written before callers wait instead.
const PIPELINE_BUFFER: usize = 1024;

/// How long after a failure no new connection is tried.
const RETRY_DELAY: Duration = Duration::from_millis(20);

pub(super) struct Commands {
    client: Client,
    connect_within: Duration,
    current: Mutex<Current>,
    /// Locked while a caller connects; the time of the last failure.
    connecting: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Current {
    connection: Option<MultiplexedConnection>,
    /// The number of the connection, so that the failure of an older one does not end it.
    number: u64,
}

/// Whether the connection cannot be used again: it is lost, or its server is no longer a primary.
fn is_fatal(error: &RedisError) -> bool {
    error.is_unrecoverable_error() || error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
}

impl Commands {
    pub(super) fn new(client: Client, connect_within: Duration) -> Self {
        Self {
            client,
            connect_within,
            current: Mutex::default(),
            connecting: tokio::sync::Mutex::default(),
        }
    }

    /// Sends a command. The caller must limit how long the answer may take.
    pub(super) async fn send(&self, command: &Cmd) -> Result<Value, CommandError> {
        let (mut connection, number) = match self.connected() {
            Some(connected) => connected,
            None => self.connect().await?,
        };
        let answer = connection.send_packed_command(command).await;
        let answer = answer.and_then(Value::extract_error);
        if answer.as_ref().is_err_and(is_fatal) {
            let mut current = self.current();
            if current.number == number {
                current.connection = None;
            }
        }
        Ok(answer?)
    }

    fn connected(&self) -> Option<(MultiplexedConnection, u64)> {
        let current = self.current();
        Some((current.connection.clone()?, current.number))
    }

    /// Connects, once for all callers that wait.
    pub(super) async fn connect(&self) -> Result<(MultiplexedConnection, u64), CommandError> {
        let mut last_failure = self.connecting.lock().await;
        if let Some(connected) = self.connected() {
            return Ok(connected);
        }
        if last_failure.is_some_and(|at| at.elapsed() < RETRY_DELAY) {
            return Err(CommandError::NotConnected);
        }
        let config = AsyncConnectionConfig::new().set_pipeline_buffer_size(PIPELINE_BUFFER);
        match time_limits::connect(&self.client, self.connect_within, config).await {
            Ok(connection) => {
                let mut current = self.current();
                current.number += 1;
                current.connection = Some(connection.clone());
                Ok((connection, current.number))
            }
            Err(error) => {
                *last_failure = Some(Instant::now());
                Err(error.into())
            }
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
