//! The simplest model of a hub's topics, and the steps that change them.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest_state_machine::ReferenceStateMachine;

/// The last of them has a snapshot: how many events were published to it.
pub(crate) const TOPICS: [&str; 3] = ["a", "b", "state"];
pub(crate) const STATE: usize = 2;
pub(crate) const KEPT: usize = 4;
pub(crate) const MAX_AGE: Duration = Duration::from_secs(60);
pub(crate) const CLIENTS: usize = 6;

/// The model: how many events each topic has had, and how many of them are gone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) topics: [Log; 3],
}

#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) published: usize,
    pub(crate) gone: usize,
    /// Whether the topic is finished, and its last event is not gone.
    pub(crate) is_finished: bool,
    /// The numbers of all events that have ended the topic.
    pub(crate) ends: Vec<usize>,
}

impl Default for Log {
    /// The first event has gone already.
    fn default() -> Self {
        Self {
            published: 1,
            gone: 1,
            is_finished: false,
            ends: Vec::new(),
        }
    }
}

impl Log {
    /// Whether a place follows an event that has ended the topic.
    pub(crate) fn is_end(&self, place: usize) -> bool {
        self.ends.iter().any(|end| end + 1 == place)
    }

    fn publish(&mut self, events: usize) {
        self.published += events;
        self.gone = self.gone.max(self.published.saturating_sub(KEPT));
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Publish {
        topic: usize,
        events: usize,
    },
    /// Publishes the event that ends a topic.
    Finish {
        topic: usize,
    },
    /// All that was published so far gets too old.
    Age,
    Connect {
        client: usize,
        topics: Vec<usize>,
        from: From,
        start: bool,
        disconnect: bool,
        /// Whether a filter hides the events with odd numbers.
        even: bool,
        /// Whether through an `SseStream`.
        served: bool,
        until: Option<Until>,
        /// Whether it has the client's name.
        is_named: bool,
    },
    /// Takes some pieces, or all that there are.
    Read {
        client: usize,
        pieces: Option<usize>,
    },
    Drop {
        client: usize,
    },
    /// Another handle sends a comment to a client that is served.
    Comment {
        client: usize,
    },
    /// The future of a client is ready until which it is subscribed.
    End {
        client: usize,
    },
    /// A client is disconnected by its name.
    Disconnect {
        client: usize,
        topic: usize,
    },
    /// The handler of a client that is served drops its subscription, and continues with another one
    /// after the client's last event ID.
    Switch {
        client: usize,
    },
}

/// How a subscription ends by its future.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    Silent,
    WithEvent,
}

/// Where a client resumes.
#[derive(Clone, Debug)]
pub(crate) enum From {
    Fresh,
    /// After its own last event ID.
    Own,
    /// After any id that any client ever got.
    Stale(Index),
    /// After such an id with one character changed.
    Damaged(Index, Index, u8),
    /// After an id of a hub that is not this one.
    Foreign(usize),
    /// After an id that the hub has made for any position among those of all topics.
    Forged(usize, Index),
    /// After such an id for a position in the future.
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
        let from_start = (from.clone(), any::<bool>());
        let policies = (any::<bool>(), proptest::bool::weighted(0.3));
        let until = prop_oneof![
            4 => Just(None),
            1 => Just(Some(Until::Silent)),
            2 => Just(Some(Until::WithEvent)),
        ];
        let ends = (until, proptest::bool::weighted(0.2));
        let settings = (policies, ends.clone());
        let plain = (client.clone(), topics, from_start, settings).prop_map(
            |(client, topics, (from, start), ((disconnect, even), (until, is_named)))| {
                Step::Connect {
                    client,
                    topics,
                    from,
                    start,
                    disconnect,
                    even,
                    served: false,
                    until,
                    is_named,
                }
            },
        );
        // Mostly with the same topic, so that many read and wait at the same position.
        let topics = prop_oneof![
            6 => Just(vec![0]),
            1 => Just(vec![STATE]),
            1 => Just(vec![0, 1]),
        ];
        let from = prop_oneof![2 => Just(From::Fresh), 4 => Just(From::Own), 1 => from];
        let from_start = (from, any::<bool>());
        let is_rare = || proptest::bool::weighted(0.2);
        let policies = (is_rare(), is_rare());
        let settings = (policies, ends);
        let served = (client.clone(), topics, from_start, settings).prop_map(
            |(client, topics, (from, start), ((disconnect, even), (until, is_named)))| {
                Step::Connect {
                    client,
                    topics,
                    from,
                    start,
                    disconnect,
                    even,
                    served: true,
                    until,
                    is_named,
                }
            },
        );
        let read = (client.clone(), proptest::option::weighted(0.5, 1..4_usize));
        let topic_to_finish = topic.clone();
        // Mostly the one that most are subscribed to.
        let topic_to_leave = prop_oneof![2 => Just(0), 1 => topic.clone()];
        prop_oneof![
            4 => (topic, 1..4_usize).prop_map(|(topic, events)| Step::Publish { topic, events }),
            6 => Just(Step::Publish { topic: 0, events: 1 }),
            1 => topic_to_finish.prop_map(|topic| Step::Finish { topic }),
            1 => Just(Step::Age),
            4 => plain,
            6 => served,
            12 => read.prop_map(|(client, pieces)| Step::Read { client, pieces }),
            2 => client.clone().prop_map(|client| Step::Drop { client }),
            1 => client.clone().prop_map(|client| Step::Comment { client }),
            1 => client.clone().prop_map(|client| Step::End { client }),
            1 => (client.clone(), topic_to_leave).prop_map(|(client, topic)| Step::Disconnect { client, topic }),
            2 => client.prop_map(|client| Step::Switch { client }),
        ]
        .boxed()
    }

    fn apply(mut state: Self, step: &Step) -> Self {
        match step {
            Step::Publish { topic, events } => {
                let log = &mut state.topics[*topic];
                if !log.is_finished {
                    log.publish(*events);
                }
            }
            Step::Finish { topic } => {
                let log = &mut state.topics[*topic];
                if !log.is_finished {
                    log.ends.push(log.published);
                    log.publish(1);
                    log.is_finished = true;
                }
            }
            Step::Age => {
                for log in &mut state.topics {
                    log.gone = log.published;
                    log.is_finished = false;
                }
            }
            _ => {}
        }
        state
    }
}
