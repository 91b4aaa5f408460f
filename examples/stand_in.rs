//! A stand-in for the APIs of language models, for the examples that ask one.
//!
//! It answers any question with a sample stream, except that a question that contains one of these
//! words shows a failure:
//!
//! | word | the answer |
//! |---|---|
//! | `busy` | 429, with `Retry-After: 7` |
//! | `half` | half of the stream, which then ends in order |
//! | `cut` | half of the stream, which is then cut |
//! | `fail` | half of the stream, then an error in it |
//! | `wait` | half of the stream, then nothing |

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use sse_hyper::{BoxError, Sse, sse_response};
use tokio::sync::watch;

/// A running server.
#[derive(Clone, Debug)]
pub struct StandIn {
    /// Its URL, without a path.
    pub url: String,
    /// The number of streams that are open.
    pub open: watch::Receiver<usize>,
}

/// Starts a server on a free port.
///
/// # Errors
///
/// When there is no free port.
pub async fn start() -> std::io::Result<StandIn> {
    serve(false).await
}

/// Starts a server that answers the first request with 429, as a busy model does.
///
/// # Errors
///
/// When there is no free port.
pub async fn start_busy() -> std::io::Result<StandIn> {
    serve(true).await
}

#[derive(Clone)]
struct Api {
    is_busy: Arc<AtomicBool>,
    open: watch::Sender<usize>,
}

async fn serve(is_busy: bool) -> std::io::Result<StandIn> {
    let (open, open_streams) = watch::channel(0);
    let api = Api {
        is_busy: Arc::new(is_busy.into()),
        open,
    };
    let app = Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/responses", post(responses))
        .route("/v1/messages", post(messages))
        .route("/v1beta/models/{model}", post(gemini))
        .with_state(api);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async { axum::serve(listener, app).await });
    Ok(StandIn {
        url,
        open: open_streams,
    })
}

async fn chat(State(api): State<Api>, question: String) -> Response {
    let error = "data: {\"error\":{\"message\":\"overloaded\",\"code\":529}}\n\n";
    api.answer(&question, include_str!("streams/openai-chat.sse"), error)
}

async fn responses(State(api): State<Api>, question: String) -> Response {
    let error = "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\"}\n\n";
    let stream = include_str!("streams/openai-responses.sse");
    api.answer(&question, stream, error)
}

async fn messages(State(api): State<Api>, question: String) -> Response {
    let error =
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n";
    let stream = include_str!("streams/anthropic-messages.sse");
    api.answer(&question, stream, error)
}

async fn gemini(State(api): State<Api>, question: String) -> Response {
    let error = "data: {\"error\":{\"code\":503,\"status\":\"UNAVAILABLE\"}}\n\n";
    api.answer(&question, include_str!("streams/gemini.sse"), error)
}

impl Api {
    fn answer(&self, question: &str, stream: &'static str, error: &'static str) -> Response {
        if self.is_busy.swap(false, Ordering::Relaxed) {
            return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")]).into_response();
        }
        if question.contains("busy") {
            return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "7")]).into_response();
        }
        let events: Vec<_> = stream.split_inclusive("\n\n").collect();
        let half = events.len() / 2;
        let failures = ["half", "cut", "fail", "wait"];
        let failure = failures.into_iter().find(|word| question.contains(word));
        let open = Open::new(&self.open);
        let response = sse_response(HeaderMap::new(), move |_, sse: Sse| async move {
            let _open = open;
            let count = failure.map_or(events.len(), |_| half);
            for event in &events[..count] {
                sse.send_encoded((*event).into()).await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            match failure {
                Some("cut") => return Err("out of memory".into()),
                Some("fail") => sse.send_encoded(error.into()).await?,
                Some("wait") => std::future::pending().await,
                _ => {}
            }
            Ok::<_, BoxError>(())
        });
        response.into_response()
    }
}

/// Counts a stream for as long as it is open.
struct Open(watch::Sender<usize>);

impl Open {
    fn new(open: &watch::Sender<usize>) -> Self {
        open.send_modify(|count| *count += 1);
        Self(open.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
