//! A stand-in for the API of a language model, for the example `llm_client`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use sse_hyper::{SendError, Sse, sse_response};

static IS_READY: AtomicBool = AtomicBool::new(false);

/// Starts a server on a free port, and returns its URL. It answers the first request with 429, and
/// later ones with a sample stream.
///
/// # Errors
///
/// When there is no free port.
pub async fn start() -> std::io::Result<String> {
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
    let sample = include_str!("streams/openai-chat.sse").lines();
    let chunks = sample.filter_map(|line| line.strip_prefix("data: "));
    let stream = sse_response(request, async |_request, sse: Sse| {
        for data in chunks {
            sse.send(data).await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok::<_, SendError>(())
    });
    stream.into_response()
}
