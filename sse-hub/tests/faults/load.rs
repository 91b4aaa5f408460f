//! Publishers that never stop and retry, and subscribers that stay, hop from node to node, or are
//! away for a while.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use sse_hub::{Hub, Subscription};
use sse_hub_testing::client::{Client, Received};
use sse_hub_testing::reader::{Event, Reader};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::cases::{Engine, events};
use crate::check::{self, Answered, Published, Record, Tally};

/// The topics that all publish to.
pub(crate) const TOPICS: [&str; 3] = ["a", "b", "c"];

/// A topic that one node alone publishes to, and that only subscribers have that are away.
pub(crate) const QUIET: &str = "quiet";

/// How many publishers each node has.
const PUBLISHERS: usize = 2;

/// How long a publisher rests between two events.
const REST: Duration = Duration::from_millis(3);

/// How long it may take until subscribers have got all, and every gap.
const ALL_WITHIN: Duration = Duration::from_secs(20);

/// The topic with this name.
pub(crate) fn topic(name: &str) -> &'static str {
    let mut all = TOPICS.into_iter().chain([QUIET]);
    all.find(|topic| *topic == name).expect("a topic")
}

/// A node in this process, which may be replaced by another one.
#[derive(Clone)]
pub(crate) struct Place(Arc<Mutex<Hub>>);

impl Place {
    pub(crate) fn of(hub: Hub) -> Self {
        Self(Arc::new(Mutex::new(hub)))
    }

    pub(crate) fn hub(&self) -> Hub {
        self.0.lock().expect("not poisoned").clone()
    }

    pub(crate) fn replace(&self, hub: Hub) {
        *self.0.lock().expect("not poisoned") = hub;
    }
}

/// A node as subscribers see it.
#[derive(Clone)]
pub(crate) enum Node {
    /// One in this process.
    Place(Place),
    /// One that is another process; it may be gone, or come again elsewhere.
    Process(Arc<Mutex<Option<SocketAddr>>>),
}

/// How a subscriber behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Stays,
    Hops,
    /// Leaves before anything is lost.
    LeavesEarly,
    /// Leaves with a position that is lost.
    LeavesLate,
}

/// Which subscribers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crowd {
    /// On each node, one that stays and one that hops.
    Few,
    /// One of each kind on each node, and some of one topic.
    All,
}

