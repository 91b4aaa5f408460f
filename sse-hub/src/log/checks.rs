//! Checking after an interruption that the engine still has what was published here.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use crate::log::Engine;
use crate::log::answered::Answer;
use crate::log::catch_up::mark_if_lost;
use crate::log::retry::Backoff;
use crate::position::Position;
use crate::registry::Registry;

/// How often a topic is checked that cannot be read. After that, the next interruption is waited for:
/// an engine that was down ends with one.
const ATTEMPTS: usize = 8;

/// The positions to check.
#[derive(Default)]
pub(crate) struct Checks {
    running: FuturesUnordered<BoxFuture<'static, ()>>,
    waiting: VecDeque<Answer>,
    /// Those that wait: each interruption adds all positions again.
    queued: HashSet<(Arc<str>, Position)>,
}

impl Checks {
    /// Adds a position, unless it waits already.
    pub(crate) fn add(&mut self, answer: Answer) {
        if self.queued.insert(key(&answer)) {
            self.waiting.push_back(answer);
        }
    }

    /// Polls the checks, and begins further ones as long as fewer than `limit` run.
    pub(crate) fn poll(
        &mut self,
        registry: &Arc<Registry>,
        engine: &Arc<dyn Engine>,
        limit: usize,
        cx: &mut Context<'_>,
    ) {
        loop {
            while self.running.len() < limit
                && let Some(answer) = self.waiting.pop_front()
            {
                self.queued.remove(&key(&answer));
                let check = check(Arc::clone(registry), Arc::clone(engine), answer);
                self.running.push(Box::pin(check));
            }
            let Poll::Ready(Some(())) = self.running.poll_next_unpin(cx) else {
                return;
            };
        }
    }
}

fn key(answer: &Answer) -> (Arc<str>, Position) {
    (Arc::clone(&answer.topic), answer.position)
}

async fn check(registry: Arc<Registry>, engine: Arc<dyn Engine>, answer: Answer) {
    let name = &answer.topic;
    let mut backoff = Backoff::default();
    for _ in 0..ATTEMPTS {
        match mark_if_lost(&*engine, name, answer.position, registry.answered()).await {
            Ok(()) => return,
            Err(error) if backoff.is_first() => tracing::warn!(
                topic = &**name,
                error = &error as &dyn std::error::Error,
                "what was published cannot be checked until the engine can be read"
            ),
            Err(_) => {}
        }
        backoff.wait().await;
    }
    // A later answer may have taken its place, so it is kept for the next interruption.
    registry.answered().begin_mark(name, answer.position);
}
