//! The browser starts, can be driven, and leaves nothing behind.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use sse_browser::Browser;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The time limit of each step, far beyond what a busy machine needs.
const TIMEOUT: Duration = Duration::from_secs(30);

async fn start() -> Browser {
    let browser = Browser::start().await;
    browser.unwrap_or_else(|error| panic!("{error}"))
}

/// Returns a capability that the browser has reported.
fn capability(browser: &Browser, pointer: &str) -> String {
    let capabilities = browser.client().capabilities().expect("capabilities");
    let capabilities = Value::Object(capabilities.clone());
    let value = capabilities.pointer(pointer).and_then(Value::as_str);
    value
        .unwrap_or_else(|| panic!("no {pointer} in {capabilities}"))
        .to_owned()
}

#[tokio::test]
async fn a_page_is_driven_and_nothing_remains() {
    if sse_browser::skipped() {
        return;
    }
    let browser = start().await;
    let profile = capability(&browser, "/chrome/userDataDir");
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
async fn a_dropped_browser_is_killed() {
    if sse_browser::skipped() {
        return;
    }
    let browser = start().await;
    // A connection to the debugger of Chromium, which lasts as long as its process.
    let address = capability(&browser, "/goog:chromeOptions/debuggerAddress");
    let mut connection = TcpStream::connect(address).await.expect("a connection");
    drop(browser);
    let end = timeout(TIMEOUT, connection.read(&mut [0])).await;
    assert!(matches!(
        end.expect("within the time limit"),
        Ok(0) | Err(_)
    ));
}
