//! The service itself: its description, what it refuses, and how it ends.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::Harness;

#[tokio::test]
async fn it_reports_the_capabilities_of_the_client() {
    let harness = Harness::start().await;
    let (status, headers, body) = harness.request(Method::GET, "/", "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers["content-type"], "application/json");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(body["name"], "sse-eventsource");
    // This folder has a test for each of them.
    let capabilities = [
        "bom",
        "comments",
        "headers",
        "last-event-id",
        "payload-size-stress-testable",
        "post",
        "read-timeout",
        "report",
        "restart",
        "server-directed-shutdown-request",
    ];
    assert_eq!(body["capabilities"], json!(capabilities));
}

#[tokio::test]
async fn what_is_invalid_is_refused() {
    let harness = Harness::start().await;
    let url = harness.url("/stream");
    for (parameters, reason) in [
        (json!("text"), "invalid type"),
        (json!({}), "missing field `streamUrl`"),
        (json!({ "streamUrl": url }), "missing field `callbackUrl`"),
        (
            json!({ "streamUrl": "no URL", "callbackUrl": url }),
            "invalid URL",
        ),
        (
            json!({ "streamUrl": url, "callbackUrl": "no URL" }),
            "invalid",
        ),
        (
            json!({ "streamUrl": url, "callbackUrl": url, "method": "N O" }),
            "invalid HTTP method",
        ),
        (
            json!({ "streamUrl": url, "callbackUrl": url, "headers": { "a b": "c" } }),
            "invalid request",
        ),
        (
            json!({ "streamUrl": url, "callbackUrl": url, "initialDelayMs": -1 }),
            "invalid value",
        ),
    ] {
        let made = harness.request(Method::POST, "/", parameters.to_string());
        let (status, _, body) = made.await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{parameters}");
        assert!(body.contains(reason), "{parameters}: {body}");
    }
    let (status, ..) = harness.request(Method::POST, "/", "{").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(harness.requests(), 0);
}

#[tokio::test]
async fn commands_need_an_existing_client() {
    let harness = Harness::start().await;
    let (client, connection) = harness.connected(json!({})).await;
    let unknown = json!({ "command": "dance" });
    assert_eq!(client.command(unknown).await, StatusCode::BAD_REQUEST);
    let path = client.path.clone();
    client.close().await;
    connection.closed().await;
    for method in [Method::POST, Method::DELETE] {
        let command = r#"{"command": "restart"}"#;
        let (status, ..) = harness.request(method, &path, command).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn clients_are_independent() {
    let harness = Harness::start().await;
    let (mut first, to_first) = harness.connected(json!({})).await;
    let (mut second, to_second) = harness.connected(json!({})).await;
    to_second.send("data: b\n\n");
    second.expect_data(&["b"]).await;
    to_first.send("data: a\n\n");
    first.expect_data(&["a"]).await;
    second.close().await;
    to_second.closed().await;
    to_first.send("data: still\n\n");
    first.expect_data(&["still"]).await;
    first.close().await;
}

#[tokio::test]
async fn it_ends_on_request_and_closes_its_streams() {
    let mut harness = Harness::start().await;
    let (_, connection) = harness.connected(json!({})).await;
    let (status, ..) = harness.request(Method::DELETE, "/", "").await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    connection.closed().await;
    let exit = harness.process.wait().await.expect("its status");
    assert!(exit.success(), "{exit}");
}
