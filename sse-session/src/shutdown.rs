//! The signal that ends open streams.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake as _, Waker};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio_util::sync::CancellationToken;

use crate::pipe::{Pipe, Signal};

/// A signal that ends open streams, so that a server's graceful shutdown completes.
///
/// Made from a [`CancellationToken`] or from any future, and cheap to clone: all streams of a server
/// share one.
///
/// ```
/// use sse_session::{CancellationToken, Shutdown, SseOptions};
///
/// let token = CancellationToken::new();
/// let options = SseOptions::new().shutdown(token.clone());
/// // later: token.cancel();
///
/// let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
/// let options = SseOptions::new().shutdown(Shutdown::when(stopped));
/// # let _ = (options, stop);
/// ```
#[derive(Clone)]
pub struct Shutdown {
    signal: Shared<BoxFuture<'static, ()>>,
}

impl Shutdown {
    /// A signal that is given when the future `signal` resolves, to any value.
    ///
    /// The open streams poll the future, and nothing else does: while no stream is open, it makes no
    /// progress. Await a future that must be polled to notice its event (such as one for a Unix
    /// signal) elsewhere, and pass it on with a [`CancellationToken`].
    pub fn when<F>(signal: F) -> Self
    where
        F: Future + Send + 'static,
    {
        Self {
            signal: signal.map(drop).boxed().shared(),
        }
    }

    /// Resolves when the signal is given, or at once if it was.
    ///
    /// # Cancel safety
    ///
    /// The future can be dropped, and the method called again, at any time.
    pub async fn wait(&self) {
        self.signal.clone().await;
    }
}

impl From<CancellationToken> for Shutdown {
    fn from(token: CancellationToken) -> Self {
        Self::when(token.cancelled_owned())
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown")
            .field("given", &self.signal.peek().is_some())
            .finish()
    }
}

/// The shutdown signals of one stream: that of its options, and that of its server.
pub(crate) struct ShutdownSignals {
    signals: [Option<Shared<BoxFuture<'static, ()>>>; 2],
}

impl ShutdownSignals {
    pub(crate) fn new(shutdown: Option<&Shutdown>) -> Self {
        Self {
            signals: [shutdown.map(|shutdown| shutdown.signal.clone()), None],
        }
    }

    /// Sets the signal of the server.
    pub(crate) fn set_server(&mut self, shutdown: &Shutdown, pipe: &Arc<Pipe>) {
        self.signals[1] = Some(shutdown.signal.clone());
        pipe.wake_by_ref();
    }

    /// Whether the stream is to be shut down now. The signals themselves are polled at first, and
    /// again whenever one of them has woken the pipe.
    pub(crate) fn is_given(&mut self, pipe: &Arc<Pipe>) -> bool {
        match pipe.take_signal() {
            Signal::None => false,
            Signal::Shutdown => true,
            Signal::Poll if self.signals.iter().all(Option::is_none) => false,
            Signal::Poll => {
                let waker = Waker::from(Arc::clone(pipe));
                let mut cx = Context::from_waker(&waker);
                let mut is_given = false;
                for slot in &mut self.signals {
                    // A signal that was given must not be polled again.
                    if let Some(signal) = slot
                        && Pin::new(signal).poll(&mut cx).is_ready()
                    {
                        *slot = None;
                        is_given = true;
                    }
                }
                is_given
            }
        }
    }
}
