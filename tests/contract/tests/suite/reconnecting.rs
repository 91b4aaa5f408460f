//! What follows when a stream ends, is cut, is silent for too long or is restarted (HTML § 9.2.3).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::Harness;

fn at_once() -> Value {
    json!({ "initialDelayMs": 0 })
}

#[tokio::test]
async fn a_stream_is_resumed_after_the_last_id() {
    for (stream, events, last_event_id) in [
        ("id: 7\ndata: a\n\n", &[("a", "7")][..], Some("7")),
        (
            "id: 7\ndata: a\n\ndata: b\n\n",
            &[("a", "7"), ("b", "7")],
            Some("7"),
        ),
        (
            "id: 7\ndata: a\n\nid:\ndata: b\n\n",
            &[("a", "7"), ("b", "")],
            None,
        ),
        (
            "id: 7\ndata: a\n\nid: 8\n\ndata: b\n\n",
            &[("a", "7"), ("b", "8")],
            Some("8"),
        ),
    ] {
        let harness = Harness::start().await;
        let (mut client, connection) = harness.connected(at_once()).await;
        assert_eq!(connection.header("last-event-id"), None);
        connection.send(stream);
        for (data, id) in events {
            client.expect_event("message", data, id).await;
        }
        connection.end();
        let connection = harness.connection().await;
        assert_eq!(connection.header("last-event-id"), last_event_id);
        connection.send("id: 9\ndata: new\n\n");
        client.expect_event("message", "new", "9").await;
        client.close().await;
    }
}

#[tokio::test]
async fn a_cut_is_an_error_and_the_stream_resumed() {
    let harness = Harness::start().await;
    let (mut client, connection) = harness.connected(at_once()).await;
    connection.send("id: 7\ndata: a\n\n");
    client.expect_event("message", "a", "7").await;
    connection.cut();
    let url = harness.url("/stream");
    let lost = client.expect_error().await;
    let start = format!("GET {url}: the connection was lost: ");
    assert!(lost.starts_with(&start), "{lost}");
    let connection = harness.connection().await;
    assert_eq!(connection.header("last-event-id"), Some("7"));
    connection.send("data: b\n\n");
    client.expect_event("message", "b", "7").await;
    client.close().await;
}

#[tokio::test]
async fn an_incomplete_event_is_discarded() {
    let harness = Harness::start().await;
    let (mut client, connection) = harness.connected(at_once()).await;
    connection.send("id: 7\ndata: a\n\nid: 8\nevent: named\ndata: incomplete");
    client.expect_event("message", "a", "7").await;
    connection.end();
    let connection = harness.connection().await;
    assert_eq!(connection.header("last-event-id"), Some("7"));
    connection.send("data: b\n\n");
    client.expect_event("message", "b", "7").await;
    client.close().await;
}

#[tokio::test]
async fn a_body_is_sent_again() {
    let harness = Harness::start().await;
    let parameters = json!({
        "initialDelayMs": 0,
        "method": "POST",
        "headers": { "content-type": "application/json" },
        "body": "[1, 2]",
    });
    let (client, mut connection) = harness.connected(parameters).await;
    for _ in 0..3 {
        assert_eq!(connection.head.method.as_str(), "POST");
        assert_eq!(connection.header("content-type"), Some("application/json"));
        assert_eq!(connection.body, "[1, 2]");
        connection.end();
        connection = harness.connection().await;
    }
    client.close().await;
}

#[tokio::test]
async fn the_server_sets_the_reconnection_time() {
    let harness = Harness::start().await;
    let (mut client, connection) = harness.connected(at_once()).await;
    connection.send("retry: 700\n:set\n");
    client.expect_comment("set").await;
    let ended = Instant::now();
    connection.end();
    harness.connection().await;
    assert!(ended.elapsed() >= Duration::from_millis(700));
    client.close().await;
}

#[tokio::test]
async fn a_silent_stream_is_an_error_and_resumed() {
    let harness = Harness::start().await;
    let parameters = json!({ "initialDelayMs": 0, "readTimeoutMs": 1000 });
    let (mut client, connection) = harness.connected(parameters).await;
    connection.send("id: 7\ndata: a\n\n");
    client.expect_event("message", "a", "7").await;
    let expected = format!("GET {}: no data received for 1s", harness.url("/stream"));
    assert_eq!(client.expect_error().await, expected);
    connection.closed().await;
    let connection = harness.connection().await;
    assert_eq!(connection.header("last-event-id"), Some("7"));
}

#[tokio::test]
async fn a_restart_closes_the_connection_and_resumes_the_stream() {
    let harness = Harness::start().await;
    let (mut client, mut connection) = harness.connected(at_once()).await;
    for round in 1..=3 {
        let (data, id) = (format!("round {round}"), round.to_string());
        connection.send(format!("id: {id}\ndata: {data}\n\n"));
        client.expect_event("message", &data, &id).await;
        let restart = json!({ "command": "restart" });
        assert!(client.command(restart).await.is_success());
        connection.closed().await;
        connection = harness.connection().await;
        assert_eq!(connection.header("last-event-id"), Some(&*id));
    }
    client.close().await;
}
