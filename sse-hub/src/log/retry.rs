//! Reading what a topic's window does not hold, for as long as an engine takes to answer.
//!
//! A stream that is open stays open while the engine is down, and goes on when it is back.

use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;

use crate::log::{Log, LogError, Page};
use crate::position::Position;

const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);

/// The pauses between attempts, each twice as long as the one before, up to two seconds.
#[derive(Debug, Default)]
pub(crate) struct Pause(u32);

impl Pause {
    pub(crate) const fn is_first(&self) -> bool {
        self.0 == 0
    }

    /// Waits, for a time drawn from the upper half, so that not all try again in the same moment.
    pub(crate) async fn wait(&mut self) {
        let longest = SHORTEST.saturating_mul(1 << self.0.min(6)).min(LONGEST);
        self.0 = self.0.saturating_add(1);
        tokio::time::sleep(longest.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
    }
}

/// What follows a position, of which `first` is the answer unless the engine fails: it is asked
/// again then, until it answers.
pub(crate) async fn read(
    log: Arc<dyn Log>,
    topic: Arc<str>,
    after: Position,
    first: BoxFuture<'static, Result<Page, LogError>>,
) -> Result<Page, LogError> {
    let mut page = first.await;
    let mut pause = Pause::default();
    while let Err(LogError::Engine(error)) = page {
        tracing::debug!(topic = &*topic, error = &*error, "reading again");
        pause.wait().await;
        page = log.read(&topic, after).await;
    }
    page
}
