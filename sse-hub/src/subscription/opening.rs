//! What a stream begins with, so that its client has an id before the first event.

use bytes::Bytes;
use sse_codec::Frame;

use crate::entry::{self, EventError};
use crate::position::Position;
use crate::subscription::merge;

/// What a stream begins with, so that its client knows where to resume before the first event.
///
/// Without it, what is published between the beginning of a stream and its first event is lost to a
/// client whose connection is cut before that event: the client comes back without an id, and
/// begins fresh. A gap and a snapshot have an id, so a stream that begins with one has nothing of this
/// in front of it. A client that resumes gets it as well, with the id that it came with unless its
/// topics have changed: it comes with nothing that would have set the id again.
///
/// No form suits all clients; these were measured in November 2026, in their versions of that time:
///
/// | | kept by | taken amiss by |
/// |---|---|---|
/// | [`IdBlock`](Self::IdBlock) | `EventSource` in browsers and Node.js, `eventsource`, `undici`, `sse.js`, `fetch-event-source`; not by `launchdarkly-eventsource` (npm and PyPI), `event-source-polyfill`, `eventsource-client`, `event-source-plus` | an empty message in `fetch-event-source`, `httpx-sse`, `fetch-event-stream`, `aiosseclient`; an exception in the SDKs of OpenAI, Groq, Together and Gemini for Python, `langchain-openai`, LiteLLM, `Mastodon.py` |
/// | [`Event`](Self::Event) | all that keep ids at all | clients of an API that read events of any name as their own, such as the SDKs of LLM services |
/// | [`None`](Self::None) | | |
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
    /// connection is cut before that event.
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
    pub(crate) fn encode(&self, positions: impl IntoIterator<Item = (u32, Position)>) -> Bytes {
        match self {
            Self::IdBlock => merge::with_id(b"", positions),
            Self::Event(frame) => merge::with_id(entry::lines(frame.as_bytes()), positions),
            Self::None => Bytes::new(),
        }
    }
}
