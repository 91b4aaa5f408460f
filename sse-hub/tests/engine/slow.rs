//! Subscribers that are slower than the engine keeps what is published.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::{FutureExt as _, StreamExt as _};
use sse_hub::{Event, Hub, SlowConsumer, Subscription, TopicOptions};
use sse_hub_testing::engine::MemoryEngine;
use sse_hub_testing::reader::Reader;
use tokio::task::yield_now;

use crate::{until_published, within_bounds};

/// The first seeds. `SSE_HUB_SEED` sets another first one, `SSE_HUB_CASES` how many.
const CASES: u64 = 30;
const STEPS: usize = 150;

/// What a client was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Event(u64),
    /// A gap of a slow reader, and how many events it says are missing.
    Slow(Option<u64>),
    /// Another gap.
    Gap,
}

fn items(reader: &mut Reader, piece: &[u8]) -> Vec<Item> {
    let events = reader.feed(piece).into_iter();
    let item = |event: sse_hub_testing::reader::Event| match &*event.name {
        "gap" if event.gaps() == [("a".to_owned(), "slow".to_owned())] => {
            Item::Slow(event.missed())
        }
        "gap" => Item::Gap,
        _ => Item::Event(event.data.parse().expect("a number")),
    };
    events.map(item).collect()
}

async fn publish(node: &Hub, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let published = node.publish("a", number.to_string()).await;
        published.expect("published");
    }
}

async fn next(subscription: &mut Subscription, reader: &mut Reader) -> Vec<Item> {
    let piece = subscription.next().await.expect("a piece");
    items(reader, &piece.expect("no error"))
}

/// A subscription on a node that keeps so many events, when it has published twenty, of which the engine
/// keeps as many.
async fn behind(
    engine: &Arc<MemoryEngine>,
    [node_keeps, engine_keeps]: [usize; 2],
) -> (Hub, Subscription, Reader) {
    let node = engine.node_that_keeps(node_keeps);
    let mut subscription = node.subscribe("a").await.expect("a subscription");
    let mut reader = Reader::default();
    assert_eq!(next(&mut subscription, &mut reader).await, []);
    tokio::spawn(engine.take_driver());
    publish(&node, 0..20).await;
    until_published(&node, 20).await;
    engine.trim("a", engine_keeps);
    (node, subscription, reader)
}

#[tokio::test]
async fn a_slow_subscriber_goes_on_with_the_oldest_event_in_the_window_or_the_engine() {
    for (keeps, missed, first) in [
        // All in the window; all in the engine; one page, two, and no longer known how many.
        ([8, 5], Some(12), 12),
        ([5, 5], Some(15), 15),
        ([1, 5], Some(15), 15),
        ([5, 9], Some(11), 11),
        ([5, 12], Some(8), 8),
        ([5, 13], None, 7),
        ([1, 0], Some(19), 19),
    ] {
        let engine = Arc::new(MemoryEngine::default());
        let (node, mut slow, mut reader) = behind(&engine, keeps).await;
        let mut read = Vec::new();
        within_bounds(async {
            while read.last() != Some(&Item::Event(19)) {
                read.extend(next(&mut slow, &mut reader).await);
            }
        })
        .await;
        let rest = (first..20).map(Item::Event);
        let expected: Vec<_> = std::iter::once(Item::Slow(missed)).chain(rest).collect();
        assert_eq!(read, expected, "{keeps:?}");
        let metrics = node.topic_metrics("a").expect("in use");
        let counts = (metrics.gaps, metrics.delivered, metrics.lag);
        assert_eq!(counts, (1, 20 - first, 0), "{keeps:?}");
        // It is counted from there on.
        publish(&node, 20..40).await;
        until_published(&node, 40).await;
        engine.trim("a", 1);
        let gap = next(&mut slow, &mut reader).await;
        let missed = 20 - (keeps[0] as u64).max(1);
        assert_eq!(gap[0], Item::Slow(Some(missed)), "{keeps:?}");
    }
}

