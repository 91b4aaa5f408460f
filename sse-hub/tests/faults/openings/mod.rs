//! Many different topics that are opened at once: each is opened once, and all are ready soon. What is
//! printed has the time that the hub without an engine takes as well.

#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "redis")]
mod redis;

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use sse_hub::{Hub, Subscription};
use tokio::task::JoinSet;

/// How long a node waits for an answer, which on a busy machine comes only after those to all others.
const PATIENCE: Duration = Duration::from_secs(60);

/// What nodes call, among what servers count: they also count the commands in scripts.
const CALLS: [&str; 5] = ["subscribe", "evalsha", "eval", "xrange", "in_msgs"];

/// How often what was asked for, by what it is called.
type Calls = BTreeMap<String, usize>;

/// A server that counts what it is asked for.
trait Engine: Sized + Sync + 'static {
    /// Starts a server.
    fn start() -> impl Future<Output = Self> + Send;

    /// Connects a node.
    fn connect(&self) -> impl Future<Output = impl sse_hub::Engine> + Send;

    /// Returns how often it was asked for what since it began.
    fn calls(&self) -> impl Future<Output = Calls> + Send;

    /// Returns the name and the version of the server.
    fn version(&self) -> impl Future<Output = String> + Send;
}

/// A node of an engine.
struct Node {
    hub: Hub,
    _driver: JoinSet<()>,
}

impl Node {
    async fn start(server: &impl Engine) -> Self {
        let builder = Hub::builder().max_topics(20_000);
        let (hub, driver) = builder.engine(server.connect().await).build();
        let mut driving = JoinSet::new();
        driving.spawn(driver);
        Self {
            hub,
            _driver: driving,
        }
    }
}

/// Topics by their numbers, each with the last event ID of its subscriber.
fn topics(numbers: Range<usize>) -> Vec<(String, Option<String>)> {
    let topics = numbers.map(|number| format!("user {number}"));
    topics.map(|topic| (topic, None)).collect()
}

/// A topic that was opened.
struct Opened {
    topic: String,
    subscription: Subscription,
    /// What its subscriber got first.
    first: Vec<u8>,
}

impl Opened {
    async fn next(&mut self) -> Vec<u8> {
        let next = self.subscription.next().await.expect("it goes on");
        next.expect("no error").to_vec()
    }
}

/// Opens all topics at once. Each subscriber has got what it gets first when this returns.
async fn open(hub: &Hub, topics: Vec<(String, Option<String>)>) -> Vec<Opened> {
    let count = topics.len();
    let mut opening = JoinSet::new();
    for (topic, id) in topics {
        let hub = hub.clone();
        opening.spawn(async move {
            let subscribe = hub.subscribe([&*topic]).resume(id.as_deref());
            let mut opened = Opened {
                subscription: subscribe.await.expect("a subscription"),
                topic,
                first: Vec::new(),
            };
            opened.first = opened.next().await;
            opened
        });
    }
    let opened = opening.join_all().await;
    assert_eq!(opened.len(), count);
    opened
}

/// How long it takes to open so many topics without an engine.
async fn time_without_engine(count: usize) -> Duration {
    let hub = Hub::builder().max_topics(20_000).build();
    let begun = Instant::now();
    let _opened = open(&hub, topics(0..count)).await;
    begun.elapsed()
}

/// An opening of many topics.
struct Opening<'a> {
    what: &'a str,
    topics: usize,
    took: Duration,
    calls: Calls,
}

impl Opening<'_> {
    /// Prints a row, and asserts that there were at most one and a half calls for each topic.
    async fn check(self, server: &impl Engine) {
        let Self {
            what,
            topics,
            took,
            calls,
        } = self;
        let engine = took.as_secs_f64();
        let ratio = engine / time_without_engine(topics).await.as_secs_f64();
        let version = server.version().await;
        println!("| {version} | {what} | {topics} | {engine:.2} s | {ratio:.1} | {calls:?} |");
        let made = CALLS.iter().filter_map(|name| calls.get(*name));
        let made: usize = made.sum();
        assert!(made * 2 <= topics * 3, "{made} calls");
    }
}

fn difference(calls: &Calls, before: &Calls) -> Calls {
    let before = |name| before.get(name).copied().unwrap_or(0);
    let calls = calls
        .iter()
        .map(|(name, count)| (name.clone(), count - before(name)));
    calls.filter(|(_, count)| *count > 0).collect()
}

