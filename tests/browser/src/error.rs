//! What can go wrong on the way to a browser.

use std::error::Error;
use std::fmt;
use std::io;

use fantoccini::error::NewSessionError;

/// Why there is no browser.
#[derive(Debug)]
#[non_exhaustive]
pub enum BrowserError {
    /// The command that drives the browser is not there.
    NotInstalled,
    /// chromedriver was started, but did not get ready.
    Driver(io::Error),
    /// chromedriver is ready, but Chromium did not start.
    Session(NewSessionError),
}

impl fmt::Display for BrowserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInstalled => write!(
                f,
                "chromedriver is not installed: on Debian, `apt-get install chromium \
                 chromium-driver`; or set {}=1 to skip the tests with a browser",
                crate::SKIP
            ),
            Self::Driver(error) => write!(f, "chromedriver did not start: {error}"),
            Self::Session(error) => write!(
                f,
                "chromium did not start (on Debian it is the package chromium): {error}"
            ),
        }
    }
}

impl Error for BrowserError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NotInstalled => None,
            Self::Driver(error) => Some(error),
            Self::Session(error) => Some(error),
        }
    }
}
