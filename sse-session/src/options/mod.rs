//! How a stream behaves.

#[cfg(feature = "gzip")]
mod compression;
mod ends;
mod headers;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use sse_codec::{Encoder, Event, Frame};

#[cfg(feature = "gzip")]
use crate::compression::Compression;
use crate::keep_alive::KeepAliveTimer;
use crate::last_event_id::{in_header, in_query, within};
use crate::limiter::Permit;
use crate::shutdown::Shutdown;

/// How streams behave: keep-alive, buffer, reconnection time, headers, and how they end.
///
/// ```
/// use std::time::Duration;
///
/// use sse_session::SseOptions;
///
/// let options = SseOptions::new()
///     .keep_alive(Duration::from_secs(5))
///     .retry(Duration::from_secs(1))
///     .header("Access-Control-Allow-Origin", "*")?;
/// # Ok::<(), sse_session::HeaderError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are given to an adapter"]
pub struct SseOptions {
    keep_alive: Option<Duration>,
    keep_alive_comment: Bytes,
    buffer_size: usize,
    max_event_len: usize,
    max_id_len: usize,
    last_event_id_in_query: bool,
    opening: Bytes,
    opening_comment: bool,
    headers: HeaderMap,
    #[cfg(feature = "gzip")]
    compression: Compression,
    shutdown: Option<Shutdown>,
    ends: Arc<Ends>,
}

/// What the streams of these options send last, when they end by themselves, and what they hold until
/// then. They share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ends {
    pub(crate) retry_on_shutdown: Bytes,
    pub(crate) failure_event: Bytes,
    pub(crate) end_event: Bytes,
    pub(crate) max_age: Option<Duration>,
    pub(crate) permit: Option<Permit>,
}

impl SseOptions {
    /// The default time of silence before a keep-alive: 15 seconds.
    pub const DEFAULT_KEEP_ALIVE: Duration = Duration::from_secs(15);

    /// The default high-water mark of the buffer: 60 KiB.
    ///
    /// Linux sends at most 64 KiB at a time to its network devices, framing and headers included. A
    /// write should take a little less: a small remainder costs half as much as all the rest.
    pub const DEFAULT_BUFFER_SIZE: usize = 60 * 1024;

    /// Returns the defaults.
    pub fn new() -> Self {
        Self {
            keep_alive: Some(Self::DEFAULT_KEEP_ALIVE),
            keep_alive_comment: Bytes::from_static(b": keep-alive\n"),
            buffer_size: Self::DEFAULT_BUFFER_SIZE,
            max_event_len: Encoder::DEFAULT_MAX_EVENT_LEN,
            max_id_len: Encoder::DEFAULT_MAX_ID_LEN,
            last_event_id_in_query: true,
            opening: Bytes::new(),
            opening_comment: true,
            headers: HeaderMap::new(),
            #[cfg(feature = "gzip")]
            compression: Compression::default(),
            shutdown: None,
            ends: Arc::default(),
        }
    }

    /// Sends a comment whenever the stream was silent for `interval`, by default 15 seconds. Less
    /// than a millisecond counts as one.
    ///
    /// A comment is a line without a blank line: a blank line would be an event to several clients
    /// other than browsers. Google's SDKs for Gemini fail on any comment: for these, use
    /// [`without_keep_alive`](Self::without_keep_alive) and
    /// [`without_opening_comment`](Self::without_opening_comment).
    ///
    /// The timer is tokio's: a stream with keep-alive must be polled in a tokio runtime whose time
    /// driver is enabled, or tokio panics.
    pub fn keep_alive(mut self, interval: Duration) -> Self {
        self.keep_alive = Some(interval.max(Duration::from_millis(1)));
        self
    }

    /// Sets the keep-alive comment, by default `keep-alive`. Each of its lines becomes a comment
    /// line.
    pub fn keep_alive_comment(mut self, comment: &str) -> Self {
        self.keep_alive_comment = encode(Event::new().comment(comment));
        self
    }

    /// Sends no keep-alive. A client that is gone is then noticed only when something is sent.
    ///
    /// The comment at the beginning of a silent stream is another one, see
    /// [`without_opening_comment`](Self::without_opening_comment).
    pub fn without_keep_alive(mut self) -> Self {
        self.keep_alive = None;
        self
    }

    /// Sets the high-water mark of the stream's buffer, in bytes, by default 60 KiB. While the
    /// buffer holds less, a send is immediate. From there on it waits for the client.
    ///
    /// One event may go past the mark, so a stream with one handle buffers no more than the mark
    /// plus [`max_event_len`](Self::max_event_len). Handles that send at the very same moment may
    /// each go past it, by one event or by one [`send_all`](crate::Sse::send_all) of as much as
    /// there was room for. The server has buffers of its own.
    pub fn buffer_size(mut self, bytes: usize) -> Self {
        self.buffer_size = if bytes == 0 { 1 } else { bytes };
        self
    }

    /// Sets the limit on the length of one encoded event, in bytes, by default
    /// [`Encoder::DEFAULT_MAX_EVENT_LEN`].
    pub fn max_event_len(mut self, bytes: usize) -> Self {
        self.max_event_len = bytes;
        self
    }

