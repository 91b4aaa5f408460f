//! The page of the ticks in headless Chromium.
//!
//! Screenshots are written to `demo-screenshots` in the target directory.

use std::fs;
use std::path::Path;

use fantoccini::wd::Locator;
use serde_json::{Value, json};
use sse_browser::Browser;

use crate::process::{Process, TIMEOUT, TRANSPORTS};

/// A column of the page.
struct Column<'a> {
    browser: &'a Browser,
    transport: &'a str,
}

impl Column<'_> {
    /// Waits until the column matches `attributes`.
    async fn becomes(&self, attributes: &str) {
        let selector = format!("[data-transport={}]{attributes}", self.transport);
        appears(self.browser, &selector).await;
    }

    /// Returns a part of what the page has received.
    async fn received(&self, what: &str) -> Value {
        let script = format!("return demo.{}.{what}", self.transport);
        run(self.browser, &script).await
    }

    async fn counts(&self) -> Vec<u64> {
        let counts = self.received("ticks.map(tick => tick.count)").await;
        serde_json::from_value(counts).expect("numbers")
    }

    async fn press_drop(&self) {
        let button = format!("[data-transport={}] button", self.transport);
        let button = self.browser.client().find(Locator::Css(&button)).await;
        button.expect("a button").click().await.expect("pressed");
    }
}

#[tokio::test]
async fn the_page_listens_to_all_servers_and_resumes_without_a_gap() {
    if sse_browser::skipped() {
        return;
    }
    let demo = Process::start().await;
    let browser = Browser::start()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let page = format!("http://{}/", demo.addresses[0]);
    browser.client().goto(&page).await.expect("the page");
    let columns = TRANSPORTS.map(|transport| Column {
        browser: &browser,
        transport,
    });

    for column in &columns {
        column.becomes("[data-hello=ended]").await;
        assert_eq!(
            column.received("hello").await,
            json!([
                {"type": "message", "data": "hello"},
                {"type": "message", "data": "{\"foo\":\"bar\"}"},
                {"type": "greeting", "data": "hello"},
            ])
        );
        column
            .becomes("[data-state=open][data-arrivals=live]")
            .await;
    }

    for (index, column) in columns.iter().enumerate() {
        column.press_drop().await;
        column
            .becomes("[data-reconnects='1'][data-arrivals=live]")
            .await;

        // Every tick once, in order. Without the last event ID, the server would have sent only the
        // last one of the missed ticks.
        let counts = column.counts().await;
        assert!(
            counts.windows(2).all(|pair| pair[1] == pair[0] + 1),
            "{}: {counts:?}",
            column.transport
        );
        assert_resumed(column, &counts).await;
        assert_eq!(column.received("lostTicks").await, 0);
        // The other streams are still connected.
        for other in &columns[index + 1..] {
            assert_eq!(other.received("reconnectCount").await, 0);
        }
    }

    take_screenshots(&browser, "").await;
    browser.close().await.expect("the browser ends");
}

/// Checks that the page has recorded one reconnect, with the last event before it and the missed
/// ones.
async fn assert_resumed(column: &Column<'_>, counts: &[u64]) {
    let reconnects = column.received("reconnects").await;
    let [reconnect] = reconnects.as_array().expect("a list").as_slice() else {
        panic!("{}: {reconnects}", column.transport);
    };
    let last: u64 = reconnect["lastEventId"]
        .as_str()
        .and_then(|id| id.parse().ok())
        .expect("an id");
    let replayed: Vec<u64> =
        serde_json::from_value(reconnect["replayed"].clone()).expect("numbers");
    assert!(
        replayed.len() >= 2,
        "{replayed:?}: at least two ticks were missed"
    );
    let position = counts.iter().position(|&count| count == last);
    let after = &counts[position.expect("it was received") + 1..];
    assert!(
        after.starts_with(&replayed),
        "{replayed:?} after {last} in {counts:?}"
    );
}

#[tokio::test]
async fn the_page_finds_the_servers_from_each_of_them() {
    if sse_browser::skipped() {
        return;
    }
    let demo = Process::start().await;
    let browser = Browser::start()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    for address in &demo.addresses {
        let page = format!("http://{address}/");
        browser.client().goto(&page).await.expect("the page");
        for transport in TRANSPORTS {
            let column = Column {
                browser: &browser,
                transport,
            };
            column.becomes("[data-state=open][data-hello=ended]").await;
        }
    }
    browser.close().await.expect("the browser ends");
}

/// Waits for an element of the page.
pub(crate) async fn appears(browser: &Browser, selector: &str) {
    let wait = browser.client().wait().at_most(TIMEOUT);
    let found = wait.for_element(Locator::Css(selector)).await;
    found.unwrap_or_else(|error| panic!("{selector}: {error}"));
}

/// Takes screenshots of the page: light and dark, wide and narrow.
pub(crate) async fn take_screenshots(browser: &Browser, prefix: &str) {
    // The directory for files of tests is `tmp` in the target directory.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    let directory = target.expect("a parent").join("demo-screenshots");
    fs::create_dir_all(&directory).expect("a directory");
    for (layout, width) in [("wide", 1280), ("narrow", 390)] {
        for scheme in ["light", "dark"] {
            let scheme_is = json!({"name": "prefers-color-scheme", "value": scheme});
            let media = json!({ "features": [scheme_is] });
            devtools(browser, "Emulation.setEmulatedMedia", media).await;
            resize(browser, width, 800).await;
            let height = run(browser, "return document.documentElement.scrollHeight").await;
            resize(browser, width, height.as_u64().expect("a number")).await;
            let image = browser.client().screenshot().await.expect("an image");
            let file = directory.join(format!("{prefix}{layout}-{scheme}.png"));
            fs::write(file, image).expect("written");
        }
    }
}

/// Resizes the page, and waits until it is drawn.
async fn resize(browser: &Browser, width: u64, height: u64) {
    let size = json!({
        "width": width, "height": height, "deviceScaleFactor": 2, "mobile": width < 500,
    });
    devtools(browser, "Emulation.setDeviceMetricsOverride", size).await;
    let two_frames = "const done = arguments[0];
        requestAnimationFrame(() => requestAnimationFrame(() => done()))";
    let drawn = browser.client().execute_async(two_frames, vec![]).await;
    drawn.expect("two frames");
}

async fn devtools(browser: &Browser, command: &str, parameters: Value) {
    let done = browser.devtools(command, parameters).await;
    done.expect("a command that the browser knows");
}

/// Runs a script in the page.
pub(crate) async fn run(browser: &Browser, script: &str) -> Value {
    let result = browser.client().execute(script, vec![]).await;
    result.expect("a script that runs")
}
