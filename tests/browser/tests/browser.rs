//! The browser itself: it starts, does as it is told, and leaves nothing behind.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use sse_browser::Browser;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A bound on everything, far beyond what a busy machine needs.
const BOUND: Duration = Duration::from_secs(30);

async fn start() -> Browser {
    let browser = Browser::start().await;
    browser.unwrap_or_else(|error| panic!("{error}"))
}

/// A capability that the browser has told.
fn told(browser: &Browser, pointer: &str) -> String {
    let told = browser.client().capabilities().expect("capabilities");
    let told = Value::Object(told.clone());
    let value = told.pointer(pointer).and_then(Value::as_str);
    value
        .unwrap_or_else(|| panic!("no {pointer} in {told}"))
        .to_owned()
}

#[tokio::test]
async fn a_page_is_driven_and_nothing_is_left() {
    if sse_browser::skipped() {
        return;
    }
    let browser = start().await;
    let profile = told(&browser, "/chrome/userDataDir");
    assert!(Path::new(&profile).exists());

    let page = "data:text/html,<title>a page</title>";
    browser.client().goto(page).await.expect("the page");
    assert_eq!(browser.client().title().await.expect("a title"), "a page");
    let version = browser.devtools("Browser.getVersion", json!({})).await;
    assert!(version.expect("a version")["product"].is_string());
    let unknown = browser.devtools("Browser.noSuchCommand", json!({})).await;
    assert!(unknown.is_err());

    browser.close().await.expect("the end");
    assert!(!Path::new(&profile).exists());
}

#[tokio::test]
async fn a_dropped_browser_ends() {
    if sse_browser::skipped() {
        return;
    }
    let browser = start().await;
    // Chromium's own port: the connection lasts as long as its process.
    let address = told(&browser, "/goog:chromeOptions/debuggerAddress");
    let mut connection = TcpStream::connect(address).await.expect("a connection");
    drop(browser);
    let end = timeout(BOUND, connection.read(&mut [0])).await;
    assert!(matches!(end.expect("within the bound"), Ok(0) | Err(_)));
}
