//! The settings of an event source. They do not change once it is built, and are shared with the
//! current attempt.

use std::fmt;
use std::time::Duration;

use http::{HeaderValue, Request};
use sse_codec::ReceivedEvent;

use crate::backoff::Backoff;
use crate::boxed::{BoxError, BoxFuture};
use crate::error::Error;
use crate::redirect::Redirects;
use crate::request_body::RequestBody;

/// When an event source connects again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reconnect {
    /// After every failed attempt, and whenever a stream ends or is cut, as in the standard. The
    /// default for GET.
    Always,
    /// After failed attempts only. Once a stream is open, its end is final. For streams that answer
    /// one request and cannot be resumed, such as those of language models.
    UntilOpen,
    /// Never: there is one attempt. The default for methods other than GET, which may not be safe
    /// to repeat. With a body of [`RequestBody::once`] it always applies.
    Never,
}

type Hook = Box<
    dyn Fn(Request<RequestBody>) -> BoxFuture<'static, Result<Request<RequestBody>, BoxError>>
        + Send
        + Sync,
>;

type Predicate<T> = Box<dyn Fn(&T) -> bool + Send + Sync>;

type ContentTypePredicate = Box<dyn Fn(Option<&HeaderValue>) -> bool + Send + Sync>;

pub(crate) struct Settings {
    pub(crate) before_attempt: Option<Hook>,
    pub(crate) before_redirect: Option<Hook>,
    pub(crate) accept_content_type: Option<ContentTypePredicate>,
    pub(crate) response_timeout: Option<Duration>,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) event_timeout: Option<Duration>,
    pub(crate) redirects: Redirects,
    pub(crate) reconnect: Reconnect,
    pub(crate) resume_with_get: bool,
    pub(crate) backoff: Backoff,
    pub(crate) max_attempts: Option<u32>,
    pub(crate) retry_if: Predicate<Error>,
    pub(crate) end_if: Option<Predicate<ReceivedEvent>>,
    pub(crate) end_after: Option<Predicate<ReceivedEvent>>,
    pub(crate) fail_if: Option<Predicate<ReceivedEvent>>,
}

impl Settings {
    /// Returns whether this event ends the stream.
    pub(crate) fn is_end(&self, event: &ReceivedEvent) -> bool {
        self.end_if.as_ref().is_some_and(|is_end| is_end(event))
    }

    /// Returns whether the stream ends after this event.
    pub(crate) fn is_last(&self, event: &ReceivedEvent) -> bool {
        self.end_after
            .as_ref()
            .is_some_and(|is_last| is_last(event))
    }

    /// Returns whether the end of a complete stream is known.
    pub(crate) fn has_end(&self) -> bool {
        self.end_if.is_some() || self.end_after.is_some()
    }

    /// Returns whether this event reports a failure.
    pub(crate) fn is_failure(&self, event: &ReceivedEvent) -> bool {
        self.fail_if
            .as_ref()
            .is_some_and(|is_failure| is_failure(event))
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("response_timeout", &self.response_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("event_timeout", &self.event_timeout)
            .field("redirects", &self.redirects)
            .field("reconnect", &self.reconnect)
            .field("resume_with_get", &self.resume_with_get)
            .field("backoff", &self.backoff)
            .field("max_attempts", &self.max_attempts)
            .finish_non_exhaustive()
    }
}
