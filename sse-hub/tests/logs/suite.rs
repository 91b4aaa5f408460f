//! What must be true for every log. Each case starts an engine of its own.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::StreamExt as _;
use sse_hub::{
    Driver, Event, Hub, HubBuilder, Position, PublishError, Retention, Subscribe, SubscribeError,
    Subscription, TopicOptions,
};
use tokio::task::JoinSet;

pub(crate) use crate::members::{
    a_member_is_disconnected_on_all_nodes, the_members_of_all_nodes_are_one_set,
};
use sse_hub_testing::reader::{Event as Read, Reader};

/// How much is kept where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keeps {
    /// How many events of a topic the engine keeps at least; it may keep some hundred more.
    pub(crate) history: Option<usize>,
    /// How many of them a node keeps itself, if the two are not the same.
    pub(crate) window: usize,
}

pub(crate) const PLENTY: Keeps = Keeps {
    history: None,
    window: Retention::DEFAULT_MAX_EVENTS,
};

/// More events than any engine keeps that must keep [`FEW`].
const MANY: usize = 1_000;
const FEW: usize = 10;

/// The group of topics that a hub has.
const GROUP: &str = "group/";

/// A log under test.
pub(crate) trait Engine: Send + Sync + Sized + 'static {
    /// Starts the engine, empty.
    fn start(keeps: Keeps) -> impl Future<Output = Self> + Send;

    /// A hub on the engine, one of several if the engine can have several; driven until the engine
    /// is dropped.
    fn node(&self) -> impl Future<Output = Hub> + Send;
}

/// The drivers of an engine's nodes.
#[derive(Default)]
#[allow(dead_code, reason = "the embedded log needs none")]
pub(crate) struct Drivers(Mutex<JoinSet<()>>);

#[allow(dead_code, reason = "as above")]
impl Drivers {
    pub(crate) fn spawn(&self, driver: Driver) {
        self.0.lock().expect("not poisoned").spawn(driver);
    }
}

/// A builder of a node's hub.
pub(crate) fn builder(keeps: Keeps) -> HubBuilder {
    let options = move |name: &str| options(name, keeps);
    Hub::builder().group(GROUP).topics(options)
}

/// The options of a node's topics.
fn options(name: &str, keeps: Keeps) -> TopicOptions {
    let retention = Retention::new()
        .max_events(keeps.window)
        .max_bytes(16 * 1024 * 1024);
    let options = TopicOptions::new().retention(retention);
    if name.starts_with("state") {
        options.snapshot(|| Event::new().event("state").data("all"))
    } else {
        options
    }
}

pub(crate) async fn within_bounds(case: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(60), case)
        .await
        .expect("it completes");
}

/// A client, and what it makes of the bytes.
pub(crate) struct Client {
    subscription: Subscription,
    reader: Reader,
    read: VecDeque<Read>,
    /// The client's last event ID.
    pub(crate) id: String,
}

impl Client {
    pub(crate) async fn begin(subscribe: Subscribe) -> Self {
        let subscription = subscribe.await.expect("a subscription");
        let id = subscription.id();
        Self {
            reader: Reader::after(Some(&id)),
            read: VecDeque::new(),
            id,
            subscription,
        }
    }

    pub(crate) async fn new(hub: &Hub, topics: &[&str], id: Option<&str>) -> Self {
        Self::begin(hub.subscribe(topics.iter().copied()).resume(id)).await
    }

    pub(crate) async fn next(&mut self) -> Read {
        loop {
            if let Some(event) = self.read.pop_front() {
                self.id.clone_from(&event.id);
                return event;
            }
            let piece = self.subscription.next().await.expect("it goes on");
            self.read
                .extend(self.reader.feed(&piece.expect("no error")));
        }
    }

    /// The data of so many events, which are none of the hub's own.
    pub(crate) async fn data(&mut self, events: usize) -> Vec<String> {
        let mut all = Vec::new();
        for _ in 0..events {
            let event = self.next().await;
            assert_eq!(event.name, "message", "{event:?}, after {all:?}");
            all.push(event.data);
        }
        all
    }

    /// Waits until the stream ends, with nothing before that.
    async fn ends(&mut self) {
        assert_eq!(self.read, []);
        let next = self.subscription.next().await;
        assert!(next.is_none(), "{next:?}");
    }

