//! How do I end the streams of users that may no longer read them?
//!
//! A stream ends when its session expires, and at once when the user logs out; its last event says which. A client
//! that comes back is asked for its session again: the answer 401 ends an `EventSource` for good.
//!
//! ```text
//! cargo run -p sse-examples --example dashboard_rights
//! curl -N http://127.0.0.1:3000/sales -H 'Cookie: session=ada'
//! curl -X DELETE http://127.0.0.1:3000/sessions/ada
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use sse_hub::{Event, Hub};
use sse_hyper::{CancellationToken, sse_open};
use tokio::sync::Mutex;
use tokio::time::{Duration, Instant, sleep_until};

#[derive(Clone, Default)]
struct Dashboard {
    hub: Hub,
    /// When each session expires, and what ends it before. A real cookie has a secret, which leads to a user.
    sessions: Arc<Mutex<HashMap<String, (Instant, CancellationToken)>>>,
}

async fn sales(dashboard: State<Dashboard>, request: Request) -> Result<Response, StatusCode> {
    let session = session(request.headers()).ok_or(StatusCode::UNAUTHORIZED)?;
    let session = dashboard.sessions.lock().await.get(&session).cloned();
    let session = session.filter(|(expires, _)| *expires > Instant::now());
    let (expires, ended) = session.ok_or(StatusCode::UNAUTHORIZED)?;
    let sales = dashboard.hub.subscribe("sales");
    let sales = sales.until_with(async move {
        ended.cancelled().await;
        Event::new().event("logged-out").data("{}")
    });
    let sales = sales.until_with(async move {
        sleep_until(expires).await;
        Event::new().event("expired").data("{}")
    });
    Ok(sse_open(request, sales).await.into_response())
}

fn session(headers: &HeaderMap) -> Option<String> {
    let cookie = headers.get(header::COOKIE)?.to_str().ok()?;
    cookie.strip_prefix("session=").map(str::to_owned)
}

async fn log_out(dashboard: State<Dashboard>, Path(session): Path<String>) -> StatusCode {
    if let Some((_, ended)) = dashboard.sessions.lock().await.remove(&session) {
        ended.cancel();
    }
    StatusCode::NO_CONTENT
}

fn app(dashboard: Dashboard) -> axum::Router {
    let sales = axum::Router::new().route("/sales", get(sales));
    let routes = sales.route("/sessions/{session}", delete(log_out));
    routes.with_state(dashboard)
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let dashboard = Dashboard::default();
    let expires = Instant::now() + Duration::from_secs(60);
    let session = (expires, CancellationToken::new());
    let mut sessions = dashboard.sessions.lock().await;
    sessions.insert("ada".to_owned(), session);
    drop(sessions);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app(dashboard)).await
}

#[cfg(test)]
mod dashboard_rights_tests;
