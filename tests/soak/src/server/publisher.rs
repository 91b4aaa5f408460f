//! Publishing the events of all topics, numbered.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sse_hub::{Event, Hub, SubscribeError, Subscription, TopicOptions};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::counts::Counts;
use crate::topics::{self, Kind};

/// How often an event is published that an engine does not answer to.
const TRIES: u32 = 10;

/// The number of the last event of each topic.
pub(crate) type Numbers = Arc<HashMap<String, AtomicU64>>;

/// Returns the numbers of the topics before their first events.
pub(crate) fn numbers() -> Numbers {
    Arc::new(
        topics::all()
            .map(|topic| (topic, AtomicU64::new(0)))
            .collect(),
    )
}

/// Returns the options of a topic. `numbers` are what snapshots are made of, if there are any.
pub(crate) fn options(topic: &str, numbers: Option<&Numbers>) -> TopicOptions {
    let kind = Kind::of(topic).unwrap_or(Kind::Calm);
    let options = TopicOptions::new().retention(kind.retention());
    match numbers {
        Some(numbers) if kind == Kind::State => {
            let (numbers, topic) = (Arc::clone(numbers), topic.to_owned());
            options.snapshot(move || {
                let number = numbers.get(&topic);
                let number = number.map_or(0, |number| number.load(Ordering::Relaxed));
                Event::new()
                    .event("state")
                    .data(topics::data(&topic, number, 0))
            })
        }
        _ => options,
    }
}

/// Publishes the events of some topics, each topic in order.
pub(crate) struct Publisher {
    hub: Hub,
    counts: Arc<Counts>,
    numbers: Numbers,
    topics: Vec<Arc<Topic>>,
    pace: u32,
    /// To all topics, if there are any.
    subscriptions: Vec<Subscription>,
    stop: watch::Sender<()>,
    running: JoinSet<()>,
}

struct Topic {
    name: String,
    kind: Kind,
    numbers: Numbers,
    /// Whether events are published together with the state of the snapshot.
    is_local: bool,
}

impl Publisher {
    /// Publishes those topics of which `is_ours` is true, as many times as fast as `pace` says.
    pub(crate) fn new(
        hub: Hub,
        counts: Arc<Counts>,
        numbers: &Numbers,
        is_local: bool,
        is_ours: impl Fn(usize) -> bool,
        pace: u32,
    ) -> Self {
        let ours = topics::all()
            .enumerate()
            .filter(|(index, _)| is_ours(*index));
        let topic = |(_, name): (usize, String)| {
            Arc::new(Topic {
                kind: Kind::of(&name).unwrap_or(Kind::Calm),
                name,
                numbers: Arc::clone(numbers),
                is_local,
            })
        };
        Self {
            numbers: Arc::clone(numbers),
            topics: ours.map(topic).collect(),
            hub,
            counts,
            pace,
            subscriptions: Vec::new(),
            stop: watch::channel(()).0,
            running: JoinSet::new(),
        }
    }

    /// Publishes twice as many events of each topic as are kept, so that each takes as much memory as it
    /// may. All topics are subscribed to from then on, as a hub on an engine holds nothing of those that are not.
    pub(crate) async fn fill(&mut self) -> Result<(), SubscribeError> {
        if self.subscriptions.is_empty() {
            for topic in self.numbers.keys() {
                self.subscriptions.push(self.hub.subscribe(topic).await?);
            }
        }
        let mut filling = JoinSet::new();
        for topic in &self.topics {
            let topic = Arc::clone(topic);
            let (hub, counts) = (self.hub.clone(), Arc::clone(&self.counts));
            filling.spawn(async move {
                for _ in 0..2 * topic.kind.kept() {
                    topic.publish(&hub, &counts).await;
                }
            });
        }
        filling.join_all().await;
        Ok(())
    }

    pub(crate) fn unsubscribe(&mut self) {
        self.subscriptions = Vec::new();
    }

    /// Publishes one event of each topic.
    pub(crate) async fn publish_last(&self) {
        for topic in &self.topics {
            topic.publish(&self.hub, &self.counts).await;
        }
    }

    /// Begins to publish the events of each topic in its period.
    pub(crate) fn begin(&mut self) {
        for topic in &self.topics {
            let topic = Arc::clone(topic);
            let (hub, counts) = (self.hub.clone(), Arc::clone(&self.counts));
            let period = topic.kind.period() / self.pace;
            let mut stop = self.stop.subscribe();
            self.running.spawn(async move {
                // The topics do not publish all in the same moment.
                let first = Instant::now() + period.mul_f64(fastrand::f64());
                let mut ticks = interval_at(first, period);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                loop {
                    tokio::select! {
                        _ = stop.changed() => return,
                        _ = ticks.tick() => topic.publish(&hub, &counts).await,
                    }
                }
            });
        }
    }

    /// Ends that, each topic between two events.
    pub(crate) async fn stop(&mut self) {
        self.stop.send_replace(());
        while self.running.join_next().await.is_some() {}
    }

    /// Returns the number of the last event of each topic.
    pub(crate) fn last(&self) -> BTreeMap<String, u64> {
        let last = |topic: &Arc<Topic>| (topic.name.clone(), topic.last());
        self.topics.iter().map(last).collect()
    }
}

impl Topic {
    /// Publishes the next event.
    async fn publish(&self, hub: &Hub, counts: &Counts) {
        let data = |number| topics::data(&self.name, number, self.kind.padding());
        let published = if self.is_local && self.kind == Kind::State {
            hub.publish_with(&self.name, || data(self.advance()))
        } else if self.is_local {
            hub.publish(&self.name, data(self.advance())).await
        } else {
            let number = self.advance();
            let (data, key) = (data(number), number.to_string());
            let mut tries = 0;
            // An engine may answer late on a slow machine. By its key, the event is published once.
            loop {
                let published = hub.publish(&self.name, &*data).key(&key).await;
                tries += 1;
                if published.is_ok() || tries == TRIES {
                    break published;
                }
            }
        };
        if let Err(error) = published {
            eprintln!("not published: {error:?}");
            counts.not_published();
        }
    }

    fn advance(&self) -> u64 {
        let number = self.numbers.get(&self.name);
        number.map_or(0, |number| number.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn last(&self) -> u64 {
        let number = self.numbers.get(&self.name);
        number.map_or(0, |number| number.load(Ordering::Relaxed))
    }
}
