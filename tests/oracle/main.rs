//! The decoder compared with a browser's.
//!
//! Every stream of the corpus is served byte for byte to headless Chromium, whose `EventSource` is
//! the reference for the standard. The events that it dispatches, and the last event IDs with which it
//! reconnects, must be those of the decoder, one by one.

mod decoder;
mod departures;
mod event;
mod server;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sse_browser::Browser;
use sse_codec::Decoder;
use sse_corpus::{Case, corpus};
use tokio::time::{Instant, sleep, timeout};

use crate::departures::DEPARTURES;
use crate::event::Event;
use crate::server::Oracle;

/// The time limit for all streams. It includes the reconnection time, twice three seconds in
/// Chromium.
const TIMEOUT: Duration = Duration::from_secs(90);

#[tokio::test]
async fn a_browser_dispatches_the_events_that_the_decoder_returns() {
    if sse_browser::skipped() {
        return;
    }
    let (listener, address) = server::listen().await.expect("a free port");
    let oracle = Arc::new(Oracle::new(corpus()));
    let server = tokio::spawn(server::serve(listener, Arc::clone(&oracle)));
    let browser = Browser::start().await.expect("a browser");

    let dispatched = listen(&browser, &format!("http://{address}/"), &oracle.cases).await;
    browser.close().await.expect("the browser ends");
    server.abort();

    let mut differences = Vec::new();
    let mut events = 0;
    for (index, (case, dispatched)) in oracle.cases.iter().zip(dispatched).enumerate() {
        let mut decoder = Decoder::new();
        let pieces = case.pieces.iter().map(Vec::as_slice);
        let (mut decoded, first_id) = decoder::decode(&mut decoder, pieces);
        // The next connection.
        decoder.reset();
        let (again, second_id) = decoder::decode(&mut decoder, [server::NEXT_STREAM]);
        decoded.extend(again);
        events += decoded.len();
        if let Some(known) = DEPARTURES.iter().find(|known| known.case == case.name) {
            println!("{}\n  {}\n  {}", known.case, known.standard, known.decision);
            assert_ne!(
                decoded,
                known.chromium_events(),
                "{}: Chromium agrees with the decoder",
                case.name
            );
            assert_eq!(
                dispatched,
                known.chromium_events(),
                "{}: Chromium has changed",
                case.name
            );
        } else if decoded != dispatched {
            differences.push(format!(
                "{}\n  decoder: {decoded:?}\n  browser: {dispatched:?}",
                case.name
            ));
        }
        let expected = [&first_id, &second_id].map(|id| header_value(id));
        let reconnects: Vec<_> = oracle
            .reconnects(index)
            .into_iter()
            .map(|id| id.map(|id| String::from_utf8_lossy(&id).into_owned()))
            .collect();
        if !reconnects.iter().map(Option::as_deref).eq(expected) {
            differences.push(format!(
                "{}\n  decoder: reconnects with {expected:?}\n  browser: {reconnects:?}",
                case.name
            ));
        }
    }
    println!("{} streams, {events} events", oracle.cases.len());
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

/// Returns a last event ID as the server receives it. An empty one is not sent (HTML § 9.2.3), and
/// white space around the value of a header is not part of it (RFC 9110 § 5.5).
fn header_value(last_event_id: &str) -> Option<&str> {
    (!last_event_id.is_empty()).then(|| last_event_id.trim_matches([' ', '\t']))
}

/// Returns the events that the browser's `EventSource` dispatches for each case.
async fn listen(browser: &Browser, url: &str, cases: &[Case]) -> Vec<Vec<Event>> {
    let page = browser.client();
    page.goto(url).await.expect("the page");
    let names: Vec<_> = cases.iter().map(names).collect();
    page.execute("listen(arguments[0])", vec![json!(names)])
        .await
        .expect("the page's script");

    // The page cannot notify the test, so the test polls it.
    let begun = Instant::now();
    let done = async {
        while page.execute("return open", vec![]).await.expect("a count") != json!(0) {
            sleep(Duration::from_millis(50)).await;
        }
    };
    if timeout(TIMEOUT, done).await.is_err() {
        let open = page.execute("return open", vec![]).await.expect("a count");
        panic!("{open} streams are open after {:?}", begun.elapsed());
    }
    let results = page.execute("return results", vec![]).await;
    serde_json::from_value(results.expect("results")).expect("a list of events for each case")
}

/// Returns every name that an event of the case could have, however the stream is read. A page
/// receives only events with names that it listens for.
fn names(case: &Case) -> Vec<String> {
    let stream = case.pieces.concat();
    let (decoded, _) = decoder::decode(&mut Decoder::new(), [stream.as_slice()]);
    let mut names: Vec<_> = decoded.into_iter().map(|event| event.event).collect();
    names.extend(["message", "open", "error", ""].map(ToOwned::to_owned));
    for line in String::from_utf8_lossy(&stream).split(['\n', '\r']) {
        if let Some((_, value)) = line.split_once("event") {
            let value = value.trim_start_matches(':');
            names.extend([value, value.trim_start(), value.trim()].map(ToOwned::to_owned));
        }
    }
    names.sort();
    names.dedup();
    names
}
