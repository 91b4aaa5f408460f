//! A client's connection, and by what the server may end it.

use std::collections::VecDeque;

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use sse_hub::{Event, Subscribe, Subscription};
use sse_hub_testing::reader::Reader;
use tokio_util::sync::CancellationToken;

use crate::model::{Model, Until};
use crate::served::Served;
use crate::world::Places;

pub(crate) struct Connection {
    pub(crate) source: Source,
    pub(crate) reader: Reader,
    pub(crate) topics: Vec<usize>,
    /// Of the topics that have begun.
    pub(crate) places: Places,
    /// In which topics it has come with a position that was not given yet: what a gap misses from there is not known.
    pub(crate) beyond: [bool; 3],
    pub(crate) disconnect: bool,
    pub(crate) even: bool,
    /// The model at the last read: a piece that was made then may arrive now.
    pub(crate) before: Model,
    /// The places from which the handler continues after each switch.
    pub(crate) switches: VecDeque<(Places, [bool; 3])>,
    pub(crate) ends: Ends,
    /// Whether the server has ended it.
    pub(crate) ending: Option<Ending>,
    /// Which topics have ended for this subscription, whatever becomes of them later.
    pub(crate) over: [bool; 3],
}

/// By what the server may end a connection.
#[derive(Clone)]
pub(crate) struct Ends {
    pub(crate) until: Option<(Until, CancellationToken)>,
    pub(crate) is_named: bool,
}

impl Ends {
    /// Whether the server never ends it.
    pub(crate) fn are_none(&self) -> bool {
        self.until.is_none() && !self.is_named
    }

    pub(crate) fn apply(&self, mut subscribe: Subscribe, client: usize) -> Subscribe {
        if self.is_named {
            subscribe = subscribe.member(name(client));
        }
        let Some((until, token)) = self.until.clone() else {
            return subscribe;
        };
        match until {
            Until::Silent => subscribe.until(token.cancelled_owned()),
            Until::WithEvent => subscribe.until_with(async move {
                token.cancelled().await;
                Event::new().event("over").data("")
            }),
        }
    }
}

pub(crate) fn name(client: usize) -> String {
    format!("client {client}")
}

/// How the server ends a connection.
pub(crate) struct Ending {
    /// Whether a last event comes, which has not come yet.
    pub(crate) is_event_due: bool,
}

impl Connection {
    /// Whether all that a topic had until it was finished was delivered, or skipped by a gap.
    pub(crate) fn is_at_end(&self, model: &Model, topic: usize) -> bool {
        self.places[topic].is_some_and(|place| model.topics[topic].is_end(place))
    }

    /// Notes the topics that have ended, after a piece that came from these places.
    pub(crate) fn note_ends(&mut self, model: &Model, before: &Places) {
        for (topic, before) in before.iter().enumerate() {
            let has_moved = self.places[topic] != *before;
            self.over[topic] |= has_moved && self.is_at_end(model, topic);
        }
    }
}

/// Where a client's bytes come from.
pub(crate) enum Source {
    Plain(Box<Subscription>),
    Served(Served),
}

impl Source {
    /// What comes next, if anything does now.
    pub(crate) fn next(&mut self) -> Option<Option<Bytes>> {
        match self {
            Self::Plain(subscription) => {
                let next = subscription.next().now_or_never()?;
                Some(next.map(|piece| piece.expect("no error").into_bytes()))
            }
            Self::Served(served) => served.next(),
        }
    }
}
