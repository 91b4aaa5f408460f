//! Subscribers of 1 to 64 topics leave, and come back with any id that they ever got: each event of each
//! topic comes once and in order, or is missing in a gap that was due. An id that was changed, or that is
//! another hub's, is always a gap.
#![no_main]

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_util::{FutureExt as _, Stream as _};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use sse_codec::Decoder;
use sse_hub::{Hub, Retention, Subscription, TopicOptions};

/// The most topics of a subscription.
const MAX_TOPICS: u8 = 64;

const CLIENTS: usize = 4;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    topics: u8,
    kept: u8,
    steps: Vec<Step<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    Publish {
        topic: u8,
        events: u8,
    },
    Subscribe {
        client: u8,
        /// A bit for each topic.
        topics: u64,
        from: From<'a>,
        from_start: bool,
    },
    /// Takes some pieces.
    Read {
        client: u8,
        pieces: u8,
    },
    /// Takes all that there is.
    Drain {
        client: u8,
    },
    Leave {
        client: u8,
    },
}

/// The last event ID that a subscriber comes with.
#[derive(Arbitrary, Debug)]
enum From<'a> {
    Nothing,
    /// One that a subscriber has got.
    Known(u8),
    /// Such a one with another character.
    Changed {
        id: u8,
        at: u16,
        to: u8,
    },
    /// The start of such a one.
    Cut {
        id: u8,
        len: u16,
    },
    /// Such a one and more.
    Longer {
        id: u8,
        more: &'a str,
    },
    /// Two halves of such ones.
    Mixed {
        id: u8,
        other: u8,
        at: u16,
    },
    /// One of another hub with the same topics.
    Foreign,
    Text(&'a str),
}

/// The number of the last event that a client has got, or knows to be missing, of each topic.
type Seen = BTreeMap<usize, u64>;

fuzz_target!(|input: Input<'_>| {
    let topics = input.topics % MAX_TOPICS + 1;
    let mut world = World::new(topics.into(), u64::from(input.kept % 8 + 1));
    for step in input.steps.iter().take(256) {
        world.step(step);
    }
    // All ids resume, also in the end.
    for (id, seen) in world.ids.clone() {
        let topics: Vec<_> = seen.keys().copied().collect();
        world.subscribe(0, &topics, Some(id), false);
        world.read(0, usize::MAX);
    }
});

struct World {
    hub: Hub,
    kept: u64,
    /// How many events were published to each topic; each is its number.
    published: Vec<u64>,
    clients: [Option<Client>; CLIENTS],
    /// All ids that clients have got, with what they stand for.
    ids: Vec<(String, Seen)>,
}

struct Client {
    subscription: Subscription,
    decoder: Decoder,
    seen: Seen,
}

fn name(topic: usize) -> String {
    format!("topic {topic}")
}

fn hub(kept: u64) -> Hub {
    let retention = Retention::new().max_events(usize::try_from(kept).expect("small"));
    let options = move |_: &str| TopicOptions::new().retention(retention);
    Hub::builder().topics(options).build()
}

impl World {
    fn new(topics: usize, kept: u64) -> Self {
        Self {
            hub: hub(kept),
            kept,
            published: vec![0; topics],
            clients: [const { None }; CLIENTS],
            ids: Vec::new(),
        }
    }

    fn step(&mut self, step: &Step<'_>) {
        match *step {
            Step::Publish { topic, events } => {
                let topic = usize::from(topic) % self.published.len();
                for _ in 0..events % 16 {
                    self.published[topic] += 1;
                    let event = format!("{topic} {}", self.published[topic]);
                    let published = self.hub.publish_now(&name(topic), event);
                    published.expect("an open hub");
                }
            }
            Step::Subscribe {
                client,
                topics,
                ref from,
                from_start,
            } => {
                let all = 0..self.published.len();
                let mut topics: Vec<_> = all.filter(|topic| topics & (1 << topic) != 0).collect();
                if topics.is_empty() {
                    topics.push(0);
                }
                let id = self.id(from, &topics);
                self.subscribe(usize::from(client) % CLIENTS, &topics, id, from_start);
            }
            Step::Read { client, pieces } => {
                self.read(usize::from(client) % CLIENTS, pieces.into());
            }
            Step::Drain { client } => self.read(usize::from(client) % CLIENTS, usize::MAX),
            Step::Leave { client } => self.clients[usize::from(client) % CLIENTS] = None,
        }
    }

    fn known(&self, id: u8) -> &str {
        let count = self.ids.len().max(1);
        let known = self.ids.get(usize::from(id) % count);
        known.map_or("", |(id, _)| id)
    }

    fn id(&self, from: &From<'_>, topics: &[usize]) -> Option<String> {
        Some(match *from {
            From::Nothing => return None,
            From::Known(id) => self.known(id).to_owned(),
            From::Changed { id, at, to } => {
                let mut id = self.known(id).to_owned().into_bytes();
                if let Some(len) = id.len().checked_sub(1) {
                    id[usize::from(at) % (len + 1)] = to % 0x80;
                }
                String::from_utf8(id).expect("ASCII")
            }
            From::Cut { id, len } => {
                let id = self.known(id);
                id[..usize::from(len) % (id.len() + 1)].to_owned()
            }
            From::Longer { id, more } => format!("{}{more}", self.known(id)),
            From::Mixed { id, other, at } => {
                let (id, other) = (self.known(id), self.known(other));
                let at = usize::from(at) % (id.len().min(other.len()) + 1);
                format!("{}{}", &id[..at], &other[at..])
            }
            From::Foreign => {
                let mut other = World {
                    published: self.published.clone(),
                    ..World::new(0, self.kept)
                };
                other.subscribe(0, topics, None, false);
                let (id, _) = other.ids.pop().expect("an opening");
                id
            }
            From::Text(text) => text.to_owned(),
        })
    }

