//! What ends one stream from outside: the shutdown signals, and its age.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake as _, Waker};
use std::time::Duration;

use futures_util::future::{BoxFuture, Shared};
use tokio::time::{Sleep, sleep};

use crate::pipe::Pipe;
use crate::shutdown::Shutdown;
use crate::signal::Signal;

/// Why a stream is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndSignal {
    Shutdown,
    MaxAge,
}

/// The signals that end one stream: those of its options and of its server, and its age.
pub(crate) struct EndSignals {
    shutdown: [Option<Shared<BoxFuture<'static, ()>>>; 2],
    max_age: Option<MaxAge>,
}

impl EndSignals {
    pub(crate) fn new(shutdown: Option<&Shutdown>, max_age: Option<Duration>) -> Self {
        Self {
            shutdown: [shutdown.map(|shutdown| shutdown.signal.clone()), None],
            max_age: max_age.map(MaxAge::NotStarted),
        }
    }

    /// Sets the signal of the server.
    pub(crate) fn set_server(&mut self, shutdown: &Shutdown, pipe: &Arc<Pipe>) {
        self.shutdown[1] = Some(shutdown.signal.clone());
        pipe.wake_by_ref();
    }

    /// Returns whether, and why, the stream is to end now. The signals themselves are polled at
    /// first, and again whenever one of them has woken the pipe.
    pub(crate) fn poll(&mut self, pipe: &Arc<Pipe>) -> Option<EndSignal> {
        match pipe.take_signal()? {
            Signal::Shutdown => Some(EndSignal::Shutdown),
            Signal::Poll if self.is_empty() => None,
            Signal::Poll => self.poll_all(&mut Context::from_waker(&Waker::from(Arc::clone(pipe)))),
        }
    }

    fn is_empty(&self) -> bool {
        self.max_age.is_none() && self.shutdown.iter().all(Option::is_none)
    }

    fn poll_all(&mut self, cx: &mut Context<'_>) -> Option<EndSignal> {
        let mut given = None;
        if let Some(max_age) = &mut self.max_age
            && max_age.poll(cx).is_ready()
        {
            self.max_age = None;
            given = Some(EndSignal::MaxAge);
        }
        for slot in &mut self.shutdown {
            // A signal that was given must not be polled again.
            if let Some(signal) = slot
                && Pin::new(signal).poll(cx).is_ready()
            {
                *slot = None;
                given = Some(EndSignal::Shutdown);
            }
        }
        given
    }
}

/// The time after which a stream ends by itself. It begins with the first poll.
enum MaxAge {
    NotStarted(Duration),
    /// Boxed, as most streams have none.
    Running(Pin<Box<Sleep>>),
}

impl MaxAge {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Self::NotStarted(duration) = *self {
            // Streams that were opened together must not end together.
            let early = (duration / 10).mul_f64(fastrand::f64());
            *self = Self::Running(Box::pin(sleep(duration - early)));
        }
        match self {
            Self::NotStarted(_) => Poll::Pending,
            Self::Running(timer) => timer.as_mut().poll(cx),
        }
    }
}
