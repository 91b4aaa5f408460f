//! How do I read a response of OpenAI's API as typed events?
//!
//! ```text
//! cargo run -p sse-examples --example openai_responses
//! OPENAI_API_KEY=… cargo run -p sse-examples --example openai_responses -- https://api.openai.com
//! ```
//!
//! Without an address it uses a stand-in on this machine.

use std::error::Error;

use futures_util::TryStreamExt as _;
use serde::Deserialize;
use serde_json::json;
use sse_eventsource::{Backoff, EventSource, EventSourceBuilder, Reconnect};
use sse_examples::stand_in;

// The name of the event selects the variant.
#[derive(Debug, Deserialize)]
enum Message {
    #[serde(rename = "response.output_text.delta")]
    TextDelta { delta: String },
    #[serde(rename = "response.completed")]
    Completed { response: Completed },
}

#[derive(Debug, Deserialize)]
struct Completed {
    usage: Usage,
}

#[derive(Debug, Deserialize)]
struct Usage {
    total_tokens: u32,
}

fn response(api: &str, key: &str, question: &str) -> EventSourceBuilder {
    EventSource::post(format!("{api}/v1/responses"))
        .header("Authorization", format!("Bearer {key}"))
        .json(&json!({ "model": "gpt-4o-mini", "stream": true, "input": question }))
        .reconnect(Reconnect::UntilOpen)
        .max_attempts(5)
        .backoff(Backoff::short())
        // It has the usage, so it is yielded.
        .end_after(|event| event.event() == "response.completed")
        .fail_if(|event| {
            let name = event.event();
            matches!(name, "error" | "response.failed" | "response.incomplete")
        })
}

/// Returns the text and its tokens. An answer that was cut short is an error.
async fn read(builder: EventSourceBuilder) -> Result<(String, u32), Box<dyn Error>> {
    let mut messages = builder.build()?.typed::<Message>().skip_unknown();
    let (mut text, mut tokens) = (String::new(), 0);
    while let Some(message) = messages.try_next().await? {
        match message {
            Message::TextDelta { delta } => text.push_str(&delta),
            Message::Completed { response } => tokens = response.usage.total_tokens,
        }
    }
    Ok((text, tokens))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let api = match std::env::args().nth(1) {
        Some(api) => api,
        None => stand_in::start().await?.url,
    };
    let key = std::env::var("OPENAI_API_KEY").unwrap_or_default();
    let (text, tokens) = read(response(&api, &key, "Hello")).await?;
    println!("{text}\n({tokens} tokens)");
    Ok(())
}

#[tokio::test]
async fn the_text_and_the_usage_are_read() {
    let api = stand_in::start().await.expect("a free port").url;
    let read_all = read(response(&api, "key", "Hello")).await;
    let expected = ("Hi there! How can I help?".to_owned(), 48);
    assert_eq!(read_all.expect("a complete stream"), expected);
    for question in ["half", "cut", "fail"] {
        let result = read(response(&api, "key", question)).await;
        assert!(result.is_err(), "{question}");
    }
}
