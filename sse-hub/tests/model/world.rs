//! The hub and its clients, each event of which is checked against the model.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};

use futures_util::{FutureExt as _, StreamExt as _};
use sse_hub::{
    Event, Hub, Position, PublishError, Retention, SlowConsumer, SubscribeError, TopicOptions,
};
use sse_hub_testing::reader::Reader;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::checks::{check, follow, is_even, is_of_others, place_of};
use crate::connection::{Connection, Ending, Ends, Source, name};
use crate::model::{CLIENTS, From, KEPT, MAX_AGE, Model, STATE, Step, TOPICS, Until};
use crate::served::Served;

/// How many events of each topic precede a place; `None` if the place has none of the topic.
pub(crate) type Places = [Option<usize>; 3];

/// The hub, its clients, and every id that they ever got.
pub(crate) struct World {
    pub(crate) runtime: Runtime,
    pub(crate) hub: Hub,
    pub(crate) state: Arc<Mutex<usize>>,
    pub(crate) clients: [Client; CLIENTS],
    pub(crate) ids: Vec<(String, Places)>,
    /// Each topic's positions.
    pub(crate) positions: [Vec<Position>; 3],
    pub(crate) counts: Counts,
}

#[derive(Default)]
pub(crate) struct Client {
    pub(crate) connection: Option<Connection>,
    pub(crate) last: Option<(String, Places)>,
}

/// What has happened, to detect a run that tests nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) events: u64,
    pub(crate) gaps: u64,
    pub(crate) snapshots: u64,
    pub(crate) resumed: u64,
    pub(crate) disconnected: u64,
    pub(crate) switched: u64,
    /// Streams that have ended as all their topics were finished.
    pub(crate) ended: u64,
    /// Subscriptions for which nothing was left.
    pub(crate) refused: u64,
    pub(crate) ended_by_server: u64,
    pub(crate) hidden: u64,
    /// Ids that came without an event, as all that was new was hidden.
    pub(crate) blocks: u64,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

impl World {
    /// Creates a hub of which each topic has had one event, which is gone.
    pub(crate) fn new() -> Self {
        loop {
            let mut world = Self::empty();
            let handle = world.runtime.handle().clone();
            let _entered = handle.enter();
            for topic in 0..TOPICS.len() {
                world.publish(topic);
            }
            world.runtime.block_on(tokio::time::advance(MAX_AGE));
            world.hub.sweep();
            // A hub remembers the evicted topics by hashes of their names. Where two share one, the first may have
            // a gap because of the other.
            let resumes = |topic| world.resumes_exactly(topic);
            if (0..TOPICS.len()).all(resumes) {
                return world;
            }
        }
    }

    /// Whether a client that comes back to a topic after its last event gets no gap.
    fn resumes_exactly(&self, topic: usize) -> bool {
        let last = self.positions[topic].last().expect("an event");
        let id = self.hub.id_of(TOPICS[topic], *last);
        let subscribe = self.hub.subscribe(TOPICS[topic]).resume(Some(&id));
        let subscribed = self.runtime.block_on(subscribe.into_future());
        let mut subscription = subscribed.expect("a subscription");
        let opening = subscription.next().now_or_never().flatten();
        let opening = opening.expect("an opening").expect("no error");
        opening.starts_with(b"id: ")
    }