async fn are_opened_at_once<E: Engine>(count: usize) {
    let server = E::start().await;
    let node = Node::start(&server).await;
    let before = server.calls().await;
    let begun = Instant::now();
    let opened = open(&node.hub, topics(0..count)).await;
    let took = begun.elapsed();
    let opening = Opening {
        what: "opened at once",
        topics: count,
        took,
        calls: difference(&server.calls().await, &before),
    };
    opening.check(&server).await;
    // They are open indeed.
    let mut last = opened.into_iter().last().expect("one");
    let published = node.hub.publish(&last.topic, "now").await;
    published.expect("published");
    assert!(last.next().await.starts_with(b"data: now\nid: "));
}

async fn a_thousand_topics_are_opened_at_once<E: Engine>() {
    are_opened_at_once::<E>(1_000).await;
}

async fn five_thousand_topics_are_opened_at_once<E: Engine>() {
    are_opened_at_once::<E>(5_000).await;
}

async fn topics_are_opened_while_others_are_closed<E: Engine>() {
    const MANY: usize = 1_000;
    let server = E::start().await;
    let node = Node::start(&server).await;
    let before = server.calls().await;
    let begun = Instant::now();
    let mut closing = open(&node.hub, topics(0..MANY)).await;
    for round in 1..3 {
        let numbers = round * MANY..(round + 1) * MANY;
        let close = async {
            for opened in closing.drain(..) {
                drop(opened);
                tokio::task::yield_now().await;
            }
        };
        let (opened, ()) = tokio::join!(open(&node.hub, topics(numbers)), close);
        closing = opened;
    }
    let took = begun.elapsed();
    let opening = Opening {
        what: "opened while others are closed",
        topics: 3 * MANY,
        took,
        calls: difference(&server.calls().await, &before),
    };
    opening.check(&server).await;
}

async fn a_node_that_restarts_gets_the_subscribers_of_ten_thousand_topics_at_once<E: Engine>() {
    const MANY: usize = 10_000;
    /// One of so many topics has an event that its subscriber misses.
    const MISSES: usize = 100;
    let server = E::start().await;
    let other = Node::start(&server).await;
    let node = Node::start(&server).await;
    let mut ids = Vec::new();
    // In portions, as this is only the beginning.
    for begin in (0..MANY).step_by(MANY / 10) {
        let opened = open(&node.hub, topics(begin..begin + MANY / 10)).await;
        let opened = opened.into_iter();
        ids.extend(opened.map(|opened| (opened.topic, Some(opened.subscription.id()))));
    }
    drop(node);
    let missing: Vec<_> = ids
        .iter()
        .step_by(MISSES)
        .map(|(topic, _)| topic.clone())
        .collect();
    for topic in &missing {
        let published = other.hub.publish(topic, "missed").await;
        published.expect("published");
    }

    let node = Node::start(&server).await;
    let before = server.calls().await;
    let begun = Instant::now();
    let opened = open(&node.hub, ids).await;
    let took = begun.elapsed();
    assert_eq!(node.hub.metrics().topics, MANY);
    let opening = Opening {
        what: "a node restarted",
        topics: MANY,
        took,
        calls: difference(&server.calls().await, &before),
    };
    opening.check(&server).await;
    let opened = opened
        .into_iter()
        .map(|opened| (opened.topic.clone(), opened));
    let mut opened: BTreeMap<_, _> = opened.collect();
    for topic in missing {
        let opened = opened.get_mut(&topic).expect("a subscription");
        assert!(opened.first.starts_with(b"id: "));
        assert!(opened.next().await.starts_with(b"data: missed\nid: "));
    }
}

/// The tests of one engine.
macro_rules! openings {
    ($engine:ty) => {
        crate::openings::openings!($engine:
            a_thousand_topics_are_opened_at_once,
            five_thousand_topics_are_opened_at_once,
            topics_are_opened_while_others_are_closed,
            a_node_that_restarts_gets_the_subscribers_of_ten_thousand_topics_at_once,
        );
    };
    ($engine:ty: $($case:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let case = crate::openings::$case::<$engine>();
                let within = std::time::Duration::from_secs(100);
                tokio::time::timeout(within, case).await.expect("it completes");
            }
        )*
    };
}
use openings;
