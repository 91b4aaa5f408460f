//! What a sample finds: time and CPU time from a moment on.

use std::time::{Duration, Instant};

use crate::node::Servers;
use crate::result::Result;

/// What a sample has found: names and numbers, all of them costs.
pub(crate) type Found = Vec<(&'static str, f64)>;

/// Time and CPU time from a moment on.
pub(crate) struct Meter {
    begun: Instant,
    before: [Duration; 2],
}

impl Meter {
    pub(crate) fn start(servers: &Servers) -> Result<Self> {
        let before = servers.cpu_times()?;
        Ok(Self {
            begun: Instant::now(),
            before,
        })
    }

    /// Returns what has been taken since, for each of `count`, in microseconds.
    pub(crate) fn stop(self, servers: &Servers, count: usize) -> Result<Found> {
        let took = self.begun.elapsed();
        let [node, server] = servers.cpu_times()?;
        let each = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
        Ok(vec![
            ("time", each(took)),
            ("node", each(node.saturating_sub(self.before[0]))),
            ("server", each(server.saturating_sub(self.before[1]))),
        ])
    }
}
