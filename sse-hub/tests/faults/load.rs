//! Publishers that never stop and retry, and subscribers that stay or hop from node to node.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use sse_hub::{Hub, Subscription};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::check::{Checker, Source, Tally};
use sse_hub_testing::client::{Client, Received};
use sse_hub_testing::reader::{Event, Reader};

pub(crate) const TOPICS: [&str; 3] = ["a", "b", "c"];

/// How many publishers each node has.
const PUBLISHERS: usize = 2;

/// How long a publisher rests between two events.
const REST: Duration = Duration::from_millis(3);

/// A node as subscribers see it.
#[derive(Clone)]
pub(crate) enum Node {
    /// One in this process.
    Hub(Hub),
    /// One that is another process; it may be gone, or come again elsewhere.
    Process(Arc<Mutex<Option<SocketAddr>>>),
}

/// The load: what publishes and subscribes until it is [over](Self::finish).
pub(crate) struct Load {
    publishing: Vec<Hub>,
    publishers: JoinSet<HashMap<Source, usize>>,
    subscribers: JoinSet<(Checker, HashMap<String, usize>)>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    published: AtomicUsize,
    failed: AtomicUsize,
    received: AtomicUsize,
}

impl Load {
    /// Begins: on each node some publish, some subscribers stay, and some hop around. All that
    /// follows the id `begin` is checked.
    pub(crate) async fn begin(publishing: Vec<Hub>, nodes: Vec<Node>, begin: &str) -> Self {
        let shared = Arc::new(Shared::default());
        let mut subscribers = JoinSet::new();
        for home in 0..nodes.len() {
            for hops in [false, true] {
                let subscriber = Subscriber {
                    nodes: nodes.clone(),
                    home,
                    hops,
                    id: begin.to_owned(),
                    shared: Arc::clone(&shared),
                };
                subscribers.spawn(subscriber.run());
            }
        }
        let mut publishers = JoinSet::new();
        for number in 0..publishing.len() * PUBLISHERS {
            let hub = publishing[number / PUBLISHERS].clone();
            let shared = Arc::clone(&shared);
            publishers.spawn(async move {
                let stop = || shared.stop.load(Ordering::Relaxed);
                publish(&hub, number, stop, &shared.published, &shared.failed).await
            });
        }
        let load = Self {
            publishing,
            publishers,
            subscribers,
            shared,
        };
        load.flows().await;
        load
    }

    /// Waits until much more has been published, and received.
    pub(crate) async fn flows(&self) {
        self.count_up(&self.shared.published, 300).await;
        self.count_up(&self.shared.received, 300).await;
    }

    async fn count_up(&self, count: &AtomicUsize, by: usize) {
        let enough = count.load(Ordering::Relaxed) + by;
        let deadline = Instant::now() + Duration::from_secs(40);
        while count.load(Ordering::Relaxed) < enough {
            assert!(Instant::now() < deadline, "the load does not flow");
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// How often publishing has failed.
    pub(crate) fn failures(&self) -> usize {
        self.shared.failed.load(Ordering::Relaxed)
    }

    /// Ends it in order, and returns what the subscribers have found.
    pub(crate) async fn finish(mut self) -> Tally {
        self.flows().await;
        self.shared.stop.store(true, Ordering::Relaxed);
        let mut published = HashMap::new();
        while let Some(counts) = self.publishers.join_next().await {
            published.extend(counts.expect("published"));
        }
        let mut tally = Tally::default();
        let deadline = Instant::now() + Duration::from_secs(40);
        while !self.subscribers.is_empty() {
            assert!(Instant::now() < deadline, "subscribers wait for the end");
            // Again and again, as it may fall into a gap.
            for topic in TOPICS {
                let event = format!("{topic} end");
                let _ = self.publishing[0].publish(topic, event).await;
            }
            let second = Duration::from_millis(500);
            while let Ok(Some(done)) = timeout(second, self.subscribers.join_next()).await {
                let (checker, gaps) = done.expect("a subscriber's findings");
                tally += checker.finish(&published, &gaps);
            }
        }
        tally
    }
}

/// Publishes numbered events, each until it is published; with its key, it is published once.
pub(crate) async fn publish(
    hub: &Hub,
    publisher: usize,
    stop: impl Fn() -> bool,
    published: &AtomicUsize,
    failed: &AtomicUsize,
) -> HashMap<Source, usize> {
    let mut counts = HashMap::new();
    for topic in TOPICS.iter().cycle() {
        if stop() {
            break;
        }
        let number = counts.entry(((*topic).to_owned(), publisher)).or_insert(0);
        let event = format!("{topic} {publisher} {number}");
        while hub.publish(topic, &*event).key(&event).await.is_err() {
            failed.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(20)).await;
        }
        *number += 1;
        published.fetch_add(1, Ordering::Relaxed);
        sleep(REST).await;
    }
    counts
}

struct Subscriber {
    nodes: Vec<Node>,
    home: usize,
    hops: bool,
    id: String,
    shared: Arc<Shared>,
}

impl Subscriber {
    /// Reads until all topics have ended.
    async fn run(mut self) -> (Checker, HashMap<String, usize>) {
        let mut checker = Checker::default();
        let mut gaps = HashMap::new();
        loop {
            let Some(mut stream) = Stream::open(&self.nodes[self.home], &self.id).await else {
                // Down, or refused.
                sleep(Duration::from_millis(10)).await;
                self.hop();
                continue;
            };
            let mut until_hop = if self.hops {
                fastrand::usize(20..200)
            } else {
                usize::MAX
            };
            while until_hop > 0
                && let Some(events) = stream.next().await
            {
                for event in events {
                    checker.see(&event, &mut gaps);
                    self.id = event.id;
                    self.shared.received.fetch_add(1, Ordering::Relaxed);
                    until_hop = until_hop.saturating_sub(1);
                    if until_hop == 0 {
                        break;
                    }
                }
                if checker.ended.len() == TOPICS.len() {
                    return (checker, gaps);
                }
            }
            self.hop();
        }
    }

    fn hop(&mut self) {
        let is_process = matches!(self.nodes[self.home], Node::Process(_));
        if self.hops || is_process {
            self.home = fastrand::usize(0..self.nodes.len());
        }
    }
}

/// What a subscriber reads from.
enum Stream {
    Hub(Box<Subscription>, Reader),
    Process(Box<Client>),
}

impl Stream {
    async fn open(node: &Node, id: &str) -> Option<Self> {
        match node {
            Node::Hub(hub) => {
                let subscription = hub.subscribe(TOPICS).resume(Some(id)).await.ok()?;
                Some(Self::Hub(Box::new(subscription), Reader::after(Some(id))))
            }
            Node::Process(address) => {
                let address = (*address.lock().expect("not poisoned"))?;
                let client = Client::connect(address, "/", Some(id)).await.ok()?;
                Some(Self::Process(Box::new(client)))
            }
        }
    }

    async fn next(&mut self) -> Option<Vec<Event>> {
        match self {
            Self::Hub(subscription, reader) => {
                let piece = subscription.next().await?.ok()?;
                Some(reader.feed(&piece))
            }
            Self::Process(client) => match client.read().await {
                Received::Events(events) => Some(events),
                Received::End | Received::Cut => None,
            },
        }
    }
}
