//! How do I stream an answer of Google's Gemini API?
//!
//! ```text
//! cargo run -p sse-examples --example gemini
//! GEMINI_API_KEY=… cargo run -p sse-examples --example gemini -- https://generativelanguage.googleapis.com
//! ```
//!
//! Without an address it uses a stand-in on this machine.

use std::error::Error;

use futures_util::TryStreamExt as _;
use serde_json::{Value, json};
use sse_eventsource::{Backoff, EventSource, EventSourceBuilder, ReceivedEvent, Reconnect};
use sse_examples::stand_in;

fn answer(api: &str, key: &str, question: &str) -> EventSourceBuilder {
    let model = "gemini-2.5-flash:streamGenerateContent?alt=sse";
    EventSource::post(format!("{api}/v1beta/models/{model}"))
        .header("X-Goog-Api-Key", key)
        .json(&json!({ "contents": [{ "parts": [{ "text": question }] }] }))
        .reconnect(Reconnect::UntilOpen)
        .max_attempts(5)
        .backoff(Backoff::short())
        // No event says that it is the last one, but the last one says why the answer is complete.
        .end_after(|event| has(event, "/candidates/0/finishReason"))
        .fail_if(|event| has(event, "/error"))
}

fn has(event: &ReceivedEvent, pointer: &str) -> bool {
    let value = event.json::<Value>();
    value.is_ok_and(|value| value.pointer(pointer).is_some_and(|found| !found.is_null()))
}

/// Returns the text. An answer that was cut short is an error.
async fn read(builder: EventSourceBuilder) -> Result<String, Box<dyn Error>> {
    let mut chunks = builder.build()?;
    let mut text = String::new();
    while let Some(event) = chunks.try_next().await? {
        let chunk: Value = event.json()?;
        let part = &chunk["candidates"][0]["content"]["parts"][0]["text"];
        text += part.as_str().unwrap_or_default();
    }
    Ok(text)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let api = match std::env::args().nth(1) {
        Some(api) => api,
        None => stand_in::start().await?.url,
    };
    let key = std::env::var("GEMINI_API_KEY").unwrap_or_default();
    println!("{}", read(answer(&api, &key, "Hello")).await?);
    Ok(())
}

#[tokio::test]
async fn the_text_is_read_with_that_of_the_last_chunk() {
    let api = stand_in::start().await.expect("a free port").url;
    let text = read(answer(&api, "key", "Hello")).await;
    let expected = "Server-Sent Events push text over one long response.";
    assert_eq!(text.expect("a complete stream"), expected);
    for question in ["half", "cut", "fail"] {
        let result = read(answer(&api, "key", question)).await;
        assert!(result.is_err(), "{question}");
    }
}
