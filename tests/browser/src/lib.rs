//! A headless Chromium for tests, driven through chromedriver.
//!
//! [`Browser::start`] starts chromedriver on a free port and, through it, Chromium with a fresh
//! profile. What to do with the browser is the test's business: [`Browser::client`] is a
//! [`fantoccini::Client`]. No process is left when the browser is closed or dropped.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use sse_browser::Browser;
//!
//! let browser = Browser::start().await?;
//! browser.client().goto("http://127.0.0.1:3000/").await?;
//! browser.client().find(fantoccini::Locator::Css("h1")).await?;
//! browser.close().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Where there is no browser
//!
//! Starting fails, and the error says what to install. A test never passes by itself for want of
//! a browser; who wants that sets [`SKIP`], which the test asks with [`skipped`].

mod browser;
mod devtools;
mod driver;
mod error;

pub use crate::browser::Browser;
pub use crate::error::BrowserError;

/// The environment variable that skips the tests with a browser, if it is set to `1`.
pub const SKIP: &str = "SSE_SKIP_BROWSER";

/// Whether the tests with a browser are to be skipped; if so, it says so on standard error.
#[must_use]
pub fn skipped() -> bool {
    let skipped = std::env::var_os(SKIP).is_some_and(|value| value == "1");
    if skipped {
        eprintln!("skipped, as {SKIP}=1: this test needs a browser");
    }
    skipped
}