/// The ids before all events.
pub(crate) struct Begin {
    all: String,
    each: Vec<(&'static str, String)>,
}

impl Begin {
    pub(crate) async fn of(hub: &Hub) -> Self {
        let mut each = Vec::new();
        for topic in TOPICS.into_iter().chain([QUIET]) {
            each.push((topic, subscribe(hub, &[topic]).await.id()));
        }
        let all = subscribe(hub, &TOPICS).await.id();
        Self { all, each }
    }
}

/// Subscribes, however long that takes.
pub(crate) async fn subscribe(hub: &Hub, topics: &[&'static str]) -> Subscription {
    loop {
        if let Ok(subscription) = hub.subscribe(topics.iter().copied()).await {
            return subscription;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// The load: what publishes and subscribes until it is [over](Self::finish).
pub(crate) struct Load {
    publishing: Vec<Place>,
    publishers: JoinSet<Published>,
    subscribers: JoinSet<()>,
    records: Vec<Arc<Mutex<Record>>>,
    shared: Arc<Shared>,
    /// Of each kind.
    presences: [Presence; 4],
}

/// Whether subscribers shall be there, how many of them are, and how many there are at all.
struct Presence {
    is_wanted: watch::Sender<bool>,
    present: watch::Sender<usize>,
    members: usize,
}

impl Presence {
    /// Waits until so many are there.
    async fn becomes(&self, count: usize) {
        let mut present = self.present.subscribe();
        let waiting = present.wait_for(|present| *present == count);
        let present = timeout(ALL_WITHIN, waiting).await;
        present
            .expect("all are there or away")
            .expect("they are counted");
    }
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    published: AtomicUsize,
    failed: AtomicUsize,
    received: AtomicUsize,
}

impl Load {
    /// Begins to publish on some nodes, and to subscribe on some. All that follows `begin` is checked.
    pub(crate) async fn begin(
        publishing: Vec<Place>,
        nodes: Vec<Node>,
        crowd: Crowd,
        begin: &Begin,
    ) -> Self {
        let presence = |_| Presence {
            is_wanted: watch::Sender::new(true),
            present: watch::Sender::new(0),
            members: 0,
        };
        let mut load = Self {
            publishing,
            publishers: JoinSet::new(),
            subscribers: JoinSet::new(),
            records: Vec::new(),
            shared: Arc::default(),
            presences: [0, 1, 2, 3].map(presence),
        };
        let kinds = match crowd {
            Crowd::Few => &[Kind::Stays, Kind::Hops][..],
            Crowd::All => &[Kind::Stays, Kind::Hops, Kind::LeavesEarly, Kind::LeavesLate],
        };
        for home in 0..nodes.len() {
            for kind in kinds {
                load.subscribe(&nodes, home, *kind, &TOPICS, &begin.all);
            }
        }
        let each = begin.each.iter().filter(|_| crowd == Crowd::All);
        for (number, (topic, id)) in each.enumerate() {
            let home = number % nodes.len();
            load.subscribe(&nodes, home, Kind::LeavesEarly, &[*topic], id);
            if *topic != QUIET {
                load.subscribe(&nodes, home, Kind::Stays, &[*topic], id);
            }
        }
        // A topic is not opened while it gets events faster than some engines are read.
        for presence in &load.presences {
            presence.becomes(presence.members).await;
        }
        for number in 0..load.publishing.len() {
            for publisher in 0..PUBLISHERS {
                load.publish(number, number * PUBLISHERS + publisher, &TOPICS);
            }
        }
        // It has no subscribers if there are fewer nodes than places.
        load.publish(load.publishing.len() - 1, 0, &[QUIET]);
        load.flows().await;
        load
    }

    fn publish(&mut self, place: usize, publisher: usize, topics: &'static [&'static str]) {
        let place = self.publishing[place].clone();
        let shared = Arc::clone(&self.shared);
        self.publishers.spawn(async move {
            let stop = || shared.stop.load(Ordering::Relaxed);
            let (published, failed) = (&shared.published, &shared.failed);
            publish(&place, topics, publisher, stop, published, failed).await
        });
    }

    fn subscribe(
        &mut self,
        nodes: &[Node],
        home: usize,
        kind: Kind,
        topics: &[&'static str],
        id: &str,
    ) {
        // The others may come with a position that was lost.
        let is_certain = matches!(kind, Kind::Stays | Kind::LeavesEarly);
        let is_process = matches!(nodes[home], Node::Process(_));
        let record = Arc::new(Mutex::new(Record::of(topics, is_certain && !is_process)));
        self.records.push(Arc::clone(&record));
        let presence = &mut self.presences[kind as usize];
        presence.members += 1;
        let subscriber = Subscriber {
            topics: topics.to_vec(),
            nodes: nodes.to_vec(),
            home,
            hops: kind == Kind::Hops,
            id: id.to_owned(),
            record,
            shared: Arc::clone(&self.shared),
            is_wanted: presence.is_wanted.subscribe(),
            present: presence.present.clone(),
        };
        self.subscribers.spawn(subscriber.run());
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

    /// Lets the subscribers of a kind leave, and waits until all of them are away.
    pub(crate) async fn leave(&self, kind: Kind) {
        let presence = &self.presences[kind as usize];
        presence.becomes(presence.members).await;
        presence.is_wanted.send_replace(false);
        presence.becomes(0).await;
    }

    /// Lets all come back that have left.
    pub(crate) fn come_back(&self) {
        for presence in &self.presences {
            presence.is_wanted.send_replace(true);
        }
    }

    /// Ends it in order, prints and returns what the subscribers have found, and what the server at this
    /// port has.
    ///
    /// A gap for what the engine has lost may come after all events, as soon as a node has noticed
    /// that; so there is some time for what is missing.
    pub(crate) async fn finish<E: Engine>(self, port: u16, fault: &str) -> Tally {
        self.finish_within::<E>(ALL_WITHIN, port, fault).await
    }

    /// As [`finish`](Self::finish), with so much time.
    pub(crate) async fn finish_within<E: Engine>(
        mut self,
        time: Duration,
        port: u16,
        fault: &str,
    ) -> Tally {
        self.come_back();
        self.flows().await;
        self.shared.stop.store(true, Ordering::Relaxed);
        let mut published = Published::new();
        while let Some(answered) = self.publishers.join_next().await {
            published.extend(answered.expect("published"));
        }
        let deadline = Instant::now() + ALL_WITHIN * 2;
        while !self.all(Record::has_ended) {
            assert!(Instant::now() < deadline, "subscribers wait for the end");
            // Again and again, as it may fall into a gap.
            for topic in TOPICS.into_iter().chain([QUIET]) {
                let event = format!("{topic} end");
                let _ = self.publishing[0].hub().publish(topic, event).await;
            }
            sleep(Duration::from_millis(100)).await;
        }
        let deadline = Instant::now() + time;
        loop {
            let kept = events::<E>(port).await;
            let tally = self.tally(&published, &kept);
            if tally.is_announced() || Instant::now() > deadline {
                tally.print(&E::version(port).await, fault);
                return tally;
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    fn tally(&self, published: &Published, kept: &HashSet<check::Event>) -> Tally {
        let records = self.records.iter().map(|record| record.lock());
        let records: Vec<_> = records
            .map(|record| record.expect("not poisoned"))
            .collect();
        let records: Vec<_> = records.iter().map(|record| &**record).collect();
        Tally::of(&records, published, kept)
    }

    fn all(&self, is_true: impl Fn(&Record) -> bool) -> bool {
        let mut records = self.records.iter();
        records.all(|record| is_true(&record.lock().expect("not poisoned")))
    }
}

/// Publishes numbered events, each until it is published; with its key, it is published once.
pub(crate) async fn publish(
    place: &Place,
    topics: &[&'static str],
    publisher: usize,
    stop: impl Fn() -> bool,
    published: &AtomicUsize,
    failed: &AtomicUsize,
) -> Published {
    let mut all = Published::new();
    for topic in topics.iter().cycle() {
        if stop() {
            break;
        }
        let answered = all.entry((*topic, publisher)).or_default();
        let event = format!("{topic} {publisher} {}", answered.len());
        let begun = std::time::Instant::now();
        let position = loop {
            if let Ok(position) = place.hub().publish(topic, &*event).key(&event).await {
                break position;
            }
            failed.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(20)).await;
        };
        answered.push(Answered {
            begun,
            id: place.hub().id_of(topic, position),
        });
        published.fetch_add(1, Ordering::Relaxed);
        sleep(REST).await;
    }
    all
}

struct Subscriber {
    topics: Vec<&'static str>,
    nodes: Vec<Node>,
    home: usize,
    hops: bool,
    id: String,
    record: Arc<Mutex<Record>>,
    shared: Arc<Shared>,
    is_wanted: watch::Receiver<bool>,
    present: watch::Sender<usize>,
}

impl Subscriber {
    /// Reads while it is wanted, until its task is aborted.
    async fn run(mut self) {
        let mut is_wanted = self.is_wanted.clone();
        while is_wanted.wait_for(|is_wanted| *is_wanted).await.is_ok() {
            let opened = Stream::open(&self.nodes[self.home], &self.topics, &self.id).await;
            let Some(mut stream) = opened else {
                // Down, or refused.
                sleep(Duration::from_millis(10)).await;
                self.hop();
                continue;
            };
            self.present.send_modify(|present| *present += 1);
            tokio::select! {
                () = self.read(&mut stream) => self.hop(),
                _ = is_wanted.wait_for(|is_wanted| !*is_wanted) => {
                    self.home = (self.home + 1) % self.nodes.len();
                }
            }
            self.present.send_modify(|present| *present -= 1);
        }
    }

    /// Reads until the stream ends, or for as long as one reads that hops.
    async fn read(&mut self, stream: &mut Stream) {
        let mut until_hop = if self.hops {
            fastrand::usize(20..200)
        } else {
            usize::MAX
        };
        while let Some(events) = stream.next().await {
            let mut record = self.record.lock().expect("not poisoned");
            for event in events {
                record.add(&event);
                self.id = event.id;
                self.shared.received.fetch_add(1, Ordering::Relaxed);
                until_hop -= 1;
                if until_hop == 0 {
                    return;
                }
            }
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
    async fn open(node: &Node, topics: &[&'static str], id: &str) -> Option<Self> {
        match node {
            Node::Place(place) => {
                let topics = topics.iter().copied();
                let subscription = place.hub().subscribe(topics).resume(Some(id)).await.ok()?;
                Some(Self::Hub(Box::new(subscription), Reader::after(Some(id))))
            }
            Node::Process(address) => {
                let address = (*address.lock().expect("not poisoned"))?;
                let path = format!("/{}", topics.join("/"));
                let client = Client::connect(address, &path, Some(id)).await.ok()?;
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
