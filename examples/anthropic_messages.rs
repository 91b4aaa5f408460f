//! How do I read a message of Anthropic's API as typed events?
//!
//! ```text
//! cargo run -p sse-examples --example anthropic_messages
//! ANTHROPIC_API_KEY=… cargo run -p sse-examples --example anthropic_messages -- https://api.anthropic.com
//! ```
//!
//! Without an address it uses a stand-in on this machine.

use std::collections::BTreeMap;
use std::error::Error;

use futures_util::TryStreamExt as _;
use serde::Deserialize;
use serde_json::json;
use sse_eventsource::{Backoff, EventSource, EventSourceBuilder, Reconnect};
use sse_examples::stand_in;

// The name of the event selects the variant. Others, such as `ping`, are skipped.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    ContentBlockDelta { index: usize, delta: Delta },
}

#[derive(Deserialize)]
struct Delta {
    text: Option<String>,
    partial_json: Option<String>,
}

fn message(api: &str, key: &str, question: &str) -> EventSourceBuilder {
    EventSource::post(format!("{api}/v1/messages"))
        .header("X-Api-Key", key)
        .header("Anthropic-Version", "2023-06-01")
        .json(&json!({
            "model": "claude-sonnet-4-5",
            "max_tokens": 1024,
            "stream": true,
            "messages": [{ "role": "user", "content": question }],
        }))
        .reconnect(Reconnect::UntilOpen)
        .max_attempts(5)
        .backoff(Backoff::short())
        .end_if(|event| event.event() == "message_stop")
        .fail_if(|event| event.event() == "error")
}

/// Returns the content blocks of the message. One that was cut short is an error.
async fn read(builder: EventSourceBuilder) -> Result<Vec<String>, Box<dyn Error>> {
    let mut events = builder.build()?.typed::<Event>().skip_unknown();
    // By index, which the server chooses.
    let mut blocks: BTreeMap<usize, String> = BTreeMap::new();
    while let Some(Event::ContentBlockDelta { index, delta }) = events.try_next().await? {
        *blocks.entry(index).or_default() += &delta.text.or(delta.partial_json).unwrap_or_default();
    }
    Ok(blocks.into_values().collect())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let api = match std::env::args().nth(1) {
        Some(api) => api,
        None => stand_in::start().await?.url,
    };
    let key = std::env::var("ANTHROPIC_API_KEY").unwrap_or_default();
    println!("{:#?}", read(message(&api, &key, "Hello")).await?);
    Ok(())
}

#[tokio::test]
async fn both_content_blocks_are_read() {
    let api = stand_in::start().await.expect("a free port").url;
    let blocks = read(message(&api, "key", "Hello")).await;
    let expected = [
        "Okay, let me check the weather.",
        r#"{"location": "San Francisco, CA"}"#,
    ];
    assert_eq!(blocks.expect("a complete stream"), expected);
    for question in ["half", "cut", "fail"] {
        let result = read(message(&api, "key", question)).await;
        assert!(result.is_err(), "{question}");
    }
}
