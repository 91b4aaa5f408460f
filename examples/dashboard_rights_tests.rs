//! Users that lose their rights, over sockets.

use futures_util::TryStreamExt as _;
use sse_eventsource::{Backoff, EventSource};

use super::*;

/// Starts a server with these sessions, and returns its URL.
async fn start(dashboard: &Dashboard, sessions: &[(&str, Duration)]) -> String {
    for (session, lifetime) in sessions {
        let expires = Instant::now() + *lifetime;
        let mut sessions = dashboard.sessions.lock().await;
        let session = (*session).to_owned();
        sessions.insert(session, (expires, CancellationToken::new()));
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let app = app(dashboard.clone());
    tokio::spawn(async { axum::serve(listener, app).await });
    url
}

/// Opens the stream of a user that comes back.
async fn open(server: &str, session: &str) -> EventSource {
    let page = EventSource::get(format!("{server}/sales")).backoff(Backoff::short());
    let page = page.header("cookie", format!("session={session}"));
    let mut events = page.build().expect("valid");
    events.opened().await.expect("no failure");
    events
}

/// Reads one event.
async fn next(events: &mut EventSource) -> (String, String) {
    let event = events
        .try_next()
        .await
        .expect("no failure")
        .expect("an event");
    (event.event().to_owned(), event.data().to_owned())
}

/// Checks that the client is refused for good.
async fn is_refused(events: &mut EventSource) {
    let error = events.try_next().await.expect_err("a refusal");
    let status = error
        .kind()
        .rejected()
        .map(|response| response.status().as_u16());
    assert_eq!(status, Some(401), "{error}");
    assert!(events.try_next().await.expect("an end").is_none());
}

fn event(name: &str, data: &str) -> (String, String) {
    (name.to_owned(), data.to_owned())
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn a_stream_ends_with_its_session_and_is_refused_afterwards() {
    let dashboard = Dashboard::default();
    let short = Duration::from_millis(500);
    let server = start(&dashboard, &[("ada", short), ("bob", DAY)]).await;
    let mut ada = open(&server, "ada").await;
    let mut bob = open(&server, "bob").await;
    dashboard.hub.publish("sales", "1").await.expect("a topic");
    assert_eq!(next(&mut ada).await, event("message", "1"));
    assert_eq!(next(&mut ada).await, event("expired", "{}"));
    dashboard.hub.publish("sales", "2").await.expect("a topic");
    is_refused(&mut ada).await;
    // Others go on.
    assert_eq!(next(&mut bob).await, event("message", "1"));
    assert_eq!(next(&mut bob).await, event("message", "2"));
}

#[tokio::test]
async fn a_session_that_is_ended_takes_its_streams_along() {
    let dashboard = Dashboard::default();
    let server = start(&dashboard, &[("ada", DAY), ("bob", DAY)]).await;
    let mut ada = open(&server, "ada").await;
    let mut bob = open(&server, "bob").await;
    dashboard.hub.publish("sales", "1").await.expect("a topic");
    assert_eq!(next(&mut ada).await, event("message", "1"));
    let log_out = reqwest::Client::new().delete(format!("{server}/sessions/ada"));
    assert_eq!(log_out.send().await.expect("a response").status(), 204);
    dashboard.hub.publish("sales", "2").await.expect("a topic");
    assert_eq!(next(&mut ada).await, event("logged-out", "{}"));
    is_refused(&mut ada).await;
    assert_eq!(next(&mut bob).await, event("message", "1"));
    assert_eq!(next(&mut bob).await, event("message", "2"));
}
