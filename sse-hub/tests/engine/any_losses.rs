//! Any order of publishing, losses, interruptions and reconnections, over one to three nodes.
//!
//! Each event that was answered as published must be delivered once, or lie within a gap that the client
//! was given. Nothing is delivered twice or in another order without a gap in between.

use std::collections::{HashMap, HashSet};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use futures_util::Stream as _;
use sse_hub::{Entry, Hub, Position, Subscription};
use sse_hub_testing::engine::MemoryEngine;
use sse_hub_testing::reader::Reader;
use tokio::task::{JoinSet, yield_now};

const TOPIC: &str = "a";
/// The seeds are the numbers from 0 on. `SSE_HUB_SEED` sets another first one, `SSE_HUB_CASES` how many.
const CASES: u64 = 60;
const STEPS: usize = 80;

/// What a client was sent.
#[derive(Debug)]
enum Item {
    /// The event with this number.
    Event(usize),
    /// A gap of this reason, with this id.
    Gap(String, String),
}

/// A client that comes back with its last event ID, to any node.
struct Client {
    subscription: Option<Subscription>,
    id: String,
    /// Where it has begun.
    begin: String,
    items: Vec<Item>,
}

impl Client {
    async fn new(node: &Hub) -> Self {
        let subscription = node.subscribe(TOPIC).await.expect("a subscription");
        let id = subscription.id();
        Self {
            subscription: Some(subscription),
            begin: id.clone(),
            id,
            items: Vec::new(),
        }
    }

    /// Takes what there is now, up to so many pieces.
    async fn read(&mut self, pieces: usize) {
        let Some(subscription) = &mut self.subscription else {
            return;
        };
        for _ in 0..pieces {
            let next = poll_fn(|cx| {
                let next = Pin::new(&mut *subscription).poll_next(cx);
                Poll::Ready(match next {
                    Poll::Ready(piece) => Some(piece.expect("no end").expect("no error")),
                    Poll::Pending => None,
                })
            });
            let Some(piece) = next.await else {
                return;
            };
            let mut reader = Reader::after(Some(&self.id));
            for event in reader.feed(&piece) {
                self.items.push(match &*event.name {
                    "gap" => {
                        let [(_, reason)] = &event.gaps()[..] else {
                            panic!("{event:?}");
                        };
                        Item::Gap(reason.clone(), event.id)
                    }
                    _ => Item::Event(event.data.parse().expect("a number")),
                });
            }
            self.id = reader.id.expect("an id");
        }
    }
}

/// The engine's nodes and their clients, and what was answered.
struct World {
    engine: Arc<MemoryEngine>,
    nodes: Vec<Hub>,
    clients: Vec<Client>,
    publishing: JoinSet<()>,
    published: usize,
    answered: Arc<Mutex<HashSet<usize>>>,
    losses: usize,
}

impl World {
    async fn step(&mut self) {
        match fastrand::u8(0..20) {
            0..=7 => self.publish(),
            8..=11 => {
                let client = fastrand::usize(0..self.clients.len());
                self.clients[client].read(fastrand::usize(1..5)).await;
            }
            12..=14 => self.reconnect().await,
            15 => self.engine.interrupt(),
            16 if self.engine.len(TOPIC) > 0 => {
                // Most often, little is lost.
                let len = self.engine.len(TOPIC);
                let tail = fastrand::usize(1..=len.min(1 << fastrand::u8(0..5)));
                if fastrand::u8(0..4) == 0 {
                    self.engine.set_clock_back();
                }
                self.engine.lose(TOPIC, len - tail);
                self.losses += 1;
                self.engine.interrupt();
            }
            17 => {
                self.engine.down.store(true, Ordering::Relaxed);
                for _ in 0..fastrand::u8(0..50) {
                    yield_now().await;
                }
                self.engine.down.store(false, Ordering::Relaxed);
                self.engine.interrupt();
            }
            18 => {
                let faults = &self.engine.faults.enabled;
                faults.fetch_xor(true, Ordering::Relaxed);
            }
            _ => {
                let node = fastrand::usize(0..self.nodes.len());
                if let Ok(subscription) = self.nodes[node].subscribe(TOPIC).await {
                    drop(subscription);
                }
            }
        }
        for _ in 0..1 << fastrand::u8(0..8) {
            yield_now().await;
        }
    }

    fn publish(&mut self) {
        let number = self.published;
        self.published += 1;
        let node = self.nodes[fastrand::usize(0..self.nodes.len())].clone();
        let answered = Arc::clone(&self.answered);
        self.publishing.spawn(async move {
            if node.publish(TOPIC, number.to_string()).await.is_ok() {
                answered.lock().expect("not poisoned").insert(number);
            }
        });
    }

    async fn reconnect(&mut self) {
        let client = fastrand::usize(0..self.clients.len());
        let client = &mut self.clients[client];
        client.subscription = None;
        if fastrand::bool() {
            // It stays away.
            return;
        }
        let node = &self.nodes[fastrand::usize(0..self.nodes.len())];
        let subscribe = node.subscribe(TOPIC).resume(Some(&client.id));
        client.subscription = subscribe.await.ok();
    }

    /// Ends all faults, and has all clients come back and read everything.
    async fn finish(&mut self) {
        self.engine.faults.enabled.store(false, Ordering::Relaxed);
        while let Some(published) = self.publishing.join_next().await {
            published.expect("no panic");
        }
        self.engine.interrupt();
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        self.publish();
        self.publishing.join_next().await;
        let last = Item::Event(self.published - 1);
        for client in &mut self.clients {
            if client.subscription.is_none() {
                let node = &self.nodes[fastrand::usize(0..self.nodes.len())];
                let subscribe = node.subscribe(TOPIC).resume(Some(&client.id));
                client.subscription = Some(subscribe.await.expect("a subscription"));
            }
            for _ in 0..20_000 {
                client.read(1).await;
                match (client.items.last(), &last) {
                    (Some(Item::Event(number)), Item::Event(last)) if number == last => break,
                    _ => yield_now().await,
                }
            }
        }
    }

