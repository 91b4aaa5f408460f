//! How do I relay the stream of a language model to my own clients, with my key?
//!
//! ```text
//! cargo run -p sse-examples --example gateway
//! curl -N http://127.0.0.1:3000/chat -H 'Authorization: Bearer secret-of-alice' -d 'Hello'
//! OPENAI_API_KEY=… cargo run -p sse-examples --example gateway -- https://api.openai.com
//! ```
//!
//! Without an address it asks a stand-in on this machine: with `-d busy`, `-d cut` or `-d fail` its
//! failures can be looked at.
//!
//! A client gets pieces of text as JSON, then an event named `done` with what it has used, or one
//! named `error`. A stream that ends without either was cut.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::TryStreamExt as _;
use serde::Deserialize;
use serde_json::{Value, json};
use sse_eventsource::{
    Backoff, Error, ErrorKind, EventSource, EventSourceBuilder, ReceivedEvent, Reconnect, Rejected,
};
use sse_examples::stand_in;
use sse_hyper::{BoxError, Event, Sse, SseBody, sse_response};

#[derive(Clone)]
struct Gateway {
    /// The URL of the API, and the server's key for it.
    api: String,
    key: String,
    /// The names of the clients by their secrets.
    clients: Arc<BTreeMap<String, String>>,
    /// How many tokens each of them has used.
    used: Arc<Mutex<BTreeMap<String, u64>>>,
}

async fn chat(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    question: String,
) -> Result<Response<SseBody>, Refusal> {
    let client = gateway.client(&headers).ok_or(Refusal::UNAUTHORIZED)?;
    let mut upstream = gateway.ask(&question).build().map_err(|error| {
        eprintln!("{error}");
        Refusal::FAILED
    })?;
    // Until here, a failure has a status. After it, the failure is an event.
    upstream.opened().await?.ok_or(Refusal::FAILED)?;
    // If the client leaves, the handler is dropped, and the upstream's connection is closed with it.
    // Headers of the upstream are not passed on; keep-alives are those of this stream.
    Ok(sse_response(headers, |_, sse: Sse| async move {
        let mut usage = Usage::new(&gateway, client);
        match relay(upstream, &sse, &mut usage).await {
            Ok(()) => {
                let done = Event::new().event("done");
                sse.send(done.json(json!({ "tokens": usage.tokens }))).await
            }
            Err(error) => {
                eprintln!("{}: {error}", usage.client);
                let reason = match error.downcast_ref() {
                    Some(error) => Refusal::from(error).reason,
                    None => Refusal::FAILED.reason,
                };
                sse.send(Event::new().event("error").json(reason)).await
            }
        }
    }))
}

/// Sends the text of the answer to the client, and counts.
async fn relay(mut upstream: EventSource, sse: &Sse, usage: &mut Usage) -> Result<(), BoxError> {
    while let Some(event) = upstream.try_next().await? {
        let chunk: Chunk = event.json()?;
        for choice in chunk.choices {
            if let Some(text) = choice.delta.content.filter(|text| !text.is_empty()) {
                sse.send(Event::new().json(text)).await?;
                // About one token, until the model says how many they were.
                usage.tokens += 1;
            }
        }
        if let Some(found) = chunk.usage {
            usage.tokens = found.total_tokens;
        }
    }
    Ok(())
}

impl Gateway {
    /// Returns the request: nothing of the client's but its question, the key of the server.
    fn ask(&self, question: &str) -> EventSourceBuilder {
        EventSource::post(format!("{}/v1/chat/completions", self.api))
            .header("Authorization", format!("Bearer {}", self.key))
            .json(&json!({
                "model": "gpt-4o-mini",
                "stream": true,
                "stream_options": { "include_usage": true },
                "messages": [{ "role": "user", "content": question }],
            }))
            // A connection that fails is made again. What the API answers, the client decides on.
            .reconnect(Reconnect::UntilOpen)
            .retry_if(|error| error.is_transient() && error.rejected().is_none())
            .max_attempts(2)
            .backoff(Backoff::short())
            .idle_timeout(Duration::from_secs(60))
            .end_if(|event| event.data() == "[DONE]")
            .fail_if(is_failure)
    }