    /// Sets the limit on the length of an id, in bytes, by default
    /// [`Encoder::DEFAULT_MAX_ID_LEN`]. Servers and proxies refuse requests with long headers, so a
    /// client with a long last event ID would never come back.
    ///
    /// A larger limit is also that of the [last event ID](Self::last_event_id) of a request, a smaller
    /// one is not, as events that are sent encoded have ids of their own.
    pub fn max_id_len(mut self, bytes: usize) -> Self {
        self.max_id_len = bytes;
        self
    }

    /// Ignores the query's parameter `lastEventId`, which is otherwise the last event ID of a
    /// request without a `Last-Event-ID` header: event-source-polyfill, which many pages use, sends
    /// no header.
    ///
    /// This is for applications that use the parameter for something else.
    pub fn without_last_event_id_in_query(mut self) -> Self {
        self.last_event_id_in_query = false;
        self
    }

    /// Begins every stream with this reconnection time: how long a client waits before it
    /// connects again. See [`Event::retry`] on rounding.
    ///
    /// It is a line in front of whatever comes first: as a block, several clients would take it for
    /// an event.
    ///
    /// It takes the place of the opening comment, see
    /// [`without_opening_comment`](Self::without_opening_comment).
    pub fn retry(mut self, reconnection_time: Duration) -> Self {
        self.opening = encode(Event::new().retry(reconnection_time));
        self
    }

    /// Sends no comment at the beginning. Otherwise a stream whose handler sends nothing when it is
    /// first polled, and that has no opening [`retry`](Self::retry), begins at once with an empty
    /// comment, `:` and LF.
    ///
    /// The comment opens the stream where a proxy keeps the head of a response until the first byte
    /// of its body: nginx for clients of HTTP/2, h2o, traefik with compression, development
    /// servers. Without it, a page there stays `CONNECTING`, and a `fetch` waits, until the first
    /// event or keep-alive.
    ///
    /// This is for clients that fail on comments, such as Google's SDKs for Gemini. They need
    /// streams [without keep-alive](Self::without_keep_alive) too; neither option includes the
    /// other.
    pub fn without_opening_comment(mut self) -> Self {
        self.opening_comment = false;
        self
    }

    pub(crate) fn keep_alive_timer(&self) -> Option<KeepAliveTimer> {
        let interval = self.keep_alive?;
        Some(KeepAliveTimer::new(
            interval,
            self.keep_alive_comment.clone(),
        ))
    }

    /// Returns the last event ID of a request: that in the value of its `Last-Event-ID` header, see
    /// [`parse_last_event_id`](crate::parse_last_event_id), or, if it has no such header, in the
    /// parameter `lastEventId` of its query. The adapters do this for their handlers.
    ///
    /// One of more than 4 KiB ([`Encoder::DEFAULT_MAX_ID_LEN`], or the
    /// [limit on ids](Self::max_id_len) if that is larger) becomes a single NUL, which is the id of
    /// no event: a hub, or whatever looks the id up, finds that it is unknown. Nothing longer is
    /// copied or kept.
    ///
    /// ```
    /// use sse_session::SseOptions;
    ///
    /// let options = SseOptions::new();
    /// let query = Some("room=blue&lastEventId=%C3%B8-42");
    /// assert_eq!(options.last_event_id(Some(b"7"), query).as_deref(), Some("7"));
    /// assert_eq!(options.last_event_id(None, query).as_deref(), Some("ø-42"));
    /// assert_eq!(options.last_event_id(Some(&[b'7'; 5_000]), query).as_deref(), Some("\0"));
    ///
    /// let options = options.without_last_event_id_in_query();
    /// assert_eq!(options.last_event_id(None, query), None);
    /// ```
    #[must_use]
    pub fn last_event_id<'a>(
        &self,
        header_value: Option<&'a [u8]>,
        query: Option<&'a str>,
    ) -> Option<Cow<'a, str>> {
        let max_len = self.max_last_event_id_len();
        match header_value {
            Some(value) => in_header(value, max_len),
            None => query
                .filter(|_| self.last_event_id_in_query)
                .and_then(|query| in_query(query, max_len)),
        }
    }

    /// Returns a last event ID as a stream keeps it.
    pub(crate) fn bounded<'a>(&self, last_event_id: &'a str) -> Cow<'a, str> {
        within(last_event_id.into(), self.max_last_event_id_len())
    }

    /// The length of the longest id that a stream with these options may have given out.
    fn max_last_event_id_len(&self) -> usize {
        self.max_id_len.max(Encoder::DEFAULT_MAX_ID_LEN)
    }

    pub(crate) fn encoder(&self) -> Encoder {
        Encoder::new()
            .max_event_len(self.max_event_len)
            .max_id_len(self.max_id_len)
    }

    pub(crate) fn high_water(&self) -> usize {
        self.buffer_size
    }

    pub(crate) fn opening(&self) -> &[u8] {
        &self.opening
    }

    /// Whether a stream that begins with silence sends a comment first.
    pub(crate) fn has_opening_comment(&self) -> bool {
        self.opening_comment
    }

    pub(crate) fn ends(&self) -> &Arc<Ends> {
        &self.ends
    }

    pub(crate) fn shutdown_signal(&self) -> Option<&Shutdown> {
        self.shutdown.as_ref()
    }
}

impl Default for SseOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// Encodes a comment or a reconnection time. Neither can fail, except that a comment beyond the
/// limit becomes none.
fn encode(event: Event<'_>) -> Bytes {
    Frame::new(event).map(Frame::into_bytes).unwrap_or_default()
}
