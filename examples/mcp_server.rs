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

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, middleware, routing::post};
use serde_json::Value;
use sse_hub::{Event, Hub};
use sse_hyper::{last_event_id, sse_open};

use crate::mcp_sessions::Sessions;
use crate::mcp_tools as tools;

#[derive(Clone, Default)]
struct Mcp {
    hub: Hub,
    sessions: Sessions,
}

type Answer = Result<Response, StatusCode>;

async fn receive(mcp: State<Mcp>, headers: HeaderMap, Json(message): Json<Value>) -> Answer {
    if message["method"] == "initialize" {
        let session = [("mcp-session-id", mcp.sessions.begin()?)];
        return Ok((session, Json(tools::answer(&message))).into_response());
    }
    let topics = mcp.sessions.topics(&headers)?;
    if message["method"] != "tools/call" {
        let answer = tools::answer(&message).ok_or(StatusCode::ACCEPTED)?;
        return Ok(Json(answer).into_response());
    }
    let topic = format!("{} {}", topics[0], message["id"]);
    mcp.sessions.add(&headers, &topic);
    tokio::spawn(tools::call(mcp.hub.clone(), topic.clone(), message));
    let messages = mcp.hub.subscribe(topic).from_start();
    Ok(sse_open((), messages).await.into_response())
}

async fn listen(mcp: State<Mcp>, headers: HeaderMap) -> Answer {
    let topics = mcp.sessions.topics(&headers)?;
    let id = last_event_id(&headers).unwrap_or_default();
    let mut of_id = mcp.hub.topics_of(&id, &topics);
    let topic = of_id.next().unwrap_or(&topics[0]);
    let messages = mcp.hub.subscribe(topic).from_start();
    Ok(sse_open(headers, messages).await.into_response())
}

async fn end(mcp: State<Mcp>, headers: HeaderMap) -> Answer {
    for topic in mcp.sessions.end(&headers)? {
        // Ends its streams, and its tool at the next message. A call may have finished already.
        let last = Event::new().event("end").data("{}");
        let _ = mcp.hub.finish(&topic, last).await;
    }
    Err(StatusCode::NO_CONTENT)
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
