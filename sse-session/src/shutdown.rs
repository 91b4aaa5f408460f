//! The signal that ends open streams.

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, select};
use std::fmt;
use std::future::Future;
use tokio_util::sync::CancellationToken;

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
    pub(crate) signal: Shared<BoxFuture<'static, ()>>,
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

    /// A signal that is given when either is.
    pub(crate) fn or(self, other: Self) -> Self {
        Self::when(select(self.signal, other.signal))
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
