//! The browser.

use std::time::Duration;

use fantoccini::error::CmdError;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::devtools::Devtools;
use crate::driver::Driver;
use crate::error::BrowserError;

/// The time within which Chromium must close, before it is killed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// A headless Chromium with a profile of its own.
///
/// [`close`](Self::close) closes it and removes the files that it has written. Dropping it kills it
/// without waiting for its end, so that some of its files may remain.
#[derive(Debug)]
pub struct Browser {
    // In the order of dropping: the profile is removed when no process uses it.
    client: Client,
    driver: Driver,
    profile: TempDir,
}

impl Browser {
    /// Starts chromedriver and Chromium.
    ///
    /// # Errors
    ///
    /// When one of them is not installed or does not start. The message says what to install.
    pub async fn start() -> Result<Self, BrowserError> {
        let profile = tempfile::Builder::new()
            .prefix("sse-browser-")
            .tempdir()
            .map_err(BrowserError::Driver)?;
        let driver = Driver::start(profile.path()).await?;
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(&profile))
            .connect(&driver.url())
            .await
            .map_err(BrowserError::Session)?;
        Ok(Self {
            client,
            driver,
            profile,
        })
    }

    /// Returns the client that drives the browser.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Sends a command of the Chrome `DevTools` Protocol, for which the client has no method, and
    /// returns its result.
    ///
    /// # Errors
    ///
    /// When the browser does not know the command or rejects its parameters.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Result<Value, CmdError> {
        self.client
            .issue_cmd(Devtools::new(command, parameters))
            .await
    }

    /// Closes the browser, stops chromedriver and removes the profile.
    ///
    /// # Errors
    ///
    /// When the profile cannot be removed.
    pub async fn close(self) -> std::io::Result<()> {
        // If Chromium does not close in time, it is killed with chromedriver.
        let _ = timeout(CLOSE_TIMEOUT, self.client.close()).await;
        drop(self.driver);
        self.profile.close()
    }
}

fn capabilities(profile: &TempDir) -> Map<String, Value> {
    let profile = profile.path().join("profile");
    let arguments = [
        "--headless".to_owned(),
        // Chromium's sandbox works neither for root nor in most containers.
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-quic".to_owned(),
        "--no-first-run".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        format!("--user-data-dir={}", profile.display()),
    ];
    let options = json!({ "args": arguments });
    Map::from_iter([("goog:chromeOptions".to_owned(), options)])
}
