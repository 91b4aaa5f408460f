//! Topics in NATS JetStream, shared by several nodes.
//!
//! One stream has a subject per topic and is the truth. It republishes what it has stored, each
//! message with the number of the one before it on the same subject, to all nodes that listen to
//! the topic. What a node may have missed, it reads from the stream.

mod append;
mod epoch;
mod error;
mod link;
mod listening;
mod live;
mod options;
mod read;
mod signal;
mod subject;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use async_nats::ToServerAddrs;

use crate::log::{Answer, Live, Log, Page, Span};
use crate::nats::append::Call;
use crate::nats::link::{Link, lock};
use crate::nats::live::LiveSide;
use crate::position::Position;
use crate::registry::TopicRef;

pub use crate::nats::error::ConnectError;
pub use crate::nats::options::NatsOptions;

/// A [`Log`] in NATS JetStream (2.9 or later): the same topics on several nodes.
pub struct NatsLog {
    link: Arc<Link>,
    live: Mutex<LiveSide>,
}

impl NatsLog {
    /// Connects to a server with the default options. The URL is
    /// `nats://[user:password@]host[:port]`.
    ///
    /// # Errors
    ///
    /// As [`NatsOptions::connect`].
    pub async fn connect(servers: impl ToServerAddrs) -> Result<Self, ConnectError> {
        NatsOptions::new().connect(servers).await
    }

    async fn with(
        options: NatsOptions,
        client: async_nats::ConnectOptions,
        servers: impl ToServerAddrs,
    ) -> Result<Self, ConnectError> {
        let link = Link::connect(options, client, servers).await?;
        Ok(Self {
            live: Mutex::new(LiveSide::new(&link)),
            link: Arc::new(link),
        })
    }
}

impl Log for NatsLog {
    fn open(&self, topic: &str) -> Answer<Span> {
        let (link, topic) = (Arc::clone(&self.link), topic.to_owned());
        Answer::later(async move { link.answer(read::open(&link, &topic)).await })
    }

    fn close(&self, topic: &str, _: Position) {
        self.link.release(topic);
    }

    fn knows(&self, _: &str, _: Position) -> Option<bool> {
        None
    }

    fn oldest(&self) -> Option<Position> {
        Some(read::OLDEST)
    }

    fn is_up(&self) -> bool {
        self.link.is_up()
    }

    fn append(&self, topic: TopicRef<'_>, entry: &[u8], key: Option<&str>) -> Answer<Position> {
        let call = Call::new(&self.link, topic.name(), entry, key);
        let link = Arc::clone(&self.link);
        Answer::later(async move { link.answer(append::append(&link, call)).await })
    }

    fn read(&self, topic: &str, after: Position) -> Answer<Page> {
        let (link, topic) = (Arc::clone(&self.link), topic.to_owned());
        Answer::later(async move { link.answer(read::read(&link, &topic, after)).await })
    }

    fn poll_live(&self, cx: &mut Context<'_>) -> Poll<Option<Live>> {
        lock(&self.live).poll(&self.link, cx).map(Some)
    }
}

impl fmt::Debug for NatsLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsLog")
            .field("options", &self.link.options)
            .field("is_up", &self.link.is_up())
            .finish_non_exhaustive()
    }
}