#[tokio::test]
async fn a_client_that_is_cut_off_after_the_gap_comes_back_to_what_it_has_not_had() {
    for keeps in [[5, 9], [8, 5]] {
        let engine = Arc::new(MemoryEngine::default());
        let (node, mut slow, mut reader) = behind(&engine, keeps).await;
        let items = next(&mut slow, &mut reader).await;
        assert!(matches!(items[0], Item::Slow(Some(_))), "{items:?}");
        let last = items.iter().rev().find_map(|item| match item {
            Item::Event(number) => Some(*number),
            _ => None,
        });
        let id = reader.id.clone().expect("an id");
        drop(slow);
        let resumed = node.subscribe("a").resume(Some(&id)).await;
        let mut resumed = resumed.expect("a subscription");
        let mut read = Vec::new();
        within_bounds(async {
            while read.last() != Some(&Item::Event(19)) {
                read.extend(next(&mut resumed, &mut reader).await);
            }
        })
        .await;
        let first = last.map_or(12, |last| last + 1);
        let rest: Vec<_> = (first..20).map(Item::Event).collect();
        assert_eq!(read, rest, "{keeps:?}");
    }
}

#[tokio::test]
async fn a_slow_subscriber_that_is_to_be_disconnected_is() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node_that_keeps(5);
    let _driven = engine.drive();
    let subscribe = node.subscribe("a").slow_consumer(SlowConsumer::Disconnect);
    let mut slow = subscribe.await.expect("a subscription");
    slow.next().await.expect("a block").expect("no error");
    publish(&node, 0..20).await;
    until_published(&node, 20).await;
    engine.trim("a", 9);
    within_bounds(async {
        assert!(slow.next().await.is_none());
    })
    .await;
}

#[tokio::test]
async fn a_state_stands_for_what_is_kept() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node_of(|_| {
        let retention = sse_hub::Retention::new().max_events(5);
        let options = TopicOptions::new().retention(retention);
        options.snapshot(|| Event::new().data("1000"))
    });
    let _driven = engine.drive();
    let mut slow = node.subscribe("a").await.expect("a subscription");
    let mut reader = Reader::default();
    assert_eq!(next(&mut slow, &mut reader).await, [Item::Event(1000)]);
    publish(&node, 0..20).await;
    until_published(&node, 20).await;
    engine.trim("a", 9);
    let gap = next(&mut slow, &mut reader).await;
    assert_eq!(gap, [Item::Slow(Some(20))]);
    assert_eq!(next(&mut slow, &mut reader).await, [Item::Event(1000)]);
    publish(&node, 20..21).await;
    assert_eq!(next(&mut slow, &mut reader).await, [Item::Event(20)]);
}

/// A client, and the number of the event that it must get next; `None` after a gap that does not say how
/// many are missing.
struct Client {
    subscription: Subscription,
    reader: Reader,
    next: Option<u64>,
    /// Whether the last thing was the gap of a slow reader.
    was_slow: bool,
    /// All that it was sent.
    items: Vec<Item>,
}

/// How often something was seen.
#[derive(Debug, Default)]
struct Seen {
    events: u64,
    counted: u64,
    uncounted: u64,
    other_gaps: u64,
}

impl Client {
    async fn new(node: &Hub, next: u64) -> Self {
        Self {
            subscription: node.subscribe("a").await.expect("a subscription"),
            reader: Reader::default(),
            next: Some(next),
            was_slow: false,
            items: Vec::new(),
        }
    }

    /// Reads up to so many pieces. The engine has the events from `oldest` on.
    fn read(&mut self, pieces: usize, oldest: u64, seen: &mut Seen) {
        for _ in 0..pieces {
            let Some(piece) = self.subscription.next().now_or_never() else {
                return;
            };
            let piece = piece.expect("no end").expect("no error");
            for item in items(&mut self.reader, &piece) {
                self.items.push(item.clone());
                match item {
                    Item::Event(number) => {
                        assert_eq!(number, self.next.unwrap_or(number), "a hole or a duplicate");
                        // Whatever is kept now was kept then.
                        assert!(!self.was_slow || number <= oldest, "{number} {oldest}");
                        self.next = Some(number + 1);
                        self.was_slow = false;
                        seen.events += 1;
                    }
                    Item::Slow(missed) => {
                        let is_kept = self.next.is_some_and(|next| next >= oldest);
                        assert!(!is_kept, "a gap although {:?} is kept", self.next);
                        assert_ne!(missed, Some(0));
                        self.next = self.next.zip(missed).map(|(next, missed)| next + missed);
                        self.was_slow = true;
                        let count = if missed.is_some() {
                            &mut seen.counted
                        } else {
                            &mut seen.uncounted
                        };
                        *count += 1;
                    }
                    Item::Gap => {
                        self.next = None;
                        self.was_slow = false;
                        seen.other_gaps += 1;
                    }
                }
            }
        }
    }
}

