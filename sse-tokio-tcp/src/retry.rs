//! When to accept again after a failure.

use std::error::Error;
use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The pause after a failed accept, most often because there are no file descriptors left.
const DELAY: Duration = Duration::from_millis(250);

/// How many errors in a row may be about single connections. More are taken for errors of the
/// listener, which would otherwise fail again and again without a pause.
const MAX_IN_A_ROW: u32 = 16;

/// What is known of the failures since the last connection was accepted.
#[derive(Debug, Default)]
pub(crate) struct Retry {
    failures: u32,
    /// When to try again, unless at once.
    pause: Option<Instant>,
}

impl Retry {
    /// Waits for the end of the pause, if there is one, and then for `accept`.
    pub(crate) async fn then<T>(
        &mut self,
        accept: impl Future<Output = io::Result<T>>,
    ) -> io::Result<T> {
        if let Some(end) = self.pause {
            sleep_until(end).await;
        }
        let accepted = accept.await?;
        *self = Self::default();
        Ok(accepted)
    }

    /// Logs a failure, after which the next attempt is at once if it is about a single connection.
    pub(crate) fn failed(&mut self, error: &io::Error) {
        self.failures = self.failures.saturating_add(1);
        let may_be_listener = !is_about_connection(error) || self.failures > MAX_IN_A_ROW;
        let error = error as &dyn Error;
        if may_be_listener {
            tracing::error!(error, "cannot accept connections");
            self.pause = Some(Instant::now() + DELAY);
        } else {
            tracing::debug!(error, "a connection ended before it was accepted");
            self.pause = None;
        }
    }
}

/// Whether an error is about one connection, which ended before it was accepted, or on which an error
/// of the network is pending, as accept(2) of Linux returns them.
fn is_about_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, Interrupted,
        NetworkDown, NetworkUnreachable, TimedOut,
    };
    matches!(
        error.kind(),
        ConnectionAborted
            | ConnectionRefused
            | ConnectionReset
            | HostUnreachable
            | Interrupted
            | NetworkDown
            | NetworkUnreachable
            | TimedOut
    )
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use io::ErrorKind;

    use super::*;

    /// Returns how long the next attempt waits after each of these failures.
    async fn pauses(failures: impl IntoIterator<Item = ErrorKind>) -> Vec<Duration> {
        let mut retry = Retry::default();
        let mut pauses = Vec::new();
        for kind in failures {
            retry.failed(&kind.into());
            let begun = Instant::now();
            let failed = retry.then::<()>(ready(Err(kind.into()))).await;
            assert_eq!(failed.map_err(|error| error.kind()), Err(kind));
            pauses.push(begun.elapsed());
        }
        pauses
    }

    #[tokio::test(start_paused = true)]
    async fn after_an_error_of_the_listener_there_is_a_pause() {
        for kind in [
            ErrorKind::Other,
            ErrorKind::OutOfMemory,
            ErrorKind::UnexpectedEof,
        ] {
            assert_eq!(pauses([kind]).await, [DELAY]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_an_error_of_a_connection_there_is_none_unless_there_are_many_in_a_row() {
        let many = MAX_IN_A_ROW as usize;
        let pauses = pauses([ErrorKind::ConnectionReset; 20]).await;
        assert_eq!(pauses[..many], [Duration::ZERO; MAX_IN_A_ROW as usize]);
        assert_eq!(pauses[many..], [DELAY; 4]);

        let mut retry = Retry::default();
        for _ in 0..3 * many {
            retry.failed(&ErrorKind::ConnectionReset.into());
            let begun = Instant::now();
            retry.then(ready(Ok(()))).await.expect("accepted");
            assert_eq!(begun.elapsed(), Duration::ZERO, "none in a row");
        }
    }
}