    /// Returns the name of the client that sent this header.
    fn client(&self, headers: &HeaderMap) -> Option<String> {
        let value = headers.get("authorization")?.to_str().ok()?;
        let secret = value.strip_prefix("Bearer ")?;
        self.clients.get(secret).cloned()
    }
}

#[derive(Deserialize)]
struct Chunk {
    choices: Vec<Choice>,
    usage: Option<TokenCount>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Delta,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
}

#[derive(Deserialize)]
struct TokenCount {
    total_tokens: u64,
}

/// Returns whether the API reports a failure in the stream.
fn is_failure(event: &ReceivedEvent) -> bool {
    let chunk = event.json::<Value>();
    chunk.is_ok_and(|chunk| !chunk["error"].is_null())
}

/// What a client has used. It is counted however its stream ends, so also when it leaves.
struct Usage {
    client: String,
    tokens: u64,
    used: Arc<Mutex<BTreeMap<String, u64>>>,
}

impl Usage {
    fn new(gateway: &Gateway, client: String) -> Self {
        Self {
            client,
            tokens: 0,
            used: Arc::clone(&gateway.used),
        }
    }
}

impl Drop for Usage {
    fn drop(&mut self) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        *used.entry(self.client.clone()).or_default() += self.tokens;
        println!("{} has used {} tokens", self.client, self.tokens);
    }
}

/// What a client may know of a failure. The rest is for the log: an API may repeat the key.
struct Refusal {
    status: StatusCode,
    reason: &'static str,
    retry_after: Option<Duration>,
}

impl Refusal {
    const UNAUTHORIZED: Self = Self::new(StatusCode::UNAUTHORIZED, "unknown client");
    const FAILED: Self = Self::new(StatusCode::BAD_GATEWAY, "the model failed");

    const fn new(status: StatusCode, reason: &'static str) -> Self {
        Self {
            status,
            reason,
            retry_after: None,
        }
    }
}

impl From<&Error> for Refusal {
    fn from(error: &Error) -> Self {
        let retry_after = error.rejected().and_then(Rejected::retry_after);
        let refusal = match error.kind() {
            ErrorKind::Status(rejected) if rejected.status() == StatusCode::TOO_MANY_REQUESTS => {
                Self::new(rejected.status(), "the model is busy")
            }
            ErrorKind::ResponseTimeout { .. } => Self::new(
                StatusCode::GATEWAY_TIMEOUT,
                "the model did not answer in time",
            ),
            ErrorKind::Incomplete | ErrorKind::Body(_) | ErrorKind::IdleTimeout(_) => {
                Self::new(StatusCode::BAD_GATEWAY, "the answer was cut short")
            }
            _ => Self::FAILED,
        };
        Self {
            retry_after,
            ..refusal
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        eprintln!("{error}");
        Self::from(&error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.reason).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
        }
        if let Some(time) = self.retry_after {
            // Whole seconds, not less than what was asked for.
            let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

fn router(api: String, key: String) -> (Router, Gateway) {
    let alice = ("secret-of-alice".to_owned(), "alice".to_owned());
    let gateway = Gateway {
        api,
        key,
        clients: Arc::new([alice].into()),
        used: Arc::default(),
    };
    let router = Router::new().route("/chat", post(chat));
    (router.with_state(gateway.clone()), gateway)
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let api = match std::env::args().nth(1) {
        Some(api) => api,
        None => stand_in::start().await?.url,
    };
    let key = std::env::var("OPENAI_API_KEY").unwrap_or_default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}/chat", listener.local_addr()?);
    axum::serve(listener, router(api, key).0).await
}

#[cfg(test)]
mod gateway_tests;
