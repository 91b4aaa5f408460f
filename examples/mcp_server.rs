//! How do I serve the Model Context Protocol (streamable HTTP), so that a lost connection loses no message?
//!
//! Each call of a tool is a topic: its messages, and at the end its result. A client that has lost the connection
//! sends a GET with its last event ID, which also says which of the session's topics it was in.
//!
//! ```text
//! cargo run -p sse-examples --example mcp_server
//! curl -i http://127.0.0.1:3000/mcp --json '{"id":1,"method":"initialize"}'
//! curl -N http://127.0.0.1:3000/mcp -H 'Mcp-Session-Id: …' --json '{"id":2,"method":"tools/call"}'
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, middleware, routing::post};
use serde_json::Value;
use sse_hub::{Event, Hub};
use sse_hyper::{last_event_id, refused, sse_response};
use tokio::sync::Mutex;

use crate::mcp_tools as tools;

#[derive(Clone, Default)]
struct Mcp {
    hub: Hub,
    /// The topics of each session, the first for messages that belong to no call. A real server forgets old ones.
    sessions: Arc<Mutex<HashMap<HeaderValue, Vec<String>>>>,
}

async fn receive(mcp: State<Mcp>, headers: HeaderMap, Json(message): Json<Value>) -> Answer {
    if message["method"] == "initialize" {
        let session = getrandom::u64().map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        let topics = vec![session.to_string()];
        mcp.sessions.lock().await.insert(session.into(), topics);
        let session = [("mcp-session-id", HeaderValue::from(session))];
        return Ok((session, Json(tools::answer(&message))).into_response());
    }
    let mut sessions = mcp.sessions.lock().await;
    let topics = sessions
        .get_mut(session(&headers)?)
        .ok_or(StatusCode::NOT_FOUND)?;
    if message["method"] != "tools/call" {
        let answer = tools::answer(&message).ok_or(StatusCode::ACCEPTED)?;
        return Ok(Json(answer).into_response());
    }
    let topic = format!("{} {}", topics[0], message["id"]);
    topics.push(topic.clone());
    drop(sessions);
    tokio::spawn(tools::call(mcp.hub.clone(), topic.clone(), message));
    stream(&mcp.hub, &topic, None).await
}

async fn listen(mcp: State<Mcp>, headers: HeaderMap) -> Answer {
    let sessions = mcp.sessions.lock().await;
    let topics = sessions
        .get(session(&headers)?)
        .ok_or(StatusCode::NOT_FOUND)?
        .clone();
    drop(sessions);
    let id = last_event_id(&headers);
    let mut of_id = mcp
        .hub
        .topics_of(id.as_deref().unwrap_or_default(), &topics);
    let topic = of_id.next().unwrap_or(&topics[0]).clone();
    drop(of_id);
    stream(&mcp.hub, &topic, id.as_deref()).await
}

async fn end(mcp: State<Mcp>, headers: HeaderMap) -> Answer {
    let topics = mcp.sessions.lock().await.remove(session(&headers)?);
    for topic in topics.ok_or(StatusCode::NOT_FOUND)? {
        // Ends its streams, and its tool at the next message. A call may have finished already.
        let last = Event::new().event("end").data("{}");
        let _ = mcp.hub.finish(&topic, last).await;
    }
    Err(StatusCode::NO_CONTENT)
}

type Answer = Result<Response, StatusCode>;

async fn stream(hub: &Hub, topic: &str, id: Option<&str>) -> Answer {
    let stream = hub.subscribe(topic).from_start().resume(id);
    Ok(match stream.open().await {
        Ok(stream) => sse_response((), |(), sse| stream.serve(sse)).into_response(),
        Err(error) => refused(&error).into_response(),
    })
}

fn session(headers: &HeaderMap) -> Result<&HeaderValue, StatusCode> {
    headers.get("mcp-session-id").ok_or(StatusCode::BAD_REQUEST)
}

/// Refuses pages, which could reach a server on localhost (DNS rebinding): programs send no origin.
async fn no_page(request: Request) -> Result<Request, StatusCode> {
    let is_page = request.headers().contains_key(header::ORIGIN);
    (!is_page).then_some(request).ok_or(StatusCode::FORBIDDEN)
}

/// Returns the routes of a server without sessions.
pub fn app() -> Router {
    let mcp = post(receive).get(listen).delete(end);
    let mcp = mcp.layer(middleware::map_request(no_page));
    Router::new().route("/mcp", mcp).with_state(Mcp::default())
}
