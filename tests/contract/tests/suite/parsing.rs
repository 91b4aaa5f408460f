//! Fields and events (HTML § 9.2.6).

use serde_json::json;

use crate::harness::Harness;

/// An event: its type, data and last event ID.
type Event = (&'static str, &'static str, &'static str);

/// The chunks of a stream, and its events.
const STREAMS: &[(&[&str], &[Event])] = &[
    (&["data: one line\n\n"], &[("message", "one line", "")]),
    (
        &["data: in two", " chunks\n\n"],
        &[("message", "in two chunks", "")],
    ),
    (
        &["data: a\n\ndata: b\n\n"],
        &[("message", "a", ""), ("message", "b", "")],
    ),
    (
        &["data: fi", "rst\n\ndata:", "second\n\n"],
        &[("message", "first", ""), ("message", "second", "")],
    ),
    (&["data: a\ndata:b\n\n"], &[("message", "a\nb", "")]),
    (&["data:\n\n"], &[("message", "", "")]),
    (&["event: named\ndata: a\n\n"], &[("named", "a", "")]),
    (&["id: 7\ndata: a\n\n"], &[("message", "a", "7")]),
    (
        &["event: named\nid: 7\ndata: a\n\n"],
        &[("named", "a", "7")],
    ),
    (
        &["data: a\nid: 7\nevent: named\n\n"],
        &[("named", "a", "7")],
    ),
    (&["id: a\0b\ndata: a\n\n"], &[("message", "a", "")]),
    (
        &["id: 7\ndata: a\n\n", "data: b\n\n"],
        &[("message", "a", "7"), ("message", "b", "7")],
    ),
    (
        &["id: 7\ndata: a\n\n", "id: \ndata: b\n\n"],
        &[("message", "a", "7"), ("message", "b", "")],
    ),
    (
        &["event: named\nunknown: field\ndata: a\n\n"],
        &[("named", "a", "")],
    ),
    (&["event:named\ndata:a\n\n"], &[("named", "a", "")]),
    (&["event:  named\ndata:  a\n\n"], &[(" named", " a", "")]),
    (
        &["data\n\ndata\ndata\n\n"],
        &[("message", "", ""), ("message", "\n", "")],
    ),
    (&["data: ¢ – 雪 😀\n\n"], &[("message", "¢ – 雪 😀", "")]),
    (
        // Neither is an event.
        &["event: named\n\nid: 7\n\n", "data: a\n\n"],
        &[("message", "a", "7")],
    ),
];

#[tokio::test]
async fn streams_are_parsed_as_in_the_standard() {
    let harness = Harness::start().await;
    for (chunks, events) in STREAMS {
        println!("{chunks:?}");
        let (mut client, connection) = harness.connected(json!({})).await;
        // For clients that need to know the types of events.
        let listen = json!({ "command": "listen", "listen": { "type": "named" } });
        assert!(client.command(listen).await.is_success());
        for chunk in *chunks {
            connection.send(*chunk);
        }
        for (event, data, id) in *events {
            client.expect_event(event, data, id).await;
        }
        client.close().await;
    }
}

#[tokio::test]
async fn characters_may_arrive_byte_by_byte() {
    let harness = Harness::start().await;
    let (mut client, connection) = harness.connected(json!({})).await;
    connection.send_in_pieces("data: ¢ – 雪 😀\n\n", 1).await;
    client.expect_data(&["¢ – 雪 😀"]).await;
    client.close().await;
}

#[tokio::test]
async fn many_events_are_reported_in_their_order() {
    let harness = Harness::start().await;
    let (mut client, connection) = harness.connected(json!({})).await;
    let stream = (0..100).map(|number| format!("data: {number}\n\n"));
    connection.send(stream.collect::<String>());
    for number in 0..100 {
        client.expect_data(&[&number.to_string()]).await;
    }
    client.close().await;
}

#[tokio::test]
async fn large_events_arrive_whole() {
    const HALF: usize = 7 * 1024 * 1024;
    let harness = Harness::start().await;
    let (mut client, connection) = harness.connected(json!({})).await;
    // The length of the period is not a power of two.
    let text: String = (' '..='~').cycle().take(2 * HALF).collect();
    let (first, second) = text.split_at(HALF);

    connection.send(format!("data: {first}\n\n"));
    let message = client.message().await;
    assert!(message["event"]["data"] == first, "the data differs");

    connection.send(format!("data: {first}"));
    connection.send(format!("{second}\n\n"));
    let message = client.message().await;
    assert!(message["event"]["data"] == text, "the data differs");
    client.close().await;
}

#[tokio::test]
async fn payloads_of_any_size_arrive_promptly() {
    let harness = Harness::start().await;
    let (mut client, connection) = harness.connected(json!({})).await;
    // Around the sizes of buffers, and beyond the client's default limit.
    let sizes = (0..=20).step_by(4).chain([24]).map(|power| 1 << power);
    for size in sizes.flat_map(|size| [size, size + 1]) {
        let data = "x".repeat(size);
        connection.send(format!("data: {data}\n\n"));
        let message = client.message().await;
        assert!(message["event"]["data"] == data, "{size} bytes");
    }
    client.close().await;
}
