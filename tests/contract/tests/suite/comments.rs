//! Comments, which are reported as updates (capability `comments`).

use serde_json::json;

use crate::harness::Harness;

#[tokio::test]
async fn comments_are_reported_at_their_line_end() {
    let harness = Harness::start().await;
    let (mut client, connection) = harness.connected(json!({})).await;
    connection.send(":first\n");
    client.expect_comment("first").await;
    // One space after the colon is skipped, as in fields.
    connection.send(": second\n");
    client.expect_comment("second").await;
    connection.send(":\n");
    client.expect_comment("").await;
    client.close().await;
}

#[tokio::test]
async fn comments_are_reported_in_their_place() {
    let harness = Harness::start().await;
    let (mut client, connection) = harness.connected(json!({})).await;
    connection.send(":before\ndata: a\n:within\ndata: b\n\n:after\n");
    client.expect_comment("before").await;
    client.expect_comment("within").await;
    client.expect_data(&["a\nb"]).await;
    client.expect_comment("after").await;
    client.close().await;
}
