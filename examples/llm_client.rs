//! How do I stream a completion of an LLM API, with its key, retries, timeouts and end?
//!
//! ```text
//! cargo run -p sse-examples --example llm_client
//! OPENAI_API_KEY=… cargo run -p sse-examples --example llm_client -- https://api.openai.com
//! ```
//!
//! Without an address it uses a stand-in on this machine, which sends a stream of the examples.

use std::error::Error;
use std::io::Write as _;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use serde_json::{Value, json};
use sse_eventsource::{EventSource, EventSourceBuilder, Reconnect};
use sse_examples::stand_in;

fn completion(api: &str, key: &str) -> EventSourceBuilder {
    EventSource::post(format!("{api}/v1/chat/completions"))
        .header("Authorization", format!("Bearer {key}"))
        .json(&json!({
            "model": "gpt-4o-mini",
            "stream": true,
            "messages": [{ "role": "user", "content": "What are Server-Sent Events?" }],
        }))
        // A busy model is asked again. An answer that has begun is not repeated.
        .reconnect(Reconnect::UntilOpen)
        .max_attempts(5)
        .idle_timeout(Duration::from_secs(60))
        .end_if(|event| event.data() == "[DONE]")
}

async fn read(
    builder: EventSourceBuilder,
    mut text: impl FnMut(&str),
) -> Result<(), Box<dyn Error>> {
    let mut chunks = builder.build()?;
    while let Some(event) = chunks.try_next().await? {
        let chunk: Value = event.json()?;
        let content = &chunk["choices"][0]["delta"]["content"];
        text(content.as_str().unwrap_or_default());
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let api = match std::env::args().nth(1) {
        Some(api) => api,
        None => stand_in::start().await?,
    };
    let key = std::env::var("OPENAI_API_KEY").unwrap_or_default();
    read(completion(&api, &key), |text| {
        print!("{text}");
        let _ = std::io::stdout().flush();
    })
    .await
}

#[tokio::test]
async fn a_completion_is_read_from_the_stand_in() {
    let api = stand_in::start().await.expect("a free port");
    let mut all = String::new();
    let at_once = sse_eventsource::Backoff::new().initial(Duration::ZERO);
    let builder = completion(&api, "key").backoff(at_once);
    let read = read(builder, |text| all.push_str(text));
    read.await.expect("a complete response");
    assert_eq!(all, "Server-Sent Events push text.\n\nThey résumé 🦀.");
}
