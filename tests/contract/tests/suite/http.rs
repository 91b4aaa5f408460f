//! Requests and responses (HTML § 9.2.2), and the parameters of the request.

use std::time::Duration;

use http::Method;
use serde_json::json;

use crate::harness::Harness;

/// How long a test waits to see that there is no request.
const PAUSE: Duration = Duration::from_millis(500);

#[tokio::test]
async fn the_request_is_that_of_the_standard() {
    let harness = Harness::start().await;
    let (client, connection) = harness.connected(json!({})).await;
    assert_eq!(connection.head.method, Method::GET);
    assert_eq!(connection.header("accept"), Some("text/event-stream"));
    assert_eq!(connection.header("cache-control"), Some("no-cache"));
    assert_eq!(connection.header("last-event-id"), None);
    assert!(connection.body.is_empty());
    client.close().await;
}

#[tokio::test]
async fn headers_are_sent() {
    let harness = Harness::start().await;
    let headers = json!({ "x-first": "1", "x-second": "2", "accept": "*/*" });
    let (client, connection) = harness.connected(json!({ "headers": headers })).await;
    assert_eq!(connection.header("x-first"), Some("1"));
    assert_eq!(connection.header("x-second"), Some("2"));
    assert_eq!(connection.header("accept"), Some("*/*"));
    client.close().await;
}

#[tokio::test]
async fn a_body_is_sent_with_any_method() {
    let harness = Harness::start().await;
    for method in ["POST", "REPORT"] {
        let content_type = "application/json; charset=utf-8";
        let parameters = json!({
            "method": method,
            "headers": { "content-type": content_type },
            "body": r#"{"question": 42}"#,
        });
        let (client, connection) = harness.connected(parameters).await;
        assert_eq!(connection.head.method.as_str(), method);
        assert_eq!(connection.header("content-type"), Some(content_type));
        assert_eq!(connection.body, r#"{"question": 42}"#);
        client.close().await;
    }
}

#[tokio::test]
async fn the_initial_last_event_id_is_sent_and_reported() {
    let harness = Harness::start().await;
    let (mut client, connection) = harness.connected(json!({ "lastEventId": "7" })).await;
    assert_eq!(connection.header("last-event-id"), Some("7"));
    connection.send("data: a\n\n");
    client.expect_event("message", "a", "7").await;
    client.close().await;
}

#[tokio::test]
async fn redirects_are_followed() {
    let harness = Harness::start().await;
    for status in [301, 302, 303, 307, 308] {
        let url = harness.url(&format!("/redirect/{status}/stream"));
        let parameters = json!({ "streamUrl": url, "lastEventId": "7" });
        let (mut client, connection) = harness.connected(parameters).await;
        assert_eq!(connection.header("last-event-id"), Some("7"));
        assert_eq!(connection.header("accept"), Some("text/event-stream"));
        connection.send("data: a\n\n");
        client.expect_event("message", "a", "7").await;
        client.close().await;
    }
}

#[tokio::test]
async fn a_redirect_keeps_method_and_body_only_with_307_and_308() {
    let harness = Harness::start().await;
    for (status, method, body) in [
        (301, "GET", ""),
        (302, "GET", ""),
        (303, "GET", ""),
        (307, "POST", "question"),
        (308, "POST", "question"),
    ] {
        let url = harness.url(&format!("/redirect/{status}/stream"));
        let parameters = json!({ "streamUrl": url, "method": "POST", "body": "question" });
        let (client, connection) = harness.connected(parameters).await;
        assert_eq!(connection.head.method.as_str(), method, "{status}");
        assert_eq!(connection.body, body, "{status}");
        client.close().await;
    }
}

#[tokio::test]
async fn a_redirect_without_a_target_is_an_error() {
    let harness = Harness::start().await;
    for status in [301, 302, 303, 307, 308] {
        for (location, error, requests) in [
            ("missing", "unexpected status", 1),
            // An empty location is the URL itself.
            ("empty", "the redirect was not followed", 21),
        ] {
            let before = harness.requests();
            let url = harness.url(&format!("/redirect/{status}/{location}"));
            let mut client = harness.client(json!({ "streamUrl": &url })).await;
            let reported = client.expect_error().await;
            assert!(
                reported.starts_with(&format!("GET {url}: {error}")),
                "{status} {location}: {reported}"
            );
            client.close().await;
            assert_eq!(harness.requests() - before, requests, "{status} {location}");
        }
    }
}

#[tokio::test]
async fn no_content_is_final() {
    let harness = Harness::start().await;
    let url = harness.url("/status/204");
    // The public suite sets no delay.
    let parameters = [
        json!({ "streamUrl": url }),
        json!({ "streamUrl": url, "initialDelayMs": 0 }),
    ];
    for (before, parameters) in parameters.into_iter().enumerate() {
        let client = harness.client(parameters).await;
        tokio::time::sleep(PAUSE).await;
        assert_eq!(harness.requests(), before + 1);
        client.close().await;
    }
}

#[tokio::test]
async fn a_permanent_failure_is_an_error_and_final() {
    let harness = Harness::start().await;
    let paths = ["/status/400", "/status/401", "/status/404", "/status/501"];
    for (before, path) in paths.into_iter().chain(["/type/html"]).enumerate() {
        let parameters = json!({ "streamUrl": harness.url(path), "initialDelayMs": 0 });
        let mut client = harness.client(parameters).await;
        client.expect_error().await;
        tokio::time::sleep(PAUSE).await;
        assert_eq!(harness.requests(), before + 1, "{path}");
        client.close().await;
    }
}

#[tokio::test]
async fn a_transient_failure_is_an_error_and_retried() {
    for status in [429, 500, 503] {
        let harness = Harness::start().await;
        let url = harness.url(&format!("/failing-once/{status}"));
        let parameters = json!({ "streamUrl": url, "initialDelayMs": 0 });
        let (mut client, connection) = harness.connected(parameters).await;
        client.expect_error().await;
        connection.send("data: a\n\n");
        client.expect_data(&["a"]).await;
        client.close().await;
    }
}