    fn check(&self) {
        let history = self.engine.history(TOPIC);
        let number = |entry: &Entry| match entry {
            Entry::Event(event) => {
                let text = std::str::from_utf8(event).expect("text");
                Some(
                    text["data: ".len()..]
                        .trim_end()
                        .parse::<usize>()
                        .expect("a number"),
                )
            }
            _ => None,
        };
        let numbers: Vec<_> = history.iter().map(|(_, entry)| number(entry)).collect();
        let places: HashMap<_, _> = history
            .iter()
            .enumerate()
            .map(|(place, (position, _))| (*position, place))
            .collect();
        let place_of_id = |id: &str| {
            let position = self.nodes[0].position_of(TOPIC, id).expect("a position");
            places.get(&position).copied()
        };
        let left: HashSet<Position> = self.engine.entries(TOPIC).iter().map(|it| it.0).collect();
        let answered = self.answered.lock().expect("not poisoned");
        for client in &self.clients {
            self.check_client(client, &numbers, place_of_id(&client.begin));
            let begin = place_of_id(&client.begin).map_or(0, |place| place + 1);
            let delivered: HashSet<_> = client
                .items
                .iter()
                .filter_map(|item| match item {
                    Item::Event(number) => Some(*number),
                    Item::Gap(..) => None,
                })
                .collect();
            // Up to where there are gaps, of losses alone and of anything.
            let covered = |is_covering: &dyn Fn(&str) -> bool| {
                let places = client.items.iter().filter_map(|item| match item {
                    Item::Gap(reason, id) if is_covering(reason) => {
                        Some(place_of_id(id).unwrap_or_default())
                    }
                    _ => None,
                });
                places.max()
            };
            let (by_any, by_others) = (covered(&|_| true), covered(&|reason| reason != "lost"));
            for (place, number) in numbers.iter().enumerate().skip(begin) {
                let Some(number) = number.filter(|number| answered.contains(number)) else {
                    continue;
                };
                let is_left = left.contains(&history[place].0);
                let covered = if is_left { by_others } else { by_any };
                assert!(
                    delivered.contains(&number) || covered.is_some_and(|covered| place <= covered),
                    "{number} is missing, left: {is_left}: {:?}\n{:?}\n{numbers:?}",
                    client.items,
                    client.begin
                );
            }
            if self.losses == 0 {
                let is_gap = |item: &Item| matches!(item, Item::Gap(..));
                assert!(!client.items.iter().any(is_gap), "{:?}", client.items);
            }
        }
    }

    /// Checks that nothing is delivered twice or in another order without a gap in between.
    fn check_client(&self, client: &Client, numbers: &[Option<usize>], begin: Option<usize>) {
        let place_of: HashMap<_, _> = numbers
            .iter()
            .enumerate()
            .filter_map(|(place, number)| Some(((*number)?, place)))
            .collect();
        let mut before = begin;
        for item in &client.items {
            match item {
                Item::Event(number) => {
                    let place = place_of[number];
                    assert!(
                        before.is_none_or(|before| before < place),
                        "{number} comes again or too late: {:?}\n{numbers:?}",
                        client.items
                    );
                    before = Some(place);
                }
                Item::Gap(..) => before = None,
            }
        }
    }
}

fn run(seed: u64) -> (usize, usize, usize) {
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let engine = Arc::new(MemoryEngine::default());
        let keeps: Vec<_> = (0..fastrand::usize(1..=3))
            .map(|_| [1, 3, 1_000][fastrand::usize(0..3)])
            .collect();
        let nodes: Vec<_> = keeps.iter().map(|it| engine.node_that_keeps(*it)).collect();
        let _driven = engine.drive();
        let mut clients = Vec::new();
        for _ in 0..4 {
            clients.push(Client::new(&nodes[fastrand::usize(0..nodes.len())]).await);
        }
        let mut world = World {
            engine,
            nodes,
            clients,
            publishing: JoinSet::new(),
            published: 0,
            answered: Arc::default(),
            losses: 0,
        };
        for _ in 0..STEPS {
            world.step().await;
        }
        world.finish().await;
        world.check();
        let gaps = |client: &Client| {
            let is_lost = |item: &&Item| matches!(item, Item::Gap(reason, _) if reason == "lost");
            client.items.iter().filter(is_lost).count()
        };
        let lost_gaps = world.clients.iter().map(gaps).sum();
        let answered = world.answered.lock().expect("not poisoned").len();
        (world.losses, lost_gaps, answered)
    })
}

#[test]
fn what_was_answered_is_delivered_once_or_lies_within_a_gap() {
    let number = |name| {
        std::env::var(name)
            .ok()
            .and_then(|it| it.parse::<u64>().ok())
    };
    let first = number("SSE_HUB_SEED").unwrap_or(0);
    let cases = number("SSE_HUB_CASES").unwrap_or(CASES);
    let seeds = first..first.saturating_add(cases);
    let mut total = (0, 0, 0);
    for seed in seeds {
        let case = std::panic::catch_unwind(|| run(seed));
        let (losses, gaps, answered) = case.unwrap_or_else(|_| panic!("the seed is {seed}"));
        total = (total.0 + losses, total.1 + gaps, total.2 + answered);
    }
    eprintln!("losses, gaps and answers: {total:?}");
}
