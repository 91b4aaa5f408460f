//! Asking an engine until it answers.
//!
//! A stream stays open while the engine is down, and continues when it is back.

use std::sync::Arc;
use std::time::Duration;

use crate::log::answered::Answered;
use crate::log::catch_up;
use crate::log::{Engine, EngineError, Page};
use crate::position::Position;
use crate::topic::Topic;

const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);

/// The delays between attempts: each is twice as long as the one before, up to two seconds.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// Whether no attempt has failed before.
    pub(crate) fn is_first(&self) -> bool {
        self.attempts == 0
    }

    /// Waits. The delay is drawn from its upper half, so that not all retry in the same moment.
    pub(crate) async fn wait(&mut self) {
        let doubled = SHORTEST.saturating_mul(1 << self.attempts.min(6));
        self.attempts = self.attempts.saturating_add(1);
        let delay = doubled.min(LONGEST);
        tokio::time::sleep(delay.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
    }
}

/// Brings the window of a topic up to a position, as often as it takes.
pub(crate) async fn catch_up_until(
    engine: &dyn Engine,
    topic: &Topic,
    answered: &Answered,
    until: Position,
) {
    let mut backoff = Backoff::default();
    while let Err(error) = catch_up::catch_up_until(engine, topic, answered, Some(until)).await {
        log_retry(topic.name(), &error);
        backoff.wait().await;
    }
}

/// Reads what follows a position, as often as it takes.
pub(crate) async fn read(engine: Arc<dyn Engine>, topic: Arc<str>, after: Position) -> Page {
    let mut backoff = Backoff::default();
    loop {
        let page = engine.read(&topic, after).await;
        match page.and_then(|page| page.check(after)) {
            Ok(page) => return page,
            Err(error) => log_retry(&topic, &error),
        }
        backoff.wait().await;
    }
}

fn log_retry(topic: &str, error: &EngineError) {
    tracing::debug!(
        topic,
        error = error as &dyn std::error::Error,
        "engine cannot be read, retrying"
    );
}
