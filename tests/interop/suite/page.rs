//! Runs a client in Chromium, and reads what its user sees.

use std::time::Duration;

use serde_json::{Value, json};
use sse_browser::Browser;
use tokio::time::{sleep, timeout};

use crate::driver::{self, Saw};

/// The time after which a client is given up that does not end.
const DEADLINE: Duration = Duration::from_secs(120);

/// Lets the driver read at these places, `[{"url": ..., "silence": ...}]`, which are all on the server at
/// `origin`, and calls `saw` with each line of what its user sees.
pub(crate) async fn run(
    browser: &Browser,
    origin: &str,
    driver: &str,
    places: &[Value],
    saw: &mut Saw<'_>,
) {
    let client = browser.client();
    client
        .goto(&format!("{origin}/browser/page.html"))
        .await
        .expect("the page");
    let arguments = vec![json!(driver), places.into()];
    client
        .execute("start(arguments[0], arguments[1])", arguments)
        .await
        .expect("the page's script");
    // The page cannot call back, so it is polled.
    let read = async {
        loop {
            let news = client.execute("return news()", vec![]).await;
            for seen in news.expect("the page's script").as_array().expect("a list") {
                match seen {
                    Value::Null => return,
                    seen => driver::report(seen, saw),
                }
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    let read = timeout(DEADLINE, read).await;
    read.unwrap_or_else(|_| panic!("{driver} does not end"));
}