    fn empty() -> Self {
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

    /// Publishes the event that ends a topic, unless it is finished already.
    pub(crate) fn finish(&mut self, model: &Model, topic: usize) {
        let number = self.positions[topic].len();
        if number == model.topics[topic].published {
            self.publish_in_vain(topic);
            let finished = self.hub.finish(TOPICS[topic], "again").now();
            assert!(matches!(finished, Err(PublishError::Finished)));
            return;
        }
        let name = TOPICS[topic];
        let finished = self.hub.finish(name, format!("{name}:{number}")).now();
        self.positions[topic].push(finished.expect("finished"));
        if topic == STATE {
            *self.state.lock().expect("not poisoned") += 1;
        }
    }

    /// Publishes to a topic that is finished.
    pub(crate) fn publish_in_vain(&self, topic: usize) {
        let published = self.hub.publish_now(TOPICS[topic], "late");
        assert!(matches!(published, Err(PublishError::Finished)));
    }

    pub(crate) fn publish(&mut self, topic: usize) {
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

    /// Returns in which topics an id has a position that no event of the topic has reached.
    fn beyond(&self, id: &str) -> [bool; 3] {
        std::array::from_fn(|topic| {
            let position = self.hub.position_of(TOPICS[topic], id);
            position.as_ref() > self.positions[topic].last()
        })
    }

    /// Returns the id to resume from, and its places; without places if the hub must not accept it.
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
                let (foreign, topic) = (Hub::new(), TOPICS[*topic]);
                let position = foreign.publish_now(topic, "x").expect("published");
                Some((foreign.id_of(topic, position), None))
            }
            From::Forged(topic, at) => {
                let last = self.last_position()?;
                let minor = at.index(usize::try_from(last.minor()).expect("small") + 1) as u64;
                let forged = Position::new(last.major(), minor);
                let mut places = [None; 3];
                let before = |position: &&Position| **position <= forged;
                places[*topic] = Some(self.positions[*topic].iter().filter(before).count());
                Some((self.hub.id_of(TOPICS[*topic], forged), Some(places)))
            }
            From::Future(topic, by) => {
                let last = self.last_position()?;
                let future = Position::new(last.major(), last.minor() + by);
                let mut places = [None; 3];
                places[*topic] = Some(usize::MAX);
                Some((self.hub.id_of(TOPICS[*topic], future), Some(places)))
            }
        }
    }

    pub(crate) fn connect(&mut self, model: &Model, step: &Step) {
        let Step::Connect {
            client,
            topics,
            from,
            start,
            disconnect,
            even,
            served,
            until,
            is_named,
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
        if *even {
            subscribe = subscribe.filter(is_even);
        }
        let ends = Ends {
            until: until.map(|until| (until, CancellationToken::new())),
            is_named: *is_named,
        };
        let subscribe = ends.apply(subscribe, *client);
        let subscribed = self.runtime.block_on(subscribe.into_future());

        // The expected result.
        let mut places = [None; 3];
        let mut gaps = HashSet::new();
        let mut is_over = true;
        for topic in topics.iter().copied() {
            let log = &model.topics[topic];
            let said = match &id {
                None => None,
                Some((_, None)) => Some(usize::MAX),
                // It is of other topics alone.
                Some((_, Some(places))) if is_of_others(places, topics) => Some(usize::MAX),
                Some((_, Some(places))) => places[topic],
            };
            is_over &= log.is_finished
                && match said {
                    None => topic != STATE && !*start,
                    Some(place) => place == log.published,
                };
            places[topic] = match said {
                Some(usize::MAX) => {
                    gaps.insert(TOPICS[topic]);
                    Some(log.published)
                }
                Some(place) if place < log.gone => {
                    gaps.insert(TOPICS[topic]);
                    Some(log.published)
                }
                Some(place) => {
                    self.counts.resumed += 1;
                    Some(place)
                }
                None if *start && topic != STATE => Some(log.gone),
                None => Some(log.published),
            };
            if topic == STATE && (said.is_none() || gaps.contains(TOPICS[topic])) {
                // The snapshot says where it begins.
                places[topic] = None;
            }
        }

        if is_over {
            let refused = matches!(subscribed, Err(SubscribeError::Finished));
            assert!(refused, "nothing is left");
            self.counts.refused += 1;
            return;
        }
        let subscription = subscribed.expect("a subscription");
        let source = if *served {
            let has_handle = !*disconnect && ends.are_none();
            Source::Served(Served::new(subscription, has_handle))
        } else {
            Source::Plain(Box::new(subscription))
        };
        let mut connection = Connection {
            source,
            reader: Reader::default(),
            topics: topics.clone(),
            places,
            beyond: id.as_ref().map_or([false; 3], |(id, _)| self.beyond(id)),
            disconnect: *disconnect,
            even: *even,
            before: model.clone(),
            switches: VecDeque::new(),
            ends,
            ending: None,
            // A handler has looked already, unlike a plain subscription.
            over: std::array::from_fn(|topic| {
                let log = &model.topics[topic];
                log.is_finished && places[topic] == Some(log.published)
            }),
        };
        // A stream that begins with the snapshot has nothing before it.
        let has_opening = !gaps.is_empty() || !topics.contains(&STATE) || places[STATE].is_some();
        let last = if has_opening {
            self.check_opening(&mut connection, &gaps);
            let id = connection.reader.id.clone().expect("an id");
            self.ids.push((id.clone(), places));
            Some((id, places))
        } else {
            // It still has the id that it came with.
            // But a position of the future may be given until it is used.
            let said = id.and_then(|(id, places)| Some((id, places?)));
            said.filter(|(_, places)| !places.contains(&Some(usize::MAX)))
        };
        self.clients[*client] = Client {
            last,
            connection: Some(connection),
        };
    }

    /// Checks that a stream begins with its gaps, or with an id alone.
    fn check_opening(&mut self, connection: &mut Connection, gaps: &HashSet<&str>) {
        let opening = connection.source.next().flatten().expect("an opening");
        let events = connection.reader.feed(&opening);
        let [gap] = &events[..] else {
            assert!(events.is_empty(), "{events:?}");
            assert!(gaps.is_empty(), "not sent: {gaps:?}");
            return;
        };
        let mut sent: HashMap<_, _> = gap.gaps().into_iter().collect();
        for topic in gaps {
            let sent = sent
                .remove(*topic)
                .unwrap_or_else(|| panic!("no gap in {topic}"));
            // Whatever the reason.
            assert_eq!(sent, "unknown");
        }
        assert!(
            sent.is_empty(),
            "gaps in which nothing is missing: {sent:?}"
        );
        self.counts.gaps += gaps.len() as u64;
    }

    /// Sends a comment to a served client through another handle.
    pub(crate) fn comment(&self, client: usize) {
        if let Some(connection) = &self.clients[client].connection
            && let Source::Served(served) = &connection.source
        {
            served.comment();
        }
    }

    /// Ends a client's subscription by its future, if it has one.
    pub(crate) fn end(&mut self, client: usize) {
        if let Some(connection) = &mut self.clients[client].connection
            && connection.ending.is_none()
            && let Some((until, token)) = &connection.ends.until
        {
            token.cancel();
            let is_event_due = matches!(until, Until::WithEvent);
            connection.ending = Some(Ending { is_event_due });
        }
    }

    /// Disconnects the client from a topic.
    pub(crate) fn disconnect(&mut self, client: usize, topic: usize) {
        let connection = self.clients[client].connection.as_mut();
        if connection.as_ref().is_some_and(|it| it.ending.is_some()) {
            return;
        }
        let ended = self
            .hub
            .disconnect(TOPICS[topic], name(client))
            .now_or_never();
        let ended = ended.expect("at once").expect("no engine");
        let has_topic = |it: &&mut Connection| it.ends.is_named && it.topics.contains(&topic);
        let Some(connection) = connection.filter(has_topic) else {
            assert_eq!(ended, 0);
            return;
        };
        match &connection.source {
            Source::Plain(_) => assert_eq!(ended, 1),
            // Its handler may have ended, or have others to switch to.
            Source::Served(_) => assert!(ended <= 1 + connection.switches.len()),
        }
        if ended > 0 {
            let is_event_due = false;
            connection.ending = Some(Ending { is_event_due });
        }
    }

    /// Switches the client's handler to another subscription, if the client's id is known.
    pub(crate) fn switch(&mut self, model: &Model, client: usize) {
        let last = self.clients[client].last.as_ref();
        let beyond = last.map_or([false; 3], |(id, _)| self.beyond(id));
        let Client {
            connection: Some(connection),
            last: Some((id, places)),
        } = &mut self.clients[client]
        else {
            return;
        };
        let Source::Served(served) = &connection.source else {
            return;
        };
        let is_known =
            |topic: &usize| places[*topic].is_some_and(|place| place >= model.topics[*topic].gone);
        let may_have_ended = connection.disconnect || connection.ending.is_some();
        if may_have_ended || !connection.topics.iter().all(is_known) {
            return;
        }
        // Its handler may have ended.
        let may_be_over = |topic: &usize| {
            let ends = &model.topics[*topic].ends;
            places[*topic].is_none_or(|place| ends.iter().any(|end| end + 1 >= place))
        };
        if connection.topics.iter().all(may_be_over) {
            return;
        }
        let names = connection.topics.iter().map(|topic| TOPICS[*topic]);
        let mut subscribe = self.hub.subscribe(names).resume(Some(id));
        if connection.even {
            subscribe = subscribe.filter(is_even);
        }
        let subscribe = connection.ends.apply(subscribe, client);
        let next = self.runtime.block_on(subscribe.into_future());
        served.switch(next.expect("a subscription"));
        connection.switches.push_back((*places, beyond));
        self.counts.switched += 1;
    }

    /// Reads up to `pieces` pieces and checks each event against the model.
    pub(crate) fn read(&mut self, model: &Model, client: usize, pieces: Option<usize>) {
        let Client {
            connection: Some(connection),
            last,
        } = &mut self.clients[client]
        else {
            return;
        };
        for _ in 0..pieces.unwrap_or(usize::MAX) {
            let sleeps = match &connection.source {
                Source::Served(served) => pieces.is_none() && !served.is_woken(),
                Source::Plain(_) => false,
            };
            let next = if sleeps {
                None
            } else {
                connection.source.next()
            };
            let Some(next) = next else {
                assert!(connection.ending.is_none(), "the server has ended it");
                // There is nothing more: then everything was delivered or skipped by a gap.
                let mut is_over = true;
                for topic in connection.topics.iter().copied() {
                    let log = &model.topics[topic];
                    if !connection.over[topic] {
                        assert_eq!(connection.places[topic], Some(log.published));
                        connection.over[topic] = log.is_finished;
                    }
                    is_over &= log.is_finished;
                }
                let may_end = match &connection.source {
                    Source::Plain(_) => true,
                    // Another handle keeps a stream open.
                    Source::Served(served) => !served.has_handle(),
                };
                assert!(!(is_over && may_end), "the stream does not end");
                return;
            };
            let Some(piece) = next else {
                let ending = connection.ending.as_ref();
                if ending.is_some_and(|ending| !ending.is_event_due) {
                    self.counts.ended_by_server += 1;
                    self.clients[client].connection = None;
                    return;
                }
                let is_at_end = |topic: &usize| connection.is_at_end(model, *topic);
                if connection.topics.iter().all(is_at_end) {
                    self.counts.ended += 1;
                    self.clients[client].connection = None;
                    return;
                }
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
            let events = connection.reader.feed(&piece);
            assert!(connection.reader.is_whole());
            let places_before = connection.places;
            for event in events {
                if event.name == "switch" {
                    let switch = connection.switches.pop_front();
                    let (places, beyond) = switch.expect("a switch that was requested");
                    connection.places = places;
                    connection.beyond = beyond;
                    connection.over = [false; 3];
                    connection.note_ends(model, &[None; 3]);
                    continue;
                }
                let said = |topic| place_of(&self.hub, &self.positions, topic, &event.id);
                check(model, connection, &event, said, &mut self.counts);
                if connection.even {
                    let hidden = follow(&self.hub, &self.positions, connection, &event.id);
                    self.counts.hidden += hidden;
                }
                let place = (event.id, connection.places);
                self.ids.push(place.clone());
                *last = Some(place);
            }
            if connection.even
                && let Some(id) = connection.reader.id.clone()
                && id != "switch"
                && last.as_ref().is_none_or(|last| last.0 != id)
            {
                self.counts.hidden += follow(&self.hub, &self.positions, connection, &id);
                self.counts.blocks += 1;
                let place = (id, connection.places);
                self.ids.push(place.clone());
                *last = Some(place);
            }
            connection.note_ends(model, &places_before);
            connection.before.clone_from(model);
        }
    }
}
