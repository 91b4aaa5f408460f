//! The moment between the last bytes of a stream that has failed and its cut.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// How long a failure event is ahead of the cut. Some proxies, and browsers' `fetch`, drop what
/// arrives together with a cut.
const HEAD_START: Duration = Duration::from_millis(250);

/// When a stream that has failed is cut.
#[derive(Debug, Default)]
pub(crate) enum Cut {
    #[default]
    NotBegun,
    Waiting(Pin<Box<Sleep>>),
    Due,
}

impl Cut {
    /// Is ready when the stream is to be cut, and pending at least once before.
    ///
    /// Servers drop what they have not written when a body fails, and write when it has nothing for
    /// them. So it has nothing for them once before it fails.
    pub(crate) fn poll(&mut self, has_failure_event: bool, cx: &mut Context<'_>) -> Poll<()> {
        if matches!(self, Self::NotBegun) {
            if has_failure_event {
                *self = Self::Waiting(Box::pin(sleep(HEAD_START)));
            } else {
                *self = Self::Due;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        if let Self::Waiting(timer) = self {
            ready!(timer.as_mut().poll(cx));
            *self = Self::Due;
        }
        Poll::Ready(())
    }
}