    /// Subscribes, and takes the opening.
    fn subscribe(&mut self, client: usize, topics: &[usize], id: Option<String>, from_start: bool) {
        let names = topics.iter().map(|topic| name(*topic));
        let mut subscribe = self.hub.subscribe(names).resume(id.as_deref());
        if from_start {
            subscribe = subscribe.from_start();
        }
        let subscription = subscribe.into_future().now_or_never();
        let subscription = subscription.expect("no engine").expect("an open hub");

        let known = id
            .as_ref()
            .map(|id| self.ids.iter().find(|(known, _)| known == id));
        let (mut seen, mut gaps) = (Seen::new(), Vec::new());
        for &topic in topics {
            let published = self.published[topic];
            let held = published.min(self.kept);
            let fresh = published - if from_start { held } else { 0 };
            let after = match known {
                None => Some(fresh),
                Some(None) => None,
                Some(Some((_, known))) => match known.get(&topic) {
                    // An id of other topics alone says nothing of these.
                    None => topics
                        .iter()
                        .any(|it| known.contains_key(it))
                        .then_some(fresh),
                    Some(after) => (published - after <= held).then_some(*after),
                },
            };
            if after.is_none() {
                gaps.push(name(topic));
            }
            // After a gap, it begins as a fresh one does.
            seen.insert(topic, after.unwrap_or(fresh));
        }
        let mut opened = Client {
            subscription,
            decoder: Decoder::new(),
            seen,
        };
        let events = opened.poll().expect("an opening");
        let opening: Vec<_> = events.iter().flat_map(Received::gaps).collect();
        let told: Vec<_> = opening.iter().map(|gap| &gap.topic).collect();
        assert!(
            told.iter().copied().eq(&gaps),
            "{told:?} instead of {gaps:?}"
        );
        assert_eq!(events.len(), usize::from(!gaps.is_empty()));
        self.keep_id(&opened);
        self.clients[client] = Some(opened);
    }

    fn read(&mut self, client: usize, pieces: usize) {
        let Some(mut reader) = self.clients[client].take() else {
            return;
        };
        for _ in 0..pieces {
            let Some(events) = reader.poll() else {
                let head = |(topic, seen): (&usize, &u64)| self.published[*topic] == *seen;
                assert!(reader.seen.iter().all(head), "events are missing");
                break;
            };
            for event in events {
                self.check(&event, &mut reader.seen);
            }
            self.keep_id(&reader);
        }
        self.clients[client] = Some(reader);
    }

    /// Checks that an event is the next of its topic, or a gap in front of it.
    fn check(&self, event: &Received, seen: &mut Seen) {
        if event.name != "gap" {
            let (topic, number) = event.data.split_once(' ').expect("an event of ours");
            let (topic, number) = (topic.parse().expect("a topic"), number.parse::<u64>());
            let last = seen.get_mut(&topic).expect("a topic of the subscription");
            assert_eq!(number, Ok(*last + 1), "topic {topic}");
            *last += 1;
            return;
        }
        for gap in event.gaps() {
            let (topic, last) = seen
                .iter_mut()
                .find(|(topic, _)| name(**topic) == gap.topic)
                .expect("a topic of the subscription");
            let published = self.published[*topic];
            assert!(published - *last > self.kept, "nothing was trimmed");
            *last += gap.missed.expect("what a connected subscriber has missed");
            assert_eq!(*last, published - self.kept, "it goes on with what is kept");
        }
    }

    /// Keeps the last event ID of a client.
    fn keep_id(&mut self, client: &Client) {
        let id = client.decoder.last_event_id();
        assert_ne!(id, "");
        match self.ids.iter().find(|(known, _)| known == id) {
            Some((_, seen)) => assert_eq!(*seen, client.seen, "one id stands for two places"),
            None => self.ids.push((id.to_owned(), client.seen.clone())),
        }
    }
}

struct Received {
    name: String,
    data: String,
}

struct Gap {
    topic: String,
    missed: Option<u64>,
}

impl Received {
    /// Returns the gaps that it reports; none if it is another event.
    fn gaps(&self) -> Vec<Gap> {
        if self.name != "gap" {
            return Vec::new();
        }
        let data: serde_json::Value = serde_json::from_str(&self.data).expect("JSON");
        let gaps = data["gaps"].as_array().expect("a list").iter();
        gaps.map(|gap| Gap {
            topic: gap["topic"].as_str().expect("a topic").to_owned(),
            missed: gap["missed"].as_u64(),
        })
        .collect()
    }
}

impl Client {
    /// Returns the events of the next piece, if there is one.
    fn poll(&mut self) -> Option<Vec<Received>> {
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(piece) = Pin::new(&mut self.subscription).poll_next(&mut cx) else {
            return None;
        };
        let piece = piece.expect("no end").expect("no failure");
        let mut events = self.decoder.feed(&piece);
        let mut received = Vec::new();
        while let Some(event) = events.next_event().expect("no limit is exceeded") {
            received.push(Received {
                name: event.event().to_owned(),
                data: event.data().to_owned(),
            });
        }
        Some(received)
    }
}
