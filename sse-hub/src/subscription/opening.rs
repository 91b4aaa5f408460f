//! What a stream begins with, so that its client has an id before the first event.

use bytes::Bytes;
use sse_codec::Frame;

use crate::entry::{self, EventError};
use crate::id::{IdPosition, Ids, Salt};
use crate::subscription::merge;

/// What a stream begins with, so that its client knows where to resume before the first event.
///
/// Without it, a client whose connection is cut before the first event comes back without an id and
/// begins fresh, so it has lost what was published meanwhile, without a gap. A gap and a snapshot have
/// an id themselves: a stream that begins with one of them has nothing before it. A client that
/// resumes gets the opening again, as the parser of its new connection has no id until the server
/// sends one (HTML § 9.2.6).
///
/// A gap in a topic that has a [snapshot](crate::TopicOptions::snapshot) has no id of that topic, as
/// the snapshot follows. If the snapshot's function then returns no state, the opening is sent again,
/// also within the stream.
///
/// No form suits every client. Measured in November 2026:
///
/// | | [`IdBlock`](Self::IdBlock) | [`Event`](Self::Event) |
/// |---|---|---|
/// | Chromium; Node.js 20 and 26; `undici` 8.13.1, `eventsource` 5.1.5, `sse.js` 2.8.0 (npm); `requests-sse` 0.5.3 (Python) | the id is kept | the id is kept |
/// | `launchdarkly-eventsource` 2.2.0, `event-source-polyfill` 1.0.31, `eventsource-client` 1.2.0, `event-source-plus` 0.1.15 (npm); `launchdarkly-eventsource` 1.7.4 (Python) | **the id is not kept** | the id is kept |
/// | `@microsoft/fetch-event-source` 2.0.1, `extended-eventsource` 2.1.0 (npm) | the id is kept, and the application gets an empty message | the id is kept |
/// | `httpx-sse` 0.4.3, `aiosseclient` 0.1.8 (Python), `fetch-event-stream` 0.1.6 (npm) | an empty message | an event |
/// | `openai` 3.57.0, `groq` 1.7.0, `together` 3.1.1, `langchain-openai` 1.7.4, `litellm` 1.110.2, `Mastodon.py` 2.3.3 (Python) | **an exception** | a part of an answer without content in `openai`, `groq` and `Mastodon.py`, ignored by the others |
/// | `ai` 7.0.173, `@mistralai/mistralai` 2.7.0, `cohere-ai` 8.1.0, `@a2a-js/sdk` 1.3.0, `@ag-ui/client` 1.0.0, `graphql-sse` 2.6.1 (npm); `mistralai` 3.7.0, `a2a-sdk` 1.3.0 (Python) | ignored | **an exception** |
///
/// So take an event for clients that do not keep the block, and nothing for those of an API, which read
/// its events alone and do not resume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Opening {
    /// A block with an id alone, which dispatches no event (HTML § 9.2.6).
    #[default]
    IdBlock,
    /// This event, which gets the id: one with data and without an id of its own. It should have
    /// data that is not empty, as some clients drop it otherwise, and a name of its own, so
    /// that an `EventSource` without a listener for it ignores it; `open` and `error` are taken.
    ///
    /// ```
    /// use sse_hub::{EncodeError, Event, Hub, Opening};
    /// use sse_session::{BoxError, Sse};
    ///
    /// async fn news(hub: Hub, sse: Sse) -> Result<(), BoxError> {
    ///     let position = Event::new().event("position").data("{}").to_frame()?;
    ///     hub.subscribe(["news"]).opening(Opening::Event(position)).serve(sse).await
    /// }
    /// ```
    Event(Frame),
    /// Nothing. What is published before the client's first event is lost without a gap if the
    /// connection is cut before that event, and so is what follows a gap in a topic whose snapshot's
    /// function returns no state. Gaps and snapshots are sent nevertheless.
    None,
}

impl Opening {
    /// Checks that the event, if there is one, can have an id and is dispatched.
    pub(crate) fn check(&self) -> Result<(), EventError> {
        let Self::Event(frame) = self else {
            return Ok(());
        };
        entry::check(frame.as_bytes())?;
        if entry::has_data(frame.as_bytes()) {
            Ok(())
        } else {
            Err(EventError::NoData)
        }
    }

    /// Encodes it with an id; empty if it is nothing.
    pub(crate) fn encode(
        &self,
        ids: &Ids,
        salt: Salt,
        positions: impl IntoIterator<Item = (u32, IdPosition)>,
    ) -> Bytes {
        let lines = match self {
            Self::IdBlock => b"",
            Self::Event(frame) => entry::lines(frame.as_bytes()),
            Self::None => return Bytes::new(),
        };
        merge::with_id(lines, ids, salt, positions)
    }
}
