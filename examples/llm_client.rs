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
        text(
            chunk["choices"][0]["delta"]["content"]
                .as_str()
                .unwrap_or_default(),
        );
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

/// A server in the place of an API: it is busy at first, and then sends a stream.
mod stand_in {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use axum::Router;
    use axum::extract::Request;
    use axum::http::StatusCode;
    use axum::response::{IntoResponse as _, Response};
    use axum::routing::post;
    use sse_hyper::{SendError, Sse, sse_response};

    static IS_READY: AtomicBool = AtomicBool::new(false);

    pub(crate) async fn start() -> std::io::Result<String> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let api = format!("http://{}", listener.local_addr()?);
        let app = Router::new().route("/v1/chat/completions", post(answer));
        tokio::spawn(async { axum::serve(listener, app).await });
        Ok(api)
    }

    async fn answer(request: Request) -> Response {
        if !IS_READY.swap(true, Ordering::Relaxed) {
            return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")]).into_response();
        }
        let stream = include_str!("streams/openai-chat.sse");
        let response = sse_response(request, async |_request, sse: Sse| {
            for data in stream
                .lines()
                .filter_map(|line| line.strip_prefix("data: "))
            {
                sse.send(data).await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok::<_, SendError>(())
        });
        response.into_response()
    }
}

#[tokio::test]
async fn a_completion_is_read_from_the_stand_in() {
    let api = stand_in::start().await.expect("started");
    let mut all = String::new();
    let at_once = sse_eventsource::Backoff::new().initial(Duration::ZERO);
    let builder = completion(&api, "key").backoff(at_once);
    let read = read(builder, |text| all.push_str(text));
    read.await.expect("a whole answer");
    assert_eq!(all, "Server-Sent Events push text.\n\nThey résumé 🦀.");
}
