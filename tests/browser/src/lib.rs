//! A headless Chromium for tests, driven through chromedriver.
//!
//! [`Browser::start`] starts chromedriver on a free port and, through it, Chromium with a fresh
//! profile. The test drives the browser through [`Browser::client`], a [`fantoccini::Client`]. No
//! process is left when the browser is closed or dropped.
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
//! # Without a browser
//!
//! Starting fails, and the error says what to install. A test does not pass without a browser. To
//! skip such tests, set the environment variable [`SKIP`], which a test checks with [`skipped`].

mod browser;
mod devtools;
mod driver;
mod error;

pub use crate::browser::Browser;
pub use crate::error::BrowserError;

/// The environment variable that skips the tests that need a browser, if it is `1`.
pub const SKIP: &str = "SSE_SKIP_BROWSER";

/// Whether to skip the tests that need a browser. If so, prints that to standard error.
#[must_use]
pub fn skipped() -> bool {
    let skipped = std::env::var_os(SKIP).is_some_and(|value| value == "1");
    if skipped {
        eprintln!("skipped: this test needs a browser, and {SKIP}=1");
    }
    skipped
}
