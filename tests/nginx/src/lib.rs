//! An nginx for tests: real, on a free port, with a configuration and a folder of its own.
//!
//! [`Nginx::start`] is given what stands in the `server` block; what else nginx needs is added. It
//! is ready when it has started. No process is left when it is dropped.
//!
//! ```no_run
//! use sse_nginx::Nginx;
//!
//! let nginx = Nginx::start("location / { proxy_pass http://127.0.0.1:3000; }")?;
//! println!("http://{}/", nginx.address());
//! # Ok::<(), sse_nginx::NginxError>(())
//! ```
//!
//! # Where there is no nginx
//!
//! Starting fails, and the error says what to install. A test never passes by itself for want of
//! it; who wants that sets [`SKIP`], which the test asks with [`skipped`].

#![cfg(unix)]

mod error;
mod nginx;
mod process;

pub use crate::error::NginxError;
pub use crate::nginx::Nginx;

/// The environment variable that skips the tests with nginx, if it is set to `1`.
pub const SKIP: &str = "SSE_SKIP_NGINX";

/// Whether the tests with nginx are to be skipped; if so, it says so on standard error.
#[must_use]
pub fn skipped() -> bool {
    let skipped = std::env::var_os(SKIP).is_some_and(|value| value == "1");
    if skipped {
        eprintln!("skipped, as {SKIP}=1: this test needs nginx");
    }
    skipped
}