    /// The reason of the gap that comes next.
    pub(crate) async fn gap(&mut self) -> String {
        let gaps = self.next().await.gaps();
        assert_eq!(gaps.len(), 1, "{gaps:?}");
        gaps[0].1.clone()
    }
}

pub(crate) async fn publish(hub: &Hub, topic: &str, data: impl ToString) -> Position {
    let data = data.to_string();
    hub.publish(topic, data).await.expect("published")
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

pub(crate) async fn nodes<E: Engine>(engine: &E) -> [Hub; 3] {
    [
        engine.node().await,
        engine.node().await,
        engine.node().await,
    ]
}

pub(crate) async fn what_is_published_on_one_node_arrives_on_all<E: Engine>() {
    let engine = E::start(PLENTY).await;
    let nodes = nodes(&engine).await;
    let mut clients = Vec::new();
    for node in &nodes {
        clients.push(Client::new(node, &["a"], None).await);
    }
    for number in 0..30 {
        publish(&nodes[number % 3], "a", number).await;
        publish(&nodes[number % 3], "other", number).await;
    }
    let mut ids = Vec::new();
    for client in &mut clients {
        assert_eq!(client.data(30).await, numbers(0..30));
        ids.push(client.id.clone());
    }
    assert!(
        ids.iter().all(|id| *id == ids[0]),
        "the same ids everywhere"
    );
}

pub(crate) async fn a_subscriber_resumes_on_another_node_exactly<E: Engine>() {
    let engine = E::start(PLENTY).await;
    let nodes = nodes(&engine).await;
    // Before the first event, too.
    let begin = Client::new(&nodes[0], &["a"], None).await.id;
    let mut client = Client::new(&nodes[0], &["a"], None).await;
    for number in 0..10 {
        publish(&nodes[1], "a", number).await;
    }
    assert_eq!(client.data(4).await, numbers(0..4));
    let id = client.id.clone();
    drop(client);
    for number in 10..15 {
        publish(&nodes[2], "a", number).await;
    }
    for node in &nodes {
        let mut client = Client::new(node, &["a"], Some(&id)).await;
        assert_eq!(client.data(11).await, numbers(4..15));
        let mut client = Client::new(node, &["a"], Some(&begin)).await;
        assert_eq!(client.data(15).await, numbers(0..15));
        let mut up_to_date = Client::new(node, &["a"], Some(&client.id)).await;
        publish(node, "b", "").await;
        let [position, same] = [&client, &up_to_date].map(|it| node.position_of("a", &it.id));
        assert!(position.is_some());
        assert_eq!(position, same);
        assert!(up_to_date.read.is_empty());
        up_to_date
            .subscription
            .next()
            .await
            .expect("a block")
            .expect("no error");
        assert!(
            tokio::time::timeout(Duration::from_millis(50), up_to_date.next())
                .await
                .is_err()
        );
    }
}

pub(crate) async fn several_topics_are_resumed_from_one_id<E: Engine>() {
    let engine = E::start(PLENTY).await;
    let nodes = nodes(&engine).await;
    let topics = ["a", "b", "c"];
    let mut client = Client::new(&nodes[0], &topics, None).await;
    for number in 0..5 {
        for topic in topics {
            publish(&nodes[1], topic, format!("{topic} {number}")).await;
        }
    }
    let mut all = client.data(7).await;
    let id = client.id.clone();
    drop(client);
    // Some more, in another order, and only to some of them.
    for number in 5..9 {
        publish(&nodes[2], "c", format!("c {number}")).await;
        publish(&nodes[0], "a", format!("a {number}")).await;
    }
    let mut client = Client::new(&nodes[2], &["c", "a", "b"], Some(&id)).await;
    all.extend(client.data(16).await);
    for (topic, events) in [("a", 9), ("b", 5), ("c", 9)] {
        let of_topic = all.iter().filter(|data| data.starts_with(topic));
        let expected = (0..events).map(|number| format!("{topic} {number}"));
        assert!(of_topic.eq(&expected.collect::<Vec<_>>()), "{all:?}");
    }
}

pub(crate) async fn history_beyond_the_window_is_read_in_pages<E: Engine>() {
    let engine = E::start(Keeps {
        window: FEW,
        ..PLENTY
    })
    .await;
    let nodes = nodes(&engine).await;
    // A client for which the first node keeps the newest ones.
    let mut live = Client::new(&nodes[0], &["a"], None).await;
    let mut ids = Vec::new();
    for number in 0..MANY {
        ids.push(nodes[1].id_of("a", publish(&nodes[1], "a", number).await));
    }
    assert_eq!(live.data(MANY).await, numbers(0..MANY));
    for node in &nodes {
        for after in [0, 1, MANY / 2, MANY - FEW, MANY - 2] {
            let mut client = Client::new(node, &["a"], Some(&ids[after])).await;
            assert_eq!(
                client.data(MANY - after - 1).await,
                numbers(after + 1..MANY)
            );
        }
    }
}

pub(crate) async fn from_the_start_is_from_the_oldest_entry_that_is_kept<E: Engine>() {
    let engine = E::start(Keeps {
        history: Some(FEW),
        window: FEW,
    })
    .await;
    let [first, second, _] = nodes(&engine).await;
    for number in 0..MANY {
        publish(&first, "a", number).await;
    }
    let mut client = Client::begin(second.subscribe(["a"]).from_start()).await;
    let oldest = client.next().await;
    assert_eq!(oldest.name, "message");
    let oldest: usize = oldest.data.parse().expect("a number");
    assert!(oldest > 0 && oldest <= MANY - FEW, "{oldest}");
    let rest = client.data(MANY - oldest - 1).await;
    assert_eq!(rest, numbers(oldest + 1..MANY));
    publish(&first, "a", "live").await;
    assert_eq!(client.data(1).await, ["live"]);
}

pub(crate) async fn what_was_trimmed_is_a_gap<E: Engine>() {
    let engine = E::start(Keeps {
        history: Some(FEW),
        window: FEW,
    })
    .await;
    let nodes = nodes(&engine).await;
    let mut ids = Vec::new();
    for number in 0..MANY {
        ids.push(nodes[1].id_of("a", publish(&nodes[1], "a", number).await));
    }
    for (index, node) in nodes.iter().enumerate() {
        let mut late = Client::new(node, &["a"], Some(&ids[1])).await;
        assert_eq!(late.gap().await, "unknown");
        publish(node, "a", MANY + index).await;
        assert_eq!(late.data(1).await, numbers(MANY + index..MANY + index + 1));
        // Just in time.
        let mut client = Client::new(node, &["a"], Some(&ids[MANY - FEW / 2])).await;
        let missed = numbers(MANY - FEW / 2 + 1..MANY + index + 1);
        assert_eq!(client.data(missed.len()).await, missed);
    }
}

pub(crate) async fn a_slow_reader_goes_on_with_the_oldest_event_that_is_kept<E: Engine>() {
    let engine = E::start(Keeps {
        history: Some(FEW),
        window: FEW,
    })
    .await;
    let [first, second, _] = nodes(&engine).await;
    let mut slow = Client::new(&first, &["a"], None).await;
    for number in 0..MANY {
        publish(&second, "a", number).await;
    }
    while first.topic_metrics("a").expect("in use").published < MANY as u64 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let gap = slow.next().await;
    assert_eq!(gap.gaps(), [("a".into(), "slow".into())]);
    let oldest: usize = slow.data(1).await.remove(0).parse().expect("a number");
    assert!(oldest <= MANY - FEW, "{oldest}");
    // It is not known if the engine keeps much more than the node.
    assert_eq!(gap.missed().unwrap_or(oldest as u64), oldest as u64);
    let rest = slow.data(MANY - oldest - 1).await;
    assert_eq!(rest, numbers(oldest + 1..MANY));
    let metrics = first.topic_metrics("a").expect("in use");
    assert_eq!((metrics.gaps, metrics.lag), (1, 0));
}

pub(crate) async fn damaged_forged_and_future_ids_are_gaps<E: Engine>() {
    let engine = E::start(PLENTY).await;
    let nodes = nodes(&engine).await;
    publish(&nodes[0], "a", "first").await;
    let real = publish(&nodes[0], "a", "second").await;
    let moved = |by: i64| Position::new(real.major().saturating_add_signed(by), real.minor());
    let id_of = |position| nodes[0].id_of("a", position);
    for (number, id) in [
        "invalid".to_owned(),
        format!("{}A", id_of(real)),
        id_of(moved(-1_000_000)),
        id_of(moved(1_000_000)),
        id_of(Position::new(real.major(), u64::MAX)),
        id_of(Position::new(u64::MAX, u64::MAX)),
    ]
    .iter()
    .enumerate()
    {
        let node = &nodes[number % 3];
        let mut client = Client::new(node, &["a"], Some(id)).await;
        assert_eq!(client.gap().await, "unknown");
        publish(&nodes[0], "a", number).await;
        // What was published before may not have arrived at this node before the gap.
        let mut data = client.data(1).await.remove(0);
        if number > 0 && data == (number - 1).to_string() {
            data = client.data(1).await.remove(0);
        }
        assert_eq!(data, number.to_string());
    }
}

pub(crate) async fn an_idempotency_key_publishes_once<E: Engine>() {
    let engine = E::start(PLENTY).await;
    let nodes = nodes(&engine).await;
    let mut clients = [
        Client::new(&nodes[0], &["a"], None).await,
        Client::new(&nodes[1], &["b"], None).await,
    ];
    let mut positions = Vec::new();
    for node in &nodes {
        let published = node.publish("a", "once").key("17").await;
        positions.push(published.expect("published"));
        // Another topic, another key.
        let published = node.publish("b", "once").key("17").await;
        published.expect("published");
    }
    assert!(positions.iter().all(|position| *position == positions[0]));
    let other = nodes[0].publish("a", "other").key("18").await;
    assert!(other.expect("published") > positions[0]);
    // Without a key, each is one.
    publish(&nodes[1], "a", "twice").await;
    publish(&nodes[2], "a", "twice").await;
    publish(&nodes[2], "b", "end").await;
    let expected = ["once", "other", "twice", "twice"];
    assert_eq!(clients[0].data(4).await, expected);
    assert_eq!(clients[1].data(2).await, ["once", "end"]);
}

pub(crate) async fn a_snapshot_comes_first_and_then_what_follows_it<E: Engine>() {
    let engine = E::start(PLENTY).await;
    let nodes = nodes(&engine).await;
    publish(&nodes[0], "state", "before").await;
    let mut client = Client::new(&nodes[1], &["state"], None).await;
    let snapshot = client.next().await;
    assert_eq!((&*snapshot.name, &*snapshot.data), ("state", "all"));
    publish(&nodes[2], "state", "after").await;
    assert_eq!(client.data(1).await, ["after"]);
    // Nothing is missing, so there is no snapshot.
    publish(&nodes[2], "state", "later").await;
    let mut client = Client::new(&nodes[0], &["state"], Some(&snapshot.id)).await;
    assert_eq!(client.data(2).await, ["after", "later"]);
    let mut client = Client::new(&nodes[0], &["state"], Some("invalid")).await;
    client.gap().await;
    assert_eq!(client.next().await.name, "state");
}

async fn is_over(hub: &Hub, id: Option<&str>) -> bool {
    match hub.subscribe("a").resume(id).open().await {
        Ok(_) => false,
        Err(SubscribeError::Finished) => true,
        Err(error) => panic!("{error:?}"),
    }
}

pub(crate) async fn a_topic_that_is_finished_ends_on_all_nodes<E: Engine>() {
    let engine = E::start(PLENTY).await;
    let nodes = nodes(&engine).await;
    let mut clients = Vec::new();
    for node in &nodes {
        clients.push(Client::new(node, &["a"], None).await);
    }
    let before = clients[0].id.clone();
    for number in 0..10 {
        publish(&nodes[number % 3], "a", number).await;
    }
    assert!(!is_over(&nodes[0], None).await);
    let end = nodes[1].finish("a", "10").await.expect("finished");
    for client in &mut clients {
        assert_eq!(client.data(11).await, numbers(0..11));
        client.ends().await;
    }
    // Also on a node on which the topic was never in use.
    let other = engine.node().await;
    let last = other.id_of("a", end);
    assert_eq!(clients[0].id, last);
    for node in [&nodes[0], &other] {
        let mut resumed = Client::new(node, &["a"], Some(&before)).await;
        assert_eq!(resumed.data(11).await, numbers(0..11));
        resumed.ends().await;
        let mut all = Client::begin(node.subscribe("a").from_start()).await;
        assert_eq!(all.data(11).await, numbers(0..11));
        all.ends().await;
        for id in [Some(&*last), None] {
            assert!(is_over(node, id).await, "{id:?}");
        }
        assert!(node.is_finished("a").await.expect("opened"));
        let refused = node.publish("a", "11").await;
        assert!(
            matches!(refused, Err(PublishError::Finished)),
            "{refused:?}"
        );
    }
    // Another topic goes on, and a subscription to both with it.
    let mut both = Client::new(&other, &["a", "b"], Some(&last)).await;
    publish(&nodes[0], "b", "on").await;
    assert_eq!(both.data(1).await, ["on"]);
    nodes[2].finish("b", "off").await.expect("finished");
    assert_eq!(both.data(1).await, ["off"]);
    both.ends().await;
}

pub(crate) async fn a_topic_is_finished_once_and_nothing_follows<E: Engine>() {
    let engine = E::start(PLENTY).await;
    let nodes = nodes(&engine).await;
    let mut client = Client::new(&nodes[0], &["a"], None).await;
    let early = nodes[0].publish("a", "0").key("early").await;
    let early = early.expect("published");
    let mut finishing = JoinSet::new();
    for number in 0..9 {
        let node = nodes[number % 3].clone();
        finishing.spawn(async move { node.finish("a", number.to_string()).await });
    }
    let mut ends = Vec::new();
    while let Some(finished) = finishing.join_next().await {
        match finished.expect("no panic") {
            Ok(position) => ends.push(position),
            Err(PublishError::Finished) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(ends.len(), 1);
    assert_eq!(client.data(2).await[0], "0");
    client.ends().await;
    for node in &nodes {
        let again = node.publish("a", "0").key("early").await;
        assert_eq!(again.expect("published before"), early);
        for refused in [
            node.publish("a", "1").await,
            node.publish("a", "1").key("late").await,
            node.finish("a", "1").await,
            node.finish("a", "1").key("late").await,
        ] {
            assert!(
                matches!(refused, Err(PublishError::Finished)),
                "{refused:?}"
            );
        }
    }
    // With a key, it can be repeated, anywhere.
    let mut positions = Vec::new();
    for node in [&nodes[1], &nodes[1], &nodes[2]] {
        let finished = node.finish("keyed", "end").key("end").await;
        positions.push(finished.expect("finished"));
        let refused = node.publish("keyed", "1").await;
        assert!(
            matches!(refused, Err(PublishError::Finished)),
            "{refused:?}"
        );
        // Whatever has the same key.
        let same = node.publish("keyed", "1").key("end").await;
        positions.push(same.expect("published before"));
        let refused = node.publish("keyed", "1").await;
        assert!(
            matches!(refused, Err(PublishError::Finished)),
            "{refused:?}"
        );
    }
    positions.dedup();
    assert_eq!(positions.len(), 1, "{positions:?}");
    let mut all = Client::begin(nodes[0].subscribe("keyed").from_start()).await;
    assert_eq!(all.data(1).await, ["end"]);
    all.ends().await;
}

pub(crate) async fn a_finished_topic_beyond_the_window_is_read_up_to_its_end<E: Engine>() {
    let engine = E::start(Keeps {
        history: None,
        window: FEW,
    })
    .await;
    let node = engine.node().await;
    let mut slow = Client::new(&node, &["a"], None).await;
    let before = slow.id.clone();
    for number in 0..MANY {
        publish(&node, "a", number).await;
    }
    let end = node.finish("a", MANY.to_string()).await.expect("finished");
    assert_eq!(slow.data(MANY + 1).await, numbers(0..MANY + 1));
    slow.ends().await;
    let other = engine.node().await;
    let mut resumed = Client::new(&other, &["a"], Some(&before)).await;
    assert_eq!(resumed.data(MANY + 1).await, numbers(0..MANY + 1));
    resumed.ends().await;
    assert_eq!(resumed.id, other.id_of("a", end));
}

pub(crate) async fn concurrent_publishers_are_in_one_order_for_all<E: Engine>() {
    const PUBLISHERS: usize = 6;
    const EVENTS: usize = 100;
    let engine = E::start(PLENTY).await;
    let nodes = nodes(&engine).await;
    let mut clients = Vec::new();
    for node in &nodes {
        clients.push(Client::new(node, &["a"], None).await);
    }
    let mut publishers = JoinSet::new();
    for publisher in 0..PUBLISHERS {
        let node = nodes[publisher % 3].clone();
        publishers.spawn(async move {
            for number in 0..EVENTS {
                publish(&node, "a", format!("{publisher} {number}")).await;
            }
        });
    }
    while let Some(done) = publishers.join_next().await {
        done.expect("published");
    }
    let all = clients[0].data(PUBLISHERS * EVENTS).await;
    for client in &mut clients[1..] {
        assert_eq!(client.data(PUBLISHERS * EVENTS).await, all);
    }
    for publisher in 0..PUBLISHERS {
        let own = format!("{publisher} ");
        let numbers_of_it = all.iter().filter_map(|data| data.strip_prefix(&own));
        assert!(numbers_of_it.eq(numbers(0..EVENTS)), "{all:?}");
    }
}

pub(crate) async fn subscribers_that_hop_between_nodes_lose_nothing_and_get_nothing_twice<
    E: Engine,
>() {
    const EVENTS: usize = 200;
    let engine = E::start(Keeps {
        window: 1,
        ..PLENTY
    })
    .await;
    let nodes = nodes(&engine).await;
    let topics = ["a", "b"];
    let begin = Client::new(&nodes[0], &topics, None).await.id;
    let mut followers = JoinSet::new();
    for _ in 0..20 {
        let (nodes, begin) = (nodes.clone(), begin.clone());
        followers.spawn(async move {
            let (mut id, mut seen) = (begin, [0; 2]);
            while seen != [EVENTS; 2] {
                let node = &nodes[fastrand::usize(0..nodes.len())];
                let mut topics = topics;
                fastrand::shuffle(&mut topics);
                let mut client = Client::new(node, &topics, Some(&id)).await;
                for _ in 0..fastrand::usize(1..40) {
                    let data = client.data(1).await.remove(0);
                    let (topic, number) = data.split_once(' ').expect("topic and number");
                    let topic = usize::from(topic == "b");
                    assert_eq!(number, seen[topic].to_string(), "a hole or a duplicate");
                    seen[topic] += 1;
                    if seen == [EVENTS; 2] {
                        break;
                    }
                }
                id = client.id;
            }
        });
    }
    for number in 0..EVENTS {
        for topic in topics {
            let node = &nodes[fastrand::usize(0..nodes.len())];
            publish(node, topic, format!("{topic} {number}")).await;
        }
    }
    while let Some(follower) = followers.join_next().await {
        follower.expect("it got everything");
    }
}

pub(crate) async fn a_filter_hides_no_more_than_it_says_on_any_node<E: Engine>() {
    const EVENTS: usize = 600;
    let engine = E::start(Keeps {
        window: FEW,
        ..PLENTY
    })
    .await;
    let nodes = nodes(&engine).await;
    let visible = |number: &usize| number.is_multiple_of(7);
    let filtered = |node: &Hub, id: &str| {
        node.subscribe(["a", "b"])
            .resume(Some(id))
            .filter(move |event| {
                let number = event.data().and_then(|data| data.parse().ok());
                number.is_some_and(|number| visible(&number))
            })
    };
    let begin = Client::new(&nodes[0], &["a", "b"], None).await.id;
    // What is read live, and what is read from the log, resumed on other nodes again and again.
    let mut live = Client::begin(filtered(&nodes[1], &begin)).await;
    let mut id = begin.clone();
    for (number, node) in (0..EVENTS).zip(nodes.iter().cycle()) {
        publish(node, ["a", "b"][number % 2], number).await;
        if number % 100 == 99 {
            let mut client = Client::begin(filtered(node, &id)).await;
            let missed = (number - 99..=number).filter(visible);
            let mut all: Vec<usize> = Vec::new();
            for _ in missed.clone() {
                let data = client.data(1).await.remove(0);
                all.push(data.parse().expect("a number"));
            }
            all.sort_unstable();
            assert_eq!(all, missed.collect::<Vec<_>>());
            id = client.id;
        }
    }
    let expected: Vec<_> = (0..EVENTS).filter(visible).collect();
    for client in [
        &mut live,
        &mut Client::begin(filtered(&nodes[2], &begin)).await,
    ] {
        let mut all = Vec::new();
        for data in client.data(expected.len()).await {
            all.push(data.parse::<usize>().expect("a number"));
        }
        all.sort_unstable();
        assert_eq!(all, expected);
    }
}

pub(crate) async fn a_group_is_resumed_by_one_id_on_any_node<E: Engine>() {
    const EVENTS: usize = 60;
    let engine = E::start(Keeps {
        window: FEW,
        ..PLENTY
    })
    .await;
    let nodes = nodes(&engine).await;
    let topics = [0, 1, 2].map(|topic| format!("{GROUP}{topic}"));
    let of = |topic: usize| (0..EVENTS).filter(move |number| number % 3 == topic);
    let all = format!("{GROUP}*");
    let begin = Client::new(&nodes[0], &[&topics[1]], None).await.id;
    let mut live = Client::new(&nodes[1], &[&all], None).await;
    for (number, node) in (0..EVENTS).zip(nodes.iter().cycle()) {
        let topic = &topics[number % 3];
        let key = number.to_string();
        let publish = || node.publish(topic, number.to_string()).key(&key);
        let position = publish().await.expect("published");
        assert_eq!(publish().await.expect("published"), position);
    }
    for number in 0..EVENTS {
        assert_eq!(live.data(1).await, [number.to_string()]);
        let node = &nodes[number % 3];
        assert!(node.position_of(&topics[0], &live.id).is_some());
        if number % 20 == 7 {
            for (topic, node) in topics.iter().zip(&nodes) {
                let topic_number = topic.strip_prefix(GROUP).expect("in the group");
                let missed = of(topic_number.parse().expect("a number"));
                let missed: Vec<_> = missed.filter(|it| *it > number).collect();
                let mut client = Client::new(node, &[topic], Some(&live.id)).await;
                let read = client.data(missed.len()).await;
                assert_eq!(
                    read,
                    missed.iter().map(usize::to_string).collect::<Vec<_>>()
                );
            }
        }
    }
    for node in &nodes {
        let mut client = Client::new(node, &[&all], Some(&begin)).await;
        assert_eq!(client.data(EVENTS).await, numbers(0..EVENTS));
        // The other topics have no events of this one.
        let mut client = Client::new(node, &[&topics[0], &topics[2]], Some(&begin)).await;
        for data in client.data(EVENTS / 3 * 2).await {
            assert_ne!(data.parse::<usize>().expect("a number") % 3, 1);
        }
    }
}

pub(crate) async fn a_topic_that_a_node_has_evicted_is_resumed_exactly<E: Engine>() {
    let engine = E::start(PLENTY).await;
    let nodes = nodes(&engine).await;
    let id = Client::new(&nodes[0], &["a"], None).await.id;
    assert!(nodes[0].topic_metrics("a").is_none(), "evicted");
    for number in 0..3 {
        publish(&nodes[1], "a", number).await;
    }
    let mut client = Client::new(&nodes[0], &["a"], Some(&id)).await;
    assert_eq!(client.data(3).await, numbers(0..3));
}

pub(crate) async fn a_topic_that_is_opened_and_evicted_all_the_time_loses_nothing<E: Engine>() {
    const EVENTS: usize = 150;
    let engine = E::start(PLENTY).await;
    let nodes = nodes(&engine).await;
    let mut id = Client::new(&nodes[0], &["a"], None).await.id;
    let publisher = nodes[1].clone();
    let published = tokio::spawn(async move {
        for number in 0..EVENTS {
            publish(&publisher, "a", number).await;
        }
    });
    // The topic has no other subscriber on this node.
    let mut seen = 0;
    while seen < EVENTS {
        let mut client = Client::new(&nodes[2], &["a"], Some(&id)).await;
        for _ in 0..fastrand::usize(1..4).min(EVENTS - seen) {
            assert_eq!(client.data(1).await, [seen.to_string()]);
            seen += 1;
        }
        id = client.id;
    }
    published.await.expect("published");
}
