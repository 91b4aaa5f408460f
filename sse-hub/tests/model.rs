//! Any interleaving of publishing, subscribing, reading slowly, dropping, resuming and trimming,
//! against the plainest model there is: each topic is the list of all that was published to it.
//!
//! A subscriber must get each event of the list once and in order from where it began, except
//! where it was told of a gap; and it must be told of a gap exactly when events that it had not
//! got are no longer kept, or its id says nothing.

mod reader;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use reader::{Event as Read, Reader};
use sse_hub::{Event, Hub, Position, Retention, SlowConsumer, Subscription, TopicOptions};
use tokio::runtime::Runtime;

/// The last of them has a snapshot: how many events were published to it.
const TOPICS: [&str; 3] = ["a", "b", "state"];
const STATE: usize = 2;
const KEPT: usize = 4;
const MAX_AGE: Duration = Duration::from_secs(60);
const CLIENTS: usize = 4;

/// The model: how many events each topic has had, and how many of them are gone.
#[derive(Clone, Debug, Default)]
struct Model {
    topics: [Log; 3],
}

#[derive(Clone, Debug, Default)]
struct Log {
    published: usize,
    gone: usize,
}

#[derive(Clone, Debug)]
enum Step {
    Publish {
        topic: usize,
        events: usize,
    },
    /// All that was published so far gets too old.
    Age,
    Connect {
        client: usize,
        topics: Vec<usize>,
        from: From,
        start: bool,
        disconnect: bool,
    },
    /// Takes some pieces, or all that there are.
    Read {
        client: usize,
        pieces: Option<usize>,
    },
    Drop {
        client: usize,
    },
}

/// Where a client goes on.
#[derive(Clone, Debug)]
enum From {
    Fresh,
    /// After its own last event ID.
    Own,
    /// After any id that was ever given to anyone.
    Stale(Index),
    /// After such an id with one character changed.
    Damaged(Index, Index, u8),
    /// After an id of a hub that is not this one.
    Foreign(usize),
    /// After an id with a true checksum, made up from a position that this many others precede.
    Forged(usize, Index),
    /// After such an id whose position is still to come.
    Future(usize, u64),
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Step> {
        let topic = 0..TOPICS.len();
        let client = 0..CLIENTS;
        let topics = proptest::sample::subsequence(vec![0, 1, 2], 1..=3).prop_shuffle();
        let from = prop_oneof![
            2 => Just(From::Fresh),
            4 => Just(From::Own),
            3 => any::<Index>().prop_map(From::Stale),
            1 => (any::<Index>(), any::<Index>(), 1..64_u8).prop_map(|(a, b, c)| From::Damaged(a, b, c)),
            1 => topic.clone().prop_map(From::Foreign),
            1 => (topic.clone(), any::<Index>()).prop_map(|(topic, at)| From::Forged(topic, at)),
            1 => (topic.clone(), 1..1000_u64).prop_map(|(topic, by)| From::Future(topic, by)),
        ];
        let connect = (client.clone(), topics, from, any::<bool>(), any::<bool>()).prop_map(
            |(client, topics, from, start, disconnect)| Step::Connect {
                client,
                topics,
                from,
                start,
                disconnect,
            },
        );
        let read = (client.clone(), proptest::option::weighted(0.5, 1..4_usize));
        prop_oneof![
            6 => (topic, 1..4_usize).prop_map(|(topic, events)| Step::Publish { topic, events }),
            1 => Just(Step::Age),
            4 => connect,
            6 => read.prop_map(|(client, pieces)| Step::Read { client, pieces }),
            2 => client.prop_map(|client| Step::Drop { client }),
        ]
        .boxed()
    }

    fn apply(mut state: Self, step: &Step) -> Self {
        match step {
            Step::Publish { topic, events } => {
                let log = &mut state.topics[*topic];
                log.published += events;
                log.gone = log.gone.max(log.published.saturating_sub(KEPT));
            }
            Step::Age => {
                for log in &mut state.topics {
                    log.gone = log.published;
                }
            }
            Step::Connect { .. } | Step::Read { .. } | Step::Drop { .. } => {}
        }
        state
    }
}

/// How many events of each topic come before a place; `None` if the place does not say.
type Places = [Option<usize>; 3];

