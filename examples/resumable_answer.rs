//! How does the answer of a language model survive a reload of its page?
//!
//! The answer is a topic, which a task writes whether a page reads it or not. A page that comes back gets what it
//! has missed, a new one gets all of it, and one that has all of it gets 204, at which an `EventSource` stops.
//!
//! ```text
//! cargo run -p sse-examples --example resumable_answer
//! curl -i http://127.0.0.1:3000/answers -d 'What is a topic?'
//! curl -N http://127.0.0.1:3000/answers/…
//! ```

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use sse_hub::{Event, Hub, PublishError};
use sse_hyper::sse_open;
use tokio::sync::Mutex;

#[derive(Clone, Default)]
struct Chat {
    hub: Hub,
    /// Stands for a table, which also has the user of each answer.
    answers: Arc<Mutex<HashSet<String>>>,
}

async fn ask(State(chat): State<Chat>, question: String) -> Result<impl IntoResponse, StatusCode> {
    let number = getrandom::u64().map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let path = format!("/answers/{number:016x}");
    chat.answers.lock().await.insert(path.clone());
    tokio::spawn(answer(chat.hub, path.clone(), question));
    Ok((StatusCode::CREATED, [(header::LOCATION, path)]))
}

/// Stands for a language model, which answers with the question.
async fn answer(hub: Hub, topic: String, question: String) -> Result<(), PublishError> {
    for token in question.split_inclusive(' ') {
        hub.publish(&topic, token).await?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let last = Event::new().event("done").data("{}");
    hub.finish(&topic, last).await.map(drop)
}

async fn read(State(chat): State<Chat>, request: Request) -> Response {
    let topic = request.uri().path().to_owned();
    if !chat.answers.lock().await.contains(&topic) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let answer = chat.hub.subscribe(topic).from_start();
    sse_open(request, answer).await.into_response()
}

fn app() -> Router {
    let routes = Router::new()
        .route("/answers", post(ask))
        .route("/answers/{number}", get(read));
    routes.with_state(Chat::default())
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app()).await
}

#[cfg(test)]
mod resumable_answer_tests;
