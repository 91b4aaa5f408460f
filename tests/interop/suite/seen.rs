//! What a client's user has seen so far, for handlers that go on when something was seen.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// What was seen in one case, line by line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen(Arc<watch::Sender<String>>);

impl Seen {
    pub(crate) fn push(&self, line: &str) {
        self.0.send_modify(|seen| {
            seen.push_str(line);
            seen.push('\n');
        });
    }

    /// Waits until a line has this text.
    pub(crate) async fn has(&self, text: &str) {
        let mut seen = self.0.subscribe();
        // The sender is here.
        let _ = seen.wait_for(|seen| seen.contains(text)).await;
    }

    /// Waits until there is a line, but no longer than this.
    pub(crate) async fn any_within(&self, limit: Duration) {
        let _ = timeout(limit, self.has("\n")).await;
    }
}
