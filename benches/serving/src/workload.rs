//! The workloads that a client can request of every server, and their events.
//!
//! Servers and load generator share this file, so that they agree on the events. Each server sends
//! them in its own way.

use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

/// The longest text of an event, in bytes.
const MOST: usize = 64 * 1024;

static FILLER: LazyLock<String> = LazyLock::new(|| "events ".chars().cycle().take(MOST).collect());
static LAST: LazyLock<String> = LazyLock::new(|| "finish ".chars().cycle().take(MOST).collect());

/// The keep-alive interval of all streams but those that test it: 15 seconds, the default of most.
const USUAL_KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The contents of a stream, named by the path of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    /// At the next tick `count` events with texts of `size` bytes, then the end.
    Burst { size: usize, count: u64 },
    /// One event with the number of the tick at every tick.
    Live,
    /// No event, only keep-alives at this interval.
    Idle { keep_alive: Duration },
    /// One event, then nothing until the client disconnects.
    One,
    /// One event, then the end.
    Brief,
}

impl Workload {
    /// Returns the workload that `path` names.
    pub(crate) fn from_path(path: &str) -> Option<Self> {
        let mut segments = path.strip_prefix('/')?.split('/');
        Some(match segments.next()? {
            "burst" => Self::Burst {
                size: segments.next()?.parse().ok().filter(|size| *size <= MOST)?,
                count: segments.next()?.parse().ok()?,
            },
            "live" => Self::Live,
            "idle" => Self::Idle {
                keep_alive: Duration::from_millis(segments.next()?.parse().ok()?),
            },
            "one" => Self::One,
            "brief" => Self::Brief,
            _ => return None,
        })
    }

    /// Returns the keep-alive interval of the stream.
    pub(crate) const fn keep_alive(self) -> Duration {
        match self {
            Self::Idle { keep_alive } => keep_alive,
            _ => USUAL_KEEP_ALIVE,
        }
    }
}

impl fmt::Display for Workload {
    /// Writes the path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Burst { size, count } => write!(f, "/burst/{size}/{count}"),
            Self::Live => f.write_str("/live"),
            Self::Idle { keep_alive } => write!(f, "/idle/{}", keep_alive.as_millis()),
            Self::One => f.write_str("/one"),
            Self::Brief => f.write_str("/brief"),
        }
    }
}

/// The text of the one event of [`Workload::One`] and [`Workload::Brief`].
pub(crate) const GREETING: &str = "hello";

/// Returns the text of the event of a tick in [`Workload::Live`].
pub(crate) fn live_text(tick: u64) -> String {
    format!("{tick:016}")
}

/// Returns the encoded event with `text`, which is the same for all servers.
pub(crate) fn on_the_wire(text: &str) -> String {
    format!("data: {text}\n\n")
}

/// A keep-alive, the longest one of all servers.
pub(crate) const KEEP_ALIVE: &str = ": keep-alive\n\n";

/// What opens a silent stream of ours.
pub(crate) const OPENING_COMMENT: &str = ":\n";

/// Comments of which one may be once in any stream. actix-web-lab sends its first keep-alive as
/// soon as it has nothing else to send.
pub(crate) const EARLY_COMMENTS: [&str; 2] = [KEEP_ALIVE, OPENING_COMMENT];

/// The texts of a burst: all the same but for the last.
#[derive(Clone, Debug)]
pub(crate) struct Burst {
    text: &'static str,
    last: &'static str,
    left: u64,
}

impl Burst {
    pub(crate) fn new(size: usize, count: u64) -> Self {
        Self {
            text: &FILLER[..size],
            last: &LAST[..size],
            left: count,
        }
    }
}

impl Iterator for Burst {
    type Item = &'static str;

    #[inline]
    fn next(&mut self) -> Option<&'static str> {
        let left = self.left.checked_sub(1)?;
        self.left = left;
        Some(if left == 0 { self.last } else { self.text })
    }
}