/// The hub, its clients, and every id that was ever given out.
struct World {
    runtime: Runtime,
    hub: Hub,
    state: Arc<Mutex<usize>>,
    clients: [Client; CLIENTS],
    ids: Vec<(String, Places)>,
    /// Each topic's positions.
    positions: [Vec<Position>; 3],
    counts: Counts,
}

#[derive(Default)]
struct Client {
    connection: Option<Connection>,
    last: Option<(String, Places)>,
}

struct Connection {
    subscription: Subscription,
    reader: Reader,
    topics: Vec<usize>,
    /// Of the topics that have begun.
    places: Places,
    disconnect: bool,
}

/// What was met, so that a run that proves nothing can be told.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Counts {
    events: u64,
    gaps: u64,
    snapshots: u64,
    resumed: u64,
    disconnected: u64,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let state = Arc::new(Mutex::new(0));
        let shared = Arc::clone(&state);
        // The hub's clock must be the paused one.
        let hub = runtime.block_on(async {
            Hub::builder()
                .topics(move |name| {
                    let retention = Retention::new().max_events(KEPT).max_age(MAX_AGE);
                    let options = TopicOptions::new().retention(retention);
                    if name != TOPICS[STATE] {
                        return options;
                    }
                    let shared = Arc::clone(&shared);
                    options.snapshot(move || {
                        let count = *shared.lock().expect("not poisoned");
                        Event::new().event("snapshot").display(count)
                    })
                })
                .build()
        });
        Self {
            runtime,
            hub,
            state,
            clients: Default::default(),
            ids: Vec::new(),
            positions: Default::default(),
            counts: Counts::default(),
        }
    }

    fn publish(&mut self, topic: usize) {
        let number = self.positions[topic].len();
        let name = TOPICS[topic];
        let event = Event::new().display(format!("{name}:{number}"));
        let position = if topic == STATE {
            let state = Arc::clone(&self.state);
            self.hub.publish_with(name, || {
                *state.lock().expect("not poisoned") += 1;
                event
            })
        } else {
            self.hub.publish_now(name, event)
        };
        self.positions[topic].push(position.expect("published"));
    }

    fn last_position(&self) -> Option<Position> {
        self.positions.iter().flatten().max().copied()
    }

    /// The id to come with, and what it says; `None` if it says nothing that the hub may heed.
    fn id(&self, client: usize, from: &From) -> Option<(String, Option<Places>)> {
        let known = |(id, places): &(String, Places)| (id.clone(), Some(*places));
        match from {
            From::Fresh => None,
            From::Own => self.clients[client].last.as_ref().map(known),
            From::Stale(index) if !self.ids.is_empty() => Some(known(index.get(&self.ids))),
            From::Damaged(index, at, by) if !self.ids.is_empty() => {
                const ALPHABET: &[u8] =
                    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
                let mut id = index.get(&self.ids).0.clone().into_bytes();
                let at = at.index(id.len());
                let value = ALPHABET
                    .iter()
                    .position(|c| *c == id[at])
                    .expect("base64url");
                id[at] = ALPHABET[value ^ usize::from(*by)];
                Some((String::from_utf8(id).expect("ASCII"), None))
            }
            From::Stale(_) | From::Damaged(..) => None,
            From::Foreign(topic) => {
                let foreign = Hub::new()
                    .publish_now(TOPICS[*topic], "x")
                    .expect("published");
                let mut places = [None; 3];
                // It says something of this topic, which is not heeded.
                places[*topic] = Some(usize::MAX);
                Some((foreign.to_id(TOPICS[*topic]), Some(places)))
            }
            From::Forged(topic, at) => {
                let last = self.last_position()?;
                let minor = at.index(usize::try_from(last.minor()).expect("small") + 1) as u64;
                let forged = Position::new(last.major(), minor);
                let mut places = [None; 3];
                let before = |position: &&Position| **position <= forged;
                places[*topic] = Some(self.positions[*topic].iter().filter(before).count());
                Some((forged.to_id(TOPICS[*topic]), Some(places)))
            }
            From::Future(topic, by) => {
                let last = self.last_position()?;
                let future = Position::new(last.major(), last.minor() + by);
                let mut places = [None; 3];
                places[*topic] = Some(usize::MAX);
                Some((future.to_id(TOPICS[*topic]), Some(places)))
            }
        }
    }

    fn connect(&mut self, model: &Model, step: &Step) {
        let Step::Connect {
            client,
            topics,
            from,
            start,
            disconnect,
        } = step
        else {
            return;
        };
        self.clients[*client].connection = None;
        let id = self.id(*client, from);
        let mut subscribe = self
            .hub
            .subscribe(topics.iter().map(|topic| TOPICS[*topic]))
            .resume(id.as_ref().map(|(id, _)| id.as_str()));
        if *start {
            subscribe = subscribe.from_start();
        }
        if *disconnect {
            subscribe = subscribe.slow_consumer(SlowConsumer::Disconnect);
        }
        let mut subscription = self
            .runtime
            .block_on(subscribe.into_future())
            .expect("a subscription");

        // What must come of it.
        let mut places = [None; 3];
        let mut gaps = HashMap::new();
        for topic in topics.iter().copied() {
            let log = &model.topics[topic];
            let said = match &id {
                None => None,
                Some((_, None)) => Some(usize::MAX),
                Some((_, Some(places))) => places[topic],
            };
            places[topic] = match said {
                Some(usize::MAX) => {
                    gaps.insert(TOPICS[topic], "unknown");
                    Some(log.published)
                }
                Some(place) if place < log.gone => {
                    gaps.insert(TOPICS[topic], "trimmed");
                    Some(log.published)
                }
                Some(place) => {
                    self.counts.resumed += 1;
                    Some(place)
                }
                None if *start && topic != STATE => Some(log.gone),
                None => Some(log.published),
            };
            if topic == STATE && (said.is_none() || gaps.contains_key(TOPICS[topic])) {
                // The snapshot says where it begins.
                places[topic] = None;
            }
        }

        let opening = subscription.next().now_or_never().flatten();
        let opening = opening.expect("an opening").expect("no error");
        let mut reader = Reader::default();
        let told = reader.feed(&opening);
        if let [gap] = &told[..] {
            let mut told: HashMap<_, _> = gap.gaps().into_iter().collect();
            for (topic, reason) in &gaps {
                let told = told
                    .remove(*topic)
                    .unwrap_or_else(|| panic!("{topic} not told"));
                // A topic that was let go of meanwhile does not know what it had trimmed.
                assert!(told == *reason || told == "unknown", "{told} {reason}");
            }
            assert!(told.is_empty(), "told of gaps that are none: {told:?}");
            self.counts.gaps += gaps.len() as u64;
        } else {
            assert!(told.is_empty(), "{told:?}");
            assert!(gaps.is_empty(), "not told of {gaps:?}");
        }
        let place = (reader.id.clone().expect("an id"), places);
        self.ids.push(place.clone());
        self.clients[*client] = Client {
            last: Some(place),
            connection: Some(Connection {
                subscription,
                reader,
                topics: topics.clone(),
                places,
                disconnect: *disconnect,
            }),
        };
    }

    /// Reads up to `pieces` pieces and checks each event against the model.
    fn read(&mut self, model: &Model, client: usize, pieces: Option<usize>) {
        let Some(connection) = &mut self.clients[client].connection else {
            return;
        };
        for _ in 0..pieces.unwrap_or(usize::MAX) {
            let Some(next) = connection.subscription.next().now_or_never() else {
                // Nothing more is there: then all was told or got.
                for topic in &connection.topics {
                    assert_eq!(
                        connection.places[*topic],
                        Some(model.topics[*topic].published)
                    );
                }
                return;
            };
            let Some(piece) = next else {
                assert!(connection.disconnect, "ended for no reason");
                let is_behind = |topic: &usize| {
                    connection.places[*topic].is_some_and(|at| at < model.topics[*topic].gone)
                };
                assert!(
                    connection.topics.iter().any(is_behind),
                    "disconnected without need"
                );
                self.counts.disconnected += 1;
                self.clients[client].connection = None;
                return;
            };
            let events = connection.reader.feed(&piece.expect("no error"));
            assert!(connection.reader.is_whole());
            for event in events {
                check(model, connection, &event, &mut self.counts);
                let place = (event.id, connection.places);
                self.ids.push(place.clone());
                self.clients[client].last = Some(place);
            }
        }
    }
}

