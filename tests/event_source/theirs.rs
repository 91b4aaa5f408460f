//! The log of Chromium's `EventSource` for each case.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use sse_browser::Browser;
use tokio::time::{sleep, timeout};

use crate::server::{case_paths, race_paths};

/// The time limit for one call. The longest waits in it are three and five seconds.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Reads all cases and all races, and returns the logs of the cases.
pub(crate) async fn read_all(server: &str) -> Vec<Vec<String>> {
    let browser = Browser::start().await.expect("a browser");
    browser.client().goto(server).await.expect("the page");
    call(&browser, "readAll(arguments[0])", json!(case_paths())).await;
    for paths in race_paths() {
        call(&browser, "race(arguments[0])", json!(paths)).await;
    }
    let logs = evaluate(&browser, "return logs", vec![]).await;
    browser.close().await.expect("the browser ends");
    let mut logs: BTreeMap<String, _> = serde_json::from_value(logs).expect("a log for each path");
    let paths = case_paths().into_iter();
    paths
        .map(|path| logs.remove(&path).expect("a log"))
        .collect()
}

/// Calls a function of the page and waits until nothing is open.
async fn call(browser: &Browser, call: &str, argument: Value) {
    evaluate(browser, call, vec![argument]).await;
    // The page cannot call back, so it is polled.
    let done = async {
        while evaluate(browser, "return open", vec![]).await != json!(0) {
            sleep(Duration::from_millis(50)).await;
        }
    };
    if timeout(TIMEOUT, done).await.is_err() {
        let logs = evaluate(browser, "return logs", vec![]).await;
        panic!("{call} is not done after {TIMEOUT:?}: {logs}");
    }
}

async fn evaluate(browser: &Browser, script: &str, arguments: Vec<Value>) -> Value {
    let value = browser.client().execute(script, arguments).await;
    value.expect("the page's script")
}
