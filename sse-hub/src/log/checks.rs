//! Checking after an interruption that the engine still has what was published to topics that are not in
//! use here.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use crate::log::Engine;
use crate::log::catch_up::{catch_up, check_answered};
use crate::log::retry::Backoff;
use crate::registry::Registry;
use crate::topic_guard::TopicGuard;

/// How often a topic is checked that cannot be read. After that, the next interruption is waited for:
/// an engine that was down ends with one.
const ATTEMPTS: usize = 8;

/// The topics to check.
#[derive(Default)]
pub(crate) struct Checks {
    running: FuturesUnordered<BoxFuture<'static, ()>>,
    waiting: VecDeque<Arc<str>>,
}

impl Checks {
    pub(crate) fn add(&mut self, topic: Arc<str>) {
        self.waiting.push_back(topic);
    }

    /// Forgets the topics that wait: all of them are about to be added.
    pub(crate) fn begin_anew(&mut self) {
        self.waiting.clear();
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
                && let Some(topic) = self.waiting.pop_front()
            {
                let check = check(Arc::clone(registry), Arc::clone(engine), topic);
                self.running.push(Box::pin(check));
            }
            let Poll::Ready(Some(())) = self.running.poll_next_unpin(cx) else {
                return;
            };
        }
    }
}

async fn check(registry: Arc<Registry>, engine: Arc<dyn Engine>, name: Arc<str>) {
    let answered = registry.answered();
    let mut backoff = Backoff::default();
    for _ in 0..ATTEMPTS {
        // It may have come into use meanwhile.
        let topic = registry.get(&name);
        let checked = match topic.and_then(|topic| TopicGuard::pin(&registry, topic)) {
            Some(topic) => catch_up(&*engine, &topic, answered).await,
            None => check_answered(&*engine, &name, answered).await,
        };
        match checked {
            Ok(()) => return,
            Err(error) if backoff.is_first() => tracing::warn!(
                topic = &*name,
                error = &error as &dyn std::error::Error,
                "what was published cannot be checked until the engine can be read"
            ),
            Err(_) => {}
        }
        backoff.wait().await;
    }
}
