//! Development servers and JavaScript runtimes, as proxies in front of our servers and as clients of
//! them. What they do is in the chapter `development` of `sse_session::guide`.

mod client;
mod development;
mod event_source;
mod javascript;
mod program;
mod proxy;
mod upstream;

use std::time::Duration;

/// The time limit of each step, far beyond what a busy machine needs.
const TIMEOUT: Duration = Duration::from_secs(20);
