//! How do I stream a completion of an LLM API, with its key, retries, timeouts, failures and end?
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
use sse_eventsource::{Backoff, EventSource, EventSourceBuilder, ReceivedEvent, Reconnect};
use sse_examples::stand_in;

fn completion(api: &str, key: &str, question: &str) -> EventSourceBuilder {
    EventSource::post(format!("{api}/v1/chat/completions"))
        .header("Authorization", format!("Bearer {key}"))
        .json(&json!({
            "model": "gpt-4o-mini",
            "stream": true,
            "messages": [{ "role": "user", "content": question }],
        }))
        // A busy model is asked again. An answer that has begun is not repeated.
        .reconnect(Reconnect::UntilOpen)
        .max_attempts(5)
        .backoff(Backoff::short())
        .idle_timeout(Duration::from_secs(60))
        // Without this event, the answer is cut short: `ErrorKind::Incomplete`.
        .end_if(|event| event.data() == "[DONE]")
        .fail_if(is_failure)
}

/// Returns whether the API reports a failure in the stream, whose status was sent before.
fn is_failure(event: &ReceivedEvent) -> bool {
    let chunk = event.json::<Value>();
    chunk.is_ok_and(|chunk| !chunk["error"].is_null())
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
        None => stand_in::start_busy().await?.url,
    };
    let key = std::env::var("OPENAI_API_KEY").unwrap_or_default();
    read(
        completion(&api, &key, "What are Server-Sent Events?"),
        |text| {
            print!("{text}");
            let _ = std::io::stdout().flush();
        },
    )
    .await
}

#[cfg(test)]
async fn ask(question: &str) -> (String, Result<(), Box<dyn Error>>) {
    let api = stand_in::start_busy().await.expect("a free port").url;
    let mut all = String::new();
    let at_once = Backoff::new().initial(Duration::ZERO);
    let builder = completion(&api, "key", question).backoff(at_once);
    let result = read(builder, |text| all.push_str(text)).await;
    (all, result)
}

#[tokio::test]
async fn a_completion_is_read_from_the_stand_in() {
    let (text, result) = ask("Hello").await;
    result.expect("a complete response");
    assert_eq!(text, "Server-Sent Events push text.\n\nThey résumé 🦀.");
}

#[tokio::test]
async fn half_an_answer_is_an_error() {
    use sse_eventsource::{Error, ErrorKind};

    for question in ["half", "cut", "fail"] {
        let (text, result) = ask(question).await;
        assert!(text.starts_with("Server-Sent Events"), "{text}");
        let error = result.expect_err("half an answer");
        let error: &Error = error.downcast_ref().expect("an error of the stream");
        let is_expected = match error.kind() {
            ErrorKind::Incomplete => question == "half",
            ErrorKind::Body(_) => question == "cut",
            ErrorKind::Event(_) => question == "fail",
            _ => false,
        };
        assert!(is_expected, "{question}: {error}");
    }
}
