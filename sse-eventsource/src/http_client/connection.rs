//! A connection that makes progress in a task of the user's.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use super::driver::Driver;

/// A connection, to be run in a task: see [`HttpClient::spawn_with`](super::HttpClient::spawn_with).
///
/// It is ready when the connection has ended or its response was dropped. Dropping it closes the
/// connection.
#[must_use = "a connection makes no progress unless it is polled"]
pub struct Connection {
    driver: Driver,
    /// Fails when the response is dropped.
    response: oneshot::Receiver<()>,
}

/// Ends the connection when it is dropped, with the response.
#[derive(Debug)]
pub(super) struct Lease(#[allow(dead_code, reason = "only dropped")] oneshot::Sender<()>);

impl Connection {
    pub(super) fn new(driver: Driver) -> (Self, Lease) {
        let (lease, response) = oneshot::channel();
        (Self { driver, response }, Lease(lease))
    }
}

impl Future for Connection {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.driver.has_ended() || Pin::new(&mut self.response).poll(cx).is_ready() {
            self.driver.close();
            return Poll::Ready(());
        }
        self.driver.poll(cx);
        match self.driver.has_ended() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// Starts a task for a connection.
#[derive(Clone)]
pub(super) struct Spawn(Arc<dyn Fn(Connection) + Send + Sync>);

impl Spawn {
    pub(super) fn new(spawn: impl Fn(Connection) + Send + Sync + 'static) -> Self {
        Self(Arc::new(spawn))
    }

    pub(super) fn start(&self, driver: Driver) -> Lease {
        let (connection, lease) = Connection::new(driver);
        (self.0)(connection);
        lease
    }
}

impl fmt::Debug for Spawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spawn")
    }
}