fn check(model: &Model, connection: &mut Connection, event: &Read, counts: &mut Counts) {
    match &*event.name {
        "gap" => {
            let gaps = event.gaps();
            let [(topic, reason)] = &gaps[..] else {
                panic!("gaps of several topics at once: {gaps:?}");
            };
            let topic = index(topic);
            let log = &model.topics[topic];
            let place = connection.places[topic].expect("it had begun");
            assert!(place < log.gone, "told of a gap that is none");
            assert!(!connection.disconnect, "told instead of disconnected");
            assert_eq!(reason, "slow");
            assert_eq!(event.missed(), Some((log.published - place) as u64));
            connection.places[topic] = (topic != STATE).then_some(log.published);
            counts.gaps += 1;
        }
        "snapshot" => {
            assert_eq!(connection.places[STATE], None, "a snapshot nobody needs");
            let count = event.data.parse().expect("a number");
            assert_eq!(count, model.topics[STATE].published);
            connection.places[STATE] = Some(count);
            counts.snapshots += 1;
        }
        "message" => {
            let (topic, number) = event.data.split_once(':').expect("topic and number");
            let topic = index(topic);
            assert!(
                connection.topics.contains(&topic),
                "an event of another topic"
            );
            let place = connection.places[topic]
                .as_mut()
                .expect("no event before the snapshot");
            assert_eq!(number, place.to_string(), "a hole or a duplicate");
            assert!(*place < model.topics[topic].published);
            *place += 1;
            counts.events += 1;
        }
        other => panic!("an event of nobody's: {other}"),
    }
}

