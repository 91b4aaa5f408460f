//! Why a browser cannot be started.

use std::error::Error;
use std::fmt;
use std::io;

use fantoccini::error::NewSessionError;

/// Why a browser was not started.
#[derive(Debug)]
#[non_exhaustive]
pub enum BrowserError {
    /// chromedriver is not installed.
    NotInstalled,
    /// chromedriver did not start.
    Driver(io::Error),
    /// Chromium did not start.
    Session(NewSessionError),
}

impl fmt::Display for BrowserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInstalled => write!(
                f,
                "chromedriver is not installed: on Debian, `apt-get install chromium \
                 chromium-driver`; or set {}=1 to skip the tests that need a browser",
                crate::SKIP
            ),
            Self::Driver(error) => write!(f, "chromedriver did not start: {error}"),
            Self::Session(error) => write!(
                f,
                "Chromium did not start (package chromium on Debian): {error}"
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
