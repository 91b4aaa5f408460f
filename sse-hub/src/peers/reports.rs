//! Telling other nodes the members of topics that they watch.

use std::collections::{HashMap, HashSet, VecDeque};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Sleep, sleep};

use crate::log::{Engine, EngineError};
use crate::peers::leases::MAX_UNHEARD;
use crate::peers::shared::{Peers, Untold};
use crate::peers::{message, topic_of_members};
use crate::registry::Registry;
use crate::topic::watching::Here;

/// How long changes are collected, so that many are told together.
const COLLECTED_FOR: Duration = Duration::from_millis(100);

/// How long it takes until members are told again after the engine has failed.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Of how many topics members are told at a time.
const MAX_SENDING: usize = 64;

/// How many topics others may watch. The members of further ones are not told.
const MAX_REPORTS: usize = 64 * 1024;

#[derive(Default)]
pub(super) struct Reports {
    topics: HashMap<Arc<str>, Report>,
    /// The topics of which something is to be told when the timer has elapsed.
    collected: HashSet<Arc<str>>,
    timer: Option<Pin<Box<Sleep>>>,
    /// The topics of which something is to be told now.
    waiting: VecDeque<Arc<str>>,
    sending: FuturesUnordered<BoxFuture<'static, Sent>>,
}

/// What was told of a topic, and whether it was.
type Sent = (Arc<str>, Result<(), EngineError>);

/// A topic that other nodes watch.
#[derive(Debug, Default)]
struct Report {
    /// How often this node has beaten since others have said that they watch it.
    unheard: u32,
    /// Whether others may know of members here.
    has_told: bool,
    is_sending: bool,
}

impl Reports {
    pub(super) fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    /// Notes that another node watches a topic.
    pub(super) fn watch(&mut self, peers: &Peers, topic: &Arc<str>, asks: bool) {
        if let Some(report) = self.topics.get_mut(topic) {
            report.unheard = 0;
            if asks {
                peers.report_all(topic);
            }
        } else if self.topics.len() < MAX_REPORTS {
            self.topics.insert(Arc::clone(topic), Report::default());
            peers.report_all(topic);
        } else {
            tracing::warn!(
                limit = MAX_REPORTS,
                "more topics are watched than members can be told of"
            );
        }
    }

    /// Has all members told again, as others may have forgotten them.
    pub(super) fn tell_all(&self, peers: &Peers) {
        for topic in self.topics.keys() {
            peers.report_all(topic);
        }
    }

    /// Notes that a beat of this node has come back: what no other node has said to watch since several of these
    /// is not watched.
    pub(super) fn note_own_beat(&mut self, peers: &Peers) {
        self.topics.retain(|topic, report| {
            report.unheard += 1;
            let is_watched = report.unheard < MAX_UNHEARD;
            if !is_watched {
                peers.end_report(topic);
            }
            is_watched
        });
    }

    pub(super) fn poll(
        &mut self,
        peers: &Peers,
        registry: &Registry,
        engine: &Arc<dyn Engine>,
        cx: &mut Context<'_>,
    ) {
        loop {
            self.collect(peers.take_reports(), COLLECTED_FOR);
            if let Some(timer) = &mut self.timer
                && timer.as_mut().poll(cx).is_ready()
            {
                self.timer = None;
                self.waiting.extend(mem::take(&mut self.collected));
            }
            while self.sending.len() < MAX_SENDING
                && let Some(topic) = self.waiting.pop_front()
            {
                self.send(peers, registry, engine, topic);
            }
            match self.sending.poll_next_unpin(cx) {
                Poll::Ready(Some((topic, sent))) => self.note_sent(peers, &topic, sent),
                // A new timer was not polled yet.
                _ if self.timer.is_none() => return,
                _ => {
                    if let Some(timer) = &mut self.timer
                        && timer.as_mut().poll(cx).is_pending()
                    {
                        return;
                    }
                }
            }
        }
    }

    fn collect(&mut self, topics: Vec<Arc<str>>, delay: Duration) {
        if topics.is_empty() {
            return;
        }
        self.collected.extend(topics);
        if self.timer.is_none() {
            self.timer = Some(Box::pin(sleep(delay)));
        }
    }

    /// Begins to tell what is to be told of a topic.
    fn send(
        &mut self,
        peers: &Peers,
        registry: &Registry,
        engine: &Arc<dyn Engine>,
        topic: Arc<str>,
    ) {
        let Some(report) = self.topics.get_mut(&topic) else {
            return;
        };
        if report.is_sending {
            // In order: when the present message is there.
            self.collected.insert(topic);
            return;
        }
        let untold = peers.take_untold(&topic);
        let is_list = untold == Untold::All;
        let names = match &untold {
            Untold::Nothing => return,
            Untold::Names(names) => Some(names),
            Untold::All => None,
        };
        let here = match registry.get(&topic) {
            Some(topic) => topic.members_here(names.map(|names| names.iter())),
            None => Here {
                subscribers: 0,
                names: match untold {
                    Untold::Names(names) => names.into_iter().map(|name| (name, 0)).collect(),
                    Untold::Nothing | Untold::All => Vec::new(),
                },
            },
        };
        if here.subscribers == 0 && !report.has_told {
            return;
        }
        // Whether or not it succeeds, it may be heard.
        report.has_told = true;
        report.is_sending = true;
        let messages = message::members(peers.node(), is_list, &here);
        let engine = Arc::clone(engine);
        self.sending.push(Box::pin(async move {
            let sent = send(&*engine, &topic_of_members(&topic), &messages).await;
            (topic, sent)
        }));
    }

    fn note_sent(&mut self, peers: &Peers, topic: &Arc<str>, sent: Result<(), EngineError>) {
        let Some(report) = self.topics.get_mut(topic) else {
            return;
        };
        report.is_sending = false;
        if let Err(error) = sent {
            tracing::debug!(
                topic = &**topic,
                error = &error as &dyn std::error::Error,
                "members cannot be told to other nodes, retrying"
            );
            peers.report_all(topic);
            self.collect(peers.take_reports(), RETRY_DELAY);
        } else if self.collected.contains(topic) && self.timer.is_none() {
            self.timer = Some(Box::pin(sleep(COLLECTED_FOR)));
        }
    }
}

/// Sends messages one after the other, as their order counts.
async fn send(engine: &dyn Engine, topic: &str, messages: &[Vec<u8>]) -> Result<(), EngineError> {
    for message in messages {
        engine.append(topic, message, None).await?;
    }
    Ok(())
}