fn index(topic: &str) -> usize {
    let index = TOPICS.iter().position(|name| *name == topic);
    index.expect("a topic")
}

struct Conversation;

impl StateMachineTest for Conversation {
    type SystemUnderTest = World;
    type Reference = Model;

    fn init_test(_: &Model) -> World {
        World::new()
    }

    fn apply(mut world: World, model: &Model, step: Step) -> World {
        // For the paused clock.
        let handle = world.runtime.handle().clone();
        let _entered = handle.enter();
        match &step {
            Step::Publish { topic, events } => {
                for _ in 0..*events {
                    world.publish(*topic);
                }
            }
            Step::Age => {
                world.runtime.block_on(tokio::time::advance(MAX_AGE));
                world.hub.sweep();
            }
            Step::Connect { .. } => world.connect(model, &step),
            Step::Read { client, pieces } => world.read(model, *client, *pieces),
            Step::Drop { client } => world.clients[*client].connection = None,
        }
        world
    }

    fn check_invariants(world: &World, model: &Model) {
        for (topic, log) in TOPICS.iter().zip(&model.topics) {
            let held = world
                .hub
                .topic_metrics(topic)
                .map_or(0, |metrics| metrics.held_events);
            assert!(held <= KEPT);
            assert_eq!(held, log.published - log.gone);
        }
    }

    fn teardown(mut world: World, model: Model) {
        let handle = world.runtime.handle().clone();
        let _entered = handle.enter();
        // Whoever is still there gets all.
        for client in 0..CLIENTS {
            world.read(&model, client, None);
        }
        let mut total = TOTAL.lock().expect("not poisoned");
        total.events += world.counts.events;
        total.gaps += world.counts.gaps;
        total.snapshots += world.counts.snapshots;
        total.resumed += world.counts.resumed;
        total.disconnected += world.counts.disconnected;
    }
}

static TOTAL: Mutex<Counts> = Mutex::new(Counts {
    events: 0,
    gaps: 0,
    snapshots: 0,
    resumed: 0,
    disconnected: 0,
});

fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: 2 * default.cases,
        failure_persistence: None,
        ..default
    }
}

prop_state_machine! {
    #![proptest_config(config())]

    fn any_conversation(sequential 1..60 => Conversation);
}

#[test]
fn each_subscribers_record_is_the_log_except_where_it_was_told_of_a_gap() {
    any_conversation();
    let total = TOTAL.lock().expect("not poisoned");
    let Counts {
        events,
        gaps,
        snapshots,
        resumed,
        disconnected,
    } = *total;
    eprintln!(
        "{events} events, {gaps} gaps, {snapshots} snapshots, {resumed} resumed, {disconnected} disconnected"
    );
    // Else it has tested nothing.
    for met in [events, gaps, snapshots, resumed, disconnected] {
        assert!(met > 20);
    }
}
