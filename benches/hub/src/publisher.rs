//! Publishing at fixed times.

use std::hint;
use std::time::{Duration, Instant};

use sse_hub::Hub;

use crate::result::Result;

const INTERVAL: Duration = Duration::from_micros(100);

/// Publishes to random topics for the time of `window`. Returns how long each publish took, from the moment
/// at which it was due: what waits for another one counts as well.
pub(crate) fn times(hub: &Hub, names: &[String], window: Duration) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    let begun = Instant::now();
    let mut due = begun;
    while due - begun < window {
        // A timer of the system would be late by more than what is measured.
        while Instant::now() < due {
            hint::spin_loop();
        }
        let name = &names[fastrand::usize(..names.len())];
        hub.publish_now(name, "an event of some length, as a chat has it")?;
        times.push(due.elapsed());
        due += INTERVAL;
    }
    Ok(times)
}
