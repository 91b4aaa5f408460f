//! Timeouts that are believed only after a second look.
//!
//! After a process was stopped (by a signal, a frozen control group, a closed lid), its timers have
//! elapsed although what they wait for may have arrived meanwhile: the runtime may fire a timer
//! before it has asked the system about the sockets. So a timer that has elapsed only starts another
//! short one, during which the runtime looks at the sockets.

use std::time::Duration;

use tokio::time::timeout;

/// How long the second look lasts. The data of a socket may pass through several tasks before it is
/// here.
pub(crate) const SECOND_LOOK: Duration = Duration::from_millis(50);

/// Waits for `future`, for `limit` and a second look. Returns `None` if it is not ready by then.
pub(crate) async fn within<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    match timeout(limit, future.as_mut()).await {
        Ok(output) => Some(output),
        Err(_) => timeout(SECOND_LOOK, future).await.ok(),
    }
}
