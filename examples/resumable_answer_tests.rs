//! Pages that read an answer, over sockets.

use futures_util::TryStreamExt as _;
use sse_eventsource::{Backoff, EventSource, EventSourceBuilder};

use super::*;

const QUESTION: &str = "one two three four five six";

/// Starts a server, and returns its URL.
async fn start() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async { axum::serve(listener, app()).await });
    url
}

/// Asks the question, and returns the URL of the answer.
async fn asked(server: &str) -> String {
    let request = reqwest::Client::new().post(format!("{server}/answers"));
    let response = request.body(QUESTION).send().await.expect("a response");
    assert_eq!(response.status(), 201);
    let path = response.headers()["location"].to_str().expect("a path");
    format!("{server}{path}")
}

fn page(answer: &str) -> EventSourceBuilder {
    let soon = Backoff::short().reconnection_time(Duration::from_millis(100));
    EventSource::get(answer).backoff(soon)
}

/// Returns what a page gets until it is not to come back, with 204.
async fn read(page: EventSourceBuilder) -> Vec<(String, String)> {
    let events = page.build().expect("valid").map_ok(|event| {
        let pair = (event.event().to_owned(), event.data().to_owned());
        assert!(!event.last_event_id().is_empty());
        pair
    });
    events.try_collect().await.expect("an end in order")
}

fn expected(words: &[&str]) -> Vec<(String, String)> {
    let words = words
        .iter()
        .map(|word| ("message".to_owned(), (*word).to_owned()));
    words
        .chain([("done".to_owned(), "{}".to_owned())])
        .collect()
}

#[tokio::test]
async fn a_page_that_comes_back_gets_what_it_has_missed() {
    let answer = asked(&start().await).await;
    let mut first = page(&answer).build().expect("valid");
    let one = first.try_next().await.expect("no failure").expect("a word");
    assert_eq!(one.data(), "one ");
    let two = first.try_next().await.expect("no failure").expect("a word");
    drop(first);
    let missed = read(page(&answer).last_event_id(two.last_event_id())).await;
    assert_eq!(missed, expected(&["three ", "four ", "five ", "six"]));
    // The same after the end.
    let missed = read(page(&answer).last_event_id(one.last_event_id())).await;
    assert_eq!(
        missed,
        expected(&["two ", "three ", "four ", "five ", "six"])
    );
}

#[tokio::test]
async fn a_new_page_gets_all_of_the_answer_at_any_time() {
    let server = start().await;
    let answer = asked(&server).await;
    let all = expected(&["one ", "two ", "three ", "four ", "five ", "six"]);
    assert_eq!(read(page(&answer)).await, all);
    assert_eq!(read(page(&answer)).await, all);
}

#[tokio::test]
async fn a_page_that_has_all_gets_no_content() {
    let answer = asked(&start().await).await;
    let mut events = page(&answer).build().expect("valid");
    let mut last = String::new();
    while let Some(event) = events.try_next().await.expect("no failure") {
        last = event.last_event_id().to_owned();
    }
    let request = reqwest::Client::new().get(&answer);
    let request = request.header("last-event-id", last);
    assert_eq!(request.send().await.expect("a response").status(), 204);
}

#[tokio::test]
async fn an_answer_that_was_not_asked_for_is_not_found() {
    let server = start().await;
    let response = reqwest::get(format!("{server}/answers/0123456789abcdef")).await;
    assert_eq!(response.expect("a response").status(), 404);
}
