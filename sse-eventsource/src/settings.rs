//! How an event source was told to behave. It does not change, and is shared with the attempt that
//! is under way.

use std::fmt;
use std::time::Duration;

use http::Request;
use sse_codec::ReceivedEvent;

use crate::backoff::Backoff;
use crate::boxed::{BoxError, BoxFuture};
use crate::error::Error;
use crate::redirect::Redirects;
use crate::request_body::RequestBody;

/// After what an event source connects again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reconnect {
    /// As the standard has it: after a stream that was cut, after one that came to its end, and
    /// after attempts that failed. The default for GET.
    Always,
    /// After attempts that failed; once a stream has begun its end is the end. For streams that
    /// answer one question and cannot be resumed, as those of language models.
    UntilOpen,
    /// There is one attempt. The default for methods other than GET, since to send those again
    /// may do again what they do. It is so in any case if the body is one of
    /// [`RequestBody::once`].
    Never,
}

type Hook = Box<
    dyn Fn(Request<RequestBody>) -> BoxFuture<'static, Result<Request<RequestBody>, BoxError>>
        + Send
        + Sync,
>;

type Predicate<T> = Box<dyn Fn(&T) -> bool + Send + Sync>;

pub(crate) struct Settings {
    pub(crate) hook: Option<Hook>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) redirects: Redirects,
    pub(crate) reconnect: Reconnect,
    pub(crate) backoff: Backoff,
    pub(crate) max_attempts: Option<u32>,
    pub(crate) retry_if: Predicate<Error>,
    pub(crate) end_if: Option<Predicate<ReceivedEvent>>,
}

impl Settings {
    /// Whether the event is the one that ends the stream.
    pub(crate) fn is_end(&self, event: &ReceivedEvent) -> bool {
        self.end_if.as_ref().is_some_and(|is_end| is_end(event))
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("connect_timeout", &self.connect_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("redirects", &self.redirects)
            .field("reconnect", &self.reconnect)
            .field("backoff", &self.backoff)
            .field("max_attempts", &self.max_attempts)
            .finish_non_exhaustive()
    }
}