async fn run(seen: &mut Seen) {
    let engine = Arc::new(MemoryEngine::default());
    let keeps = [1, 3, 20];
    let nodes = keeps.map(|keeps| engine.node_that_keeps(keeps));
    let _driven = engine.drive();
    let (mut published, mut oldest) = (0, 0);
    let mut clients = HashMap::new();
    for step in 0..STEPS {
        match fastrand::u8(0..16) {
            0..=5 => {
                let node = &nodes[fastrand::usize(..3)];
                let burst = published + fastrand::u64(1..12);
                publish(node, published..burst).await;
                published = burst;
            }
            6..=9 => {
                let pieces = fastrand::usize(1..4);
                if let Some(client) = clients.get_mut(&fastrand::u8(0..6)) {
                    Client::read(client, pieces, oldest, seen);
                }
            }
            10 | 11 => {
                let kept = fastrand::u64(0..25);
                oldest = oldest.max(published.saturating_sub(kept));
                if published > 0 {
                    let kept = usize::try_from(published - oldest).expect("small");
                    engine.trim("a", kept);
                }
            }
            12 => {
                let client = fastrand::u8(0..6);
                let node = &nodes[usize::from(client) % 3];
                // It sees what is published from now on, whatever its node has got.
                let mut client_of = Client::new(node, published).await;
                client_of.next = None;
                clients.insert(client, client_of);
            }
            13 => {
                // It comes back, to another node.
                let number = fastrand::u8(0..6);
                if let Some(client) = clients.get_mut(&number)
                    && let Some(id) = client.reader.id.clone()
                {
                    let node = &nodes[fastrand::usize(..3)];
                    let resumed = node.subscribe("a").resume(Some(&id)).await;
                    client.subscription = resumed.expect("a subscription");
                    client.reader = Reader::after(Some(&id));
                    client.was_slow = false;
                }
            }
            14 => engine.interrupt(),
            _ => {
                let faults = &engine.faults.enabled;
                faults.fetch_xor(true, std::sync::atomic::Ordering::Relaxed);
            }
        }
        if step % 2 == 0 {
            for _ in 0..1 << fastrand::u8(0..7) {
                yield_now().await;
            }
        }
    }
    engine
        .faults
        .enabled
        .store(false, std::sync::atomic::Ordering::Relaxed);
    engine.interrupt();
    // A client that comes back too late goes on with what comes next, so all are up to date first.
    for _ in 0..2_000 {
        for client in clients.values_mut() {
            client.read(1, oldest, seen);
        }
        yield_now().await;
    }
    publish(&nodes[0], published..published + 1).await;
    for client in clients.values_mut() {
        for _ in 0..20_000 {
            if client.next == Some(published + 1) {
                break;
            }
            client.read(1, oldest, seen);
            yield_now().await;
        }
        let last = Some(published + 1);
        assert_eq!(
            client.next, last,
            "not all was delivered: {:?}",
            client.items
        );
    }
}

#[test]
fn each_subscriber_gets_what_is_kept_and_its_gaps_say_how_many_events_are_missing() {
    let number = |name| {
        let text = std::env::var(name).ok()?;
        text.parse::<u64>().ok()
    };
    let first = number("SSE_HUB_SEED").unwrap_or(0);
    let cases = number("SSE_HUB_CASES").unwrap_or(CASES);
    let mut seen = Seen::default();
    for seed in first..first.saturating_add(cases) {
        fastrand::seed(seed);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let mut case = || runtime.block_on(run(&mut seen));
        let case = std::panic::catch_unwind(std::panic::AssertUnwindSafe(&mut case));
        case.unwrap_or_else(|_| panic!("the seed is {seed}"));
    }
    eprintln!("{seen:?}");
    // Otherwise, nothing was tested.
    for count in [seen.events, seen.counted, seen.uncounted, seen.other_gaps] {
        assert!(count > 20, "{seen:?}");
    }
}
