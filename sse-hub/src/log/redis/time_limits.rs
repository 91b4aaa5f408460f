//! The time limits of connections, instead of those of the crate `redis`: these do not look at the socket
//! again before they end a connection.

use std::future::Future;
use std::io;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError};
use sse_session::second_look::within;

/// Makes a connection that has no time limits of its own: what it answers has to be [`answered`] in time.
pub(super) async fn connect(
    client: &Client,
    limit: Duration,
    config: AsyncConnectionConfig,
) -> Result<MultiplexedConnection, RedisError> {
    let config = config
        .set_connection_timeout(None)
        .set_response_timeout(None);
    let connecting = client.get_multiplexed_async_connection_with_config(&config);
    answered(limit, connecting).await
}

/// Waits for an answer of the connection, which fails in time.
pub(super) async fn answered<T>(
    limit: Duration,
    request: impl Future<Output = Result<T, RedisError>>,
) -> Result<T, RedisError> {
    let timed_out = || Err(io::Error::from(io::ErrorKind::TimedOut).into());
    within(limit, request).await.unwrap_or_else(timed_out)
}
