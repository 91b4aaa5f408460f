//! Reverse proxies for tests.
//!
//! [`Nginx`] is a real nginx on a free port, with a configuration and a directory of its own.
//! [`Nginx::start`] takes the content of the `server` block and adds the rest of the configuration.
//! nginx accepts connections from then on. No process is left when it is dropped.
//!
//! ```no_run
//! use sse_proxies::Nginx;
//!
//! let nginx = Nginx::start("location / { proxy_pass http://127.0.0.1:3000; }")?;
//! println!("http://{}/", nginx.address());
//! # Ok::<(), sse_proxies::ProxyError>(())
//! ```
//!
//! Other proxies are started by the tests of this package, each with the configuration that the chapter
//! `proxies` of the guide in `sse-session` gives.
//!
//! # Without nginx
//!
//! Starting fails, and the error says what to install. A test does not pass without nginx. To skip
//! such tests, set the environment variable [`SKIP`], which a test checks with [`skipped`].

#![cfg(unix)]

mod error;
mod nginx;
mod program;

pub use crate::error::ProxyError;
pub use crate::nginx::Nginx;
pub use crate::program::find;

/// The environment variable that skips the tests that need nginx, if it is `1`.
pub const SKIP: &str = "SSE_SKIP_NGINX";

/// Whether to skip the tests that need nginx. If so, prints that to standard error.
#[must_use]
pub fn skipped() -> bool {
    let skipped = std::env::var_os(SKIP).is_some_and(|value| value == "1");
    if skipped {
        eprintln!("skipped: this test needs nginx, and {SKIP}=1");
    }
    skipped
}
