//! How do I serve the Model Context Protocol (streamable HTTP), so that a lost connection loses no message?
//!
//! Each call of a tool is a topic: its messages, and at the end its result. A client that has lost the connection
//! sends a GET with its last event ID, which also says which of the session's topics it was in.
//!
//! ```text
//! cargo run -p sse-examples --example mcp_server
//! npx @modelcontextprotocol/inspector --cli http://127.0.0.1:3000/mcp --transport http --method tools/list
//! ```

#[path = "mcp_tools.rs"]
mod tools;

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::map_request;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::post};
use serde_json::Value;
use sse_hub::{Event, Hub};
use sse_hyper::{last_event_id, refused, sse_response};
use tokio::sync::Mutex;

#[derive(Clone, Default)]
struct Mcp {
    hub: Hub,
    /// The topics of each session, its own first, for messages that belong to no call. A real server forgets old ones.
    sessions: Arc<Mutex<HashMap<String, Vec<String>>>>,
}

type Answer = Result<Response, StatusCode>;

async fn receive(State(mcp): State<Mcp>, headers: HeaderMap, Json(message): Json<Value>) -> Answer {
    if message["method"] == "initialize" {
        let number = getrandom::u64().map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        let session = format!("{number:016x}");
        mcp.sessions
            .lock()
            .await
            .insert(session.clone(), vec![session.clone()]);
        return Ok(([("mcp-session-id", session)], Json(tools::answer(&message))).into_response());
    }
    let session = mcp.topics(&headers).await?.swap_remove(0);
    if message["method"] != "tools/call" {
        let answer = tools::answer(&message)
            .map(Json)
            .ok_or(StatusCode::ACCEPTED)?;
        return Ok(answer.into_response());
    }
    let topic = format!("{session} {}", message["id"]);
    if let Some(topics) = mcp.sessions.lock().await.get_mut(&session) {
        topics.push(topic.clone());
    }
    tokio::spawn(tools::call(mcp.hub.clone(), topic.clone(), message));
    mcp.stream(&topic, None).await
}

async fn listen(State(mcp): State<Mcp>, headers: HeaderMap) -> Answer {
    let topics = mcp.topics(&headers).await?;
    let id = last_event_id(&headers);
    let is_in = |topic: &&String| {
        id.as_ref()
            .is_some_and(|id| mcp.hub.position_of(topic, id).is_some())
    };
    let topic = topics.iter().find(is_in).unwrap_or(&topics[0]);
    mcp.stream(topic, id.as_deref()).await
}

async fn end(State(mcp): State<Mcp>, headers: HeaderMap) -> Result<StatusCode, StatusCode> {
    let topics = mcp.topics(&headers).await?;
    mcp.sessions.lock().await.remove(&topics[0]);
    for topic in topics {
        // Ends its streams, and its tool at the next message. A call may have finished already.
        let _ = mcp
            .hub
            .finish(&topic, Event::new().event("end").data("{}"))
            .await;
    }
    Ok(StatusCode::NO_CONTENT)
}

impl Mcp {
    async fn stream(&self, topic: &str, id: Option<&str>) -> Answer {
        let stream = self.hub.subscribe(topic).from_start().resume(id);
        Ok(match stream.open().await {
            Ok(stream) => sse_response((), |(), sse| stream.serve(sse)).into_response(),
            Err(error) => refused(&error).into_response(),
        })
    }

    async fn topics(&self, headers: &HeaderMap) -> Result<Vec<String>, StatusCode> {
        let session = headers
            .get("mcp-session-id")
            .and_then(|id| id.to_str().ok());
        let session = session.ok_or(StatusCode::BAD_REQUEST)?;
        self.sessions
            .lock()
            .await
            .get(session)
            .cloned()
            .ok_or(StatusCode::NOT_FOUND)
    }
}

/// Refuses pages, which could reach a server on localhost (DNS rebinding): programs send no origin.
async fn refuse_pages(request: Request) -> Result<Request, StatusCode> {
    let is_page = request.headers().contains_key(header::ORIGIN);
    if is_page {
        Err(StatusCode::FORBIDDEN)
    } else {
        Ok(request)
    }
}

/// The routes, which the tests of clients serve too.
pub(crate) fn app() -> Router {
    let mcp = post(receive).get(listen).delete(end);
    let routes = Router::new()
        .route("/mcp", mcp)
        .layer(map_request(refuse_pages));
    routes.with_state(Mcp::default())
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app()).await
}
