//! Reading a topic of the hub's own.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;

use crate::log::Engine;
use crate::registry::Registry;
use crate::topic::cursor::{Cursor, Next, Start};
use crate::topic_guard::{OpenError, TopicGuard};

/// How many bytes of messages are taken at a time.
const TARGET_LEN: usize = 64 * 1024;

/// What was found.
#[derive(Debug)]
pub(super) enum Heard {
    Messages(Vec<Bytes>),
    /// Messages are missing.
    Gap,
}

/// Reads the messages that are told after it was opened. The topic is not evicted meanwhile.
pub(super) struct Reader {
    topic: TopicGuard,
    cursor: Cursor,
}

impl Reader {
    pub(super) async fn open(
        registry: &Arc<Registry>,
        engine: &dyn Engine,
        name: &str,
    ) -> Result<Self, OpenError> {
        let topic = TopicGuard::open_in_engine(registry, engine, name).await?;
        let (cursor, _) = topic.join(Start::Now, None, None);
        Ok(Self { topic, cursor })
    }

    pub(super) fn poll(&mut self, cx: &Context<'_>) -> Poll<Heard> {
        match self.topic.read_events(&mut self.cursor, cx, TARGET_LEN) {
            Next::Events(events, _) => {
                let messages = events.into_iter().map(|(_, message)| message);
                Poll::Ready(Heard::Messages(messages.collect()))
            }
            // Nobody finishes it.
            Next::UpToDate | Next::Finished => Poll::Pending,
            Next::Mark(position) => {
                self.topic.skip_mark(&mut self.cursor, position);
                Poll::Ready(Heard::Gap)
            }
            Next::Trimmed | Next::Restarted => {
                self.topic.skip_to_head(&mut self.cursor, None);
                Poll::Ready(Heard::Gap)
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.topic.leave(&mut self.cursor, None);
    }
}

/// What is heard of the members of a topic.
pub(super) struct Feed {
    topic: Arc<str>,
    reader: Reader,
}

impl Feed {
    pub(super) fn new(topic: Arc<str>, reader: Reader) -> Self {
        Self { topic, reader }
    }
}

impl Stream for Feed {
    type Item = (Arc<str>, Heard);

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let heard = this.reader.poll(cx);
        heard.map(|heard| Some((Arc::clone(&this.topic), heard)))
    }
}
